"""`whyfeel intervene --dry-run`: what would be asked and what that would cost at most, without a call."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from whyfeel.engine import Engine
from whyfeel.errors import AskFailed
from whyfeel.intervene.looking import looking
from whyfeel.intervene.making import Beside, Making
from whyfeel.intervene.options import InterveneOptions
from whyfeel.intervene.plan import Plan, plan_intervention, responding
from whyfeel.intervene.scenes import View
from whyfeel.media import BadPicture, MediaStore
from whyfeel.records import Response
from whyfeel.runs.booking import Book, booking
from whyfeel.runs.plan import ANSWER

NOTE = (
    "A sample here is a picture. A judge is asked about one trigger at a time; where its verdict cannot be read, again."
)


def rehearse_intervention(options: InterveneOptions) -> dict[str, Any]:
    """Plan an intervention and price it; the keys are those of `rehearse`, where a sample is a picture."""
    plan = plan_intervention(options, calls=False)
    book = asyncio.run(_rehearse(plan))
    facts = {"task": plan.source.task.name, "samples": sum(1 for _ in plan.views()), "bad_pictures": len(plan.bad)}
    return {**facts, **book.told(plan.routes), "parts": {}, "note": NOTE}


async def _rehearse(plan: Plan) -> Book:
    async with AsyncExitStack() as opened:
        root, making, shown = plan.source.task.images, None, None
        if plan.shown and plan.source.by != "drawn":
            originals = opened.enter_context(closing(MediaStore(root)))
            scratch = Path(opened.enter_context(TemporaryDirectory(prefix="whyfeel-dry-run-")))
            making = Making(originals, scratch, plan.bad)
            shown = Beside(making, root, plan.options.max_side)
        booked = booking(plan.options, plan.routes, root, plan.judge.roles, shown)
        engine, book = await opened.enter_async_context(booked)
        await engine.stream(plan.views(), lambda view: _one(plan, engine, making, view))
    longest = book.tokens_out[ANSWER] // max(1, book.calls[ANSWER])
    for role in plan.judge.roles:  # the answers that are not known yet may be as long as they are let
        book.tokens_in[role] += book.calls[role] * longest
    return book


async def _one(plan: Plan, engine: Engine, making: Making | None, view: View) -> None:
    """Drive a picture through all its asks; what is not known yet is answered by the stand-in."""
    try:
        sample = await making.shown(view) if making is not None else view.sample
        response = await engine.converse(responding(plan, view, sample), ANSWER)
    except BadPicture:
        return
    except AskFailed:
        response = Response(view.sample.id, "")
    for trigger in view.triggers:
        with suppress(AskFailed):
            await engine.converse(looking(plan.judge, view, trigger, sample, response), plan.judge_spec.id)
