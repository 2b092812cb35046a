"""Run a plan: every sample answered and judged side by side with the others, then the files written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from whyfeel.engine import Ledger, Route, ledger_file
from whyfeel.errors import AskFailed, KeyRefused, RunStopped
from whyfeel.judging import Judge
from whyfeel.records import Asking, Judgement, Media, Response, Sample, Unscored
from whyfeel.runs.controls import Control, Respond
from whyfeel.runs.folder import RunFolder, write_json, write_whole
from whyfeel.runs.machine import allow_files
from whyfeel.runs.manifest import note_taken
from whyfeel.runs.options import RunOptions
from whyfeel.runs.phases import phases_of
from whyfeel.runs.plan import ANSWER
from whyfeel.runs.select import selected
from whyfeel.runs.sitting import Watch, engine_of, media_store, signals, watched
from whyfeel.runs.spec import RunSpec
from whyfeel.runs.spool import Spool
from whyfeel.runs.summarise import adopt, held_to_account, summarise
from whyfeel.runs.until import Until
from whyfeel.strategies import Strategy
from whyfeel.tasks import Task

T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, None]]

BAD_PICTURE, FAULT = "bad picture", "fault"


@dataclass(frozen=True)
class Job:
    """What one sitting does.

    Attributes:
        responses: where the responses come from: one for each sample, None where the strategy is still to be asked.
        primary: whether the folder's own files are written, and not only the judge's.
        warnings: what a reader of the scores should know, in one line each.
        controls: answers whose worth is known, judged after the model's.
        until: decides how many samples count, None where all do.
    """

    spec: RunSpec
    options: RunOptions
    task: Task
    total: int
    samples: Callable[[], Iterator[Sample]]
    responses: Callable[[], Iterator[Response | None]]
    strategy: Strategy | None
    judge: Judge
    routes: Mapping[str, Route]
    bad: Mapping[Media, str]
    primary: bool = True
    warnings: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    until: Until | None = None


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes:
        summary: what summary.json holds.
        folder: where everything lies.
        faults: samples that an internal fault left unscored, with the exceptions' names.
    """

    summary: dict[str, Any]
    folder: Path
    faults: tuple[str, ...] = ()


def execute(job: Job, folder: RunFolder, watch: Watch, begun: float) -> RunResult:
    """Do a job in a folder that is locked.

    Args:
        begun: when the sitting began, on the monotonic clock.

    Raises:
        RunStopped, KeyRefused, Interrupted: the run cannot go on; the ledger holds all that was answered.
        UserError: this machine does not allow so many open files.
    """
    allow_files(job.options.concurrency)
    return asyncio.run(_Sitting(job, folder, watch).run(begun))


