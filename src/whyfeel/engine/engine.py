"""The engine: drives strategies and judges over samples, side by side, and loses nothing.

A generator yields asks; the engine looks each up in the ledger, sends what is not known yet, and hands an answer
on only when it is durable. `concurrency` bounds the calls in flight over all models together; a call holds its
slot until its answer is committed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, NoReturn, TypeVar

from whyfeel.engine.ledger import Entry, Ledger
from whyfeel.engine.limits import BUDGET, PATIENCE, Budget, Limiter
from whyfeel.engine.model import Model, Reply, Request, Route
from whyfeel.engine.retry import Retries
from whyfeel.errors import RATE_LIMITED, AskFailed, CallFailed, KeyRefused, RunStopped
from whyfeel.media import BadPicture, Loaded, MediaStore
from whyfeel.records import Answer, Ask, Asking, Failure, Media, Text, ask_key

T = TypeVar("T")
S = TypeVar("S")

GRACE = 3.0  # seconds that calls in flight get to come home when the run is stopped
CHARACTERS_A_TOKEN = 4  # English text; only estimates use it
PIXELS_A_TOKEN, PICTURE_TOKENS = 750, 1600  # what the large providers document for pictures, roughly
TOKENS_OUT = 1024  # assumed where an ask sets no max_tokens


@dataclass(frozen=True, slots=True)
class Pace:
    """What the user lets an endpoint bear: requests and tokens a minute, and how long it may be unreachable."""

    rpm: float | None = None
    tpm: float | None = None
    patience: float = PATIENCE


@dataclass(slots=True)
class Counts:
    """What has happened so far, for the progress line."""

    calls: int = 0  # calls answered in this sitting
    known: int = 0  # answers found in a ledger
    retries: int = 0
    failures: Counter[str] = field(default_factory=Counter)  # asks that failed for good, by reason
    cost: float | None = 0.0  # US dollars in this sitting; None where a price is unknown
    in_flight: int = 0


class Engine:
    """Answers asks.

    Args:
        routes: role to the model that answers it.
        ledger: remembers every answer.
        media: the pictures.
        concurrency: calls in flight at most, over all models together.
        budget: what the run may spend.
        reuse: ledgers of other runs, looked up before a call is made; name to ledger.
        pace: the user's limits, applied to each endpoint.
        retries: when to try again.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        ledger: Ledger,
        media: MediaStore,
        *,
        concurrency: int = 32,
        budget: Budget | None = None,
        reuse: Mapping[str, Ledger] | None = None,
        pace: Pace | None = None,
        retries: Retries | None = None,
    ) -> None:
        self.counts = Counts()
        self._routes = routes
        self._ledger = ledger
        self._media = media
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._budget = budget or Budget()
        self._reuse = reuse or {}
        self._pace = pace or Pace()
        self._retries = retries or Retries()
        self._limiters: dict[str, Limiter] = {}
        self._flights: dict[str, asyncio.Future[Answer]] = {}
        self._main: asyncio.Task[None] | None = None
        self._winding_down: asyncio.Task[None] | None = None
        self._cause: BaseException | None = None

    async def stream(self, items: Iterable[S], work: Callable[[S], Coroutine[Any, Any, None]]) -> None:
        """Do `work` on every item, as many side by side as keep all slots busy; items are drawn as they are needed.

        Raises:
            BaseException: the cause given to `stop`, once the calls in flight have come home.
        """
        if self._cause is not None:
            raise self._cause
        self._main = asyncio.create_task(self._stream(items, work))
        try:
            await self._main
        except asyncio.CancelledError:
            if self._cause is not None:
                raise self._cause from None
            self._main.cancel()
            raise
        finally:
            self._main = None

    async def _stream(self, items: Iterable[S], work: Callable[[S], Coroutine[Any, Any, None]]) -> None:
        # a few more samples than slots, so that reading pictures and bookkeeping never leave a slot idle
        live = asyncio.Semaphore(self._concurrency + max(8, self._concurrency // 4))
        try:
            async with asyncio.TaskGroup() as group:
                for item in items:
                    await live.acquire()
                    task = group.create_task(work(item))
                    task.add_done_callback(lambda _: live.release())
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    def stop(self, cause: BaseException) -> None:
        """Start no more calls, give those in flight a moment, then end `stream` with `cause`.

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
        while self.counts.in_flight and monotonic() < until:
            await asyncio.sleep(0.02)
        if self._main is not None:
            self._main.cancel()

    async def converse(self, asking: Asking[T], purpose: str) -> T:
        """Drive one generator to its end.

        Args:
            asking: a strategy's or judge's generator, not yet started.
            purpose: what its answers are booked under in the ledger.

        Returns:
            what the generator returns.

        Raises:
            AskFailed: an ask failed and the generator did not catch it.
        """
        held: dict[Media, Loaded] = {}  # keeps a picture in memory from the first ask that shows it to the last
        try:
            step = next(asking)
            while True:
                if isinstance(step, Ask):
                    try:
                        answer = await self.ask(step, purpose, held)
                    except AskFailed as failed:
                        step = asking.throw(failed)
                    else:
                        step = asking.send(answer)
                else:
                    step = asking.send(await self._side_by_side(step, purpose, held))
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            asking.close()

    async def _side_by_side(
        self, asks: Sequence[Ask], purpose: str, held: dict[Media, Loaded]
    ) -> list[Answer | Failure]:
        async def attempt(ask: Ask) -> Answer | Failure:
            try:
                return await self.ask(ask, purpose, held)
            except AskFailed as failed:
                return Failure(failed.reason, failed.detail)

        # after a fault of ours the others still come home: they may be paid for
        replies = await asyncio.gather(*(attempt(ask) for ask in asks), return_exceptions=True)
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return [reply for reply in replies if not isinstance(reply, BaseException)]

    async def ask(self, ask: Ask, purpose: str, held: dict[Media, Loaded]) -> Answer:
        """The answer to one ask: from the ledger, from an identical ask in flight, or from the model.

        Raises:
            AskFailed: no answer could be obtained.
        """
        request = await self._prepare(ask, purpose, held)
        while True:
            if (answer := await self._known(request)) is not None:
                self.counts.known += 1
                return answer
            if (flight := self._flights.get(request.key)) is None:
                return await self._lead(request)
            try:
                return await asyncio.shield(flight)
            except asyncio.CancelledError:
                # either we are cancelled, or the one we waited for was: then another takes the lead
                task = asyncio.current_task()
                if not flight.cancelled() or (task is not None and task.cancelling()):
                    raise

    async def _lead(self, request: Request) -> Answer:
        """Obtain an answer for all who ask the same meanwhile; what happens to it happens to them."""
        flight = self._flights[request.key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._obtain(request)
        except Exception as error:
            if isinstance(error, AskFailed) and error.reason != BUDGET:
                self.counts.failures[error.reason] += 1
            flight.set_exception(error)
            flight.exception()  # mark as seen: usually nobody else waits for it
            raise
        except BaseException:
            flight.cancel()
            raise
        else:
            flight.set_result(answer)
            return answer
        finally:
            del self._flights[request.key]

    async def _known(self, request: Request) -> Answer | None:
        """Look in this run's ledger, then in the reused ones; what is found there is copied, and marked."""
        if (answer := self._ledger.get(request.key)) is not None:
            return answer
        for name, ledger in self._reuse.items():
            if (found := ledger.get(request.key)) is not None:
                answer = replace(found, source=name)
                await self._ledger.put(self._entry(request, answer, ""))
                return answer
        return None

    def _entry(self, request: Request, answer: Answer, address: str) -> Entry:
        role = request.ask.role
        return Entry(answer, role, self._routes[role].model.name, request.asked, request.purpose, address)

    async def _prepare(self, ask: Ask, purpose: str, held: dict[Media, Loaded]) -> Request:
        """The request to send: the user's settings applied, the pictures read, the key known."""
        route = self._routes[ask.role]
        if route.gen:  # a setting of None takes the strategy's own setting away
            merged = {**ask.gen, **route.gen}
            ask = replace(ask, gen={name: value for name, value in merged.items() if value is not None})
        for media in ask.pictures:
            if media not in held:
                try:
                    held[media] = await self._media.load(media)
                except BadPicture as bad:
                    raise AskFailed("bad picture", str(bad)) from None
        pictures = {media: held[media] for media in ask.pictures}
        asked = ask.canonical(route.model.name, {media: loaded.token for media, loaded in pictures.items()})
        return Request(ask_key(asked), ask, asked, purpose, pictures, _estimate(ask, pictures))

    async def _obtain(self, request: Request) -> Answer:
        """Call until there is an answer or no more hope."""
        model = self._routes[request.ask.role].model
        limiter = self._limiters.get(model.address)
        if limiter is None:
            limiter = self._limiters[model.address] = Limiter(
                model.address,
                self._concurrency,
                rpm=self._pace.rpm,
                tpm=self._pace.tpm,
                patience=self._pace.patience,
            )
        begun, calls = monotonic(), 0
        failures: Counter[bool] = Counter()  # those that only ask for patience apart from the others
        while True:
            calls += 1
            try:
                return await self._call(model, limiter, request, calls)
            except CallFailed as failed:
                failures[failed.patience] += 1
                pause = self._retries.pause(failed, failures[failed.patience], monotonic() - begun, request.key)
                if pause is None:
                    tries = f" (after {calls} tries)" if calls > 1 else ""
                    raise AskFailed(failed.reason, f"{failed.detail}{tries}") from None
                self.counts.retries += 1
                await asyncio.sleep(pause)
            except (KeyRefused, RunStopped) as fatal:
                await self._halt(fatal)

    async def _halt(self, fatal: Exception) -> NoReturn:
        """End the run because of one call, in good order."""
        if self._main is None:
            raise fatal
        if self._cause is None:
            self.stop(fatal)
        await _for_ever()
        raise AssertionError

    async def _call(self, model: Model, limiter: Limiter, request: Request, attempt: int) -> Answer:
        """One call and its commit, within the endpoint's pace, the run's slots and its budget."""
        while True:
            await limiter.enter(sum(request.tokens))
            try:
                async with self._slots:
                    if not limiter.silent:
                        return await self._send(model, limiter, request, attempt)
                    # another endpoint held all the slots, and meanwhile this one asked for a pause
            finally:
                limiter.leave()

    async def _send(self, model: Model, limiter: Limiter, request: Request, attempt: int) -> Answer:
        """One call and its commit, for a caller whose turn it is."""
        await self._unless_stopped()
        reserved = await self._budget.reserve(request, model.price) if model.address else 0.0
        await self._unless_stopped()  # a call may have waited long for what others leave of the budget
        cost: float | None = 0.0
        self.counts.in_flight += 1
        try:
            reply = await self._timed(model, limiter, request)
            cost = _cost(model, reply)
            answer = _answer(request.key, reply, cost, attempt)
            await self._ledger.put(self._entry(request, answer, model.address))
        finally:
            self.counts.in_flight -= 1
            if model.address:
                self._budget.settle(reserved, cost)
        self._count(reply, cost)
        return answer

    async def _unless_stopped(self) -> None:
        if self._cause is not None:
            await _for_ever()

    async def _timed(self, model: Model, limiter: Limiter, request: Request) -> Reply:
        """One call; its end tells the limiter how the endpoint feels."""
        started = monotonic()
        try:
            reply = await model.answer(request)
        except CallFailed as failed:
            if not failed.connected:
                limiter.refused(failed.detail)
            elif failed.reason == RATE_LIMITED:
                limiter.limited(started, failed.retry_after)
            else:
                limiter.replied()
            raise
        taken = (reply.tokens_in or 0) + (reply.tokens_out or 0)
        limiter.replied(taken - sum(request.tokens) if taken else 0)
        return reply

    def _count(self, reply: Reply, cost: float | None) -> None:
        if reply.source is not None:
            self.counts.known += 1
            return
        self.counts.calls += 1
        self.counts.cost = None if cost is None or self.counts.cost is None else self.counts.cost + cost

    async def close(self) -> None:
        """Let the models' connections go."""
        for model in {id(route.model): route.model for route in self._routes.values()}.values():
            await model.close()


def _cost(model: Model, reply: Reply) -> float | None:
    if reply.source is not None:
        return 0.0
    return model.price.cost(reply.tokens_in, reply.tokens_out) if model.price else None


def _answer(key: str, reply: Reply, cost: float | None, attempts: int) -> Answer:
    return Answer(
        *(key, reply.text, reply.outcome, reply.finish, reply.tokens_in, reply.tokens_out, cost),
        *(reply.served, attempts, reply.source),
    )


def _estimate(ask: Ask, pictures: Mapping[Media, Loaded]) -> tuple[int, int]:
    """Tokens in, roughly, and the most tokens out."""
    letters = sum(len(p.text) for m in ask.messages for p in m.parts if isinstance(p, Text))
    shown = (pictures[media].header for media in ask.pictures)
    pixels = sum(min(PICTURE_TOKENS, -(-h.width * h.height // PIXELS_A_TOKEN)) for h in shown)
    most = ask.gen.get("max_completion_tokens", ask.gen.get("max_tokens", TOKENS_OUT))
    return letters // CHARACTERS_A_TOKEN + pixels, most if isinstance(most, int) else TOKENS_OUT


async def _for_ever() -> None:
    await asyncio.Event().wait()


def _first(errors: BaseExceptionGroup[Any]) -> BaseException:
    """The first plain exception in a group of groups."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
