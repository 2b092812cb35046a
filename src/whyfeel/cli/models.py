"""`whyfeel models`: how a model is named, and which keys are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table

if TYPE_CHECKING:
    from whyfeel.models import PresetState


WIDE = 34  # columns for an address


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("models")(models)


def models(json: o.Json = False) -> int:
    """List the ways to name a model; says which keys are set, never what they are."""
    from whyfeel.models import ANY_SERVER_KEY, preset_states
    from whyfeel.models.local import missing_package
    from whyfeel.report.tables import listing
    from whyfeel.strategies import BASELINES

    states = preset_states()
    if json:
        presets = [
            {"name": s.preset.name, "base_url": s.base_url, "key_variable": s.key_variable, "key_set": s.key_set}
            for s in states
        ]
        local = {"installed": not missing_package()}
        told = {"presets": presets, "local": local, "baselines": list(BASELINES)}
        print_json({**told, "any_server_key_variable": ANY_SERVER_KEY})
        return 0
    missing = missing_package()
    extra = f"needs {missing}: pip install 'whyfeel[local]'" if missing else "its extra is installed"
    providers = [(f"{s.preset.name}:NAME", _address(s.base_url), f"{s.key_variable} ({_set(s)})") for s in states]
    others = [
        ("http://host:port/v1#NAME", f"any OpenAI-compatible server; its key: {ANY_SERVER_KEY}"),
        ("local:FOLDER", f"a model in this process, also by its Hub id; {extra}"),
        ("replay:RUN", "the answers in a run's ledger"),
        *((f"baseline:{name}", what) for name, what in BASELINES.items()),
    ]
    print_table(listing(("--model", "at", "key"), providers), "", listing(("--model", "what answers"), others))
    return 0


def _address(url: str) -> str:
    """An address as it is read: without https, and a long path on a line of its own."""
    address = url.removeprefix("https://")
    host, slash, path = address.partition("/")
    return address if "://" in address or len(address) <= WIDE else f"{host}\n{slash}{path}"


def _set(state: PresetState) -> str:
    if state.key_set:
        return "set"
    return "not set" if state.preset.key_needed else "none needed"
