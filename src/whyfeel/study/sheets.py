"""CSV that spreadsheets take for data: no cell of somebody else's words becomes a formula."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

from whyfeel.records import storable

Cell = str | int | float | None
FORMULA = frozenset("=+-@")
QUOTES = frozenset("\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb\uff02\uff07")


def guarded(text: str) -> str:
    r"""A text with an apostrophe before it where a spreadsheet might run it.

    Blanks, quotes and characters without a width are passed over, and full-width signs are told as their plain forms,
    because spreadsheets do so, too.

    >>> guarded("=1+1"), guarded(" \u201c\uff1d1+1"), guarded("because = so")
    ("'=1+1", "' “\uff1d1+1", 'because = so')
    """
    first = next((one for one in text if not _passed_over(one)), "")
    plain = unicodedata.normalize("NFKC", first)[:1]
    return f"'{text}" if plain in FORMULA or text[:1] in ("\t", "\r") else text


def _passed_over(one: str) -> bool:
    return one.isspace() or one in QUOTES or unicodedata.category(one) in ("Cc", "Cf")


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A CSV file with a head; texts are guarded, numbers stand as they are, None is an empty cell.

    NUL and lone surrogates become U+FFFD. Lines end as CSV's do, with CR and LF: it makes the writer quote either.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([storable(guarded(cell)) if isinstance(cell, str) else cell for cell in row])
    return file.getvalue()
