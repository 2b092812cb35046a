"""What `whyfeel study status` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import pairs
from whyfeel.report.words import visible


def study_status_table(document: Mapping[str, Any]) -> list[RenderableType]:
    """Votes of those wanted, items, raters by status, and how many raters more it takes at least.

    Args:
        document: what `whyfeel study status --json` prints.
    """
    raters = document["raters"]
    rows = [
        ("votes", f"{numbers.count(document['votes'])} of {numbers.count(document['wanted'])}"),
        ("items with all their votes", f"{numbers.count(document['complete'])} of {numbers.count(document['items'])}"),
        ("shown and not yet answered", numbers.count(document["in_hand"])),
        ("skips", numbers.count(document["skipped"])),
        ("votes of raters who withdrew", numbers.count(document["left_before"])),
        ("raters", numbers.count(sum(raters.values()))),
        *((f"  {status}", numbers.count(n)) for status, n in raters.items()),
        ("raters it still takes, at least", numbers.count(document["raters_needed"])),
    ]
    seen = document["unblinded"]
    line = "blind: nobody has asked whose texts are whose" if seen is None else f"unblinded at {seen}"
    title = f"{document['title']} · {document['kind']}"
    return ["", Text(visible(title), style="bold"), "", pairs(rows), "", Text(visible(line), style="dim")]
