"""A ledger's tables: made, brought up to date with a copy of the old file kept, and what is told where that fails."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from whyfeel.errors import DataError, StoreFailed

VERSION = 3
SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    seq        INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    purpose    TEXT NOT NULL,  -- "answer", or the judge (NAME-HASH) it was asked for
    role       TEXT NOT NULL,
    model      TEXT NOT NULL,  -- the declared name
    ask        TEXT NOT NULL,  -- JSON of everything the key hashes
    text       TEXT NOT NULL,  -- a BLOB where the text holds lone surrogates
    outcome    TEXT NOT NULL,
    finish     TEXT,
    tokens_in  INTEGER,
    tokens_out INTEGER,
    cost       REAL,           -- US dollars
    served     TEXT,
    attempts   INTEGER NOT NULL,
    source     TEXT,           -- the ledger a reused or replayed answer came from
    address    TEXT NOT NULL,
    at         TEXT NOT NULL,  -- UTC
    reasoning  TEXT,           -- what the model thought aloud apart from its reply
    left_out   TEXT,           -- JSON list of the settings that the server would not take
    seconds    REAL            -- that the call took which brought the answer
)
"""
BATCHES = """
CREATE TABLE batches (
    tag     TEXT PRIMARY KEY,  -- ours, sent along, so that a batch whose id was never heard can be found again
    id      TEXT,              -- the provider's, NULL until it is known
    address TEXT NOT NULL,
    keys    TEXT NOT NULL,     -- JSON list of the keys of its asks
    done    INTEGER NOT NULL   -- 1 once its answers are in this file, or it will never have any
)
"""
# what makes a ledger of the version before it one of this version; a ledger is never written by an older whyfeel again
MIGRATIONS = {
    2: ("ALTER TABLE answers ADD COLUMN reasoning TEXT", "ALTER TABLE answers ADD COLUMN left_out TEXT", BATCHES),
    3: ("ALTER TABLE answers ADD COLUMN seconds REAL",),
}
COLUMNS = "key, text, outcome, finish, tokens_in, tokens_out, cost, served, attempts, source"
SINCE_2 = ", reasoning, left_out"
FIND = "SELECT {columns} FROM answers WHERE key = ?"
DAMAGED = "put a copy in its place, if there is one, and run the same command again"
DURABLE_WITHIN = 60.0  # seconds that a commit waits for another process's lock on the file


def reading(path: Path) -> sqlite3.Connection:
    """A connection that can change nothing."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def version_of(db: sqlite3.Connection) -> int:
    """The version of the tables, 0 where there are none of ours."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def strange_version(path: Path, version: int) -> DataError:
    """The error for a version that this whyfeel does not read."""
    why = "a newer whyfeel wrote it: upgrade whyfeel to read it" if version > VERSION else "it is no ledger"
    return DataError(f"{str(path)!r} has ledger version {version}, this whyfeel reads versions up to {VERSION}; {why}")


def bring_up_to_date(path: Path) -> None:
    """Make the tables of a new ledger, or migrate an old one, in one transaction.

    Raises:
        DataError: the file is somebody else's database.
        sqlite3.Error, OSError: it cannot be done; the file is as it was.
    """
    with closing(sqlite3.connect(path, timeout=DURABLE_WITHIN, isolation_level=None)) as db:
        if not 0 <= version_of(db) < VERSION:
            return
        db.execute("BEGIN IMMEDIATE")  # closing takes back what is not committed
        if (version := version_of(db)) < VERSION:  # another process may have done it before the lock was ours
            _migrate(db, path, version)
        db.execute("COMMIT")


def _migrate(db: sqlite3.Connection, path: Path, version: int) -> None:
    """All the steps to the current version, with a copy of an old ledger made first."""
    if version == 0:
        if db.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise strange_version(path, 0)
        steps: list[str] = [SCHEMA, BATCHES]
    else:
        db.execute(FIND.format(columns=COLUMNS), ("",))  # fails where it is no ledger, before anything is copied
        steps = [step for to in range(version + 1, VERSION + 1) for step in MIGRATIONS[to]]
        _back_up(path, path.with_name(f"{path.stem}.v{version}{path.suffix}"))
    for step in steps:
        db.execute(step)
    db.execute(f"PRAGMA user_version = {VERSION}")


def _back_up(path: Path, copy: Path) -> None:
    """A copy of the ledger as it was, whole and on disk before anything is changed; nobody may write meanwhile."""
    part = copy.with_name(copy.name + ".part")
    try:
        part.unlink(missing_ok=True)
        # a connection of its own: SQLite copies nothing over one that is about to write
        with closing(reading(path)) as old, closing(sqlite3.connect(part)) as new:
            new.execute("PRAGMA journal_mode = OFF")  # a copy that is not finished is thrown away
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")  # one plain file, also where the ledger has a log beside it
        to_disk(part)
        part.replace(copy)
        to_disk(copy.parent)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Flush a file, or a folder's list of files, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def store_failed(what: str, path: Path, error: Exception, done: str = "written") -> StoreFailed:
    """The error that ends a run whose file cannot be written: which file, why, how much room there is, what to do.

    Args:
        what: what the file is, such as "the ledger".
        done: what cannot be done to it.
    """
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        room = "its folder cannot be looked at"
    else:
        room = f"{disk.f_bavail * disk.f_frsize:,} bytes are free there"
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return StoreFailed(
        f"{what} {str(path)!r} cannot be {done}: {why} ({room}). Nothing that was answered before is lost: "
        "make room or mend the cause, then run the same command again"
    )


def explained(path: Path, error: Exception) -> DataError | StoreFailed:
    """What went wrong with opening a ledger, in the user's terms."""
    name: str = getattr(error, "sqlite_errorname", "")
    if isinstance(error, (ValueError, TypeError)) or name in {"SQLITE_NOTADB", "SQLITE_ERROR"}:
        return DataError(f"{str(path)!r} is not a ledger ({error})")
    if name.startswith("SQLITE_CORRUPT"):
        return DataError(f"the ledger {str(path)!r} is damaged ({error}): {DAMAGED}")
    if name == "SQLITE_READONLY_ROLLBACK":
        return StoreFailed(f"the ledger {str(path)!r} is half written: its run was killed; run its own command again")
    return store_failed("the ledger", path, error, "opened")
