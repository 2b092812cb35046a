"""What `whyfeel intervene` prints: causal sensitivity by kind of trigger, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import columns, pairs
from whyfeel.report.words import visible

MEANING = (
    "P(trigger named | its cause in the picture) - P(named | removed). 1: named exactly where the cause is there; "
    "0: the picture does not matter, as for baseline:prior."
)
OF_CELLS = (
    "P(trigger named | whole picture) - P(named | a cell blurred), mean over the cells. 0: no cell matters; a trigger "
    "that hangs on one cell alone gives 1 / cells."
)


def intervene_table(summary: Mapping[str, Any], folder: Path) -> list[RenderableType]:
    """The difference for all triggers and for each kind, then what was replaced or which cells matter, then remarks."""
    said = " ".join(filter(None, (summary["judge"], summary["judge_model"])))
    who = summary["model"] if summary["strategy"] == "baseline" else f"{summary['model']} {summary['strategy']}"
    title = f"{summary['source']} · {who} · judged by {said}"
    parts: list[RenderableType] = ["", Text(visible(title), style="bold"), "", _sensitivity(summary), ""]
    if summary["instead"]:
        parts += [_instead(summary["instead"]), ""]
    if "grid" in summary:
        parts += [_grid(summary["grid"]), ""]
    lines = [OF_CELLS if "grid" in summary else MEANING, *_footnotes(summary), f"Files: {folder}"]
    return [*parts, *(Text(visible(line), style="dim") for line in lines)]


def _sensitivity(summary: Mapping[str, Any]) -> Table:
    without = "a cell blurred" if "grid" in summary else "removed"
    table = columns("trigger", "named", without, "sensitivity", "95% interval", "n")
    names = ("named_present", "named_removed", "causal_sensitivity")
    _rows(table, *(summary[name] for name in names))
    return table


def _instead(instead: Mapping[str, Any]) -> Table:
    table = columns("in its place", "named", "before", "gain", "95% interval", "n")
    _rows(table, *(instead[name] for name in ("named_replaced", "named_original", "gain")))
    return table


def _rows(table: Table, there: Mapping[str, Any], gone: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    for group, one in found.items():
        table.add_row(
            *(Text(visible(group)), numbers.score(there[group]["value"]), numbers.score(gone[group]["value"])),
            *(numbers.score(one["value"]), numbers.interval(one["low"], one["high"], 3), numbers.count(one["n"])),
            style="bold" if group == "overall" else "",
        )


def _grid(grid: Mapping[str, Any]) -> Table:
    rows = [
        (f"named triggers that some cell of {grid['grid']} loses", _share(grid["lost_in_any_cell"])),
        ("  expected of as many askings by chance", numbers.score(grid["expected"])),
        ("lost by asking again with nothing blurred", _share(grid["lost_again"])),
        ("difference by asking again", _share(grid["again"])),
    ]
    return pairs(rows)


def _share(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return numbers.MISSING
    return f"{numbers.score(one['value'])} {numbers.interval(one['low'], one['high'], 3)}"


def _footnotes(summary: Mapping[str, Any]) -> list[str]:
    lines = [summary["note"], *(f"Caution: {one}." for one in summary["warnings"])]
    whole = summary["causal_sensitivity"]["overall"]
    if summary["unscored"]:
        reasons = ", ".join(f"{why} {numbers.count(n)}" for why, n in summary["unscored"].items())
        low, high = whole["bounds"]
        bounds = numbers.interval(low, high, 3)
        lines.append(f"Left out, since a side is unscored: {reasons}. At worst and at best: {bounds}.")
    if whole.get("why"):
        lines.append(f"n/a: {whole['why']}.")
    if outcomes := ", ".join(f"{name} {numbers.count(n)}" for name, n in summary["outcomes"].items() if n):
        lines.append(f"Answers: {outcomes}.")
    lines += [
        f"{numbers.count(n)} answers were given without the setting {name}, which the server does not take."
        for name, n in summary["left_out"].items()
    ]
    tokens = summary["tokens"]
    lines.append(
        f"{numbers.count(summary['scenes'])} scenes, {numbers.count(summary['pictures'])} pictures, "
        f"{numbers.count(summary['calls'])} calls, {numbers.tokens(tokens['in'])} tokens in, "
        f"{numbers.tokens(tokens['out'])} out, cost {numbers.money(summary['cost'])}, "
        f"{numbers.duration(summary['seconds'])}."
    )
    return lines
