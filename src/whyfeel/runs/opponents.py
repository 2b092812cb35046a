"""Whom the judge `pairwise` compares answers with: what people wrote, or another run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from whyfeel.errors import DataError, UserError
from whyfeel.judging import HUMAN, NOBODY, PAIRWISE, Opponent, human_answer
from whyfeel.records import Sample
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.lines import read_responses
from whyfeel.runs.options import RunOptions
from whyfeel.runs.spec import differences, file_hashes, run_name
from whyfeel.tasks import Task


@dataclass(frozen=True)
class Against:
    """An opponent, and what tells it from others.

    Attributes:
        opponent: its name and its answers.
        mark: what stands in the judge's spec: "human", with the seed where that decides whose answer is shown; the
            SHA-256 of a run's responses; "" for a judge that compares with nobody.
        model: the declared name of the model whose answers they are, "" where they are nobody's or people's.
    """

    opponent: Opponent = NOBODY
    mark: str = ""
    model: str = ""


def opponent_of(options: RunOptions, task: Task, samples: Iterator[Sample]) -> Against:
    """The opponent that a judge's options name.

    Raises:
        UserError: the judge compares with nobody, or the run named by `--against` is the judged one, or one of another
            task or other records.
        DataError: that run is not finished.
    """
    if options.judge != PAIRWISE:
        if options.against is not None:
            raise UserError(f"--against is for the judge {PAIRWISE}, not for {options.judge}")
        return Against()
    if options.against is None:
        return _human(options, task, samples)
    if options.against.resolve() == options.out.resolve():
        raise UserError(f"--against {str(options.against)!r} is the run itself: name another one")
    return _other_run(options.against, task)


def _human(options: RunOptions, task: Task, samples: Iterator[Sample]) -> Against:
    texts = ((one.id, human_answer(one, alternatives=task.alternatives, seed=options.seed)) for one in samples)
    answers = {name: text for name, text in texts if text}
    return Against(Opponent(HUMAN, answers), f"{HUMAN}, seed {options.seed}" if task.alternatives else HUMAN)


def _other_run(path: Path, task: Task) -> Against:
    folder = RunFolder(path)
    spec = folder.read_manifest()["spec"]
    if spec["task"] != task.name:
        raise UserError(f"--against {str(path)!r} is a run of another task: {spec['task']}, not {task.name}")
    if found := differences(spec["data"], {**spec["data"], **file_hashes(task.files)}):
        raise UserError(f"--against {str(path)!r} is a run on other records: {'; '.join(found[:2])}")
    if not folder.responses.exists():
        raise DataError(f"--against {str(path)!r} has no responses.jsonl yet: finish that run first")
    answers = {one.sample_id: one.text for one in read_responses(folder.responses) if one.unscored is None}
    (digest,) = file_hashes([folder.responses]).values()
    return Against(Opponent(run_name(spec), answers), digest, str(spec["model"]))
