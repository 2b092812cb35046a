"""Calls: from a request to a durable answer, within limits, slots and budget, tried again where that may help."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic

from whyfeel.engine.budget import Budget
from whyfeel.engine.ledger import Entry, Ledger
from whyfeel.engine.limits import PATIENCE, Limiter
from whyfeel.engine.model import Model, Reply, Request, Route
from whyfeel.engine.retry import Retries
from whyfeel.engine.stream import Stream
from whyfeel.errors import RATE_LIMITED, AskFailed, CallFailed, KeyRefused, RunStopped
from whyfeel.records import Answer


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


class Caller:
    """Makes calls.

    Args:
        ledger: what makes an answer durable.
        counts: told what happens.
        stream: told when one call means that none can succeed; asked whether calls may still start.
        concurrency: calls in flight at most, over all models together.
        budget, pace, retries: as for the engine.
    """

    def __init__(
        self,
        ledger: Ledger,
        counts: Counts,
        stream: Stream,
        *,
        concurrency: int,
        budget: Budget,
        pace: Pace,
        retries: Retries,
    ) -> None:
        self._ledger = ledger
        self._counts = counts
        self._stream = stream
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._budget = budget
        self._pace = pace
        self._retries = retries
        self._limiters: dict[str, Limiter] = {}

    async def obtain(self, route: Route, request: Request) -> Answer:
        """Call until there is a durable answer or no more hope.

        Raises:
            AskFailed: there is no hope.
        """
        limiter = self._limiter(route.model.address)
        begun, calls = monotonic(), 0
        failures: Counter[bool] = Counter()  # those that only ask for patience apart from the others
        while True:
            calls += 1
            try:
                if route.batched:
                    return await self._send(route.model, limiter, request, calls)
                return await self._call(route.model, limiter, request, calls)
            except CallFailed as failed:
                failures[failed.patience] += 1
                pause = self._retries.pause(failed, failures[failed.patience], monotonic() - begun, request.key)
                if pause is None:
                    tries = f" (after {calls} tries)" if calls > 1 else ""
                    raise AskFailed(failed.reason, f"{failed.detail}{tries}") from None
                self._counts.retries += 1
                await asyncio.sleep(pause)
            except (KeyRefused, RunStopped) as fatal:
                await self._stream.halt(fatal)

    def _limiter(self, address: str) -> Limiter:
        if (limiter := self._limiters.get(address)) is None:
            pace = self._pace
            limiter = Limiter(address, self._concurrency, rpm=pace.rpm, tpm=pace.tpm, patience=pace.patience)
            self._limiters[address] = limiter
        return limiter

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
        await self._stream.go_on()
        reserved = await self._budget.reserve(request, model.price) if model.address else 0.0
        await self._stream.go_on()  # a call may have waited long for what others leave of the budget
        cost: float | None = 0.0
        self._counts.in_flight += 1
        try:
            started = monotonic()
            reply = await self._timed(model, limiter, request, started)
            taken = monotonic() - started
            cost = _cost(model, reply)
            answer = _answer(request.key, reply, cost, attempt)
            await self._ledger.put(entry(model, request, answer, taken if model.address else None))
        finally:
            self._counts.in_flight -= 1
            if model.address:
                self._budget.settle(reserved, cost)
        self._count(reply, cost)
        return answer

    async def _timed(self, model: Model, limiter: Limiter, request: Request, started: float) -> Reply:
        """One call; its end tells the limiter how the endpoint feels."""
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
            self._counts.known += 1
            return
        self._counts.calls += 1
        self._counts.cost = None if cost is None or self._counts.cost is None else self._counts.cost + cost


def entry(model: Model, request: Request, answer: Answer, seconds: float | None = None) -> Entry:
    """An answer as the ledger takes it; one from another ledger has no address."""
    address = model.address if answer.source is None else ""
    return Entry(answer, request.ask.role, model.name, request.asked, request.purpose, address, seconds)


def _cost(model: Model, reply: Reply) -> float | None:
    if reply.source is not None:
        return 0.0
    if reply.cost is not None:
        return reply.cost
    return model.price.cost(reply.tokens_in, reply.tokens_out) if model.price else None


def _answer(key: str, reply: Reply, cost: float | None, attempts: int) -> Answer:
    return Answer(
        *(key, reply.text, reply.outcome, reply.finish, reply.tokens_in, reply.tokens_out, cost),
        *(reply.served, attempts, reply.source, reply.reasoning, reply.left_out),
    )
