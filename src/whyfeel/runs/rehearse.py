"""`--dry-run`: what a run would ask and what that would cost at most, without a call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from whyfeel.engine import Engine
from whyfeel.errors import AskFailed
from whyfeel.judging import Judge, conversations, showings
from whyfeel.records import Response, Sample
from whyfeel.runs.booking import STAND_IN, Book, booking
from whyfeel.runs.controls import CANARY, Respond
from whyfeel.runs.options import RunOptions
from whyfeel.runs.plan import ANSWER, Plan, plan_run

SAMPLES, FOILS, CONTROLS = "samples", "foils", "controls"  # what a call is for


def rehearse(options: RunOptions) -> dict[str, Any]:
    """Plan a run and price it.

    Returns:
        samples, bad_pictures, known answers, calls by role (the fewest: a judge whose verdict cannot be read is asked
        again) and once more by what they are for (the samples, their foils, controls, canaries), estimated tokens in,
        the most tokens out, the cost at most in US dollars (None where a price is unknown), the days on which the
        prices held, and the addresses that would be called.
    """
    plan = plan_run(options, calls=False)
    book = asyncio.run(_rehearse(plan))
    facts = {"task": plan.task.name, "samples": plan.total, "bad_pictures": len(plan.bad)}
    return {**facts, **book.told(plan.routes), "note": "A judge whose verdict cannot be read is asked again."}


async def _rehearse(plan: Plan) -> Book:
    async with booking(plan.options, plan.routes, plan.task.images, plan.judge.roles) as (engine, book):
        await engine.stream(_all(plan), lambda one: _one(engine, book, *one))
    longest = book.tokens_out[ANSWER] // max(1, book.calls[ANSWER])
    for role in plan.judge.roles:  # the answers that are not known yet may be as long as they are let
        book.tokens_in[role] += book.tokens_out[ANSWER] + book.again * longest
    return book


def _all(plan: Plan) -> Iterator[tuple[Sample, Respond, Judge, str]]:
    """Every answer of the run and of its controls: the sample, who answers, who judges, and what it is a part of."""
    for sample in plan.samples():
        if not any(media in plan.bad for media in sample.media):
            yield sample, plan.strategy.respond, plan.judge, SAMPLES
    for control in plan.controls:
        for sample, respond in control.answers():
            yield sample, respond, control.judge, CANARY if control.name == CANARY else CONTROLS


async def _one(engine: Engine, book: Book, sample: Sample, respond: Respond, judge: Judge, part: str) -> None:
    """Drive a sample through all its asks; what is not known yet is answered by the stand-in."""
    try:
        response = await engine.converse(respond(sample), part)
    except AskFailed:
        response = Response(sample.id, "")
    asked = conversations(judge, sample, response)
    book.again += showings(judge) * len(asked) - 1 if response.text.startswith(STAND_IN) else 0
    for place, conversation in enumerate(asked):
        with suppress(AskFailed):
            await engine.converse(conversation, FOILS if place and part == SAMPLES else part)
