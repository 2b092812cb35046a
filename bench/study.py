"""People in a study: so many votes a second over real HTTP, then the server is killed and the votes are counted.

Run as `python bench/study.py [SECONDS]`; it takes a minute for SQLite and one for PostgreSQL, where that is installed.
Raters come, agree, read the instructions, answer their trials, and others follow them. Votes are due at even distances
and are sent by whoever has a trial before them; between two votes a rater gets the next trial, as a browser does. The
pages have no pictures.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import aiohttp
import asyncpg  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "study"))

from postgres_server import Cluster, programs  # type: ignore[import-not-found]  # noqa: E402

from whyfeel.study.database import open_database  # noqa: E402
from whyfeel.study.design import CHOICES, SCHEMA, Candidate, Design, Item, Question, Rules, Terms, Texts  # noqa: E402
from whyfeel.study.folder import StudyFolder  # noqa: E402
from whyfeel.study.store import StudyStore  # noqa: E402

RATE, SECONDS = 100, 60.0  # votes a second, and for how long
PEOPLE = 150  # raters who take part at one time
ITEMS, RATINGS, EACH = 500, 30, 20
WARM_UP = 30.0  # seconds until all of the first raters have a trial before them, at most
HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')
Row = tuple[str, str, str]
Votes = list[tuple[int, str]]  # place and answer


@dataclass
class Load:
    """What the raters saw.

    Attributes:
        acknowledged: the votes of each rater that the server took.
        waits: seconds from a vote's being sent to the reply.
        begun, ended: when the first vote was due, and when the last was answered.
        failed: replies that were none of those expected.
    """

    acknowledged: list[Votes] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    begun: float = 0.0
    ended: float = 0.0
    failed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Held:
    """A load, what the store had of it after the server was killed, and CPU seconds of the server in all."""

    load: Load
    lost: int
    unknown: int
    cpu: float


def design() -> Design:
    """Texts of about a hundred characters, two a trial."""
    items = tuple(
        Item(
            *(f"{n:032x}", f"s{n}", f"c{n}", f'Why would a person feel "{n}"?', "", f"Caption {n}.", ""),
            candidates=tuple(Candidate(f"{n:031x}{k}", f"Because of {n}. " * 8, k) for k in (1, 2)),
        )
        for n in range(ITEMS)
    )
    check = Question("check", "What is asked?", ("The better text", "The longer one"), right=0)
    texts = Texts("A study", "Which is better?", "You may stop.", "", "Read both.", (check,), (), (), "Thank you.")
    terms = Terms(RATINGS, EACH, 0, 0, "open", 0, 1800.0, "")
    rules = Rules(tries=2, attention=0, seconds=0.0, alike=False)
    return Design(SCHEMA, "pairwise", "bench", 0, "2026-01-01T00:00:00Z", None, items, {}, texts, terms, rules)


class Person:
    """One browser; it follows no redirect by itself and keeps one cookie."""

    def __init__(self, session: aiohttp.ClientSession, home: str, load: Load) -> None:
        self._session, self._home, self._load = session, home, load
        self._cookie = ""

    async def get(self, path: str) -> tuple[int, str, str]:
        """Status, where to go on, and the page."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, form: dict[str, str]) -> tuple[int, str, str]:
        """The same, of a form."""
        return await self._ask("POST", path, form)

    async def _ask(self, method: str, path: str, form: dict[str, str] | None) -> tuple[int, str, str]:
        headers = {"Cookie": self._cookie, "Origin": self._home}
        async with self._session.request(
            method, self._home + path, data=form, headers=headers, allow_redirects=False
        ) as reply:
            for cookie in reply.cookies.values():
                self._cookie = f"{cookie.key}={cookie.value}"
            if reply.status not in {200, 303}:
                self._load.failed[f"{method} {path.split('/')[1]}: {reply.status}"] += 1
            return reply.status, reply.headers.get("location", ""), await reply.text()

    async def follow(self, path: str) -> tuple[str, str]:
        """The page at the end of all redirections, and its address."""
        while True:
            _, onward, page = await self.get(path)
            if not onward:
                return path, page
            path = onward

    async def come(self) -> str:
        """Agree and pass the check; the place to go on to."""
        _, _, page = await self.get("/")
        await self.post("/consent", dict(HIDDEN.findall(page)))
        _, _, page = await self.get("/instructions")
        _, onward, _ = await self.post("/instructions", dict(HIDDEN.findall(page)) | {"q0": "0"})
        return onward


async def take_part(
    person: Person, slots: asyncio.Queue[bool], ready: asyncio.Semaphore, load: Load, most: int
) -> bool:
    """One rater, from consent to their last trial or vote number `most`; False once no more votes are wanted."""
    votes: Votes = []
    load.acknowledged.append(votes)
    onward = await person.come()
    while True:
        place, page = await person.follow(onward)
        if not place.startswith("/trials/") or len(votes) == most:
            return True
        ready.release()
        if not await slots.get():
            return False
        answer = random.choice(CHOICES)
        begun = monotonic()
        status, onward, _ = await person.post(place, dict(HIDDEN.findall(page)) | {"answer": answer})
        load.ended = monotonic()
        load.waits.append(load.ended - begun)
        if status != 303:
            return True
        votes.append((int(place.rsplit("/", 1)[1]), answer))


