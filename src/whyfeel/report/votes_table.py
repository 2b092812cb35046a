"""What people chose between two systems: shares, the ratio, and whether what was said of them follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import plain_table
from whyfeel.report.words import visible


def votes_table(document: Mapping[str, Any]) -> list[RenderableType]:
    """The shares with Wilson's intervals, the ratio of A to B, and each claim held against the counts."""
    names = {"A": document["a"], "B": document["b"]}
    table = plain_table()
    table.add_column("preferred", no_wrap=True)
    for head in ("votes", "share", "95% interval"):
        table.add_column(head, justify="right", no_wrap=True)
    for choice, one in document["shares"].items():
        ends = numbers.interval(one["wilson"]["low"], one["wilson"]["high"], 3)
        cells = (numbers.count(one["count"]), numbers.score(one["value"]), ends)
        table.add_row(Text(visible(names.get(choice, choice))), *cells)
    ratio = document["ratio"]
    ends = numbers.interval(ratio["wilson"]["low"], ratio["wilson"]["high"])
    said = f"{names['A']} to {names['B']}: {numbers.score(ratio['value'], 2)} {ends}"
    return [
        "",
        Text(f"{document['benchmark']} · published votes, {document['source']['paper']}", style="bold"),
        "",
        table,
        "",
        Text(visible(said), style="bold"),
        "",
        _claims(document),
        "",
        Text(
            f"{numbers.count(document['n'])} votes, taken as independent: pictures and raters are not published, so "
            "the intervals are too narrow.",
            style="dim",
        ),
    ]


def _claims(document: Mapping[str, Any]) -> RenderableType:
    table = plain_table()
    for head in ("claimed", "where", "follows from the votes?"):
        table.add_column(head, overflow="fold")
    for claim in document["claims"]:
        table.add_row(*(Text(visible(cell)) for cell in (claim["text"], claim["where"], _verdict(claim))))
    return table


def _verdict(claim: Mapping[str, Any]) -> str:
    first, *others = claim["readings"]
    if claim["follows"]:
        return f"yes: {first['meaning']} is {numbers.score(first['value'], 2)}"
    given = ", ".join(f"{one['meaning']} is {numbers.score(one['value'], 2)}" for one in claim["readings"])
    meant = next((one["meaning"] for one in others if one["follows"]), None)
    return f"no: {given}" + (f"; only as {meant}" if meant else "")
