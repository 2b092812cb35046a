"""What `whyfeel study create` prints: what was made, and what it takes. Not which system is which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import pairs
from whyfeel.report.words import visible


def study_created_table(created: Mapping[str, Any]) -> list[RenderableType]:
    """The study, what it takes of raters, and how it is served.

    Args:
        created: what `whyfeel study create --json` prints.
    """
    rows = [
        ("systems, coded", numbers.count(created["systems"])),
        ("items", numbers.count(created["items"])),
        *((f"  left out: {visible(why)}", numbers.count(n)) for why, n in created["left_out"].items()),
        ("raters, at least", numbers.count(created["raters"])),
        ("pages a rater sees, at most", numbers.count(created["pages"])),
        ("minutes a rater may take, estimated", numbers.count(created["minutes"])),
        ("entry", created["entry"]),
    ]
    title = Text(f"{visible(created['study'])} · {created['kind']} study of {visible(created['task'])}", style="bold")
    lines = [
        f"Frozen: {created['digest']}. Another design is another study.",
        *(f"{visible(note)[:1].upper()}{visible(note)[1:]}." for note in created["notes"]),
    ]
    serve = Text(f"Serve it: {visible(created['serve'])}")
    return ["", title, "", pairs(rows), "", *(Text(line, style="dim") for line in lines), "", serve]
