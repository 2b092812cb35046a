"""`whyfeel models`: how a model is named, and which keys are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table

if TYPE_CHECKING:
    from whyfeel.models import PresetState


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("models")(models)


def models(json: o.Json = False) -> int:
    """List the ways to name a model; says which keys are set, never what they are."""
    from whyfeel.models import ANY_SERVER_KEY, preset_states
    from whyfeel.report.tables import listing
    from whyfeel.strategies import BASELINES

    states = preset_states()
    if json:
        presets = [
            {"name": s.preset.name, "base_url": s.base_url, "key_variable": s.key_variable, "key_set": s.key_set}
            for s in states
        ]
        print_json({"presets": presets, "baselines": list(BASELINES), "any_server_key_variable": ANY_SERVER_KEY})
        return 0
    rows = [(f"{s.preset.name}:NAME", s.base_url, f"{_variables(s)} ({_set(s)})") for s in states]
    rows += [
        ("http://host:port/v1#NAME", "any OpenAI-compatible server", ANY_SERVER_KEY),
        ("replay:RUN", "the answers in a run's ledger", "none"),
        *((f"baseline:{name}", what, "none") for name, what in BASELINES.items()),
    ]
    print_table(listing(("--model", "what answers", "key"), rows))
    return 0


def _variables(state: PresetState) -> str:
    return state.key_variable if state.key_set else " or ".join(state.preset.key_variables)


def _set(state: PresetState) -> str:
    if state.key_set:
        return "set"
    return "not set" if state.preset.key_needed else "none needed"
