"""A study in a file of SQLite: one connection, its thread that of aiosqlite; other processes may use the file too."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import random
from time import monotonic
from typing import Any

from aiosqlite import Connection

from whyfeel.engine.ledger import write_ahead
from whyfeel.engine.tables import store_failed
from whyfeel.errors import DataError
from whyfeel.study.database import BUSY, Value

POLL = 0.004  # seconds at most between two tries to be alone


class SQLite:
    """An open file; one transaction at a time.

    Whatever a cancelled request had queued up runs before its rollback: the connection has one thread, which works
    off its statements in their order.
    """

    def __init__(self, db: Connection, path: Path) -> None:
        self._db, self._path = db, path
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[SQLite]:
        """Alone over all processes: the lock is taken at once, and waited for."""
        async with self._transaction("BEGIN IMMEDIATE", "written"):
            yield self

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SQLite]:
        """As it was at the first statement."""
        async with self._transaction("BEGIN", "read"):
            yield self

    async def rows(self, statement: str, *values: Value) -> Sequence[Sequence[Any]]:
        """What a statement returns."""
        return list(await self._db.execute_fetchall(statement, values))

    async def run(self, statement: str, *values: Value) -> int:
        """How many rows a statement changed."""
        return max(0, (await self._db.execute(statement, values)).rowcount)

    async def close(self) -> None:
        """Close the file; who leaves last folds SQLite's log into it, so that it can be copied alone."""
        async with self._lock:
            with suppress(sqlite3.Error):  # somebody else has it open
                await self._db.execute("PRAGMA busy_timeout = 0")
                await self._db.execute("PRAGMA journal_mode = DELETE")
            await self._db.close()

    @asynccontextmanager
    async def _transaction(self, begin: str, done: str) -> AsyncIterator[None]:
        async with self._lock:
            with explained(self._path, done):
                try:
                    await self._patiently(begin)
                    yield
                    await self._patiently("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):  # a broken disk has undone it already, or the next opening will
                        await self._db.rollback()
                    raise

    async def _patiently(self, statement: str) -> None:
        """SQLite itself waits up to a tenth of a second between tries: a busy process would starve the others."""
        until = monotonic() + BUSY
        while True:
            try:
                await self._db.execute(statement)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
                await asyncio.sleep(POLL * random())  # noqa: S311 - so that two do not keep step
            else:
                return


async def open_sqlite(path: Path) -> SQLite:
    """Open a file, made where it is missing.

    Raises:
        DataError: the file is no database of SQLite.
        StoreFailed: it cannot be opened.
    """

    def connect() -> sqlite3.Connection:
        db = sqlite3.connect(path, timeout=POLL, isolation_level=None, check_same_thread=False)
        write_ahead(db)
        db.execute("PRAGMA synchronous = FULL")
        return db

    with explained(path, "opened"):
        db = await asyncio.to_thread(connect)
    # opened before aiosqlite has it: after a connector that fails, its thread would speak to a loop that may be closed
    return SQLite(await Connection(lambda: db, iter_chunk_size=64), path)


@contextmanager
def explained(path: Path, done: str) -> Iterator[None]:
    """Tell SQLite's errors in the user's terms."""
    try:
        yield
    except sqlite3.Error as error:
        name: str = getattr(error, "sqlite_errorname", "")
        if done == "opened" and name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            raise DataError(f"{str(path)!r} is damaged, or no study ({error}): put a copy in its place") from None
        raise store_failed("the study", path, error, done) from None