class _Sitting:
    """One process's work on a run."""

    def __init__(self, job: Job, folder: RunFolder, watch: Watch) -> None:
        self.job = job
        self.folder = folder
        self.watch = watch
        self.judge_id = job.spec.judge.id
        self.done = 0
        self.faults: list[str] = []

    async def run(self, begun: float) -> RunResult:
        job = self.job
        async with AsyncExitStack() as opened:
            ledger = opened.enter_context(closing(Ledger(self.folder.ledger)))
            reuse = {
                str(path): opened.enter_context(closing(Ledger(ledger_file(path), readonly=True)))
                for path in job.options.reuse
            }
            media = opened.enter_context(closing(media_store(job.task.images, job.options, self.folder)))
            self.responses = opened.enter_context(closing(Spool(self.folder.path)))
            self.judgements = opened.enter_context(closing(Spool(self.folder.path)))
            self.controls = [opened.enter_context(closing(Spool(self.folder.path))) for _ in job.controls]
            self.engine = engine_of(job.options, job.routes, ledger, reuse, media, self.watch)
            opened.push_async_callback(self.engine.close)
            with signals(self.engine):
                await self._stream()
            if job.until is not None:
                for spool in (self.responses, self.judgements):
                    spool.keep(job.until.taken)
            totals = ledger.totals([ANSWER, self.judge_id])
            facts: dict[str, Any] = {
                "left_out": ledger.left_out([ANSWER, self.judge_id]),
                "warnings": list(job.warnings),
            }
            if job.strategy is not None and len(job.strategy.roles) > 1:
                facts["phases"] = phases_of(ledger, ANSWER, job.strategy.roles)
            summary = summarise(job.spec, job.task, job.judge, self._results(), totals)
            summary |= facts | held_to_account(summary, self._controlled(), job.spec.seed)
            if job.until is not None:
                adopt(summary, job.until)
                note_taken(self.folder, len(job.until.taken))
            summary["seconds"] = round(monotonic() - begun, 2)
            self._write(summary)
        return RunResult(summary, self.folder.path, tuple(self.faults))

    async def _stream(self) -> None:
        total = self.job.total + sum(control.count for control in self.job.controls)
        # one stream, so that the slots stay busy from the last samples to the first controls
        work = chain(self._own(), self._others())
        await watched(self.engine, work, self._do, self.watch, total, lambda: self.done)

    def _own(self) -> Iterator[Work]:
        """The run's samples, as work."""
        if self.job.until is not None:
            return (partial(self._one, index, sample, None) for index, sample in self.job.until.items())
        items = zip(self.job.samples(), self.job.responses(), strict=False)
        return (partial(self._one, index, *item) for index, item in enumerate(items))

    def _others(self) -> Iterator[Work]:
        """The answers of the controls, as work."""
        for control, spool in zip(self.job.controls, self.controls, strict=True):
            for index, (sample, respond) in enumerate(control.answers()):
                yield partial(self._control, control, spool, index, sample, respond)

    async def _do(self, work: Work) -> None:
        await work()
        self.done += 1

    async def _one(self, index: int, sample: Sample, response: Response | None) -> None:
        """One sample, from question to verdict; whatever goes wrong with it leaves the others alone."""
        if response is None:
            response = await self._respond(sample)
        judgement = await self._judge(sample, response, self.job.judge)
        self.responses.put(index, response.to_json())
        self.judgements.put(index, judgement.to_json())
        if self.job.until is not None:
            self.job.until.judged(index, judgement)

    async def _control(self, control: Control, spool: Spool, index: int, sample: Sample, respond: Respond) -> None:
        """One answer of a control, from its text to the verdict."""
        response = await self._said(sample, lambda: respond(sample), self.judge_id)
        judgement = await self._judge(sample, response, control.judge)
        told = {"text": response.text} if control.told else {}
        spool.put(index, told | judgement.to_json())

    async def _respond(self, sample: Sample) -> Response:
        strategy = self.job.strategy
        if strategy is None:
            raise AssertionError("a job without responses has a strategy")
        for media in sample.media if any(strategy.roles.values()) else ():
            if (why := self.job.bad.get(media)) is not None:
                return Response(sample.id, "", unscored=Unscored(BAD_PICTURE, why))
        return await self._said(sample, lambda: strategy.respond(sample), ANSWER)

    async def _said(self, sample: Sample, respond: Callable[[], Asking[Response]], purpose: str) -> Response:
        spoken = await self._converse(sample, respond, purpose)
        return Response(sample.id, "", unscored=spoken) if isinstance(spoken, Unscored) else spoken

    async def _judge(self, sample: Sample, response: Response, judge: Judge) -> Judgement:
        if response.unscored is not None:
            return Judgement(sample.id, unscored=response.unscored)
        judged = await self._converse(sample, lambda: judge.judge(sample, response), self.judge_id)
        return Judgement(sample.id, unscored=judged) if isinstance(judged, Unscored) else judged

    async def _converse(self, sample: Sample, start: Callable[[], Asking[T]], purpose: str) -> T | Unscored:
        """What a generator returns, or why it could not; only what ends the run is raised."""
        try:
            return await self.engine.converse(start(), purpose)
        except AskFailed as failed:
            return Unscored(failed.reason, failed.detail)
        except (KeyRefused, RunStopped):
            raise
        except Exception as fault:  # noqa: BLE001 - one sample is isolated from the next
            return self._fault(sample, fault)

    def _fault(self, sample: Sample, fault: Exception) -> Unscored:
        detail = f"{type(fault).__name__}: {fault}"
        self.faults.append(f"{sample.id}: {detail}")
        return Unscored(FAULT, detail)

    def _results(self) -> Iterator[tuple[Sample, Response, Judgement]]:
        until = self.job.until
        samples = selected(self.job.samples(), None if until is None else until.taken)
        for sample, response, judgement in zip(samples, self.responses, self.judgements, strict=True):
            yield sample, Response.from_json(response), Judgement.from_json(judgement)

    def _controlled(self) -> Iterator[tuple[Control, Iterator[tuple[Sample, Judgement]]]]:
        for control, spool in zip(self.job.controls, self.controls, strict=True):
            pairs = zip((sample for sample, _ in control.answers()), map(Judgement.from_json, spool), strict=True)
            yield control, pairs

    def _write(self, summary: Mapping[str, Any]) -> None:
        folders = [self.folder.judge(self.judge_id)]
        for control, spool in zip(self.job.controls, self.controls, strict=True):
            write_whole(folders[0].controls / f"{control.name}.jsonl", spool.lines())
        if self.job.primary:
            write_whole(self.folder.responses, self.responses.lines())
            folders.append(self.folder)
        for folder in folders:
            write_whole(folder.judgements, self.judgements.lines())
            write_json(folder.summary, summary)
