"""Which batches a run has handed to a provider: kept in the ledger's file, so that a killed run finds them again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from whyfeel.engine.tables import store_failed

WAIT = 60.0  # seconds for the ledger's own writer to finish a transaction


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that went up together.

    Attributes:
        tag: ours, sent along with the batch.
        id: the provider's; None where the process died before it heard it.
        keys: the keys of its asks.
    """

    tag: str
    id: str | None
    keys: tuple[str, ...]


class BatchBook:
    """The batches of a run with one provider.

    Args:
        ledger: the ledger's file, which must be there.
        address: the provider's; batches of other addresses are not seen.
    """

    def __init__(self, ledger: Path, address: str) -> None:
        self._ledger = ledger
        self._address = address

    def open(self) -> list[Batch]:
        """The batches that may still bring answers, oldest first."""
        query = "SELECT tag, id, keys FROM batches WHERE address = ? AND NOT done ORDER BY rowid"
        with closing(sqlite3.connect(self._ledger, timeout=WAIT)) as db:
            return [Batch(tag, id_, tuple(json.loads(keys))) for tag, id_, keys in db.execute(query, (self._address,))]

    def begin(self, tag: str, keys: Sequence[str]) -> None:
        """Note a batch before the provider is told of it."""
        self._write("INSERT INTO batches VALUES (?, NULL, ?, ?, 0)", (tag, self._address, json.dumps(list(keys))))

    def name(self, tag: str, id_: str) -> None:
        """Note the id that the provider gave a batch."""
        self._write("UPDATE batches SET id = ? WHERE tag = ?", (id_, tag))

    def close(self, tag: str) -> None:
        """A batch will bring no more answers."""
        self._write("UPDATE batches SET done = 1 WHERE tag = ?", (tag,))

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        try:
            with closing(sqlite3.connect(self._ledger, timeout=WAIT)) as db, db:
                db.execute("PRAGMA synchronous = FULL")
                db.execute(statement, values)
        except sqlite3.Error as error:
            raise store_failed("the ledger", self._ledger, error) from None
