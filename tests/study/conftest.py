"""Studies in both databases."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from postgres_server import Cluster, programs
from store_parts import Clock, Opener, Place, StoreOpener

from needs import need
from whyfeel.study.database import Database, open_database
from whyfeel.study.design import Design
from whyfeel.study.store import StudyStore

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A server for all tests of this process; not under pytest's own folder, which another user may not enter."""
    need(programs() is not None, "PostgreSQL's initdb (Debian's package postgresql)")
    memory = Path("/dev/shm")  # a cluster is 40 MB in a thousand files: seconds on a busy disk
    room = memory.is_dir() and shutil.disk_usage(memory).free > 500 * 2**20
    outer = Path(tempfile.mkdtemp(prefix="whyfeel-postgres-", dir=memory if room else None))
    outer.chmod(0o755)
    try:
        (outer / "cluster").mkdir()
        started = Cluster(outer / "cluster")
        try:
            yield started
        finally:
            started.stop()
    finally:
        shutil.rmtree(outer)


@pytest.fixture
def postgres(cluster: Cluster) -> Place:
    """A schema of its own."""
    return cluster.url, f"test_{next(NUMBERS)}"


@pytest.fixture
def sqlite(tmp_path: Path) -> Place:
    """A file that is not there yet."""
    return tmp_path / "study.sqlite", "unused"


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    """Either."""
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def opened(place: Place) -> AsyncIterator[Opener]:
    """Open the same database, as often as processes would; all are closed after the test."""
    made = []

    async def open_() -> Database:
        made.append(await open_database(*place))
        return made[-1]

    yield open_
    for one in made:
        await one.close()


@pytest.fixture
def clock() -> Clock:
    """The store's."""
    return Clock()


@pytest.fixture
def stores(opened: Opener, clock: Clock) -> StoreOpener:
    """A store of a design, ready to use."""

    async def open_(design: Design) -> StudyStore:
        store = StudyStore(await opened(), design, clock)
        await store.prepare()
        return store

    return open_
