"""A clock that only tests move, models that take their time, and ledgers that fail on demand."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from whyfeel.engine import Engine, Entry, Ledger, Reply, Request, Route
from whyfeel.engine import calls as calls_module
from whyfeel.engine import limits as limits_module
from whyfeel.engine import stream as stream_module
from whyfeel.errors import CallFailed
from whyfeel.media import MediaStore
from whyfeel.models import Scripted
from whyfeel.records import Answer, Ask, Asking, Text, user_turn

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while there is work and jumps to the next timer when there is none."""

    def __init__(self) -> None:
        super().__init__(_Jumping(self))
        self.now = 1000.0

    def time(self) -> float:
        return self.now


class _Jumping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everybody waits and nothing will ever happen")
        if timeout > 0:
            self._loop.now += max(timeout, 1e-6)  # a step too small for the clock would never get anywhere
        return super().select(0)


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """Run a coroutine in virtual time; nothing sleeps, and a wait without end fails at once.

    No thread may take part, so ledgers are `Memory`.
    """
    loop = VirtualLoop()
    for module in (calls_module, limits_module, stream_module):
        monkeypatch.setattr(module, "monotonic", loop.time)

    def run(main: Coroutine[Any, Any, T]) -> T:
        return loop.run_until_complete(main)

    yield run
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(_ended(left))
    loop.close()


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


class Slow(Scripted):
    """A scripted model whose calls take `seconds`, and that counts how many are under way."""

    def __init__(
        self, script: Callable[[Request], Reply | str] = lambda _: "so", seconds: float = 0, **more: Any
    ) -> None:
        super().__init__(script, **more)
        self.seconds = seconds
        self.under_way = 0
        self.most = 0
        self.came_home = 0

    async def answer(self, request: Request) -> Reply:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
            reply = await super().answer(request)
        finally:
            self.under_way -= 1
        self.came_home += 1
        return reply


class Memory:
    """A ledger without a disk, whose commits take `seconds` or fail."""

    def __init__(self, seconds: float = 0, error: Exception | None = None) -> None:
        self.seconds = seconds
        self.error = error
        self.entries: dict[str, Entry] = {}
        self.committing = 0

    def get(self, key: str) -> Answer | None:
        entry = self.entries.get(key)
        return entry.answer if entry else None

    async def put(self, entry: Entry) -> None:
        self.committing += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.committing -= 1
        if self.error is not None:
            raise self.error
        self.entries.setdefault(entry.answer.ask_id, entry)


def question(text: str, **more: Any) -> Ask:
    """An ask in the role "answer"."""
    return Ask(more.pop("role", "answer"), user_turn(Text(text)), **more)


def asking(*asks: Ask | str) -> Asking[list[str]]:
    """Ask one thing after the other; the answers' texts."""
    texts = []
    for ask in asks:
        answer = yield question(ask) if isinstance(ask, str) else ask
        texts.append(answer.text)
    return texts


class Tools:
    """What the tests of the engine share; classes and functions, since test files cannot import each other."""

    Slow = Slow
    Memory = Memory
    question = staticmethod(question)
    asking = staticmethod(asking)

    @staticmethod
    def fault(reason: str = "server error", **more: Any) -> CallFailed:
        """A call that failed."""
        return CallFailed(reason, "detail", **more)

    @staticmethod
    def engine(model: Scripted, ledger: Any = None, **more: Any) -> Engine:
        """An engine whose role "answer" goes to one model, on a ledger in memory."""
        routes = more.pop("routes", {"answer": Route(model, more.pop("gen", {}))})
        media = more.pop("media", None) or MediaStore(None)
        return Engine(routes, cast("Ledger", ledger if ledger is not None else Memory()), media, **more)

    @staticmethod
    async def stream(engine: Engine, asks: Iterable[Ask | str]) -> dict[int, Any]:
        """Ask all of them side by side; number of the ask to its answer's text, or the exception it ended with."""
        ended: dict[int, Any] = {}

        async def work(item: tuple[int, Ask | str]) -> None:
            number, ask = item
            try:
                ended[number] = (await engine.converse(asking(ask), "answer"))[0]
            except Exception as error:  # noqa: BLE001 - the tests look at it
                ended[number] = error

        await engine.stream(enumerate(asks), work)
        return ended


@pytest.fixture(scope="session")
def tools() -> type[Tools]:
    return Tools


class Impatient(Ledger):
    """A ledger whose commits fail the test, instead of standing still, where they never end."""

    async def put(self, entry: Entry) -> None:
        async with asyncio.timeout(3):
            await super().put(entry)


@pytest.fixture
def open_ledger() -> Iterator[Callable[..., Ledger]]:
    """Open ledgers that are closed even where the test fails: a writer left alone would keep the process alive."""
    opened: list[Ledger] = []

    def opening(path: Path, **more: Any) -> Ledger:
        opened.append(Impatient(path, **more))
        return opened[-1]

    yield opening
    for one in opened:
        one.close()


@pytest.fixture
def ledger(tmp_path: Path, open_ledger: Callable[..., Ledger]) -> Ledger:
    """A ledger on disk."""
    return open_ledger(tmp_path / "ledger.sqlite")


@pytest.fixture
def within() -> Callable[[Awaitable[T]], Awaitable[T]]:
    """Await something that must not hang: where it does, the test fails instead of standing still."""

    async def awaited(what: Awaitable[T]) -> T:
        async with asyncio.timeout(3):
            return await what

    return awaited
