"""Run a plan: every sample answered and judged side by side with the others, then the files written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from whyfeel.engine import Ledger, ledger_file
from whyfeel.records import Judgement, Response, Sample
from whyfeel.runs.answering import CONTROLS, JUDGEMENTS, RESPONSES, Answering, Job
from whyfeel.runs.controls import Control
from whyfeel.runs.folder import RunFolder, write_json, write_whole
from whyfeel.runs.machine import allow_files
from whyfeel.runs.manifest import note_taken
from whyfeel.runs.phases import phases_of
from whyfeel.runs.pieces import Recipe
from whyfeel.runs.plan import ANSWER
from whyfeel.runs.select import selected
from whyfeel.runs.sitting import Watch, do_all, engine_of, media_store
from whyfeel.runs.spool import Spool
from whyfeel.runs.summarise import adopt, held_to_account, summarise

__all__ = ["Job", "RunResult", "execute"]


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


def execute(job: Job, folder: RunFolder, watch: Watch, begun: float, recipe: Recipe | None = None) -> RunResult:
    """Do a job in a folder that is locked.

    Args:
        begun: when the sitting began, on the monotonic clock.
        recipe: how other processes come by the job, where they are to do it (`--ray`).

    Raises:
        RunStopped, KeyRefused, Interrupted: the run cannot go on; the ledger holds all that was answered.
        UserError: this machine does not allow so many open files.
    """
    allow_files(job.options.concurrency)
    return asyncio.run(_Sitting(job, folder, watch, recipe).run(begun))


class _Sitting:
    """One process's work on a run."""

    def __init__(self, job: Job, folder: RunFolder, watch: Watch, recipe: Recipe | None) -> None:
        self.job = job
        self.folder = folder
        self.watch = watch
        self.recipe = recipe
        self.judge_id = job.spec.judge.id

    async def run(self, begun: float) -> RunResult:
        job = self.job
        async with AsyncExitStack() as opened:
            ledger = opened.enter_context(closing(Ledger(self.folder.ledger)))
            reuse = {
                str(path): opened.enter_context(closing(Ledger(ledger_file(path), readonly=True)))
                for path in job.options.reuse
            }
            media = opened.enter_context(closing(media_store(job.task.images, job.options, self.folder)))
            spools = [
                opened.enter_context(closing(Spool(self.folder.path))) for _ in range(CONTROLS + len(job.controls))
            ]
            self.responses, self.judgements, *self.controls = spools
            engine = engine_of(job.options, job.routes, ledger, reuse, media, self.watch)
            opened.push_async_callback(engine.close)
            work = Answering(job, engine)
            await do_all(engine, work, self.watch, job.pieces, spools, job.routes, self.recipe)
            if job.until is not None:
                for file in (RESPONSES, JUDGEMENTS):
                    spools[file].keep(job.until.taken)
            summary = self._summary(ledger)
            summary["seconds"] = round(monotonic() - begun, 2)
            self._write(summary)
        return RunResult(summary, self.folder.path, tuple(work.faults))

    def _summary(self, ledger: Ledger) -> dict[str, Any]:
        job = self.job
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
        return summary

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
