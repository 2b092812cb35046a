"""A sitting's work in the hands of other processes: pieces are dealt out, and those of a lost process dealt again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self

from whyfeel.engine import Engine, Route
from whyfeel.engine.far import Counter
from whyfeel.errors import RunStopped, UserError
from whyfeel.runs.hand import Dealt, Done, Halted, Post
from whyfeel.runs.pieces import Line

LOSSES = 5  # of processes in a row without an answer between them, or over one piece


class Lost(Exception):
    """The other process is gone; says what is known of it."""


class Link(Protocol):
    """The way to a `Hand` in another process. All that is awaited raises `Lost` where the process is gone."""

    async def start(self) -> str | None:
        """As the hand has it."""
        ...

    async def outbox(self) -> Sequence[Any]:
        """As the hand has it."""
        ...

    def inbox(self, batch: Sequence[Any]) -> None:
        """As the hand has it, without waiting."""
        ...

    def kill(self) -> None:
        """End the process."""
        ...


class _Member:
    """One of the crew.

    Attributes:
        ready: whether it takes pieces.
        pieces: what it is at, by number.
    """

    def __init__(self, link: Link, engine: Engine, routes: Mapping[str, Route], faults: list[str]) -> None:
        self._link = link
        self._post = Post()
        self._counter = Counter(engine.desk, routes, self._post.send)
        self._faults = faults
        self.ready = False
        self.pieces: dict[int, asyncio.Future[Sequence[Line]]] = {}

    async def do(self, number: int) -> Sequence[Line]:
        done: asyncio.Future[Sequence[Line]] = asyncio.get_running_loop().create_future()
        self.pieces[number] = done
        self._post.send(Dealt(number))
        try:
            return await done
        finally:
            del self.pieces[number]

    async def serve(self, ready: Callable[[], None]) -> None:
        """Listen until the process is gone, or the task is cancelled.

        Raises:
            Lost: it is gone.
            UserError: it cannot do the work.
        """
        if (complaint := await self._link.start()) is not None:
            raise UserError(f"{complaint} (says an actor of --ray, whose machine sees the data at the same paths)")
        self.ready = True
        ready()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write())
                group.create_task(self._read())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _read(self) -> None:
        while True:
            for message in await self._link.outbox():
                self._hear(message)

    async def _write(self) -> None:
        while True:
            self._link.inbox(await self._post.collect())

    def _hear(self, message: object) -> None:
        if not isinstance(message, Done | Halted):
            self._counter.hear(message)  # type: ignore[arg-type]  # nothing else is sent
            return
        done = self.pieces.get(message.piece)
        if done is None or done.done():
            return
        if isinstance(message, Done):
            self._faults += message.faults
            done.set_result(message.lines)
        else:
            done.set_exception(message.cause)

    def close(self) -> None:
        """End the process, if it has not ended, and let go of all that waits for it."""
        self.ready = False
        self._link.kill()
        self._counter.close()
        for done in self.pieces.values():
            if not done.done():
                done.set_exception(Lost())


class Crew:
    """Some processes that share a sitting's work; one that is lost is replaced.

    Args:
        hire: starts a process.
        size: how many there are to be.
        most: pieces that are dealt out at a time, over all of them.
        engine: brings the answers, and is stopped where nobody can do the work.
        routes: role to model.
        note: hears of losses, in one line each.
        faults: where the faults of ours go that come up in the other processes.
    """

    def __init__(
        self,
        hire: Callable[[], Link],
        size: int,
        most: int,
        engine: Engine,
        routes: Mapping[str, Route],
        note: Callable[[str], None],
        faults: list[str],
    ) -> None:
        self._hire = hire
        self._size = size
        self._share = -(-most // size)
        self._engine = engine
        self._routes = routes
        self._note = note
        self._faults = faults
        self._members: list[_Member] = []
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> Self:
        self._places = [asyncio.create_task(self._keep()) for _ in range(self._size)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for place in self._places:
            place.cancel()
        await asyncio.gather(*self._places, return_exceptions=True)

    async def do(self, number: int) -> Sequence[Line]:
        """The lines of a piece.

        Raises:
            RunStopped: it cannot be done.
        """
        for _ in range(LOSSES):
            member = await self._free()
            try:
                return await member.do(number)
            except Lost:
                continue
            finally:
                self._wake(1)
        raise RunStopped(
            f"{LOSSES} actors were lost at work on piece {number + 1:,} (a sample, or an answer of a control): look at "
            "their machines' memory and logs, then run the same command again"
        )

    async def _free(self) -> _Member:
        """The idlest of those that have not their share of pieces, once there is one."""
        while True:
            free = [one for one in self._members if one.ready and len(one.pieces) < self._share]
            if free:
                return min(free, key=lambda one: len(one.pieces))
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def _wake(self, places: int) -> None:
        while places and self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                places -= 1

    async def _keep(self) -> None:
        """Have one process at work; end the run where that leads nowhere."""
        lost = 0
        while True:
            before = self._progress()
            try:
                why = await self._until_lost()
            except UserError as error:
                self._engine.stop(error)
                return
            except Exception as fault:  # noqa: BLE001 - all who wait for the process would wait for ever
                self._engine.stop(RunStopped(f"an actor cannot be used: {type(fault).__name__}: {fault}"))
                return
            lost = lost + 1 if self._progress() == before else 1
            if lost >= LOSSES:
                self._engine.stop(RunStopped(f"{lost} actors were lost one after the other, the last one: {why}"))
                return
            self._note(f"an actor was lost, another one takes up its work: {why}")

    async def _until_lost(self) -> Lost:
        member = _Member(self._hire(), self._engine, self._routes, self._faults)
        self._members.append(member)
        try:
            await member.serve(lambda: self._wake(self._share))
        except Lost as gone:
            return gone
        finally:
            self._members.remove(member)
            member.close()
        raise AssertionError("a process serves until it is lost")

    def _progress(self) -> tuple[int, int]:
        return self._engine.counts.calls, self._engine.counts.known
