"""A study folder and its store, read once for a report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect
from tempfile import TemporaryDirectory

from whyfeel.engine.tables import reading
from whyfeel.errors import DataError, UserError
from whyfeel.study.collected import Collected, Progress
from whyfeel.study.database import open_database
from whyfeel.study.design import Design
from whyfeel.study.folder import StudyFolder
from whyfeel.study.groups import By, check_by
from whyfeel.study.store import StudyStore

MEMORY = Path(":memory:")  # SQLite's name for a database without a file


@dataclass(frozen=True, slots=True)
class ReadStudy:
    """A study as it is at one moment.

    Attributes:
        design: what was shown.
        collected: what was answered.
        names: number to name of the systems; None while the study is blind to whoever asks.
    """

    design: Design
    collected: Collected
    names: dict[int, str] | None


def read_study(study: Path, db: str | None, *, unblind: bool = False, by: By | None = None) -> ReadStudy:
    """Everything in a study; nobody who works on it is kept waiting.

    Args:
        study: its folder.
        db: the URL of its PostgreSQL, None where its store is in the folder.
        unblind: read whose texts are whose, which is recorded first and told ever after.
        by: groups that will be asked for; checked before anything is unblinded.

    Raises:
        UserError, DataError: this is no study, it is damaged, or its store is another's, or it is to be unblinded
            and has no vote; see also `check_by`.
        StoreFailed: the store cannot be read.
    """
    folder = StudyFolder(study)
    design = folder.read_design()
    if by is not None:
        check_by(design, by)
    if unblind:
        collected = asyncio.run(_unblinded(design, db or folder.store))
        return ReadStudy(design, collected, names_of(folder, design))
    with _seen(folder, db) as place:
        return ReadStudy(design, asyncio.run(_collected(design, place)), None)


def read_progress(study: Path, db: str | None) -> tuple[Design, Progress]:
    """How far a study is. Arguments and errors as of `read_study`."""
    folder = StudyFolder(study)
    design = folder.read_design()
    with _seen(folder, db) as place:
        return design, asyncio.run(_progress(design, place))


@asynccontextmanager
async def open_store(design: Design, place: str | Path) -> AsyncIterator[StudyStore]:
    """The store of a study, ready, until it is left.

    Args:
        design: the study.
        place: as `open_database` takes it.

    Raises:
        UserError, DataError, StoreFailed: see `open_database` and `StudyStore.prepare`.
    """
    store = StudyStore(await open_database(place, design.digest), design)
    try:
        await store.prepare()
        yield store
    finally:
        await store.close()


async def unblind_voted(store: StudyStore) -> None:
    """Write down that somebody knows whose texts are whose, where the votes are.

    Raises:
        UserError: there are none: the study may not have begun, or be kept elsewhere, where nothing would be recorded.
    """
    if not (await store.progress()).votes:
        raise UserError("the study has no vote yet; it was not unblinded. If it is kept in PostgreSQL, give its --db")
    await store.unblind()


async def _unblinded(design: Design, place: str | Path) -> Collected:
    async with open_store(design, place) as store:
        await unblind_voted(store)
        return await store.collected()


async def _collected(design: Design, place: str | Path) -> Collected:
    async with open_store(design, place) as store:
        return await store.collected()


async def _progress(design: Design, place: str | Path) -> Progress:
    async with open_store(design, place) as store:
        return await store.progress()


@contextmanager
def _seen(folder: StudyFolder, db: str | None) -> Iterator[str | Path]:
    """The study's store to be looked at: of a file a copy, since to open one writes to it, and it may not be ours.

    To look at a study that nobody has served yet makes no file.
    """
    if db is not None or not folder.store.exists():
        yield db or MEMORY
        return
    from whyfeel.study.sqlite import explained  # noqa: PLC0415 - an extra

    with TemporaryDirectory(prefix="whyfeel-study-") as scratch:
        copy = Path(scratch, folder.store.name)
        with explained(folder.store, "opened"), closing(reading(folder.store)) as kept, closing(connect(copy)) as seen:
            kept.backup(seen)
        yield copy


def names_of(folder: StudyFolder, design: Design) -> dict[int, str]:
    """Number to name of the systems, out of the key: for whoever has recorded that it was asked for.

    Raises:
        DataError: the key is damaged, of another design, or does not tell all of them.
    """
    systems = folder.read_key(design).systems
    if missing := set(design.systems) - set(systems):
        raise DataError(f"{str(folder.key)!r} does not tell whose texts are those of system {min(missing)}")
    return {number: source.name for number, source in systems.items()}
