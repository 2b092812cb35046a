"""What `whyfeel draw` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import pairs
from whyfeel.report.words import visible

UNITS = {"scenes": "scenes", "triggers": "triggers", "changes": "changed pictures"}


def draw_table(told: Mapping[str, Any]) -> list[RenderableType]:
    """How many scenes, triggers and changes of one thing each set holds, and how to use them."""
    out = visible(told["out"])
    rows = []
    for name, one in told["sets"].items():
        counts = [f"{numbers.count(one[key])} {unit}" for key, unit in UNITS.items() if one[key]]
        rows.append((name, " · ".join(counts)))
    heading = f"{out} · {told['size']} pixels a side · seed {told['seed']}"
    parts: list[RenderableType] = ["", Text(heading, style="bold"), "", pairs(rows), ""]
    return [*parts, Text(f"To look at them: whyfeel data check jsonl --data {out}/held-out", style="dim")]
