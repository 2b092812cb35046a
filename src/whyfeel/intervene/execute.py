"""Ask about every picture of every scene, judge each answer trigger by trigger, and keep what came."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from whyfeel.engine import Conversing, Ledger, ledger_file
from whyfeel.errors import DataError
from whyfeel.intervene.looking import looking, named
from whyfeel.intervene.making import CHANGED, Beside, Making
from whyfeel.intervene.manifest import open_intervention
from whyfeel.intervene.options import InterveneOptions
from whyfeel.intervene.plan import Plan, plan_intervention, responding
from whyfeel.intervene.scenes import View
from whyfeel.intervene.summarise import summarise
from whyfeel.media import BadPicture, MediaStore
from whyfeel.records import Judgement, Response, Sample, Trigger, Unscored
from whyfeel.runs.folder import RunFolder, write_json, write_whole
from whyfeel.runs.machine import allow_files
from whyfeel.runs.pictures import bad_pictures
from whyfeel.runs.pieces import BAD_PICTURE, Line, Piece, Talks
from whyfeel.runs.plan import ANSWER
from whyfeel.runs.run import destinations
from whyfeel.runs.sitting import Watch, do_all, engine_of, media_store
from whyfeel.runs.spool import Spool

RESPONSES, JUDGEMENTS = 0, 1  # the files of a sitting
CELLS = "cells.jsonl"


@dataclass(frozen=True)
class InterventionResult:
    """A finished intervention.

    Attributes:
        summary: what summary.json holds.
        folder: where everything lies.
        faults: scenes of which an internal fault left something unscored, with the exceptions' names.
    """

    summary: dict[str, Any]
    folder: Path
    faults: tuple[str, ...] = ()


def intervene(options: InterveneOptions, watch: Watch) -> InterventionResult:
    """Ask about pictures with and without what they show, and leave a run folder.

    Run again with the same options, it makes no call whose answer is durable and writes the same files.

    Raises:
        UserError: an option, the source or the folder is not what it should be.
        RunStopped, Interrupted: the run cannot go on; the same command resumes it.
    """
    begun = monotonic()
    return sit(plan_intervention(options), watch, begun)


def sit(plan: Plan, watch: Watch, begun: float) -> InterventionResult:
    """One sitting of a plan; `begun` on the monotonic clock."""
    options, folder = plan.options, RunFolder(plan.options.out)
    for path in options.reuse:
        if not path.exists():
            raise DataError(f"--reuse: there is no run at {str(path)!r}")
    folder.make()
    with folder.locked():
        remarks = open_intervention(folder, plan)
        if plan.source.passed_over:
            remarks.append(f"{plan.source.passed_over:,} samples show no picture, or several, and are passed over")
        told = destinations(plan.routes, plan.shown, options)
        for remark in [*remarks, *bad_pictures(plan.bad, "each is named in responses.jsonl"), *plan.warnings, *told]:
            watch.note(remark)
        allow_files(options.concurrency)
        return asyncio.run(_sit(plan, folder, watch, begun))


class Intervening(Talks):
    """The work of a sitting: a piece for each picture.

    Args:
        making: makes the pictures, None where they are there, or nobody is shown them.
    """

    def __init__(self, plan: Plan, engine: Conversing, making: Making | None) -> None:
        super().__init__(engine)
        self._plan = plan
        self._making = making

    def pieces(self) -> Iterator[Piece]:
        """One a view, in order."""
        first = 0
        for index, view in enumerate(self._plan.views()):
            yield partial(self._one, index, first, view)
            first += len(view.triggers)

    async def _one(self, index: int, first: int, view: View) -> Sequence[Line]:
        """One picture, from the question to the verdict on each trigger that is looked for."""
        sample, response = await self._respond(view)
        lines: list[Line] = [(RESPONSES, index, _response_line(view, sample, response))]
        for place, trigger in enumerate(view.triggers):
            judgement = await self._judge(view, trigger, sample, response)
            lines.append(
                (JUDGEMENTS, first + place, _judgement_line(view, trigger, judgement, known=self._plan.cells is None))
            )
        return lines

    async def _respond(self, view: View) -> tuple[Sample, Response]:
        try:
            sample = await self._shown(view)
        except BadPicture as bad:
            return view.sample, Response(view.sample.id, "", unscored=Unscored(BAD_PICTURE, str(bad)))
        said = await self.converse(sample, lambda: responding(self._plan, view, sample), ANSWER)
        return sample, Response(sample.id, "", unscored=said) if isinstance(said, Unscored) else said

    async def _shown(self, view: View) -> Sample:
        if self._making is not None:
            return await self._making.shown(view)
        if (why := self._plan.bad.get(view.sample.media[0])) is not None:
            raise BadPicture(why)
        return view.sample

    async def _judge(self, view: View, trigger: Trigger, sample: Sample, response: Response) -> Judgement:
        if response.unscored is not None:
            return Judgement(sample.id, unscored=response.unscored)
        judge, purpose = self._plan.judge, self._plan.judge_spec.id
        said = await self.converse(sample, lambda: looking(judge, view, trigger, sample, response), purpose)
        return Judgement(sample.id, unscored=said) if isinstance(said, Unscored) else said


def _response_line(view: View, sample: Sample, response: Response) -> dict[str, Any]:
    """The line of responses.jsonl: of which scene and which of its pictures, then as any run has it."""
    line = response.to_json()
    path = sample.media[0].path
    shown = path if sample.media == view.sample.media else f"{CHANGED}/{path}"
    return {"id": line.pop("id"), "view": view.name, "image": shown, **line}


def _judgement_line(view: View, trigger: Trigger, judgement: Judgement, *, known: bool) -> dict[str, Any]:
    """The line of judgements.jsonl: whether the answer to one picture names one trigger, from 0 to 1.

    Args:
        known: whether it is known what lies in the picture, and so whether the trigger is there.
    """
    line = judgement.to_json()
    there = {"there": any(one.text == trigger.text for one in view.sample.triggers)} if known else {}
    said = {} if judgement.unscored is not None else {"named": named(judgement.counts)}
    return {"id": line.pop("id"), "view": view.name, "trigger": trigger.text, **there, **said, **line}


async def _sit(plan: Plan, folder: RunFolder, watch: Watch, begun: float) -> InterventionResult:
    options = plan.options
    async with AsyncExitStack() as opened:
        ledger = opened.enter_context(closing(Ledger(folder.ledger)))
        reuse = {
            str(path): opened.enter_context(closing(Ledger(ledger_file(path), readonly=True))) for path in options.reuse
        }
        spools = [opened.enter_context(closing(Spool(folder.path))) for _ in (RESPONSES, JUDGEMENTS)]
        root, making = plan.source.task.images, None
        if plan.shown and plan.source.by != "drawn":
            originals = opened.enter_context(closing(MediaStore(root)))
            (folder.path / CHANGED).mkdir(exist_ok=True)
            making = Making(originals, folder.path / CHANGED, plan.bad)
        store = media_store(root, options, folder) if making is None else Beside(making, root, options.max_side)
        media = opened.enter_context(closing(store))
        engine = engine_of(options, plan.routes, ledger, reuse, media, watch)
        opened.push_async_callback(engine.close)
        work = Intervening(plan, engine, making)
        await do_all(engine, work, watch, sum(1 for _ in plan.views()), spools, plan.routes)
        summary, cells = summarise(plan, spools[RESPONSES], spools[JUDGEMENTS], ledger)
        summary["seconds"] = round(monotonic() - begun, 2)
        _write(folder, spools, cells, summary)
    return InterventionResult(summary, folder.path, tuple(work.faults))


def _write(folder: RunFolder, spools: Sequence[Spool], cells: Sequence[bytes], summary: Mapping[str, Any]) -> None:
    write_whole(folder.responses, spools[RESPONSES].lines())
    write_whole(folder.judgements, spools[JUDGEMENTS].lines())
    if cells:
        write_whole(folder.path / CELLS, cells)
    write_json(folder.summary, summary)
