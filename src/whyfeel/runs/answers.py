"""An official answer file: one {image: answer} a line, joined to a task's samples."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from whyfeel.errors import DataError
from whyfeel.judging import image_of
from whyfeel.records import Response, Sample, Unscored
from whyfeel.runs.lines import read_lines
from whyfeel.tasks import Task

NO_ANSWER = "no answer"


@dataclass(frozen=True)
class GivenAnswers:
    """Answers by sample id, and what did not fit."""

    texts: dict[str, str]
    remarks: tuple[str, ...]

    def response(self, sample: Sample) -> Response:
        """The answer to a sample; one that the file leaves out is unscored."""
        text = self.texts.get(sample.id)
        if text is None:
            return Response(sample.id, "", unscored=Unscored(NO_ANSWER, "the answer file has none"))
        return Response(sample.id, text, "ok" if text.strip() else "empty")


def read_answers(path: Path, task: Task) -> GivenAnswers:
    """Read an answer file.

    Where a picture carries several questions (EIBench's complex set) the k-th answer to the picture belongs to its
    k-th question, in file order. An answer given twice in the same words counts once.

    Raises:
        DataError: a line is not {image: answer}, or a question has two different answers; names the lines.
    """
    questions: defaultdict[str, list[str]] = defaultdict(list)
    for sample in task:
        questions[image_of(sample)].append(sample.id)
    given: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, line in enumerate(read_lines(path), 1):
        for image, text in line.items():
            if not isinstance(text, str):
                raise DataError(
                    f"{str(path)!r} record {number}: the answer to {image!r} should be a text, got {text!r}"
                )
            given[image].append((number, text))
    texts: dict[str, str] = {}
    remarks: list[str] = []
    unknown = [image for image in given if image not in questions]
    for image, answers in given.items():
        if image in questions:
            texts |= dict(zip(questions[image], _fit(path, image, answers, len(questions[image])), strict=False))
    if unknown:
        remarks.append(
            f"{len(unknown):,} answers are to pictures that {task.name} does not have, such as {unknown[0]!r}"
        )
    if missing := sum(map(len, questions.values())) - len(texts):
        remarks.append(f"{missing:,} of {sum(map(len, questions.values())):,} samples have no answer and stay unscored")
    return GivenAnswers(texts, tuple(remarks))


def _fit(path: Path, image: str, answers: list[tuple[int, str]], places: int) -> list[str]:
    if len(answers) <= places:
        return [text for _, text in answers]
    if places == 1 and len({text for _, text in answers}) == 1:
        return [answers[0][1]]
    lines = ", ".join(str(number) for number, _ in answers)
    raise DataError(
        f"{str(path)!r} records {lines}: {len(answers)} answers to {image!r}, which has {places}; remove the surplus"
    )
