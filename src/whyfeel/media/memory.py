"""Which pictures were decoded before, known by their content, so that a check decodes only what is new.

One small SQLite file in the user's cache folder. Nothing depends on it: where it cannot be read or written, a check
decodes everything and says why.
"""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

FILE = "pictures.sqlite"
CHECKER = 1  # raised whenever another verdict on the same bytes becomes possible
PATIENCE = 1.0  # seconds to wait for another process that writes
SOUND = ""


def checker_version() -> int:
    """What a verdict depends on besides the bytes, as 31 bits: our rules, and the decoder's version."""
    from PIL import __version__  # noqa: PLC0415

    return zlib.crc32(f"{CHECKER} {__version__}".encode()) >> 1


class PictureMemory:
    """What earlier checks found, by SHA-256; may be asked and told by several threads.

    What is learnt is written when the memory is closed, in one transaction. A file that another version of the
    checker wrote is made anew then. Use it in a `with` statement.

    Args:
        folder: where the file lies, or None where there is no such folder.

    Attributes:
        trouble: why something was not remembered, None as long as all went well.
    """

    def __init__(self, folder: Path | None) -> None:
        self.trouble = "there is no home folder" if folder is None else None
        self._path = folder / FILE if folder is not None else None
        self._version = checker_version()
        self._learnt: dict[str, str] = {}
        self._lock = Lock()
        self._known: sqlite3.Connection | None = None
        try:
            self._known = self._opened()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def recall(self, digest: str) -> str | None:
        """The fault of a picture seen before, SOUND where it had none, None where it was not seen."""
        with self._lock:
            if digest in self._learnt or self._known is None:
                return self._learnt.get(digest)
            try:
                row = self._known.execute("SELECT fault FROM pictures WHERE sha256 = ?", (digest,)).fetchone()
            except sqlite3.Error as error:
                self._give_up(error)
                return None
        return None if row is None else str(row[0] or SOUND)

    def learn(self, digest: str, fault: str | None) -> None:
        """Take a picture's fault, None where it has none."""
        with self._lock:
            self._learnt[digest] = fault or SOUND

    def __enter__(self) -> Self:
        """The memory itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Write what was learnt, also where the check was stopped."""
        if self._known is not None:
            self._known.close()
            self._known = None
        if self._learnt and self.trouble is None:
            try:
                self._write()
            except (sqlite3.Error, OSError) as fault:
                self._give_up(fault)

    def _opened(self) -> sqlite3.Connection | None:
        """The file, if there is one and it is of this version; it is neither made nor changed."""
        if self._path is None or not self._path.exists():
            return None
        uri = f"{self._path.as_uri()}?mode=rw"  # not ro: what a killed process left half-written is rolled back
        known = sqlite3.connect(uri, uri=True, timeout=PATIENCE, check_same_thread=False)
        try:
            [version] = known.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error:
            known.close()
            raise
        if version == self._version:
            return known
        known.close()
        return None

    def _write(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            if db.execute("PRAGMA user_version").fetchone() != (self._version,):
                db.execute("DROP TABLE IF EXISTS pictures")
                db.execute(f"PRAGMA user_version = {self._version}")
            db.execute("CREATE TABLE IF NOT EXISTS pictures (sha256 TEXT PRIMARY KEY, fault TEXT) WITHOUT ROWID")
            rows = ((digest, fault or None) for digest, fault in self._learnt.items())
            db.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?)", rows)
            db.execute("COMMIT")

    def _give_up(self, error: Exception) -> None:
        self.trouble = f"{str(self._path)!r}: {error.strerror if isinstance(error, OSError) else error}"
        if self._known is not None:
            self._known.close()
            self._known = None
