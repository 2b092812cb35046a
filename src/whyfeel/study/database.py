"""Two databases behind one face: SQLite in a file, PostgreSQL by URL. The statements are the same for both."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

Value = str | int | float | None


class Transaction(Protocol):
    """Statements with "?" for each value."""

    async def rows(self, statement: str, *values: Value) -> Sequence[Sequence[Any]]:
        """What a statement returns."""
        ...

    async def run(self, statement: str, *values: Value) -> int:
        """How many rows a statement changed."""
        ...


class Database(Protocol):
    """Where a study is kept.

    Both kinds of transaction raise StoreFailed where the database cannot be read or written.
    """

    def changing(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that is alone in the whole study, over all processes; durable once it is left."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that sees everything as it is at one moment."""
        ...

    async def close(self) -> None:
        """Let it go; a change that is under way ends first."""
        ...


async def open_database(place: str | Path, name: str) -> Database:
    """Open a database.

    Args:
        place: a file of SQLite, or a URL that begins with "postgresql://".
        name: tells studies in one PostgreSQL database apart; each has a schema of its own.

    Raises:
        UserError: the URL cannot be one, the server refuses it, or the extra is missing; passwords are not repeated.
        StoreFailed: the file cannot be opened.
    """
    raise NotImplementedError
