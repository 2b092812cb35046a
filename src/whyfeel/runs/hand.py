"""A part of a sitting's work, done in another process: pieces come in by number, and their lines go out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from whyfeel.engine import Conversing
from whyfeel.engine.far import FarDesk
from whyfeel.errors import RunStopped, UserError, WhyfeelError
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.machine import allow_files
from whyfeel.runs.pieces import Drawn, Line, Recipe, Work
from whyfeel.runs.sitting import media_store

GATHER = 0.003  # seconds that a message waits for company: each batch costs a call over the network


class Dealt(NamedTuple):
    """Here to there: do this piece."""

    piece: int


class Done(NamedTuple):
    """There to here: the lines of a piece, and faults of ours that came up since the last one."""

    piece: int
    lines: Sequence[Line]
    faults: Sequence[str]


class Halted(NamedTuple):
    """There to here: why a piece, and with it the run, cannot go on."""

    piece: int
    cause: WhyfeelError


class Post:
    """Messages on their way to one other process, in batches."""

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._some = asyncio.Event()

    def send(self, message: object) -> None:
        """Put a message into the next batch."""
        self._messages.append(message)
        self._some.set()

    async def collect(self) -> list[Any]:
        """The next batch, once there is one."""
        await self._some.wait()
        await asyncio.sleep(GATHER)
        batch, self._messages = self._messages, []
        self._some.clear()
        return batch


class Hand:
    """Does pieces of a sitting's work with models and pictures of its own, and asks the sitting's process for answers.

    Args:
        recipe: the work.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._post = Post()
        self._busy: set[asyncio.Task[None]] = set()

    async def start(self) -> str | None:
        """Plan the work; what is wrong with it in one line, None where nothing is."""
        options = self._recipe.options
        try:
            prepared = self._recipe.prepare()
            allow_files(options.concurrency)
        except UserError as error:
            return str(error)
        media = media_store(prepared.images, options, RunFolder(options.out))
        self._desk = FarDesk(self._post.send)
        self._work: Work = prepared.work(Conversing(prepared.routes, media, self._desk))
        self._pieces = Drawn(self._work)
        return None

    async def outbox(self) -> list[Any]:
        """The next messages for the sitting's process, once there are some."""
        return await self._post.collect()

    async def inbox(self, batch: list[Any]) -> None:
        """Act on messages from there."""
        for message in batch:
            if isinstance(message, Dealt):
                task = asyncio.get_running_loop().create_task(self._do(message.piece))
                self._busy.add(task)
                task.add_done_callback(self._busy.discard)
            else:
                self._desk.hear(message)

    async def _do(self, number: int) -> None:
        try:
            lines = await self._pieces.take(number)()
        except WhyfeelError as cause:
            self._post.send(Halted(number, cause))
        except Exception as fault:  # noqa: BLE001 - whoever dealt the piece would wait for ever
            self._post.send(Halted(number, RunStopped(f"a fault of ours in an actor: {type(fault).__name__}: {fault}")))
        else:
            faults, self._work.faults = self._work.faults, []
            self._post.send(Done(number, lines, faults))
