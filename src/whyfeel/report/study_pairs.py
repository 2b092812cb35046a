"""What was chosen between systems, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import plain_table
from whyfeel.report.words import visible

Names = Mapping[str, str]


def pairwise_parts(figures: Mapping[str, Any], names: Names) -> list[RenderableType]:
    """A table each pair of systems, then the sides, and the strengths of more than two systems."""
    parts: list[RenderableType] = []
    for one in figures["pairs"]:
        parts += [_pair(one, names), *_below(one, names), ""]
    left, strengths = figures["left"], figures["strengths"]
    parts.append(f"left chosen: {with_ends(left)} of {numbers.count(left['n'])} decided votes")
    if "side" in strengths:
        parts.append(f"standing on the left is worth, in log odds: {with_ends(strengths['side'])}")
        parts += ["", _strengths(strengths, names)] if len(names) > 2 else []
        parts += [Text(visible(note), style="dim") for note in strengths["notes"]]
    return [Text(part) if isinstance(part, str) else part for part in parts]


def short_pair(one: Mapping[str, Any], names: Names) -> str:
    """A pair of systems in a line: the shares of both, and the ratio."""
    if not one["n"]:
        return f"{_of(one, names)} undefined (nothing was counted)"
    a, b = (numbers.score(one["shares"][choice]["value"]) for choice in ("A", "B"))
    return f"{_of(one, names)} {a} to {b}, ratio {numbers.score(one['ratio']['value'], 2)}"


def with_ends(one: Mapping[str, Any]) -> str:
    """A figure with an interval, that of whole clusters where there are two; or why there is none.

    >>> with_ends({"value": 0.5, "low": 0.4, "high": 0.6}), with_ends({"value": None, "why": "undefined (so)"})
    ('0.500 [0.40, 0.60]', 'undefined (so)')
    """
    why = one.get("why", "")
    if one["value"] is None:
        return why if why.startswith("undefined") else f"undefined ({why})"
    ends, how = one, ""
    if "wilson" in one:
        clustered = one["clustered"]["low"] is not None
        ends, how = (one["clustered"], "") if clustered else (one["wilson"], " (Wilson)")
    return f"{numbers.score(one['value'])} {numbers.interval(ends['low'], ends['high'])}{how}"


def _of(one: Mapping[str, Any], names: Names) -> str:
    return f"{names[str(one['a'])]} : {names[str(one['b'])]}"


def _pair(one: Mapping[str, Any], names: Names) -> Table:
    table = plain_table()
    table.add_column("preferred", overflow="fold", min_width=9)
    for head in ("votes", "share", "95%, Wilson", "95%, pictures", "items won"):
        table.add_column(head, justify="right", no_wrap=True)
    called = {"A": names[str(one["a"])], "B": names[str(one["b"])]}
    for choice, share in one["shares"].items():
        both = (numbers.interval(share[kind]["low"], share[kind]["high"], 3) for kind in ("wilson", "clustered"))
        cells = (numbers.count(share["count"]), numbers.score(share["value"]), *both)
        table.add_row(Text(visible(called.get(choice, choice))), *cells, numbers.count(one["majorities"][choice]))
    table.add_row("no majority", *[""] * 4, numbers.count(one["majorities"]["none"]))
    return table


def _below(one: Mapping[str, Any], names: Names) -> list[RenderableType]:
    """The ratio, and how far people agree."""
    ratio, agreement = one["ratio"], one["agreement"]
    wilson, pictures = (numbers.interval(ratio[kind]["low"], ratio[kind]["high"]) for kind in ("wilson", "clustered"))
    why = f": {ratio['why']}" if ratio.get("why") else ""
    said = f"ratio {_of(one, names)}: {numbers.score(ratio['value'], 2)}, Wilson {wilson}, pictures {pictures}{why}"
    alpha, same = with_ends(agreement["alpha"]), with_ends(agreement["same"])
    told = f"agreement: alpha {alpha}; two votes of an item alike {same}"
    return ["", Text(visible(said), style="bold"), Text(visible(told))]


def _strengths(strengths: Mapping[str, Any], names: Names) -> Table:
    table = plain_table()
    table.add_column("Bradley-Terry strength", overflow="fold")
    for head in ("log odds", "95% interval"):
        table.add_column(head, justify="right", no_wrap=True)
    ranked = sorted(strengths["strengths"].items(), key=lambda entry: -(entry[1]["value"] or 0.0))
    for system, one in ranked:
        cells = numbers.score(one["value"], 2), numbers.interval(one["low"], one["high"])
        table.add_row(Text(visible(names[system])), *cells)
    table.add_section()
    for one in strengths["differences"]:
        first, second = (names[str(system)] for system in one["of"])
        cells = numbers.score(one["value"], 2), numbers.interval(one["low"], one["high"])
        table.add_row(Text(visible(f"{first} - {second}")), *cells)
    return table
