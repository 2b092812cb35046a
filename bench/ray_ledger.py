"""Actors of Ray that ask as fast as they can: how many answers a second the one ledger commits.

Part of bench.py, which runs it in a network namespace of its own (docs/scaling.md). Everything is what `--ray local`
uses, the ledger's fsync included; only the models answer at once, in the actors, without HTTP.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from time import monotonic, process_time

from whyfeel.cli.progress import Quiet
from whyfeel.engine import Counts, Engine, Ledger, Reply, Request, Route
from whyfeel.media import MediaStore
from whyfeel.models import Scripted
from whyfeel.records import Answer, Ask, Asking, Text, user_turn
from whyfeel.runs.options import SittingOptions
from whyfeel.runs.pieces import Line, Piece, Prepared, Talks
from whyfeel.runs.sitting import do_all
from whyfeel.runs.spool import Spool

ANSWERS, ACTORS, CONCURRENCY = 40_000, 2, 512
WARM = 2_000  # answers after which the clock starts: both actors are at work by then
QUESTION = "Why does the person in the middle of the picture, number {0}, feel sad? Name every trigger. " * 4
ANSWER = "1. The rain, which has soaked her coat\n2. The letter in her hand\n3. The train that has left\n" * 3
Row = tuple[str, str, str]


def model() -> Scripted:
    """Answers at once, and keeps no request."""
    scripted = Scripted(lambda _: Reply(ANSWER, "ok", "stop", 900, 80, "m-1"))
    scripted.requests = _Forgetful()
    return scripted


class _Forgetful(list[Request]):
    def append(self, request: Request) -> None:
        """Keep nothing."""


class Asks(Talks):
    """One ask a piece."""

    def pieces(self) -> Iterator[Piece]:
        """Without end; each is drawn by its number."""
        return (partial(self._one, number) for number in count())

    async def _one(self, number: int) -> Sequence[Line]:
        answer = await self.engine.converse(ask(number), "answer")
        return ((0, number, {"text": answer.text[:20]}),)


def ask(number: int) -> Asking[Answer]:
    """An ask that no other equals."""
    answer: Answer = yield Ask("answer", user_turn(Text(QUESTION.format(number))))
    return answer


@dataclass(frozen=True)
class Recipe:
    """The same work over there."""

    options: SittingOptions
    models: tuple[str, ...] = ()

    def prepare(self) -> Prepared:
        """Nothing to plan."""
        return Prepared({"answer": Route(model())}, None, Asks)


class Clock(Quiet):
    """Looks on; the clock runs from the first look at which the actors are warm.

    Attributes:
        begun: that moment, the answers there were, and this process's CPU seconds.
    """

    begun: tuple[float, int, float] | None = None
    counts: Counts

    def start(self, total: int, counts: Counts) -> None:  # noqa: ARG002 - as a watch has it
        """The answers are about to come."""
        self.counts = counts

    def tick(self, done: int) -> None:
        """So many are done."""
        if self.begun is None and done >= WARM:
            self.begun = monotonic(), self.counts.calls, process_time()


async def commit(folder: Path, answers: int) -> tuple[float, float]:
    """Answers committed a second, and CPU seconds of this process an answer."""
    options = SittingOptions(out=folder, ray="local", actors=ACTORS, concurrency=CONCURRENCY)
    with closing(Ledger(folder / "ledger.sqlite")) as ledger, closing(Spool(folder)) as spool:
        routes = {"answer": Route(model())}
        engine = Engine(routes, ledger, MediaStore(None), concurrency=CONCURRENCY)
        clock = Clock()
        ended: list[tuple[float, float]] = []
        clock.finish = lambda: ended.append((monotonic(), process_time()))  # type: ignore[method-assign]
        await do_all(engine, Asks(engine), clock, answers, [spool], routes, Recipe(options))
        assert ledger.totals().calls == answers
        assert clock.begun is not None, f"more than {WARM} answers are needed"
        (at, before, cpu), (end, cpu_end) = clock.begun, ended[0]
        return (answers - before) / (end - at), (cpu_end - cpu) / (answers - before)


def measured(work: Path, answers: int) -> tuple[float, float]:
    """As `commit` has it, in a new folder below `work`."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        return asyncio.run(commit(Path(folder), answers))


def rows(work: Path) -> Iterator[Row]:
    """(what, bound, measured), in a network namespace of its own; nothing where there can be none, or no Ray."""
    unshare = ["unshare", "--net", "bash", "-c", 'ip link set lo up && exec "$@"', "-"]
    if find_spec("ray") is None or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        return
    done = subprocess.run(
        [*unshare, sys.executable, __file__, str(work)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(work)},  # Ray writes its token there
    )
    rate, cpu = json.loads(done.stdout)
    yield f"`--ray local`, {ACTORS} actors, scripted: answers committed a second", "3,000", f"{rate:,.0f}"
    yield "the same: CPU of the driver an answer", "", f"{1000 * cpu:.2f} ms"


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]) if sys.argv[1:] else Path.cwd(), ANSWERS)))
