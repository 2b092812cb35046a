"""The file of a review, RUN/review.sqlite: its tables, how it is opened, and what is read out of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whyfeel.annotate.review.edits import ADJUDICATOR, Edit
from whyfeel.engine.ledger import write_ahead
from whyfeel.engine.tables import reading, store_failed, version_of
from whyfeel.errors import DataError, UserError
from whyfeel.records import Annotation, canonical, content_id, rng

REVIEW = "review.sqlite"  # its name in a run folder
VERSION = 1
BUSY = 30.0  # seconds that a change waits for another process's
SCHEMA = (
    "CREATE TABLE terms (share REAL NOT NULL, seed TEXT NOT NULL)",  # of double annotation, for good
    """
    CREATE TABLE items (
        place INTEGER PRIMARY KEY,  -- from 0, in the run's order; items that a resumed run adds come last
        id    TEXT NOT NULL,        -- JSON, as are the triggers' ids: they may hold what UTF-8 cannot
        made  TEXT NOT NULL,        -- the annotation that is reviewed, by its hash: another one is another item
        needs INTEGER NOT NULL,     -- how many reviewers: 1, or 2 where it is annotated twice
        UNIQUE (id, made)
    )""",
    """
    CREATE TABLE edits (
        seq      INTEGER PRIMARY KEY,
        id       TEXT NOT NULL UNIQUE,
        place    INTEGER NOT NULL,
        reviewer TEXT NOT NULL,
        action   TEXT NOT NULL,
        trigger_ TEXT NOT NULL,
        value    TEXT NOT NULL,     -- JSON
        why      TEXT NOT NULL,
        at       TEXT NOT NULL      -- UTC
    )""",
    "CREATE INDEX edits_of ON edits (place, reviewer, seq)",
    """
    CREATE TABLE hands (
        place    INTEGER NOT NULL,
        reviewer TEXT NOT NULL,
        until    REAL NOT NULL,     -- seconds since 1970; 0 once it was given back
        skipped  INTEGER NOT NULL,  -- the later it was skipped the higher, 0 where it was not
        PRIMARY KEY (place, reviewer)
    )""",
    """
    CREATE TABLE finished (
        seq      INTEGER PRIMARY KEY,
        place    INTEGER NOT NULL,
        reviewer TEXT NOT NULL,
        at       TEXT NOT NULL,
        UNIQUE (place, reviewer)
    )""",
)
Seen = tuple[str, str]  # a sample's id, and the hash of the annotation of it
EDITS = "SELECT edits.id, items.id, reviewer, action, trigger_, value, why, at, seq FROM edits JOIN items USING (place)"


@dataclass(slots=True)
class Work:
    """What people did to one item.

    Attributes:
        edits: by reviewer, in the order they were made.
        finishers: who finished it, the first one first, without an adjudicator.
        adjudicator: who settled it, "adjudicator:" and a name; "" for nobody.
    """

    edits: dict[str, list[Edit]] = field(default_factory=dict)
    finishers: list[str] = field(default_factory=list)
    adjudicator: str = ""


def seen(annotation: Annotation) -> Seen:
    """What a review knows an annotation by: people's work on it is about these triggers out of these asks, no others.

    A picture that was replaced, or a chain that a later sitting brought to its end, makes another annotation of it.
    """
    triggers = [[one.id, one.text, one.kind, one.explicit, one.dropped] for one in annotation.triggers]
    return annotation.sample_id, content_id([triggers, list(annotation.asks)])


def read_review(path: Path) -> dict[Seen, Work]:
    """What people did so far, by annotation, changing nothing; nothing where there is no such file.

    Raises:
        DataError: the file is no review, is damaged, or was written by a newer whyfeel.
        StoreFailed: it cannot be read.
    """
    if not path.is_file():
        return {}
    found: dict[Seen, Work] = {}
    with explained(path, "read"), closing(reading(path)) as db:
        db.execute("BEGIN")  # all of it as it is at one moment
        _check_version(db, path)
        items = [(json.loads(item), made) for item, made in db.execute("SELECT id, made FROM items ORDER BY place")]
        places = dict(db.execute("SELECT seq, place FROM edits"))
        for edit in map(edit_of, db.execute(f"{EDITS} ORDER BY seq")):
            found.setdefault(items[places[edit.seq]], Work()).edits.setdefault(edit.reviewer, []).append(edit)
        for place, name in db.execute("SELECT place, reviewer FROM finished ORDER BY seq"):
            work = found.setdefault(items[place], Work())
            if name.startswith(ADJUDICATOR):
                work.adjudicator = name
            else:
                work.finishers.append(name)
    return found


def open_review(
    path: Path, items: Sequence[Seen], share: float | None, seed: int | None
) -> tuple[sqlite3.Connection, dict[int, str]]:
    """The file, made where it is missing, with all of the run's items in it; and the run's items by their places.

    Raises:
        UserError: the share is none, or it or the seed of double annotation is another than at the first opening.
        DataError: the file is no review, is damaged, or holds items that the run does not.
        StoreFailed: it cannot be opened or written.
    """
    if share is not None and not 0 <= share <= 1:
        raise UserError(f"the share of items that are annotated twice is from 0 to 1, got {share}")
    ids = [item for item, _ in items]
    if len(set(ids)) < len(ids):
        twice = next(item for place, item in enumerate(ids) if item in ids[:place])
        raise DataError(f"two annotations have the id {twice!r}: they cannot be told apart in a review")
    with ExitStack() as undo, explained(path, "opened"):
        db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        undo.callback(db.close)
        db.execute("BEGIN")  # another process may be making the tables
        _check_version(db, path)
        db.execute("COMMIT")
        write_ahead(db)
        db.execute("PRAGMA synchronous = FULL")
        with changing(db):
            places = _prepare(db, path, items, share, seed)
        undo.pop_all()
    return db, places


def close_review(db: sqlite3.Connection) -> None:
    """Close the file; who leaves last folds SQLite's log into it, so that it can be copied alone and read anywhere."""
    with closing(db), suppress(sqlite3.Error):  # somebody else has it open
        db.execute("PRAGMA busy_timeout = 0")
        db.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def changing(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, with nobody else between; durable when it is left."""
    db.execute("BEGIN IMMEDIATE")
    with db:
        yield


@contextmanager
def explained(path: Path, done: str) -> Iterator[None]:
    """Tell SQLite's errors in the user's terms."""
    try:
        yield
    except (sqlite3.Error, json.JSONDecodeError) as error:
        name: str = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")) or not isinstance(error, sqlite3.Error):
            raise DataError(f"{str(path)!r} is damaged, or no review ({error}): put a copy in its place") from None
        raise store_failed("the review", path, error, done) from None


def edit_of(row: tuple[Any, ...]) -> Edit:
    """An edit out of its row."""
    made, item, reviewer, action, trigger, value, *rest = row
    return Edit(made, json.loads(item), reviewer, action, json.loads(trigger), json.loads(value), *rest)


def _check_version(db: sqlite3.Connection, path: Path) -> None:
    version = version_of(db)
    if version > VERSION:
        raise DataError(f"{str(path)!r} was written by a newer whyfeel (version {version}): upgrade to read it")
    if not version and db.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise DataError(f"{str(path)!r} is not a review: move it away, and a new one is begun")


def _prepare(
    db: sqlite3.Connection, path: Path, items: Sequence[Seen], share: float | None, seed: int | None
) -> dict[int, str]:
    """Make the tables of a new file; add the items it lacks, those that were annotated anew among them."""
    if not version_of(db):  # nobody made it while the lock was waited for
        for statement in SCHEMA:
            db.execute(statement)
        db.execute("INSERT INTO terms VALUES (?, ?)", (share or 0.0, str(seed or 0)))
        db.execute(f"PRAGMA user_version = {VERSION}")
    was, drawn = db.execute("SELECT share, seed FROM terms").fetchone()
    share, seed = was if share is None else share, int(drawn) if seed is None else seed
    if (was, drawn) != (share, str(seed)):
        raise UserError(
            f"{str(path)!r} was begun with --double {was:g} --seed {drawn}, now they are {share:g} and {seed}: "
            "what is annotated twice is drawn once; give the first ones, or none"
        )
    known: dict[Seen, int] = {}  # to its place
    needs: dict[str, int] = {}
    for place, item, made, need in db.execute("SELECT place, id, made, needs FROM items ORDER BY place"):
        known[json.loads(item), made] = place
        needs[json.loads(item)] = need
    wanted = {item for item, _ in items}
    if gone := next((item for item in needs if item not in wanted), None):
        raise DataError(
            f"{str(path)!r} reviews {gone!r}, which the run no longer holds: annotate it again with all it had"
        )
    order = sorted(wanted - needs.keys(), key=lambda item: (float(rng(seed, "double", item).random()), item))
    twice = order[: max(0, round(share * len(items)) - sum(need > 1 for need in needs.values()))]
    needs |= dict.fromkeys(order, 1) | dict.fromkeys(twice, 2)
    new = [one for one in items if one not in known]
    known |= {one: place for place, one in enumerate(new, len(known))}
    rows = ((known[one], canonical(one[0]), one[1], needs[one[0]]) for one in new)
    db.executemany("INSERT INTO items VALUES (?, ?, ?, ?)", rows)
    return dict(sorted((known[one], one[0]) for one in items))
