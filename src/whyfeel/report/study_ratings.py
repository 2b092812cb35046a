"""How systems were rated, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import columns
from whyfeel.report.words import visible

Names = Mapping[str, str]
MOST_POINTS = 8  # of a scale, that fit beside each other
AGREEMENT = (
    ("alpha, nominal", ("alpha", "nominal"), "same point or not, beyond chance"),
    ("alpha, ordinal", ("alpha", "ordinal"), "by rank, beyond chance"),
    ("alpha, interval", ("alpha", "interval"), "by distance, beyond chance"),
    ("AC2, quadratic", ("ac2",), "by distance; sharing a habit counts"),
    ("ICC(A,1)", ("icc",), "how well one rater tells items apart"),
    ("same point", ("same",), "two votes of an item"),
    ("within one point", ("within_one",), "two votes of an item"),
)


def rating_parts(figures: Mapping[str, Any], names: Names) -> list[RenderableType]:
    """Means, points, differences, agreement."""
    parts: list[RenderableType] = [_means(figures, names), "", _points(figures, names), ""]
    parts += [_differences(figures, names), ""] if figures["differences"] else []
    return [*parts, _agreement(figures["agreement"])]


def _means(figures: Mapping[str, Any], names: Names) -> Table:
    low, high = figures["scale"]
    table = columns(f"mean, {low} to {high}", "mean", "95% interval", "items", "votes", "below middle", "95%")
    for one in figures["systems"]:
        below = one["below_middle"]
        table.add_row(
            Text(visible(names[str(one["system"])])),
            *(numbers.score(one["value"], 2), numbers.interval(one["low"], one["high"])),
            *(numbers.count(one["n"]), numbers.count(one["votes"])),
            *(
                numbers.score(below["value"], 2),
                numbers.interval(below["clustered"]["low"], below["clustered"]["high"]),
            ),
        )
    return table


def _points(figures: Mapping[str, Any], names: Names) -> RenderableType:
    points = list(figures["systems"][0]["points"]) if figures["systems"] else []
    if len(points) > MOST_POINTS:
        return Text("How often each point was given: --json has it.", style="dim")
    table = columns("votes for each point", *points)
    for one in figures["systems"]:
        table.add_row(Text(visible(names[str(one["system"])])), *(numbers.count(one["points"][p]) for p in points))
    return table


def _differences(figures: Mapping[str, Any], names: Names) -> Table:
    table = columns("difference", "", "95% interval", "p", "p (Holm)", "samples")
    for one in figures["differences"]:
        told = f"{names[str(one['a'])]} - {names[str(one['b'])]}" + (f": {one['why']}" if one.get("why") else "")
        table.add_row(
            Text(visible(told)),
            *(numbers.score(one["value"], 2), numbers.interval(one["low"], one["high"])),
            *(numbers.score(one["p"], 4), numbers.score(one["p_holm"], 4), numbers.count(one["n"])),
        )
    return table


def _agreement(agreement: Mapping[str, Any]) -> Table:
    table = columns("agreement", "value", "95% interval")
    table.add_column("", overflow="fold")
    for label, path, says in AGREEMENT:
        one: Any = agreement
        for key in path:
            one = one[key]
        told = one.get("why", says) if one["value"] is None else says
        ends = numbers.interval(one["low"], one["high"])
        table.add_row(label, numbers.score(one["value"]), ends, Text(told))
    return table
