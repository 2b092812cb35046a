"""From what a user writes after `--model` to a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from whyfeel.engine import Model, Price
from whyfeel.errors import UserError
from whyfeel.models.endpoint import Endpoint
from whyfeel.environment import variable
from whyfeel.models.presets import ANY_SERVER_KEY, PRESETS, Preset
from whyfeel.models.prices import Prices
from whyfeel.models.replay import Replay

STRANGE = re.compile(r"[\s\\\x00-\x1f\x7f\ud800-\udfff]")  # no address holds these
FORMS = "http://host:port/v1#NAME, replay:RUN, baseline:NAME, or PROVIDER:NAME with one of: " + ", ".join(PRESETS)


@dataclass(frozen=True, slots=True)
class PresetState:
    """A preset as it stands on this machine; says whether a key is set, never what it is."""

    preset: Preset
    base_url: str
    key_set: bool


def preset_states() -> list[PresetState]:
    """Every preset with its present address and whether its key is set."""
    return [PresetState(p, _base_url(p), variable(p.key_variable) is not None) for p in PRESETS.values()]


def build_model(spec: str, role: str, prices: Prices, *, calls: bool = True) -> Model:
    """The model a user named.

    Args:
        spec: one of the forms above, baselines excepted: they ask nothing and are strategies.
        role: what it will be asked for, which a replay needs to know.
        prices: (provider, model) to price.
        calls: whether it will be called, and so needs its key.

    Raises:
        UserError: the form is not known, the address is not an address, or a needed key is not set.
    """
    kind, _, rest = spec.partition(":")
    if kind in {"http", "https"}:
        return _any_server(spec, prices)
    if not rest:
        raise UserError(f"--model {spec!r} is not a model; write {FORMS}")
    if kind == "replay":
        return Replay(Path(rest), role)
    if kind == "baseline":
        raise UserError(
            f"{spec!r} is made from the annotations and answers samples; name a model that can be asked here"
        )
    preset = PRESETS.get(kind)
    if preset is None:
        near = get_close_matches(kind, [*PRESETS, "replay", "baseline"], 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"there is no provider {kind!r}; {hint}write {FORMS}")
    key = variable(preset.key_variable)
    if key is None and preset.key_needed and calls:
        raise UserError(f"{spec}: no key; set the environment variable {preset.key_variable}")
    price = prices.get((kind, rest)) or (Price(0.0, 0.0) if preset.free else None)
    return Endpoint(rest, _base_url(preset), key=key, price=price)


def _any_server(spec: str, prices: Prices) -> Endpoint:
    address, _, name = spec.partition("#")
    if not name:
        raise UserError("--model: which model of the server? write http://host:port/v1#NAME")
    _check_address(address, "--model")
    return Endpoint(name, address, key=variable(ANY_SERVER_KEY), price=prices.get(("any", name)))


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
    # OLLAMA_HOST names the server; its chat-completions API lies under /v1
    return own if urlsplit(own).path.strip("/") else own.rstrip("/") + "/v1"


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
