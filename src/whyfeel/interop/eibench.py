"""EIBench's released format: what the official scripts and our own `eibench-basic` and `eibench-complex` read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from whyfeel.annotate.review.final import Final
from whyfeel.interop.outgoing import Outgoing, asked, texts
from whyfeel.records import Annotation, json_line, numbered
from whyfeel.runs.folder import write_whole
from whyfeel.tasks import parse_triggers
from whyfeel.tasks.eibench import COMPLEX_FILES, FOLDERS, QUESTIONS, TRUTH
from whyfeel.tasks.questions import emotion_of

COMPLEX = COMPLEX_FILES[0]
FILES = tuple(str(path) for path in (QUESTIONS, TRUTH, COMPLEX))
NO_PICTURE = "it has no picture, and the format knows a record by its picture"
NO_QUESTION = "it has no question"
NUMBERS = "a trigger would not be read back as it is: the format numbers them, up to 99"
TWICE = "the same question about the same picture stands in another record"


@dataclass(frozen=True, slots=True)
class Record:
    """A picture, what is asked about it, and its numbered triggers; `folder` where the picture's own tells the emotion.

    The basic set has one question a picture, and the emotion is that of the picture's folder.
    """

    image: str
    question: str
    truth: str
    folder: bool


def write_eibench(folder: Path, outgoing: Outgoing) -> None:
    """Write EI_Basic/ and EI_Complex/, each where it has a record."""
    records = list(_records(outgoing))
    about = Counter(record.image for record in records)
    basic = [record for record in records if record.folder and about[record.image] == 1]
    others = [record for record in records if not record.folder or about[record.image] > 1]
    if basic:
        _write_lines(folder / QUESTIONS, basic, lambda one: {one.image: one.question})
        pairs = ",\n".join(json_line({one.image: one.truth})[1:-1] for one in basic)
        write_whole(folder / TRUTH, [f"{{\n{pairs}\n}}\n".encode()])
    if others:
        _write_lines(folder / COMPLEX, others, lambda one: {one.image: {one.question: one.truth}})


def _write_lines(path: Path, records: list[Record], line: Callable[[Record], dict[str, object]]) -> None:
    write_whole(path, (f"{json_line(line(record))}\n".encode() for record in records))


def _records(outgoing: Outgoing) -> Iterator[Record]:
    seen: set[tuple[str, str]] = set()
    for final in outgoing.with_triggers():
        if (why := _fault(final, seen)) is not None:
            outgoing.leave(final, why)
            continue
        annotation = final.annotation
        image, question = annotation.image or "", asked(annotation)
        seen.add((image, question))
        outgoing.take(final)
        yield Record(image, question, numbered(texts(annotation)), _is_told_by_folder(annotation))


def _fault(final: Final, seen: set[tuple[str, str]]) -> str | None:
    """Why an annotation cannot stand in this format; the reader that is to understand it is asked."""
    annotation = final.annotation
    if not (annotation.image or "").strip():
        return NO_PICTURE
    question = asked(annotation)
    if not question.strip():
        return NO_QUESTION
    wanted = texts(annotation)
    if [trigger.text for trigger in parse_triggers(numbered(wanted))[0]] != wanted:
        return NUMBERS
    return TWICE if (annotation.image, question) in seen else None


def _is_told_by_folder(annotation: Annotation) -> bool:
    """Whether the picture lies in a folder of the basic set, and the emotion asked about is that folder's."""
    told = FOLDERS.get((annotation.image or "").rpartition("/")[0])
    named = annotation.emotion.strip().lower()
    return told is not None and (not named or told in {named, emotion_of(named)})
