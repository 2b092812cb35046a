"""What `whyfeel study export` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report.words import visible


def study_export_table(document: Mapping[str, Any]) -> list[RenderableType]:
    """Where the files lie, which they are, and what is not to be passed on."""
    blind = "systems by number: the study is blind" if document["blind"] else "the study is no longer blind"
    lines = [
        *document["files"],
        "",
        "README.md tells every column. payments.csv names people, and is readable by you alone.",
    ]
    title = Text(f"{visible(document['out'])} · {blind}", style="bold")
    return ["", title, "", *(Text(line) for line in lines)]
