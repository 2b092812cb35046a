"""Ask about every picture of a source, side by side, and leave a run folder; what is known is not asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, TypeVar

from whyfeel.annotate.manifest import open_annotation
from whyfeel.annotate.plan import Plan
from whyfeel.engine import Conversing, Ledger, ledger_file
from whyfeel.errors import DataError
from whyfeel.records import Asking, Media, Sample, Unscored
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.machine import allow_files
from whyfeel.runs.pictures import bad_pictures
from whyfeel.runs.pieces import BAD_PICTURE, Line, Piece, Prepared, Recipe, Talks
from whyfeel.runs.run import destinations, fetched
from whyfeel.runs.sitting import Watch, do_all, engine_of, media_store
from whyfeel.runs.spool import Spool

R = TypeVar("R")

PURPOSE = "annotation"  # what the answers are booked under in the ledger
LINES = 0  # the one file of a sitting


@dataclass(frozen=True)
class Inquiry:
    """What is asked about each picture, and what is kept of it.

    Attributes:
        kind: the command.
        ask: the conversation about a sample; what it returns goes through `kept` into the spool.
        lost: the line of a sample that could not be asked about.
        recipe: how another process comes by the same, told which pictures cannot be sent.
    """

    kind: str
    plan: Plan
    ask: Callable[[Sample], Asking[dict[str, Any]]]
    lost: Callable[[Sample, Unscored], dict[str, Any]]
    recipe: Callable[[Mapping[Media, str]], Recipe] | None = None


@dataclass(frozen=True)
class Gathered:
    """All answers of a sitting: a line for each sample in the source's order, and the open ledger."""

    lines: Spool
    ledger: Ledger
    faults: tuple[str, ...]
    seconds: float


def gather(inquiry: Inquiry, watch: Watch, finish: Callable[[RunFolder, Gathered], R]) -> R:
    """Ask, and hand what was gathered to `finish`, which writes the folder's files.

    Raises:
        UserError: the folder is not what it should be, or this machine does not allow so many open files.
        RunStopped, KeyRefused, Interrupted: the sitting cannot go on; the ledger holds all that was answered.
    """
    begun, plan, options = monotonic(), inquiry.plan, inquiry.plan.options
    for path in options.reuse:
        if not path.exists():
            raise DataError(f"--reuse: there is no run at {str(path)!r}")
    folder = RunFolder(options.out)
    folder.make()
    with folder.locked():
        remarks = open_annotation(folder, inquiry.kind, plan)
        bad = {**plan.bad, **fetched(plan.urls, options, folder)}
        told = destinations(plan.routes, plan.shown, options)
        for remark in [
            *remarks,
            *plan.subjects.remarks,
            *bad_pictures(bad, "each is named in its line of the results"),
            *told,
        ]:
            watch.note(remark)
        allow_files(options.concurrency)
        return asyncio.run(_sit(inquiry, folder, watch, bad, begun, finish))


class _Annotating(Talks):
    """An inquiry's work."""

    def __init__(self, inquiry: Inquiry, bad: Mapping[Media, str], engine: Conversing) -> None:
        super().__init__(engine)
        self._inquiry = inquiry
        self._bad = bad

    def pieces(self) -> Iterator[Piece]:
        """The samples."""
        return (partial(self._one, index, sample) for index, sample in enumerate(self._inquiry.plan.samples()))

    async def _one(self, index: int, sample: Sample) -> Sequence[Line]:
        """One sample; whatever goes wrong with it leaves the others alone."""
        return ((LINES, index, await self._line(sample)),)

    async def _line(self, sample: Sample) -> dict[str, Any]:
        for media in sample.media:
            if (why := self._bad.get(media)) is not None:
                return self._inquiry.lost(sample, Unscored(BAD_PICTURE, why))
        told = await self.converse(sample, lambda: self._inquiry.ask(sample), PURPOSE)
        return self._inquiry.lost(sample, told) if isinstance(told, Unscored) else told


async def _sit(
    inquiry: Inquiry,
    folder: RunFolder,
    watch: Watch,
    bad: Mapping[Media, str],
    begun: float,
    finish: Callable[[RunFolder, Gathered], R],
) -> R:
    """One sitting over a source, in a folder that is locked."""
    plan, options = inquiry.plan, inquiry.plan.options
    recipe = inquiry.recipe(bad) if inquiry.recipe is not None and options.ray is not None else None
    async with AsyncExitStack() as opened:
        ledger = opened.enter_context(closing(Ledger(folder.ledger)))
        reuse = {
            str(path): opened.enter_context(closing(Ledger(ledger_file(path), readonly=True))) for path in options.reuse
        }
        media = opened.enter_context(closing(media_store(plan.subjects.images, options, folder)))
        lines = opened.enter_context(closing(Spool(folder.path)))
        engine = engine_of(options, plan.routes, ledger, reuse, media, watch)
        opened.push_async_callback(engine.close)
        work = _Annotating(inquiry, bad, engine)
        await do_all(engine, work, watch, plan.total, [lines], plan.routes, recipe)
        return finish(folder, Gathered(lines, ledger, tuple(work.faults), monotonic() - begun))


def prepared(inquiry: Inquiry, bad: Mapping[Media, str]) -> Prepared:
    """An inquiry's work, for a process that does a part of it."""
    plan = inquiry.plan
    return Prepared(plan.routes, plan.subjects.images, partial(_Annotating, inquiry, bad))
