"""`whyfeel judge`: another judge on the same answers. `whyfeel judge-answers`: a judge on answers made elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from time import monotonic
from typing import Any

from whyfeel.errors import DataError, SpecMismatch, UserError
from whyfeel.models import load_prices
from whyfeel.prompts import load_prompts
from whyfeel.records import Response, Sample
from whyfeel.runs.answers import read_answers
from whyfeel.runs.controls import Control, plan_controls
from whyfeel.runs.execute import Job, RunResult, execute
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.lines import read_responses
from whyfeel.runs.manifest import add_judge, open_run, spec_of
from whyfeel.runs.options import NO_CONTROLS, RunOptions
from whyfeel.runs.plan_judge import BASELINE, Judging, kinship, plan_judge
from whyfeel.runs.run import show_pictures
from whyfeel.runs.select import Chosen, choose, selected
from whyfeel.runs.sitting import Watch
from whyfeel.runs.spec import RunSpec, differences, file_hashes
from whyfeel.runs.until import first_taken
from whyfeel.tasks import Task, open_task


def judge_run(options: RunOptions, watch: Watch) -> RunResult:
    """Judge the responses of a finished run once more; writes RUN/judges/NAME-HASH only.

    Args:
        options: `out` is the run; `task`, `data` and `images` are taken from it where they are not given.

    Raises:
        DataError: the run is not finished, or its data have changed.
    """
    begun = monotonic()
    folder = RunFolder(options.out)
    manifest = folder.read_manifest()
    data, images = _places(options, manifest)
    task = open_task(manifest["spec"]["task"], data, images)
    recorded = manifest["spec"]["data"]  # of a run of `judge-answers`, with the answers' own hash
    if found := differences(recorded, {**recorded, **file_hashes(task.files)}):
        raise SpecMismatch(f"the record files are not those of the run: {'; '.join(found)}")
    prompts = load_prompts(options.prompts, data=data, task=task.name, judge=options.judge)
    selection, seed = manifest["selection"], manifest["spec"]["seed"]
    chosen: Chosen = choose(task, limit=selection.get("limit"), sample=selection.get("sample"), seed=seed)
    stopped: tuple[str, ...] = ()
    if (taken := selection.get("taken")) is not None:
        chosen = first_taken(list(task), taken, seed)
        stopped = (f"the run stopped itself after {taken:,} samples; the intervals of this judge do not know of it",)
    judging = plan_judge(options, task, chosen, prompts, load_prices(options.prices))

    def samples() -> Iterator[Sample]:
        return selected(task, chosen)

    total = _finished(folder, samples())
    with folder.locked():
        related = kinship(manifest["spec"]["model"], judging.spec.model) + judging.warnings
        warnings = tuple(dict.fromkeys(related)) + stopped
        shown = show_pictures(judging.judge, judging.routes, task, samples(), options, folder)
        for remark in [*add_judge(folder, judging.spec, prompts, judging.routes), *warnings, *shown]:
            watch.note(remark)
        job = Job(
            spec=spec_of(manifest, judging.spec),
            options=options,
            task=task,
            total=total,
            samples=samples,
            responses=lambda: read_responses(folder.responses),
            strategy=None,
            judge=judging.judge,
            routes=judging.routes,
            bad={},
            primary=False,
            warnings=warnings,
            controls=_controls(options, task, samples, total, judging),
        )
        return execute(job, folder, watch, begun)


def _controls(
    options: RunOptions, task: Task, samples: Callable[[], Iterator[Sample]], total: int, judging: Judging
) -> tuple[Control, ...]:
    """The controls of a judge whose model under test is not at hand."""
    if options.model.startswith(BASELINE):
        return ()
    if options.controls not in {None, NO_CONTROLS}:
        raise UserError(f"--controls {options.controls}: only `whyfeel run` can ask the model")
    return plan_controls(options, task, samples, total, (judging.bare, judging.controls), judging.held)


def _finished(folder: RunFolder, samples: Iterator[Sample]) -> int:
    """How many responses the run has, once it is sure that they are those to its samples."""
    if not folder.responses.exists():
        raise DataError(f"{str(folder.path)!r} has no responses.jsonl yet: finish the run first")
    total = 0
    for response, sample in zip_longest(read_responses(folder.responses), samples):
        if response is None or sample is None or response.sample_id != sample.id:
            why = "a sitting with another --limit or --sample was not finished: run its command again"
            raise DataError(f"{str(folder.responses)!r} does not hold the samples that run.json selects; {why}")
        total += 1
    return total


def _places(options: RunOptions, manifest: dict[str, Any]) -> tuple[Path | None, Path | None]:
    data = options.data or (Path(manifest["data"]) if manifest.get("data") else None)
    images = options.images or (Path(manifest["images"]) if manifest.get("images") else None)
    return data, images


def judge_answers(answers: Path, options: RunOptions, watch: Watch) -> RunResult:
    """Judge an official answer file, one {image: answer} a line, and leave a run folder.

    Raises:
        DataError: the file is not in that format, or gives two answers to one question.
    """
    begun = monotonic()
    prompts = load_prompts(options.prompts, data=options.data, task=options.task, judge=options.judge)
    task = open_task(options.task, options.data, options.images)
    judging = plan_judge(options, task, None, prompts, load_prices(options.prices))
    given = read_answers(answers, task)
    total = sum(1 for _ in task)
    hashes = {**file_hashes(task.files), "answers": next(iter(file_hashes([answers]).values()))}
    spec = RunSpec(task.name, hashes, options.model, "answer file", {}, {}, options.seed, judging.spec)
    folder = RunFolder(options.out)
    folder.make()

    def responses() -> Iterator[Response]:
        return (given.response(sample) for sample in task)

    with folder.locked():
        shown = show_pictures(judging.judge, judging.routes, task, iter(task), options, folder)
        opened = open_run(folder, spec, options, prompts, judging.routes)
        for remark in [*opened, *given.remarks, *judging.warnings, *shown]:
            watch.note(remark)
        job = Job(
            spec=spec,
            options=options,
            task=task,
            total=total,
            samples=lambda: iter(task),
            responses=responses,
            strategy=None,
            judge=judging.judge,
            routes=judging.routes,
            bad={},
            warnings=judging.warnings,
            controls=_controls(options, task, lambda: iter(task), total, judging),
        )
        return execute(job, folder, watch, begun)
