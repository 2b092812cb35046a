"""What `whyfeel study plan` prints: the answer, what studies of some sizes show, and what all of it assumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import plain_table

NONE = "none"  # so few items show not even what all raters agree on


def study_plan_table(plan: Mapping[str, Any]) -> list[RenderableType]:
    """The answer, the table of sizes, and the assumptions.

    Args:
        plan: what `whyfeel study plan --json` prints.
    """
    effect, of_system = ("share", "") if plan["kind"] == "pairwise" else ("difference", " a system")
    table = plain_table()
    for head in (f"items{of_system}", "raters, at least", f"smallest {effect} found"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in plan["sizes"]:
        table.add_row(numbers.count(one["items"]), numbers.count(one["raters"]), _effect(plan["kind"], one[effect]))
    lines = [
        f"{numbers.count(plan['votes'])} votes in all, up to {numbers.count(plan['items_each'])} a rater. "
        f"Votes of one item resemble each other: variance times {numbers.score(plan['effect'], 2)}.",
        "Assumed, not measured:",
        *plan["assumptions"],
    ]
    title = Text(_answer(plan, _effect(plan["kind"], plan[effect])), style="bold")
    return ["", title, "", table, "", *(Text(line, style="dim") for line in lines)]


def _answer(plan: Mapping[str, Any], effect: str) -> str:
    """The answer in one sentence."""
    assumed, pairwise = plan["assumed"], plan["kind"] == "pairwise"
    found = f"found with a power of {numbers.score(100 * assumed['power'], 0)}% at p {assumed['alpha']:g}"
    items = f"{numbers.count(plan['items'])} items{'' if pairwise else ' a system'}"
    size = f"{items}, {numbers.count(assumed['ratings'])} votes each, {numbers.count(plan['raters'])} raters at least"
    what = f"A share of {effect} of the decided votes" if pairwise else f"A difference of {effect} of two mean ratings"
    if plan["asked"] != "items":
        return f"{what} is {found}: {size}."
    return f"{size}: not even votes that all agree are {found}." if effect == NONE else f"{what} is {found} by {size}."


def _effect(kind: str, value: float | None) -> str:
    if value is None:
        return NONE
    return f"{numbers.score(100 * value, 1)}%" if kind == "pairwise" else f"{numbers.score(value, 2)} points"
