"""What `whyfeel report` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import pairs
from whyfeel.report.words import visible


def site_table(written: Mapping[str, Any]) -> list[RenderableType]:
    """How much was written, and what to open.

    Args:
        written: what `whyfeel report --json` prints.
    """
    rows = [("pages", numbers.count(written["pages"]))]
    rows += [("files beside them", numbers.count(written["files"]))] if written["files"] else []
    rows += [("size", f"{numbers.score(written['bytes'] / 1e6, 1)} MB")]
    title = Text(f"{visible(written['out'])} · report", style="bold")
    return ["", title, "", pairs(rows), "", Text(f"Open {visible(written['open'])} in a browser.")]
