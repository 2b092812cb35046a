"""CSV files of ratings, in the three forms that people have them in."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whyfeel.errors import DataError, brief
from whyfeel.runs.rating_files import Rating, place, rater_names, text_lines

ITEM, RATER, RATING = ("item", "image", "sample"), ("rater", "annotator"), ("rating", "score")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
NO_RATING = re.compile(r"|id|.*[ _-]id|unnamed: \d+", re.IGNORECASE)  # heads of names and of row numbers


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file: its head, and each row with the line on which it begins.

    Attributes:
        rows: at least one, each with a cell for each head.
    """

    path: Path
    heads: list[str]
    rows: list[tuple[int, list[str]]]

    def column(self, names: Sequence[str]) -> int | None:
        """The column with the first of the names that is there, capitals or not."""
        heads = [head.casefold() for head in self.heads]
        return next((heads.index(name) for name in names if name in heads), None)

    @property
    def items(self) -> int:
        """The column of the items' names: the first that is called so, else the first of all."""
        named = (head.casefold() in ITEM or (head != "" and _is_name(head)) for head in self.heads)
        return next((column for column, is_named in enumerate(named) if is_named), 0)

    @property
    def ratings(self) -> list[str]:
        """The heads of the columns that hold a number at least, but for names and row numbers."""
        return [
            head
            for column, head in enumerate(self.heads)
            if column != self.items
            and not NO_RATING.fullmatch(head)
            and any(NUMBER.fullmatch(row[column].strip()) for _, row in self.rows)
        ]


def _is_name(head: str) -> bool:
    return NO_RATING.fullmatch(head) is not None and not head.casefold().startswith("unnamed")


def read_sheet(path: Path) -> Sheet:
    """A CSV file with a head.

    Raises:
        DataError: it is no CSV, has no row below its head, a row of another length, or two columns of one name.
    """
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader((text for _, text in text_lines(path)), strict=True)
    begun = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begun, cells))
            begun = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{place(path, begun)}: expected CSV; {error}") from None
    heads = [head.strip() for head in rows[0][1]]
    for line, cells in rows:
        if len(cells) != len(heads):
            raise DataError(f"{place(path, line)}: expected {len(heads)} cells, as the head has, got {len(cells)}")
    if twice := next((head for head in heads if head and heads.count(head) > 1), None):
        raise DataError(f"{place(path, rows[0][0])}: two columns are called {twice!r}; expected each name once")
    if len(rows) < 2:
        raise DataError(f"{str(path)!r} holds no ratings; expected a head and a row or more below it")
    return Sheet(path, heads, rows[1:])


def sheet_ratings(sheets: Sequence[Sheet]) -> tuple[list[Rating], tuple[str, ...]]:
    """The ratings of all sheets, and the heads of columns that were left out.

    A row is a rating where there are columns for item, rater and rating. Else a row is an item; the columns of a
    single sheet are raters, those of several sheets dimensions, and each sheet is a rater's.

    Raises:
        DataError: the sheets are not of one form, or a name is blank.
    """
    long = [_long_columns(sheet) is not None for sheet in sheets]
    if all(long):
        return [one for sheet in sheets for one in _long(sheet)], ()
    if any(long):
        other = str(sheets[long.index(False)].path)
        raise DataError(f"{other!r} lacks columns for item, rater and rating, which another file has: give one form")
    heads = list(dict.fromkeys(head for sheet in sheets for head in sheet.ratings))
    if not heads:
        raise DataError(f"{str(sheets[0].path)!r}: expected a column of ratings, got no number in {sheets[0].heads}")
    left_out = tuple(
        head for column, head in enumerate(sheets[0].heads) if head and head not in heads and column != sheets[0].items
    )
    if len(sheets) == 1:
        return [one for head in heads for one in _column(sheets[0], head, head, "")], left_out
    names = rater_names([sheet.path for sheet in sheets])
    found: list[Rating] = []
    for sheet, name in zip(sheets, names, strict=True):
        for head in heads:
            found += _column(sheet, head, name, head if len(heads) > 1 else "")
    return found, left_out


def _long_columns(sheet: Sheet) -> tuple[int, int, int] | None:
    """Where items, raters and ratings stand, if there is a column for each."""
    item, rater, rating = (sheet.column(names) for names in (ITEM, RATER, RATING))
    return None if item is None or rater is None or rating is None else (item, rater, rating)


def _long(sheet: Sheet) -> Iterator[Rating]:
    columns = _long_columns(sheet)
    assert columns is not None
    for line, row in sheet.rows:
        item, rater, rating = (row[column].strip() for column in columns)
        if not item or not rater:
            raise DataError(f"{place(sheet.path, line)}: expected an item and a rater, got {brief(row)}")
        yield Rating(rater, item, "", rating, sheet.path, line)


def _column(sheet: Sheet, head: str, rater: str, dimension: str) -> Iterator[Rating]:
    """The ratings in one column."""
    if head not in sheet.heads:
        raise DataError(f"{str(sheet.path)!r} has no column {head!r}, which another file has; expected the same in all")
    column, items = sheet.heads.index(head), sheet.items
    for line, row in sheet.rows:
        item = row[items].strip()
        if not item:
            raise DataError(f"{place(sheet.path, line)}: expected the item's name first, got {brief(row)}")
        yield Rating(rater, item, dimension, row[column].strip(), sheet.path, line)
