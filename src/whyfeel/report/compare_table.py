"""What `whyfeel compare` prints: the systems by score with their letters, then every difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import plain_table
from whyfeel.report.words import label, visible

P_DIGITS = 4  # the smallest p of 10,000 permutations is 0.0001


def compare_table(comparison: Mapping[str, Any]) -> list[RenderableType]:
    """Two tables and what should be known about them.

    Args:
        comparison: what `whyfeel compare --json` prints.
    """
    said = label(comparison["score"])
    title = (
        f"{comparison['task']} · {said} · judged by {comparison['judge']} · "
        f"{numbers.count(comparison['n'])} samples in common"
    )
    lines = [
        f"Who shares a letter is tied: p, by Holm for {_comparisons(comparison['tests'])}, is above "
        f"{comparison['alpha']:g}.",
        "p by sign flips, intervals by bootstrap, both of whole pictures.",
        *_reasons(comparison),
        *comparison["notes"],
    ]
    parts: list[RenderableType] = ["", Text(visible(title), style="bold"), "", _systems(comparison, said), ""]
    parts += [_differences(comparison), ""]
    return [*parts, *(Text(visible(line), style="dim") for line in lines)]


def _systems(comparison: Mapping[str, Any], score: str) -> Table:
    table = plain_table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    table.add_column(score, justify="right", overflow="fold", min_width=5)
    for head in ("95% interval", "n"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("tied", overflow="fold")
    for rank, one in enumerate(comparison["systems"], 1):
        table.add_row(
            *(numbers.count(rank), Text(visible(one["name"])), numbers.score(one["value"])),
            *(numbers.interval(one["low"], one["high"], 3), numbers.count(one["n"]), one["letters"]),
        )
    return table


def _differences(comparison: Mapping[str, Any]) -> Table:
    table = plain_table()
    table.add_column("", no_wrap=True)
    for head in ("difference", "95% interval", "p", "p (Holm)", "n", "left out"):
        table.add_column(head, justify="right", no_wrap=True)
    rank = {one["run"]: numbers.count(place) for place, one in enumerate(comparison["systems"], 1)}
    for one in comparison["comparisons"]:
        table.add_row(
            *(f"{rank[one['a']]} - {rank[one['b']]}", numbers.score(one["difference"])),
            *(numbers.interval(one["low"], one["high"], 3), numbers.score(one["p"], P_DIGITS)),
            *(numbers.score(one["p_holm"], P_DIGITS), numbers.count(one["n"]), numbers.count(one["left_out"])),
        )
    return table


def _comparisons(n: int) -> str:
    return f"{numbers.count(n)} comparison{'s' if n != 1 else ''}"


def _reasons(comparison: Mapping[str, Any]) -> list[str]:
    """Why a number is missing, each reason once."""
    entries = [*comparison["systems"], *comparison["comparisons"]]
    return [f"n/a: {why}" for why in dict.fromkeys(one["why"] for one in entries if one.get("why"))]