async def people(home: str, seconds: float) -> Load:
    """Votes at RATE a second, by PEOPLE raters at a time."""
    load, ready = Load(), asyncio.Semaphore(0)
    slots: asyncio.Queue[bool] = asyncio.Queue()

    async def chair(session: aiohttp.ClientSession, first: int) -> None:
        most = first  # so that the raters do not all leave at one moment
        while await take_part(Person(session, home, load), slots, ready, load, most):
            most = EACH

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        chairs = [asyncio.create_task(chair(session, 1 + n % EACH)) for n in range(PEOPLE)]
        async with asyncio.timeout(WARM_UP):
            for _ in range(PEOPLE):
                await ready.acquire()
        load.begun = monotonic()
        for n in range(round(RATE * seconds)):
            await asyncio.sleep(load.begun + n / RATE - monotonic())
            slots.put_nowait(True)
        for _ in range(PEOPLE):
            slots.put_nowait(False)
        await asyncio.gather(*chairs)
    return load


@contextmanager
def serving(folder: Path, place: str | None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`whyfeel study serve` in a process of its own, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    whyfeel = str(Path(sys.executable).parent / "whyfeel")
    command = [whyfeel, "study", "serve", str(folder), "--port", str(port), *(["--db", place] if place else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


async def stored(folder: StudyFolder, place: str | None) -> Counter[tuple[tuple[int, str], ...]]:
    """How many raters have just these votes in the store."""
    study = folder.read_design()
    store = StudyStore(await open_database(place or folder.store, study.digest), study)
    try:
        found: dict[int, Votes] = {}
        for trial in (await store.collected()).trials:
            if trial.answer:
                found.setdefault(trial.rater, []).append((trial.place, trial.answer))
    finally:
        await store.close()
    return Counter(tuple(sorted(votes)) for votes in found.values())


def measure(folder: Path, place: str | None, seconds: float) -> Held:
    """Load the pages of a new study, kill the server the moment the last vote is acknowledged, and look."""
    study, made = StudyFolder(folder), design()
    folder.mkdir()
    study.design.write_text(json.dumps(made.to_json()), encoding="utf-8")
    with serving(folder, place) as (home, process):
        load = asyncio.run(people(home, seconds))
        process.send_signal(signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    told = Counter(tuple(sorted(votes)) for votes in load.acknowledged if votes)
    kept = asyncio.run(stored(study, place))
    lost, unknown = (sum(len(votes) * n for votes, n in some.items()) for some in (told - kept, kept - told))
    return Held(load, lost, unknown, usage.ru_utime + usage.ru_stime)


async def setting(url: str, name: str) -> str:
    """A setting of a PostgreSQL server."""
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval(f"SHOW {name}"))
    finally:
        await connection.close()


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of a PostgreSQL server that is thrown away; its commits wait for the disk."""
    outer = Path(tempfile.mkdtemp(prefix="whyfeel-bench-"))  # which its own user may enter
    outer.chmod(0o755)
    (outer / "cluster").mkdir()
    try:
        server = Cluster(outer / "cluster")
        try:
            if asyncio.run(setting(server.url, "fsync")) != "on":
                sys.exit("the PostgreSQL of the tests does not wait for the disk: its figures would mean nothing")
            yield server.url
        finally:
            server.stop()
    finally:
        shutil.rmtree(outer)


def told(name: str, held: Held) -> Iterator[Row]:
    """(what, bound, measured) of one store."""
    load, job = held.load, f"study on {name}, {RATE} votes a second due"
    votes = sum(map(len, load.acknowledged))
    waits = sorted(load.waits)
    yield f"{job}: votes a second", f"{RATE}", f"{votes / (load.ended - load.begun):.1f}"
    yield f"{job}: votes lost of {votes:,} when the server is killed", "0", f"{held.lost + held.unknown}"
    yield f"{job}: replies that failed", "0", f"{sum(load.failed.values())}"
    for share in (50, 95, 99):
        yield f"{job}: vote request, p{share}", "", f"{1000 * waits[len(waits) * share // 100]:.0f} ms"
    yield f"{job}: CPU of the server a vote, pages included", "", f"{1000 * held.cpu / votes:.1f} ms"


def votes(work: Path, seconds: float = SECONDS) -> Iterator[Row]:
    """Both stores, one after the other, each in a new folder below `work`; PostgreSQL where it is installed."""
    yield from told("SQLite", measure(fresh(work / "study-sqlite"), None, seconds))
    if programs() is not None:
        with cluster() as url:
            yield from told("PostgreSQL", measure(fresh(work / "study-postgres"), url, seconds))


def fresh(folder: Path) -> Path:
    """A study folder that does not exist yet."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def main(arguments: list[str]) -> int:
    """Print the rows; 1 where a vote was lost or a reply failed."""
    bad = False
    with tempfile.TemporaryDirectory() as work:
        for what, bound, measured in votes(Path(work), float(arguments[0]) if arguments else SECONDS):
            print(f"{what:<80} {bound:>5} {measured:>8}", flush=True)
            bad |= bound == "0" and measured != "0"
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
