"""The ledger: one SQLite file that remembers every answer of a run.

An answer is handed on only when it is committed (WAL, synchronous=FULL). A thread of its own writes; whatever
has queued up while one commit waits for the disk goes into the next one (group commit), so that hundreds of
answers share one fsync.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Any

from whyfeel.engine.tables import (
    COLUMNS,
    DAMAGED,
    DURABLE_WITHIN,
    FIND,
    SINCE_2,
    VERSION,
    bring_up_to_date,
    explained,
    reading,
    store_failed,
    strange_version,
    version_of,
)
from whyfeel.errors import DataError, StoreFailed
from whyfeel.records import Answer, canonical

LEDGER = "ledger.sqlite"  # its name in a run folder
PUT = "INSERT OR IGNORE INTO answers VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
TOTALS = """
SELECT count(*), coalesce(sum(attempts), 0), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0),
       total(cost), count(*) - count(cost)
FROM answers WHERE source IS NULL AND (? IS NULL OR purpose IN (SELECT value FROM json_each(?)))
"""
ENTRY = ", role, model, ask, purpose, address, "  # and the seconds, which old ledgers do not have
PHASES = """
SELECT role, count(*), coalesce(sum(attempts), 0), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0),
       total(cost), count(*) - count(cost), sum(seconds)
FROM answers WHERE source IS NULL AND purpose = ? GROUP BY role
"""
LEFT_OUT = """
SELECT named.value, count(*) FROM answers, json_each(left_out) AS named
WHERE purpose IN (SELECT value FROM json_each(?)) GROUP BY 1 ORDER BY 1
"""
GATHER = 0.003  # seconds that a batch waits for company: a fifth less CPU a call for one per cent of its latency


def ledger_file(path: Path) -> Path:
    """The ledger that a user names: the file itself, or the one in a run folder."""
    return path / LEDGER if path.is_dir() else path


@dataclass(frozen=True, slots=True)
class Totals:
    """What the answers of a run took.

    Attributes:
        calls, tries: calls that were answered, and all that were made.
        cost: US dollars, None where unknown.
        seconds: that the answered calls took, added up however many ran side by side; None where none was timed.
    """

    calls: int = 0
    tries: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = 0.0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer on its way into the ledger or out of it, with what was asked and where, and the seconds of its call."""

    answer: Answer
    role: str
    model: str
    asked: str
    purpose: str
    address: str
    seconds: float | None = None

    def row(self) -> tuple[Any, ...]:
        """The values of one row of `answers`, without seq."""
        a = self.answer
        return (
            *(a.ask_id, self.purpose, self.role, self.model, self.asked),
            *(_storable(a.text), a.outcome, a.finish, a.tokens_in, a.tokens_out, a.cost, a.served),
            *(a.attempts, a.source, self.address, datetime.now(UTC).isoformat(timespec="milliseconds")),
            *(_storable(a.reasoning) or None, canonical(a.left_out) if a.left_out else None, self.seconds),
        )


_Waiting = tuple[Entry, "asyncio.Future[None]"]


