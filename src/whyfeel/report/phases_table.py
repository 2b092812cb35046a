"""What a chain of asks took, a line a phase: what one picture costs, and where the time goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import plain_table


def phases_table(phases: Mapping[str, Mapping[str, Any]], images: int) -> Table:
    """Calls by phase, and calls, tokens, cost and model seconds for one picture.

    Args:
        phases: as summary.json has them.
        images: how many pictures (samples) the chain ran for, at least 1.
    """
    table = plain_table()
    table.add_column("phase", no_wrap=True)
    for head in ("calls", "calls/image", "in/image", "out/image", "cost/image", "s/image"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, one in [*phases.items(), ("all", _sum(phases))]:
        seconds, cost = one["seconds"], one["cost"]
        table.add_row(
            Text(name),
            numbers.count(one["calls"]),
            numbers.score(one["calls"] / images, 1),
            numbers.tokens(one["tokens"]["in"] / images),
            numbers.tokens(one["tokens"]["out"] / images),
            numbers.money(None if cost is None else cost / images),
            numbers.score(None if seconds is None else seconds / images, 2),
            style="bold" if name == "all" else "",
        )
    return table


def _sum(phases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """All phases together; a cost or a time that is not known of one is not known of all."""
    taken = [one for one in phases.values() if one["calls"]]
    costs, seconds = [one["cost"] for one in taken], [one["seconds"] for one in taken]
    return {
        "calls": sum(one["calls"] for one in taken),
        "tokens": {way: sum(one["tokens"][way] for one in taken) for way in ("in", "out")},
        "cost": None if None in costs else sum(costs),
        "seconds": None if not taken or None in seconds else sum(seconds),
    }
