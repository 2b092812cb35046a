"""A model of transformers that answers in this process, many asks at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from whyfeel.checkpoint_files import Checkpoint, first_line
from whyfeel.engine import Price, Reply, Request
from whyfeel.errors import CallFailed, RunStopped, UserError
from whyfeel.models.local.checkpoint import Loaded, find_local, load_local
from whyfeel.models.local.generation import generate, only_ends
from whyfeel.models.local.limit import Limit, is_full
from whyfeel.models.local.settings import Settings, read_settings
from whyfeel.records import Text

IN_PROCESS = "this process"  # the address of models that send nothing anywhere
MOST = 32  # asks in one batch
QUIET, LONGEST = 0.005, 0.1  # seconds that no ask must come before a batch starts, and that it waits at most

_OPEN: WeakValueDictionary[str, Local] = WeakValueDictionary()  # so that the roles of a run load a model once


@dataclass(slots=True, eq=False)
class Waiting:
    """An ask that waits for its answer."""

    request: Request
    settings: Settings
    future: asyncio.Future[Reply]
    size: int  # letters; near enough to sort by

    @property
    def shape(self) -> tuple[bool, Settings]:
        """What the asks of a batch have in common."""
        return bool(self.request.pictures), self.settings


class Local:
    """A model in this process.

    Asks are gathered until none has come for a moment, and computed together in a thread of their own: those of one
    shape (with pictures or without, drawn alike), of much the same length, the one that has waited longest among them.

    Args:
        checkpoint: its files; they are loaded by `load`, or else at the first ask.
        most: asks in one batch; fewer where memory does not hold them.

    Attributes:
        name: the declared name, which changes with the weights.
    """

    address = IN_PROCESS
    price = Price(0.0, 0.0)

    def __init__(self, checkpoint: Checkpoint, most: int = MOST) -> None:
        self.name = checkpoint.title
        self._checkpoint = checkpoint
        self._loaded: Loaded | None = None
        self._limit = Limit("cpu", most)
        self._waiting: list[Waiting] = []
        self._computed: Sequence[Waiting] = ()
        self._came = 0.0
        self._serving: asyncio.Task[None] | None = None
        self._worker: ThreadPoolExecutor | None = None

    def load(self) -> Loaded:
        """The model, read at the first call.

        Raises:
            DataError: it cannot be used.
            UserError: memory does not hold it.
        """
        if self._loaded is None:
            loaded = load_local(self._checkpoint)
            only_ends(loaded)
            self._limit = Limit(loaded.place.device, self._limit.most)
            self._loaded = loaded
        return self._loaded

    @property
    def sees(self) -> bool | None:
        """Whether it takes pictures; None where it is not loaded."""
        return None if self._loaded is None else self._loaded.sees

    @property
    def remark(self) -> str:
        """Where it computes, for the user; "" where it is not loaded."""
        if self._loaded is None:
            return ""
        place, numbers = self._loaded.place, sum(one.numel() for one in self._loaded.model.parameters())
        size = f"{numbers / 1e9:,.1f} B" if numbers >= 1e9 else f"{numbers / 1e6:,.1f} M"
        return f"{self.name} on {place.device} in {place.dtype}: {size} parameters, batches of up to {self._limit.most}"

    async def answer(self, request: Request) -> Reply:
        """The model's reply, computed together with others.

        Raises:
            CallFailed: a setting it has not, a prompt too long for it, a picture it cannot see, or too little memory.
        """
        settings, left_out = read_settings(request.ask.gen, request.insisted)
        if request.ask.schema is not None:
            left_out = tuple(sorted({*left_out, "response_format"}))
        loop = asyncio.get_running_loop()
        size = sum(len(part.text) for m in request.ask.messages for part in m.parts if isinstance(part, Text))
        waiting = Waiting(request, settings, loop.create_future(), size)
        self._waiting.append(waiting)
        self._came = loop.time()
        if self._serving is None or self._serving.done():
            self._serving = loop.create_task(self._serve())
        try:
            reply = await waiting.future
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            raise
        return replace(reply, left_out=left_out) if left_out else reply

    async def _serve(self) -> None:
        """Compute one batch after the other while asks wait."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            await self._lull()
            if not self._waiting:  # those who waited have gone
                return
            batch = self._computed = gathered(self._waiting, self._limit.now)
            self._waiting = [one for one in self._waiting if one not in batch]
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix="whyfeel-local")
            replies: Sequence[Reply | Exception]
            try:
                replies = await loop.run_in_executor(self._worker, self._compute, batch)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                # a model that is only now loaded may turn out to be none
                replies = [RunStopped(str(error)) if isinstance(error, UserError) else error for _ in batch]
            self._came = loop.time()  # those who were answered may ask again at once
            for one, reply in zip(batch, replies, strict=True):
                if one.future.done():
                    continue
                if isinstance(reply, Reply):
                    one.future.set_result(reply)
                else:
                    one.future.set_exception(reply)

    async def _lull(self) -> None:
        """Wait until no ask has come for a moment, or there are enough."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while len(self._waiting) < self._limit.now:
            pause = min(self._came + QUIET, begun + LONGEST) - loop.time()
            if pause <= 0:
                return
            await asyncio.sleep(pause)

    def _compute(self, batch: Sequence[Waiting]) -> list[Reply | CallFailed]:
        """The replies to a batch; what fails is computed again by halves, until it is known which ask it was."""

        def given_up() -> bool:
            return all(one.future.cancelled() for one in batch)

        loaded = self.load()
        if batch[0].request.pictures and not loaded.sees:
            return [CallFailed("rejected", f"the model {self.name} sees no pictures", again=False) for _ in batch]
        try:
            with self._limit.measured(len(batch)):
                return generate(loaded, [one.request for one in batch], batch[0].settings, given_up)
        except Exception as error:  # noqa: BLE001 - a model's own code raises anything; one ask is isolated from the next
            full, said = is_full(error), first_line(error)
        if len(batch) == 1:
            return [CallFailed("out of memory" if full else "model failed", said, again=False)]
        half = (len(batch) + 1) // 2
        if full:
            self._limit.lower(half)
        return [*self._compute(batch[:half]), *self._compute(batch[half:])]

    async def close(self) -> None:
        """Let the thread go; what it computes for nobody ends at its next token."""
        for one in (*self._waiting, *self._computed):
            one.future.cancel()
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        if self._worker is not None:
            self._worker.shutdown(wait=False)
        self._waiting, self._computed, self._serving, self._worker = [], (), None, None


def gathered(waiting: Sequence[Waiting], most: int) -> list[Waiting]:
    """The asks of the next batch: of the shape of the one that has waited longest, and of lengths near to its own.

    Args:
        waiting: in the order in which they came, at least one.
        most: how many at most.
    """
    first = waiting[0]
    alike = sorted((one for one in waiting if one.shape == first.shape), key=lambda one: one.size)
    place = next(place for place, one in enumerate(alike) if one is first)
    begin = max(0, min(place - most // 2, len(alike) - most))
    return alike[begin : begin + most]


def open_local(spec: str, *, calls: bool = True, local_only: bool = False) -> Local:
    """The model that `local:SPEC` names; whoever names the same weights in this process shares it.

    Args:
        calls: whether it will be asked for sure, and is loaded at once.
        local_only: whether a Hub's model may come from its cache alone.

    Raises:
        UserError, DataError: there is no such model, or it cannot be used.
    """
    checkpoint = find_local(spec, local_only=local_only)
    known = f"{checkpoint.title} {checkpoint.digest}"
    if (model := _OPEN.get(known)) is None:
        model = _OPEN[known] = Local(checkpoint)
    if calls:
        model.load()
    return model