class Ledger:
    """The answers of one run. Use from one event loop; reading never waits for writing.

    Args:
        path: the file; made where it is missing and brought up to date where it is old, unless read-only.
        readonly: for `--reuse` and `replay:`; an old ledger is then read as it is.

    Raises:
        DataError: the file is not a ledger, is damaged, or was written by a newer whyfeel.
        StoreFailed: the file cannot be opened, made or brought up to date; an old one is then as it was.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._error: StoreFailed | None = None
        if readonly and not path.is_file():
            raise DataError(f"there is no ledger at {str(path)!r}")
        with ExitStack() as undo:
            try:
                if not readonly:
                    bring_up_to_date(path)
                self._reader = reading(path)
                undo.callback(self._reader.close)
                version = version_of(self._reader)
                if not 1 <= version <= VERSION:  # another version may have other tables
                    raise strange_version(path, version)
                columns = COLUMNS + (SINCE_2 if version >= 2 else ", NULL, NULL")
                self._find = FIND.format(columns=columns)
                self._find_entry = FIND.format(columns=columns + ENTRY + ("seconds" if version >= 3 else "NULL"))
                self._reader.execute(self._find, ("",))
                # a look-up in a file that is being written costs 50 microseconds; most asks of a new run are not there
                self._present = {_short(row[0]) for row in self._reader.execute("SELECT key FROM answers")}
            except (sqlite3.Error, OSError, ValueError, TypeError) as error:  # the latter two: keys that are no keys
                raise explained(path, error) from None
            undo.pop_all()

    def get(self, key: str) -> Answer | None:
        """The durable answer to an ask, if there is one.

        Raises:
            StoreFailed: the file can no longer be read.
        """
        row = self._row(self._find, key)
        return None if row is None else _answer(row)

    def entry(self, key: str) -> Entry | None:
        """The durable answer to an ask with all that is kept beside it, if there is one.

        Raises:
            StoreFailed: the file can no longer be read.
        """
        row = self._row(self._find_entry, key)
        return None if row is None else Entry(_answer(row[:12]), *row[12:])

    def _row(self, find: str, key: str) -> tuple[Any, ...] | None:
        if _short(key) not in self._present:
            return None
        try:
            row: tuple[Any, ...] | None = self._reader.execute(find, (key,)).fetchone()
        except sqlite3.Error as error:
            raise StoreFailed(f"the ledger {str(self.path)!r} cannot be read: {error}; {DAMAGED}") from None
        return row

    def asked(self, key: str) -> dict[str, Any] | None:
        """Everything that the key of a durable answer hashes: model, role, messages, settings; None where none is."""
        row = self._reader.execute("SELECT ask FROM answers WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        value: dict[str, Any] = json.loads(row[0])
        return value

    async def put(self, entry: Entry) -> None:
        """Write an answer; returns when it is durable.

        Raises:
            StoreFailed: it could not be written; nothing was half-written.
        """
        if self._error is not None:
            raise self._error
        if self._writer is None:
            self._writer = threading.Thread(
                target=self._write, args=(asyncio.get_running_loop(),), name="whyfeel-ledger"
            )
            self._writer.start()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put((entry, done))
        await done

    def totals(self, purposes: Iterable[str] | None = None) -> Totals:
        """What this run's own answers took, reused and replayed ones left out.

        Args:
            purposes: only the answers asked for one of these, None for all.
        """
        chosen = None if purposes is None else canonical(sorted(purposes))
        calls, tries, tokens_in, tokens_out, cost, unpriced = self._reader.execute(TOTALS, (chosen, chosen)).fetchone()
        return Totals(calls, tries, tokens_in, tokens_out, None if unpriced else cost)

    def phases(self, purpose: str) -> dict[str, Totals]:
        """What this run's own answers to a purpose took, by the role they were asked in."""
        rows = self._reader.execute(PHASES, (purpose,)).fetchall()
        return {
            role: Totals(calls, tries, tokens_in, tokens_out, None if unpriced else cost, seconds)
            for role, calls, tries, tokens_in, tokens_out, cost, unpriced, seconds in rows
        }

    def left_out(self, purposes: Iterable[str]) -> dict[str, int]:
        """Settings that servers did not take, and how many of the answers to these purposes were given without them."""
        rows = self._reader.execute(LEFT_OUT, (canonical(sorted(purposes)),))
        return dict(rows.fetchall())

    def reused(self) -> int:
        """How many answers were copied from other ledgers."""
        return int(self._reader.execute("SELECT count(*) FROM answers WHERE source IS NOT NULL").fetchone()[0])

    def models(self, role: str) -> list[str]:
        """The declared names of the models that answered a role."""
        rows = self._reader.execute("SELECT DISTINCT model FROM answers WHERE role = ? ORDER BY 1", (role,))
        return [row[0] for row in rows]

    def close(self) -> None:
        """Wait for what is queued to be written, then close the file.

        The writer leaves last and folds SQLite's log into the file, which then is the whole ledger.
        """
        self._reader.close()
        if self._writer is not None:
            self._queue.put(None)
            self._writer.join()
            self._writer = None

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        """The writing thread: one transaction for all that has queued up."""
        try:
            db = _open_writer(self.path)
        except sqlite3.Error as error:
            db, self._error = None, store_failed("the ledger", self.path, error)
        closing = False
        while not closing:
            first = self._queue.get()
            sleep(GATHER)
            batch: list[_Waiting] = []
            while first is not None:
                batch.append(first)
                try:
                    first = self._queue.get_nowait()
                except Empty:
                    break
            closing = first is None
            if db is not None and self._error is None:
                self._error = _commit(db, batch, self.path)
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._settle, batch, self._error)
        if db is not None:
            # a ledger at rest is one plain file: it can be copied alone, and read where nothing may be written
            with suppress(sqlite3.Error):  # somebody reads it at this moment, or the disk is full
                db.execute("PRAGMA busy_timeout = 1000")
                db.execute("PRAGMA journal_mode = DELETE")
            db.close()

    def _settle(self, batch: list[_Waiting], error: StoreFailed | None) -> None:
        for entry, done in batch:
            if error is None:
                self._present.add(_short(entry.answer.ask_id))
            if done.done():  # its asker was cancelled meanwhile; the answer is durable all the same
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)


def _short(key: str) -> int:
    """Sixty bits of a key: enough to tell what is surely absent, in a fraction of the memory."""
    return int(key[:15], 16)


def _commit(db: sqlite3.Connection, batch: list[_Waiting], path: Path) -> StoreFailed | None:
    try:
        with db:
            db.executemany(PUT, [entry.row() for entry, _ in batch])
    except Exception as error:  # noqa: BLE001 - were the writing thread to die, all who wait for it would wait for ever
        return store_failed("the ledger", path, error)
    return None


def _open_writer(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=DURABLE_WITHIN)
    write_ahead(db)
    db.execute("PRAGMA synchronous = FULL")
    return db


def write_ahead(db: sqlite3.Connection) -> None:
    """Keep a log from now on; SQLite does not itself wait for whoever writes to the file at this moment."""
    until = monotonic() + DURABLE_WITHIN
    while True:
        try:
            # where the file system has no shared memory (network mounts) the old journal stays: slower, as safe
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
            sleep(0.01)
        else:
            return


def _storable(text: str) -> str | bytes:
    """SQLite stores UTF-8; a text with lone surrogates goes in as bytes, so that nothing is lost."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _answer(row: tuple[Any, ...]) -> Answer:
    """The answer in a row of COLUMNS and SINCE_2."""
    known, reasoning, left_out = row[2:10], row[10] or "", row[11] or "[]"
    answer = Answer(row[0], _readable(row[1]), *known)
    return replace(answer, reasoning=_readable(reasoning), left_out=tuple(json.loads(left_out)))


def _readable(value: str | bytes) -> str:
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value
