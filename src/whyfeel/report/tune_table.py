"""What `whyfeel tune` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import columns, pairs
from whyfeel.report.words import label, visible


def tune_table(told: Mapping[str, Any]) -> list[RenderableType]:
    """What was trained on how much, and the scores before and after with their difference.

    Args:
        told: what `whyfeel tune --json` prints; without losses and scores after a dry run.
    """
    samples, pictures, settings = told["samples"], told["pictures"], told["settings"]
    rows = [
        ("samples trained on", numbers.count(samples["train"])),
        ("  with pictures", numbers.count(pictures["train"])),
        ("conversations", numbers.count(told["examples"])),
        ("samples held out", numbers.count(samples["held_out"])),
        *((f"left out: {visible(why)}", numbers.count(n)) for why, n in samples["left_out"].items()),
        ("steps", numbers.count(settings["steps"])),
    ]
    if told.get("loss"):
        rows.append(("loss, at first", numbers.score(told["loss"][0][1])))
        rows.append(("loss, in the end", numbers.score(told["loss"][-1][1])))
    kind = "dry run, nothing was trained" if "loss" not in told else f"tuned by {settings['method']}"
    title = Text(f"{visible(told['base'])} · {kind}", style="bold")
    parts: list[RenderableType] = ["", title, "", pairs(rows), ""]
    if "measured" in told:
        parts += _measured(told["measured"])
    if "loss" in told:
        parts.append(Text(f"To ask it: whyfeel run … --model local:{visible(told['out'])}", style="dim"))
    return parts


def _measured(found: Mapping[str, Any]) -> list[RenderableType]:
    table = columns("held-out samples", label(found["score"]), "95% interval", "n")
    for name in ("before", "after", "difference"):
        one = found[name]
        table.add_row(
            name,
            numbers.score(one["value"]),
            numbers.interval(one["low"], one["high"], 3),
            numbers.count(one["n"]),
        )
    return [
        table,
        "",
        Text(f"judged by {visible(found['judge'])}; intervals by bootstrap of whole pictures", style="dim"),
    ]
