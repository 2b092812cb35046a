"""Ask about every picture of a source, side by side, and leave a run folder; what is known is not asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from whyfeel.annotate.manifest import open_annotation
from whyfeel.annotate.plan import Plan
from whyfeel.engine import Ledger, ledger_file
from whyfeel.errors import AskFailed, DataError, KeyRefused, RunStopped
from whyfeel.records import Asking, Media, Sample, Unscored
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.machine import allow_files
from whyfeel.runs.pictures import bad_pictures
from whyfeel.runs.run import destinations, fetched
from whyfeel.runs.sitting import Watch, engine_of, media_store, signals, watched
from whyfeel.runs.spool import Spool

R = TypeVar("R")

PURPOSE = "annotation"  # what the answers are booked under in the ledger
BAD_PICTURE, FAULT = "bad picture", "fault"


@dataclass(frozen=True)
class Inquiry:
    """What is asked about each picture, and what is kept of it.

    Attributes:
        kind: the command.
        ask: the conversation about a sample; what it returns goes through `kept` into the spool.
        lost: the line of a sample that could not be asked about.
    """

    kind: str
    plan: Plan
    ask: Callable[[Sample], Asking[dict[str, Any]]]
    lost: Callable[[Sample, Unscored], dict[str, Any]]


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
        return asyncio.run(_Sitting(inquiry, folder, watch, bad).run(begun, finish))


class _Sitting:
    """One process's work on a source."""

    def __init__(self, inquiry: Inquiry, folder: RunFolder, watch: Watch, bad: Mapping[Media, str]) -> None:
        self.inquiry = inquiry
        self.folder = folder
        self.watch = watch
        self.bad = bad
        self.done = 0
        self.faults: list[str] = []

    async def run(self, begun: float, finish: Callable[[RunFolder, Gathered], R]) -> R:
        plan, options = self.inquiry.plan, self.inquiry.plan.options
        async with AsyncExitStack() as opened:
            ledger = opened.enter_context(closing(Ledger(self.folder.ledger)))
            reuse = {
                str(path): opened.enter_context(closing(Ledger(ledger_file(path), readonly=True)))
                for path in options.reuse
            }
            media = opened.enter_context(closing(media_store(plan.subjects.images, options, self.folder)))
            self.lines = opened.enter_context(closing(Spool(self.folder.path)))
            self.engine = engine_of(options, plan.routes, ledger, reuse, media, self.watch)
            opened.push_async_callback(self.engine.close)
            with signals(self.engine):
                items, done = enumerate(plan.samples()), lambda: self.done
                await watched(self.engine, items, self._one, self.watch, plan.total, done)
            return finish(self.folder, Gathered(self.lines, ledger, tuple(self.faults), monotonic() - begun))

    async def _one(self, numbered: tuple[int, Sample]) -> None:
        """One sample; whatever goes wrong with it leaves the others alone."""
        index, sample = numbered
        self.lines.put(index, await self._line(sample))
        self.done += 1

    async def _line(self, sample: Sample) -> dict[str, Any]:
        for media in sample.media:
            if (why := self.bad.get(media)) is not None:
                return self.inquiry.lost(sample, Unscored(BAD_PICTURE, why))
        try:
            return await self.engine.converse(self.inquiry.ask(sample), PURPOSE)
        except AskFailed as failed:
            return self.inquiry.lost(sample, Unscored(failed.reason, failed.detail))
        except (KeyRefused, RunStopped):
            raise
        except Exception as fault:  # noqa: BLE001 - one sample is isolated from the next
            detail = f"{type(fault).__name__}: {fault}"
            self.faults.append(f"{sample.id}: {detail}")
            return self.inquiry.lost(sample, Unscored(FAULT, detail))
