"""Work on many items side by side, and a way to stop in good order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from time import monotonic
from typing import Any, NoReturn, TypeVar

S = TypeVar("S")

GRACE = 2.0  # seconds that calls in flight get to come home when the run is stopped


class Stream:
    """Draws items as they are needed and works on as many as keep all slots busy.

    Args:
        slots: calls that may be in flight together.
        in_flight: how many are.

    Attributes:
        width: items that are live at most.
    """

    def __init__(self, slots: int, in_flight: Callable[[], int]) -> None:
        # a few more items than slots, so that reading pictures and bookkeeping never leave a slot idle
        self.width = slots + max(8, slots // 4)
        self._in_flight = in_flight
        self._main: asyncio.Task[None] | None = None
        self._winding_down: asyncio.Task[None] | None = None
        self._cause: BaseException | None = None

    async def run(self, items: Iterable[S], work: Callable[[S], Coroutine[Any, Any, None]]) -> None:
        """Do `work` on every item.

        Raises:
            BaseException: the cause given to `stop`, once the calls in flight have come home.
        """
        if self._cause is not None:
            raise self._cause
        self._main = asyncio.create_task(self._run(items, work))
        try:
            await self._main
        except asyncio.CancelledError:
            if self._cause is not None:
                raise self._cause from None
            self._main.cancel()
            raise
        finally:
            self._main = None

    async def _run(self, items: Iterable[S], work: Callable[[S], Coroutine[Any, Any, None]]) -> None:
        live = asyncio.Semaphore(self.width)
        try:
            async with asyncio.TaskGroup() as group:
                for item in items:
                    await live.acquire()
                    task = group.create_task(work(item))
                    task.add_done_callback(lambda _: live.release())
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    def stop(self, cause: BaseException) -> None:
        """Let no more calls start, give those in flight a moment, then end `run` with `cause`.

        A second call ends it at once.
        """
        if self._cause is not None:
            if self._main is not None:
                self._main.cancel()
            return
        self._cause = cause
        self._winding_down = asyncio.get_running_loop().create_task(self._wind_down())

    async def _wind_down(self) -> None:
        until = monotonic() + GRACE
        while self._in_flight() and monotonic() < until:
            await asyncio.sleep(0.02)
        if self._main is not None:
            self._main.cancel()

    async def go_on(self) -> None:
        """Return at once while the stream runs; once it is stopped, wait for the end."""
        if self._cause is not None:
            await _for_ever()

    async def halt(self, fatal: Exception) -> NoReturn:
        """End the stream because of one call, in good order; without a stream, raise."""
        if self._main is None:
            raise fatal
        if self._cause is None:
            self.stop(fatal)
        await _for_ever()
        raise AssertionError


async def _for_ever() -> None:
    await asyncio.Event().wait()


def _first(errors: BaseExceptionGroup[Any]) -> BaseException:
    """The first plain exception in a group of groups."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
