"""What is to be annotated: pictures of a folder, records that name pictures, or the samples of a task.

Each becomes a sample without triggers whose question is the user's query. Emotions and persons are what the user or
the data says; none is ever guessed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from whyfeel.annotate.options import Asked
from whyfeel.errors import DataError, UserError
from whyfeel.prompts import Prompts
from whyfeel.records import Media, Sample
from whyfeel.strategies.self_ask import PROMPT
from whyfeel.tasks import TASKS, open_task
from whyfeel.tasks.jsonl import ImagePath, OneLine, Sound, told
from whyfeel.tasks.reading import Malformed, Refused, json_records, place, shown

PICTURES = frozenset((".jpg", ".jpeg", ".png", ".gif", ".webp"))
FORM = 'expected {"image", and as you like "id", "query", "emotion", "person"}'
FOLDER, RECORDS = "folder", "records"


@dataclass(frozen=True)
class Subjects:
    """A source of pictures.

    Attributes:
        name: "folder", "records", or the task.
        files: record files, whose bytes decide what is asked; none for a folder, which may grow between sittings.
        images: the root of the pictures.
        images_help: one line that tells how to get the pictures.
        samples: reads them, in order, as often as needed.
        remarks: what the user should know of it.
    """

    name: str
    files: tuple[Path, ...]
    images: Path | None
    images_help: str
    samples: Callable[[], Iterator[Sample]]
    remarks: tuple[str, ...] = ()


class Record(BaseModel):
    """One line of a record file. Triggers and rubrics of a task's record are passed over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)

    image: ImagePath
    id: Sound | None = None
    query: OneLine | None = None
    question: OneLine | None = None
    emotion: OneLine | None = None
    person: OneLine | None = None
    triggers: Any = None
    rubric: Any = None


def open_subjects(asked: Asked, prompts: Prompts) -> Subjects:
    """The source that the user names.

    Raises:
        UserError: there is no such folder, file or task, or an option does not go with it.
        DataError: a record file is malformed; names the line.
    """
    path = Path(asked.source)
    if asked.source in {info.name for info in TASKS} and not path.exists():
        return _task(asked)
    if path.is_dir():
        return _folder(path, asked, prompts)
    if path.is_file():
        return _records(path, asked, prompts)
    tasks = ", ".join(info.name for info in TASKS)
    raise UserError(
        f"IMAGES: there is no {asked.source!r}; expected a folder of pictures, a record file (docs/annotating.md), or "
        f"a task with its --data and --images ({tasks})"
    )


def _task(asked: Asked) -> Subjects:
    if asked.query is not None or asked.emotion:
        raise UserError(f"{asked.source} has its own questions and emotions: leave --query and --emotion out")
    task = open_task(asked.source, asked.data, asked.images)

    def samples() -> Iterator[Sample]:
        return (replace(sample, triggers=(), annotation="") for sample in task)

    return Subjects(task.name, task.files, task.images, task.images_help, samples)


def _folder(path: Path, asked: Asked, prompts: Prompts) -> Subjects:
    """Every picture below a folder, by name; what is hidden is passed over."""
    _no_data(asked)
    if asked.images is not None:
        raise UserError("--images: a folder of pictures is its own root; give --images with a record file")
    names, others = _pictures(path)
    if not names:
        found = f"and {others:,} other files" if others else "and nothing else"
        raise UserError(f"IMAGES: the folder {str(path)!r} holds no picture ({', '.join(sorted(PICTURES))}) {found}")
    emotions = asked.emotion or ("",)
    queries = {emotion: _query(prompts, asked.query, emotion, "") for emotion in emotions}

    def samples() -> Iterator[Sample]:
        for name in names:
            for emotion in emotions:
                id_ = name if len(emotions) == 1 else f"{name}#{emotion}"
                yield _sample(id_, name, queries[emotion], emotion, "")

    remarks = (f"{others:,} files of the folder are no pictures by their names and are passed over",) if others else ()
    return Subjects(FOLDER, (), path, "give the folder that holds the pictures", samples, remarks)


def _pictures(path: Path) -> tuple[list[str], int]:
    """The pictures below a folder, sorted, with forward slashes; and how many other files there are."""
    names: list[str] = []
    others = 0
    for folder, below, files in os.walk(path):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in files:
            if name.startswith("."):
                continue
            if os.path.splitext(name)[1].lower() in PICTURES:  # noqa: PTH122 - a large folder: pathlib is slow
                names.append(Path(folder, name).relative_to(path).as_posix())
            else:
                others += 1
    return sorted(names), others


def _records(path: Path, asked: Asked, prompts: Prompts) -> Subjects:
    """The records of a file; what a record does not say, the options may."""
    _no_data(asked)
    if len(asked.emotion) > 1:
        raise UserError("--emotion: a record asks about one emotion; give one, or a record for each")
    emotion = asked.emotion[0] if asked.emotion else ""
    first: dict[str, int] = {}
    for line, record in json_records(path, _record):
        if isinstance(record, Malformed):
            raise record.error()
        id_ = record.id or record.image
        if first.setdefault(id_, line) != line:
            before = f"{id_!r} stands on line {first[id_]} already"
            raise DataError(f"{place(path, line)}: {before}; give each record an 'id' of its own")
    if not first:
        raise DataError(f"{place(path)}: the file holds no record; {FORM} a line")

    def samples() -> Iterator[Sample]:
        for _, record in json_records(path, _record):
            if isinstance(record, Malformed):
                raise record.error()
            felt, person = record.emotion or emotion, record.person or ""
            query = _query(prompts, record.query or record.question or asked.query, felt, person)
            yield _sample(record.id or record.image, record.image, query, felt, person)

    images = asked.images or path.parent
    return Subjects(RECORDS, (path,), images, "--images is the folder the image paths start from", samples)


def _record(value: object) -> Record:
    if not isinstance(value, dict):
        raise Refused(f"{FORM}, got {shown(value)}")
    try:
        return Record.model_validate(value)
    except ValidationError as error:
        raise Refused(told(error, FORM)) from None


def _no_data(asked: Asked) -> None:
    if asked.data is not None:
        raise UserError("--data names the records of a task; a folder or a record file needs none")


def _query(prompts: Prompts, query: str | None, emotion: str, person: str) -> str:
    """The user's query; one that does not itself say which emotion, or whose, says so in brackets."""
    who = person or prompts.fill(PROMPT, "somebody")
    if query is None:
        if not emotion:
            return prompts.fill(PROMPT, "query", person=who)
        return prompts.fill(PROMPT, "query_emotion", person=who, emotion=emotion)
    named = {emotion.casefold(), person.casefold()} - {""}
    if all(name in query.casefold() for name in named):
        return query
    return prompts.fill(PROMPT, "query_about", query=query, person=who, emotion=emotion or "not named")


def _sample(id_: str, image: str, query: str, emotion: str, person: str) -> Sample:
    return Sample(id_, query, emotion, (), (Media(image),), image, person=person)
