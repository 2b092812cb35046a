"""The tables a command prints, 80 columns wide. Every number carries its n and its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers

WIDTH = 80


def listing(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A plain table of texts."""
    table = plain_table()
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def log_table(scored: Mapping[str, Any]) -> list[RenderableType]:
    """An official judge log: the released scorer's figures beside the corrected ones."""
    table = plain_table()
    table.add_column("", overflow="fold")
    for head in ("official", "corrected", "95% interval", "n"):
        table.add_column(head, justify="right", no_wrap=True)
    official, recall = scored["official"] or {}, scored["intervals"]["corrected_recall"]
    for group in [*recall]:
        one = recall[group]
        printed = f"{official[group]:.5f}" if group in official else "n/a" if official == {} else ""
        table.add_row(
            Text(group),
            printed,
            numbers.score(one["value"]),
            numbers.interval(one["low"], one["high"]),
            numbers.count(one["n"]),
            style="bold" if group == "overall" else "",
        )
    lines = [f"{numbers.count(scored['n'])} rows, {numbers.count(scored['unparsed'])} without a readable score"]
    if scored["official"] is None:
        lines.append(f"official: the released scorer raises ({scored['why']})")
    unscored = ", ".join(f"{reason} {numbers.count(n)}" for reason, n in scored["unscored"].items())
    lines += [f"unscored samples: {unscored}"] if unscored else []
    for name in ("unknown", "surplus", "duplicates"):
        if scored[name]:
            lines.append(f"{name} rows: {numbers.count(scored[name])}")
    title = Text(f"{scored['task']} · an official judge log", style="bold")
    return ["", title, "", table, "", *(Text(line, style="dim") for line in lines)]


def rehearsal_table(rehearsal: Mapping[str, Any]) -> list[RenderableType]:
    """What a run would ask and cost."""
    parts = rehearsal["parts"]
    rows = [
        ("samples", numbers.count(rehearsal["samples"])),
        ("pictures that cannot be sent", numbers.count(rehearsal["bad_pictures"])),
        ("answers already known", numbers.count(rehearsal["known"])),
        *(
            (f"calls, {role}, to {rehearsal['addresses'][role] or 'a ledger'}", numbers.count(n))
            for role, n in rehearsal["calls"].items()
        ),
        *((f"  among them, for {part}", numbers.count(n)) for part, n in parts.items() if part != "samples"),
        ("tokens in, estimated", numbers.tokens(rehearsal["tokens"]["in"])),
        ("tokens out, at most", numbers.tokens(rehearsal["tokens"]["out_at_most"])),
        ("cost, at most", numbers.money(rehearsal["cost_at_most"])),
    ]
    title = Text(f"{rehearsal['task']} · dry run, nothing was sent", style="bold")
    dates = sorted({day for day in rehearsal["prices_as_of"].values() if day})
    prices = f" Prices as of {', '.join(dates)}." if dates else ""
    note = Text(f"{rehearsal['note']}{prices}", style="dim")
    return ["", title, "", pairs(rows), "", note]


def plain_table(*, heads: bool = True) -> Table:
    """A table without columns yet, in the one style."""
    return Table(
        box=box.SIMPLE_HEAD if heads else None,
        show_header=heads,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1),
        collapse_padding=True,
        header_style="",
    )


def columns(first: str, *others: str) -> Table:
    """A plain table of a name and numbers; a long name folds."""
    table = plain_table()
    table.add_column(first, overflow="fold", min_width=8)
    for head in others:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and numbers without a head."""
    table = plain_table(heads=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table
