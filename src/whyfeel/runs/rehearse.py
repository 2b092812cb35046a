"""`--dry-run`: what a run would ask and what that would cost at most, without a call."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whyfeel.engine import Engine, Ledger, Model, Reply, Request, Route, ledger_file
from whyfeel.errors import AskFailed, CallFailed
from whyfeel.judging import Judge, conversations
from whyfeel.records import Response, Sample
from whyfeel.runs.controls import CANARY, Respond
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.options import RunOptions
from whyfeel.runs.plan import ANSWER, Plan, plan_run
from whyfeel.runs.sitting import media_store
from whyfeel.strategies.self_ask import stand_in

STAND_IN = "stand-in "
SAMPLES, FOILS, CONTROLS = "samples", "foils", "controls"  # what a call is for


@dataclass
class _Book:
    """What would be asked."""

    calls: Counter[str] = field(default_factory=Counter)
    tokens_in: Counter[str] = field(default_factory=Counter)
    tokens_out: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)  # calls by what they are for: samples, foils, each control
    again: int = 0  # how often an answer that is not known yet is judged once more, against a foil
    seen: set[str] = field(default_factory=set)  # keys: equal asks are one call, though no verdict is kept


class _StandIn:
    """Stands in for a model: books what it is asked.

    Args:
        judges: whether it judges; its verdict is then not there, rather than one that would be asked for again.
    """

    address = ""  # no limiter, no budget: nothing is sent

    def __init__(self, model: Model, book: _Book, *, judges: bool) -> None:
        self.name, self.price, self._book, self._judges = model.name, model.price, book, judges

    async def answer(self, request: Request) -> Reply:
        if request.key not in self._book.seen:
            self._book.seen.add(request.key)
            role, (tokens_in, tokens_out) = request.ask.role, request.tokens
            self._book.calls[role] += 1
            self._book.parts[request.purpose] += 1
            self._book.tokens_in[role] += tokens_in
            self._book.tokens_out[role] += tokens_out
        if self._judges:
            raise CallFailed("dry run", "nothing is sent", again=False)
        own = f"{STAND_IN}{request.key[:8]}"  # so that a strategy goes on to its next ask, no two of them equal
        return Reply(stand_in(request.ask, own) or own)

    async def close(self) -> None:
        """Nothing was opened."""


def rehearse(options: RunOptions) -> dict[str, Any]:
    """Plan a run and price it.

    Returns:
        samples, bad_pictures, known answers, calls by role (the fewest: a judge whose verdict cannot be read is asked
        again) and once more by what they are for (the samples, their foils, controls, canaries), estimated tokens in,
        the most tokens out, the cost at most in US dollars (None where a price is unknown), the days on which the
        prices held, and the addresses that would be called.
    """
    plan = plan_run(options, calls=False)
    book, known = asyncio.run(_rehearse(plan))
    costs = {role: _cost(plan.routes[role].model, book, role) for role in book.calls}
    return {
        "task": plan.task.name,
        "samples": plan.total,
        "bad_pictures": len(plan.bad),
        "known": known,
        "calls": {role: book.calls[role] for role in plan.routes},
        "parts": dict(book.parts),
        "tokens": {"in": sum(book.tokens_in.values()), "out_at_most": sum(book.tokens_out.values())},
        "cost_at_most": None if None in costs.values() else sum(cost or 0.0 for cost in costs.values()),
        "prices_as_of": {role: _as_of(route.model) for role, route in plan.routes.items()},
        "addresses": {role: route.model.address for role, route in plan.routes.items()},
    }


def _cost(model: Model, book: _Book, role: str) -> float | None:
    return model.price.cost(book.tokens_in[role], book.tokens_out[role]) if model.price else None


def _as_of(model: Model) -> str | None:
    return model.price.as_of.isoformat() if model.price and model.price.as_of else None


async def _rehearse(plan: Plan) -> tuple[_Book, int]:
    book = _Book()
    routes = {
        role: Route(_StandIn(route.model, book, judges=role in plan.judge.roles), route.gen)
        for role, route in plan.routes.items()
    }
    own = RunFolder(plan.options.out).ledger
    paths = [own] if own.exists() else []
    paths += [ledger_file(path) for path in plan.options.reuse]
    reuse = {str(path): Ledger(path, readonly=True) for path in paths}
    media = media_store(plan.task.images, plan.options, RunFolder(plan.options.out))
    with tempfile.TemporaryDirectory(prefix="whyfeel-dry-run-") as scratch:
        ledger = Ledger(Path(scratch) / "ledger.sqlite")
        engine = Engine(routes, ledger, media, concurrency=plan.options.concurrency, reuse=reuse)
        try:
            await engine.stream(_all(plan), lambda one: _one(engine, book, *one))
            known = ledger.reused()
        finally:
            media.close()
            for one in (ledger, *reuse.values()):
                one.close()
    longest = book.tokens_out[ANSWER] // max(1, book.calls[ANSWER])
    for role in plan.judge.roles:  # the answers that are not known yet may be as long as they are let
        book.tokens_in[role] += book.tokens_out[ANSWER] + book.again * longest
    return book, known


def _all(plan: Plan) -> Iterator[tuple[Sample, Respond, Judge, str]]:
    """Every answer of the run and of its controls: the sample, who answers, who judges, and what it is a part of."""
    for sample in plan.samples():
        if not any(media in plan.bad for media in sample.media):
            yield sample, plan.strategy.respond, plan.judge, SAMPLES
    for control in plan.controls:
        for sample, respond in control.answers():
            yield sample, respond, control.judge, CANARY if control.name == CANARY else CONTROLS


async def _one(engine: Engine, book: _Book, sample: Sample, respond: Respond, judge: Judge, part: str) -> None:
    """Drive a sample through all its asks; what is not known yet is answered by the stand-in."""
    try:
        response = await engine.converse(respond(sample), part)
    except AskFailed:
        response = Response(sample.id, "")
    asked = conversations(judge, sample, response)
    book.again += len(asked) - 1 if response.text.startswith(STAND_IN) else 0
    for place, conversation in enumerate(asked):
        with suppress(AskFailed):
            await engine.converse(conversation, FOILS if place and part == SAMPLES else part)
