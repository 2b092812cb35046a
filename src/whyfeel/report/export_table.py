"""What `whyfeel export` prints."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from whyfeel.interop import Exported
from whyfeel.report import numbers
from whyfeel.report.tables import pairs
from whyfeel.report.words import visible


def export_table(done: Exported) -> list[RenderableType]:
    """How much was written, where it lies, and how much was left out for which reason."""
    rows = [("annotations", numbers.count(done.records))]
    rows += [(f"  {status}", numbers.count(n)) for status, n in done.statuses.items()]
    rows += [("triggers", numbers.count(done.triggers))]
    rows += [(f"left out: {visible(why)}", numbers.count(len(ids))) for why, ids in done.left_out.items()]
    parts: list[RenderableType] = ["", Text(f"{visible(str(done.out))} · {done.format}", style="bold"), ""]
    parts += [pairs(rows), ""]
    note = f"What went into it, what was left out, and what it must not be used for: {visible(str(done.card))}"
    return [*parts, Text(note, style="dim")]
