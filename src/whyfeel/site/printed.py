"""Tables that commands print, as pages show them: the same words and digits, without a terminal's width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report.words import visible


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, and whether it holds numbers."""

    head: str
    number: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its cells, and whether it stands out."""

    cells: tuple[str, ...]
    strong: bool


@dataclass(frozen=True, slots=True)
class Printed:
    """A table as texts."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Printed:
        """A table of names, each with its numbers."""
        columns = (Column(head, number=place > 0) for place, head in enumerate(heads))
        return cls(tuple(columns), tuple(Row(tuple(map(visible, cells)), strong=False) for cells in rows))


def printed(table: Table) -> Printed:
    """The texts of a table."""
    columns = tuple(Column(_plain(one.header), one.justify == "right") for one in table.columns)
    cells = zip(*(map(_plain, one.cells) for one in table.columns), strict=True)
    rows = (Row(tuple(texts), "bold" in str(row.style)) for row, texts in zip(table.rows, cells, strict=True))
    return Printed(columns, tuple(rows))


def tables_of(parts: Iterable[RenderableType]) -> tuple[Printed, ...]:
    """The tables among what a command prints, but for empty ones."""
    return tuple(printed(part) for part in parts if isinstance(part, Table) and part.row_count)


def notes_of(parts: Iterable[RenderableType]) -> tuple[str, ...]:
    """The lines that a command prints beneath its tables."""
    return tuple(part.plain for part in parts if isinstance(part, Text) and part.style == "dim")


def _plain(cell: RenderableType) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)
