"""`whyfeel annotate --dry-run`: what a chain would ask and cost at most, without a call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from whyfeel.annotate.options import AnnotateOptions
from whyfeel.annotate.plan import Plan, plan_annotation
from whyfeel.errors import AskFailed
from whyfeel.records import Media, Sample
from whyfeel.runs.booking import Book, booking
from whyfeel.strategies.self_ask import SelfAsk

NOTE = "Five triggers a picture are supposed. A reply that cannot be used is asked for once more."


def rehearse_annotation(options: AnnotateOptions) -> dict[str, Any]:
    """Plan an annotation and price it; the keys are those of `rehearse`."""
    plan, chain = plan_annotation(options, calls=False)
    book = asyncio.run(_rehearse(plan, chain, plan.bad))
    facts = {"task": plan.subjects.name, "samples": plan.total, "bad_pictures": len(plan.bad)}
    return {**facts, **book.told(plan.routes), "parts": {}, "note": NOTE}


async def _rehearse(plan: Plan, chain: SelfAsk, bad: Mapping[Media, str]) -> Book:
    async with booking(plan.options, plan.routes, plan.subjects.images) as (engine, book):

        async def ask(sample: Sample) -> None:
            with suppress(AskFailed):
                await engine.converse(chain.annotate(sample), "samples")

        await engine.stream((one for one in plan.samples() if bad.keys().isdisjoint(one.media)), ask)
    return book
