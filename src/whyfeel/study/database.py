"""Two databases behind one face: SQLite in a file, PostgreSQL by URL. The statements are the same for both."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from whyfeel.errors import UserError

Value = str | int | float | None
SCHEME = "postgresql://"
BUSY = 30.0  # seconds that a change waits for another process's


class Transaction(Protocol):
    """Statements with "?" for each value; texts have been through `storable`."""

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
        name: tells studies in one PostgreSQL database apart; each has a schema of its own. Letters, digits and
            underscores, 50 at most.

    Raises:
        UserError: the URL cannot be one, the server refuses it or does not answer, or the extra is missing; passwords
            are not repeated.
        DataError: the file is no database of SQLite.
        StoreFailed: the file cannot be opened.
    """
    url = place if isinstance(place, str) else ""
    if "://" in url and not url.startswith(SCHEME):  # the rest of it may hold a password
        raise UserError(f"the URL of a database begins with {SCHEME!r}, got one that begins otherwise")
    try:
        if url.startswith(SCHEME):
            from whyfeel.study.postgres import open_postgres  # noqa: PLC0415 - an extra

            return await open_postgres(url, name)
        from whyfeel.study.sqlite import open_sqlite  # noqa: PLC0415 - an extra
    except ImportError as error:
        extra = "postgres" if url.startswith(SCHEME) else "web"
        raise UserError(f"a study's database needs the package {error.name}: pip install 'whyfeel[{extra}]'") from None
    return await open_sqlite(Path(place))
