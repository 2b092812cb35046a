"""Tables as they come out, and summaries to be shown."""

from __future__ import annotations

import io
import re
from typing import Any

from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

NOTHING = re.compile(r"\b(?:nan|inf|None)\b")  # what a table says where nobody thought of a missing value
# a sign before them, since hypothesis draws words of ours, too, and no text is to be taken for the name of a row
plain = (
    st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=199)
    .map("§{}".format)
    .filter(lambda text: NOTHING.search(text) is None)
)


def shown(*parts: RenderableType) -> list[str]:
    """The lines of some tables on a page of 80 columns that would not crop a longer line."""
    page = io.StringIO()
    console = Console(file=page, width=80, highlight=False, color_system=None)
    for part in parts:
        console.print(part)
    return page.getvalue().split("\n")


def check(lines: list[str]) -> None:
    assert [line for line in lines if cell_len(line) > 80] == []
    assert not NOTHING.search("\n".join(lines))


def row(lines: list[str], name: str) -> list[str]:
    """The cells of the first row that begins with a name."""
    return next(line for line in lines if line.startswith(f"{name} ")).removeprefix(name).split()


def one(value: float | None, n: int = 1615, *, interval: bool = True, why: str = "") -> dict[str, Any]:
    """An estimate of a summary."""
    known = value is not None
    ends = [max(0, value - 0.03), min(1, value + 0.03)] if known and interval else [None, None]
    entry = {"value": value, "low": ends[0], "high": ends[1], "n": n, "bounds": [0.0, 1.0] if known else None}
    return entry | ({"why": why} if why else {})
