"""A study's tables, made of what SQLite and PostgreSQL both understand."""

from __future__ import annotations

from whyfeel.errors import DataError
from whyfeel.study.database import Transaction

VERSION = 1
STUDY = """
CREATE TABLE IF NOT EXISTS study (
    version   INTEGER NOT NULL,
    design    TEXT NOT NULL,     -- its digest
    unblinded DOUBLE PRECISION,  -- seconds since 1970, as are all times
    votes     INTEGER            -- that there were then
)
"""
TABLES = (
    """
    CREATE TABLE raters (
        id      INTEGER PRIMARY KEY,
        entrant TEXT NOT NULL,
        status  TEXT NOT NULL,
        tries   INTEGER NOT NULL,
        begun   DOUBLE PRECISION NOT NULL,
        seen    DOUBLE PRECISION NOT NULL,
        ended   DOUBLE PRECISION
    )""",
    """
    CREATE TABLE tokens (
        hash  TEXT PRIMARY KEY,  -- SHA-256; the token itself is in the rater's browser alone
        rater INTEGER NOT NULL
    )""",
    """
    CREATE TABLE trials (
        rater     INTEGER NOT NULL,
        place     INTEGER NOT NULL,
        role      TEXT NOT NULL,
        item      TEXT NOT NULL,
        swapped   INTEGER NOT NULL,
        shown     DOUBLE PRECISION,
        answered  DOUBLE PRECISION,
        answer    TEXT NOT NULL,
        comment   TEXT NOT NULL,
        passed_on INTEGER NOT NULL,
        PRIMARY KEY (rater, place)
    )""",
    "CREATE INDEX trials_of ON trials (item)",
    # what people say of themselves stands apart from what they answered
    "CREATE TABLE demographics (rater INTEGER NOT NULL, name TEXT NOT NULL, answer TEXT NOT NULL)",
)


async def prepare(db: Transaction, digest: str) -> None:
    """Make the tables where they are missing, for one design.

    Raises:
        DataError: they hold answers to another design, or were made by a newer whyfeel.
    """
    await db.run(STUDY)
    known = await db.rows("SELECT version, design FROM study")
    if not known:
        for statement in TABLES:
            await db.run(statement)
        await db.run("INSERT INTO study (version, design) VALUES (?, ?)", VERSION, digest)
        return
    version, design = known[0]
    if version > VERSION:
        raise DataError(f"a newer whyfeel made the study's tables (version {version}): upgrade whyfeel to use them")
    if design != digest:
        raise DataError(
            f"the study's store holds answers to the design {design}, and design.json is {digest}: a design is frozen "
            "once it is created; put the first one back, or create another study"
        )
