"""What was told to be taken is there once, whatever is killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from postgres_server import Cluster
from store_parts import Place, small, working
from voter import DESIGN

from whyfeel.errors import StoreFailed
from whyfeel.study.database import open_database
from whyfeel.study.design import Design
from whyfeel.study.store import StudyStore

VOTER = Path(__file__).with_name("voter.py")


@asynccontextmanager
async def opened_store(place: Place, design: Design) -> AsyncIterator[StudyStore]:
    store = StudyStore(await open_database(*place), design)
    try:
        await store.prepare()
        yield store
    finally:
        await store.close()


async def stored(store: StudyStore) -> Counter[str]:
    """Each vote as the voter tells it, with how often it is there."""
    return Counter(
        f"{one.rater} {one.place} {one.answer}" for one in (await store.collected()).trials if one.answered is not None
    )


def lines_of(told: Path) -> list[str]:
    """What was told whole."""
    return told.read_text().split("\n")[:-1]


def vote_until(place: Place, folder: Path, first: int, second: int) -> list[str]:
    """Two processes vote; one is killed after so many votes, the other when it has got so many further."""
    told = [folder / f"told{n}" for n in range(2)]
    voters = []
    for path in told:
        with path.open("w") as out:
            voters.append(subprocess.Popen([sys.executable, VOTER, *place], stdout=out, stderr=subprocess.PIPE))
    try:
        begun = [_told(voter, path, 1) for voter, path in zip(voters, told, strict=True)]  # both are there
        for voter, path, already, wanted in zip(voters, told, begun, (first, second), strict=True):
            _told(voter, path, already + wanted)
            voter.kill()
    finally:
        for voter in voters:
            voter.kill()
    assert [voter.communicate()[1] for voter in voters] == [b"", b""]
    return [line for path in told for line in lines_of(path)]


def _told(voter: subprocess.Popen[bytes], path: Path, wanted: int) -> int:
    """How many lines there are, once there are so many."""
    until = time.monotonic() + 60
    while (there := len(lines_of(path))) < wanted:
        assert voter.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    return there


async def test_two_processes_vote_and_are_killed(place: Place, tmp_path: Path) -> None:
    (tmp_path / "told").mkdir()
    told = await asyncio.to_thread(vote_until, place, tmp_path / "told", 40, 20)
    async with opened_store(place, DESIGN) as store:
        found = await stored(store)
        assert len(set(told)) == len(told)
        assert set(told) <= set(found)
        assert set(found.values()) == {1}
        assert found.total() - len(told) <= 2  # of each process, the one that it was killed before telling
        given = Counter((one.rater, one.item) for one in (await store.collected()).trials)
        assert set(given.values()) == {1}
        assert (await store.progress()).votes == found.total()


async def test_a_server_that_is_killed_and_comes_back(cluster: Cluster, postgres: Place) -> None:
    async with opened_store(postgres, small(40, ratings=20, each=10)) as store:
        told: list[str] = []

        async def vote() -> None:
            while True:
                rater = await working(store)
                while (trial := await store.next(rater)) is not None:
                    await store.answer(rater, trial.place, "left")
                    told.append(f"{rater} {trial.place} left")

        under_way = [asyncio.create_task(vote()) for _ in range(4)]
        while len(told) < 40:
            await asyncio.sleep(0.001)
        cluster.kill()
        for ended in await asyncio.gather(*under_way, return_exceptions=True):
            assert isinstance(ended, StoreFailed)
            assert f"127.0.0.1:{cluster.port}/postgres' cannot be" in str(ended)
        with pytest.raises(StoreFailed, match="Nothing that was answered before is lost"):
            await store.progress()

        await restarted(cluster)
        found = await stored(store)  # at once: the store has noticed by itself
        assert set(told) <= set(found)
        assert set(found.values()) == {1}
        assert found.total() - len(told) <= 4

        before = (await store.progress()).raters["consented"]
        cluster.stop()  # while nobody asks, and this thread waits: the loop has no moment to notice
        cluster.start()
        await asyncio.gather(*(store.begin() for _ in range(5)), *(store.progress() for _ in range(5)))
        assert (await store.progress()).raters["consented"] == before + 5


async def restarted(cluster: Cluster) -> None:
    """The killed server's connections hold on to its memory for a moment."""
    until = time.monotonic() + 60
    while True:
        try:
            cluster.start()
        except AssertionError:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        else:
            return
