"""What the tables of a review hold, read and written within whatever transaction the store has begun."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from whyfeel.annotate.review.assignment import Standing
from whyfeel.annotate.review.edits import Edit
from whyfeel.annotate.review.file import EDITS, edit_of
from whyfeel.records import canonical

PUT_EDIT = "INSERT INTO edits VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
HOLD = "INSERT INTO hands VALUES (?, ?, ?, 0) ON CONFLICT DO UPDATE SET until = excluded.until"
LET_GO = """
UPDATE hands SET until = 0, skipped = (SELECT max(skipped) + 1 FROM hands) WHERE place = ? AND reviewer = ?
"""
# one item, or all up to the run's last: of others, the annotations are no longer the run's
PLACES = "place BETWEEN ? AND ?"
ITEMS = f"SELECT place, needs FROM items WHERE {PLACES} ORDER BY place"  # noqa: S608
FINISHED = f"SELECT place, reviewer FROM finished WHERE {PLACES} ORDER BY seq"  # noqa: S608
HANDS = f"SELECT place, reviewer, until FROM hands WHERE {PLACES} AND until > ?"  # noqa: S608


class Rows:
    """The rows of an open review; an item is named by its place.

    Args:
        db: the file.
        items: the run's ids by place.
    """

    def __init__(self, db: sqlite3.Connection, items: Mapping[int, str]) -> None:
        self.db, self.items = db, items

    def standing(self, place: int, now: float) -> Standing:
        """How far an item is."""
        return next(self._standings(place, place, now))

    def standings(self, now: float) -> list[Standing]:
        """How far each item is, in the order of their places."""
        return list(self._standings(0, max(self.items, default=-1), now))

    def _standings(self, first: int, last: int, now: float) -> Iterator[Standing]:
        finished: dict[int, list[str]] = {}
        hands: dict[int, dict[str, float]] = {}
        for place, name in self.db.execute(FINISHED, (first, last)):
            finished.setdefault(place, []).append(name)
        for place, name, until in self.db.execute(HANDS, (first, last, now)):
            hands.setdefault(place, {})[name] = until
        for place, needs in self.db.execute(ITEMS, (first, last)):
            if place in self.items:
                yield Standing(self.items[place], needs, tuple(finished.get(place, ())), hands.get(place, {}))

    def anew(self) -> list[str]:
        """The run's items of which a former annotation was worked on, in the order in which they came."""
        former = "SELECT place FROM edits UNION SELECT place FROM finished"
        rows = self.db.execute(f"SELECT place, id FROM items WHERE place IN ({former}) ORDER BY place")  # noqa: S608
        return list(dict.fromkeys(json.loads(item) for place, item in rows if place not in self.items))

    def hands(self, reviewer: str) -> dict[int, tuple[float, int]]:
        """A reviewer's leases by place, also those that ran out (until when), and how late each was skipped."""
        rows = self.db.execute("SELECT place, until, skipped FROM hands WHERE reviewer = ?", (reviewer,))
        return {place: (until, skipped) for place, until, skipped in rows}

    def hold(self, place: int, reviewer: str, until: float) -> None:
        """Lease an item, or renew its lease."""
        self.db.execute(HOLD, (place, reviewer, until))

    def let_go(self, place: int, reviewer: str) -> None:
        """Give an item back; it is the last that the reviewer has skipped."""
        self.db.execute(LET_GO, (place, reviewer))

    def edits(self, place: int, reviewer: str) -> tuple[Edit, ...]:
        """A reviewer's edits of an item, in the order they were made."""
        rows = self.db.execute(f"{EDITS} WHERE place = ? AND reviewer = ? ORDER BY seq", (place, reviewer))
        return tuple(map(edit_of, rows))

    def find(self, edit: str) -> Edit | None:
        """The edit of an id."""
        row: tuple[Any, ...] | None = self.db.execute(f"{EDITS} WHERE edits.id = ?", (edit,)).fetchone()
        return None if row is None else edit_of(row)

    def append(self, place: int, edit: Edit, now: float) -> Edit:
        """Put an edit behind all others; as it is stored."""
        at = told(now)
        texts = canonical(edit.trigger), canonical(edit.value), edit.why
        put = self.db.execute(PUT_EDIT, (edit.id, place, edit.reviewer, edit.action, *texts, at))
        assert put.lastrowid is not None
        return replace(edit, at=at, seq=put.lastrowid)

    def finish(self, place: int, reviewer: str, now: float) -> None:
        """Note that a reviewer has finished an item, which is in hand no more."""
        self.db.execute("INSERT OR IGNORE INTO finished VALUES (NULL, ?, ?, ?)", (place, reviewer, told(now)))
        self.db.execute("DELETE FROM hands WHERE place = ? AND reviewer = ?", (place, reviewer))

    def reopen(self, place: int, reviewer: str) -> bool:
        """Take that back; False where there was nothing to take back."""
        gone = self.db.execute("DELETE FROM finished WHERE place = ? AND reviewer = ?", (place, reviewer))
        return gone.rowcount > 0


def told(now: float) -> str:
    """Seconds since 1970 as UTC, ISO 8601."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
