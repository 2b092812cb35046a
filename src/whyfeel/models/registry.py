"""From what a user writes after `--model` to a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from whyfeel.engine import Model, Price
from whyfeel.environment import variable
from whyfeel.errors import UserError
from whyfeel.models.endpoint import Endpoint
from whyfeel.models.local import find_local, open_local
from whyfeel.models.presets import ANY_SERVER_KEY, PRESETS, Preset
from whyfeel.models.prices import Prices
from whyfeel.models.replay import Replay

LOCAL = "local"
STRANGE = re.compile(r"[\s\\\x00-\x1f\x7f\ud800-\udfff]")  # no address holds these
FORMS = "http://host:port/v1#NAME, local:FOLDER, replay:RUN, baseline:NAME, or PROVIDER:NAME with one of: " + ", ".join(
    PRESETS
)


@dataclass(frozen=True, slots=True)
class PresetState:
    """A preset as it stands on this machine; says where its key is, never what it is.

    Attributes:
        preset: the preset.
        base_url: its address, as the environment may have moved it.
        key_variable: the environment variable its key is read from.
        key_set: whether there is one.
    """

    preset: Preset
    base_url: str
    key_variable: str
    key_set: bool


def preset_states() -> list[PresetState]:
    """Every preset with its present address and whether its key is set."""
    keys = {preset.name: _key_variable(preset) for preset in PRESETS.values()}
    return [PresetState(p, _base_url(p), keys[p.name], variable(keys[p.name]) is not None) for p in PRESETS.values()]


def build_model(spec: str, role: str, prices: Prices, *, calls: bool = True, local_only: bool = False) -> Model:
    """The model a user named.

    Args:
        spec: one of the forms above, baselines excepted: they ask nothing and are strategies.
        role: what it will be asked for, which a replay needs to know.
        prices: (provider, model) to price.
        calls: whether it will be called, and so needs its key or is loaded.
        local_only: whether only this machine and private networks may be spoken to.

    Raises:
        UserError: the form is not known, the address is not an address, a needed key is not set, or a model
            in this process cannot be used.
    """
    kind, _, rest = spec.partition(":")
    if kind in {"http", "https"}:
        return _any_server(spec, prices, local_only)
    if not rest:
        raise UserError(f"--model {spec!r} is not a model; write {FORMS}")
    if kind == "replay":
        return Replay(Path(rest), role)
    if kind == LOCAL:
        return open_local(rest, calls=calls, local_only=local_only)
    if kind == "baseline":
        raise UserError(
            f"{spec!r} is made from the annotations and answers samples; name a model that can be asked here"
        )
    preset = PRESETS.get(kind)
    if preset is None:
        near = get_close_matches(kind, [*PRESETS, LOCAL, "replay", "baseline"], 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"there is no provider {kind!r}; {hint}write {FORMS}")
    return _endpoint(spec, rest, preset, prices, calls=calls, local_only=local_only)


def declared_name(spec: str, *, local_only: bool = False) -> str:
    """The name under which a model answers, as far as it can be read off what a user wrote.

    Args:
        spec: as for `build_model`.
        local_only: whether the files of a model in this process must be on this machine.

    Raises:
        UserError: there is no such model in this process.

    >>> declared_name("http://127.0.0.1:8000/v1#qwen"), declared_name("openai:gpt-5"), declared_name("replay:runs/a")
    ('qwen', 'gpt-5', 'replay:runs/a')
    """
    kind, _, rest = spec.partition(":")
    if kind in {"http", "https"}:
        return rest.partition("#")[2]
    if kind == LOCAL:
        return find_local(rest, local_only=local_only).title
    return rest if kind in PRESETS else spec


def _endpoint(spec: str, name: str, preset: Preset, prices: Prices, *, calls: bool, local_only: bool) -> Endpoint:
    key = variable(_key_variable(preset))
    if key is None and preset.key_needed and calls:
        raise UserError(f"{spec}: no key; set the environment variable {preset.key_variable}")
    price = prices.get((preset.name, name)) or (Price(0.0, 0.0) if preset.free else None)
    return Endpoint(name, _base_url(preset), dialect=preset.dialect, key=key, price=price, local_only=local_only)


def _key_variable(preset: Preset) -> str:
    """The first of a provider's usual variables that is set, or else the first."""
    return next((name for name in preset.key_variables if variable(name) is not None), preset.key_variable)


def _any_server(spec: str, prices: Prices, local_only: bool) -> Endpoint:
    address, _, name = spec.partition("#")
    if not name:
        raise UserError("--model: which model of the server? write http://host:port/v1#NAME")
    _check_address(address, "--model")
    price = prices.get(("any", name))
    return Endpoint(name, address, key=variable(ANY_SERVER_KEY), price=price, local_only=local_only)


def _base_url(preset: Preset) -> str:
    own = variable(preset.url_variable)
    if own is None:
        return preset.base_url
    if "://" not in own:  # OLLAMA_HOST may be a host alone, or a host and a port
        own = f"http://{own}"
        _check_address(own, preset.url_variable)
        if urlsplit(own).port is None:
            own = f"{own.rstrip('/')}:{urlsplit(preset.base_url).port}"
    _check_address(own, preset.url_variable)
    # OLLAMA_HOST and ANTHROPIC_BASE_URL name the server; its API lies below
    return own if urlsplit(own).path.strip("/") else own.rstrip("/") + urlsplit(preset.base_url).path


def _check_address(address: str, where: str) -> None:
    """An address is kept in files, so it must not hold a secret."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        good = good and STRANGE.search(address) is None
    except ValueError:
        good = False
    if not good:
        raise UserError(f"{where}: expected an address such as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query:
        raise UserError(
            f"{where}: an address with a user, password or query would be written to files; "
            f"put the key into {ANY_SERVER_KEY} instead"
        )
