"""What `whyfeel power` prints: the answer in one line, then what benchmarks of some sizes can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import pairs
from whyfeel.report.words import visible


def power_table(plan: Mapping[str, Any]) -> list[RenderableType]:
    """The answer, the table of sizes, and where the spread comes from.

    Args:
        plan: what `whyfeel power --json` prints.
    """
    n, points = numbers.count(plan["n"]), _points(plan["difference"])
    power, alpha = f"{numbers.score(100 * plan['power'], 0)}%", f"{plan['alpha']:g}"
    asked = f"found with a power of {power} at p {alpha}"
    answer = f"{n} samples: a difference of {points} is {asked}."
    if plan["asked"] == "difference":
        answer = f"A difference of {points} is {asked} on {n} samples."
    rows = [(numbers.count(one["n"]), _points(one["difference"])) for one in plan["sizes"]]
    spread = plan["spread"]
    lines = [
        f"A sample's score has sd {numbers.score(spread['sd'])} and correlates by {numbers.score(spread['rho'], 2)} "
        f"between the systems; their difference has sd {numbers.score(spread['sd_difference'])}.",
        f"Samples that share a picture: variance times {numbers.score(spread['design'], 2)}.",
        plan["source"],
    ]
    return [
        *("", Text(answer, style="bold"), "", pairs([("samples", "smallest difference"), *rows]), ""),
        *(Text(visible(line), style="dim") for line in lines),
    ]


def _points(difference: float) -> str:
    return f"{numbers.score(100 * difference, 1)} points"
