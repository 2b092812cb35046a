"""What is to be annotated: pictures of a folder, records that name pictures, or the samples of a task.

Each becomes a sample without triggers whose question is the user's query. Emotions and persons are what the user or
the data says; none is ever guessed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

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
    query: Sound | None = None
    question: Sound | None = None
    emotion: OneLine | None = None
    person: OneLine | None = None
    triggers: Any = None
    rubric: Any = None

    @model_validator(mode="after")
    def _one_query(self) -> Self:
        if self.query is not None and self.question is not None:
            raise ValueError("expected 'query' or 'question', which are two words for one thing")
        return self


def open_subjects(asked: Asked, prompts: Prompts) -> Subjects:
    """The source that the user names.

    Raises:
        UserError: there is no such folder, file or task, or an option does not go with it.
        DataError: a record file is malformed; names the line.
    """
    path = Path(asked.source)
    mode = _mode(path) if asked.source else 0  # a blank one would be the folder that somebody happens to stand in
    if not mode and asked.source in {info.name for info in TASKS}:
        return _task(asked)
    if stat.S_ISDIR(mode):
        return _folder(path, asked, prompts)
    if stat.S_ISREG(mode) and path.suffix.lower() in PICTURES:
        raise UserError(f"IMAGES: {asked.source!r} is one picture; give the folder that holds it, or a record file")
    if stat.S_ISREG(mode):
        return _records(path, asked, prompts)
    tasks = ", ".join(info.name for info in TASKS)
    raise UserError(
        f"IMAGES: {shown(asked.source)} is no folder and no file; expected a folder of pictures, a record file "
        f"(docs/annotating.md), or a task with its --data and --images ({tasks})"
    )


def _mode(path: Path) -> int:
    """What a path leads to, as `stat` tells it; 0 for nothing."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):  # not there, or no name that a file can have
        return 0


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
        known = ", ".join(sorted(PICTURES))
        raise UserError(f"IMAGES: the folder {str(path)!r} holds no picture ({known}); other entries: {others:,}")
    emotions = asked.emotion or ("",)
    queries = {emotion: _query(prompts, asked.query, emotion, "") for emotion in emotions}

    def samples() -> Iterator[Sample]:
        for name in names:
            for emotion in emotions:
                id_ = name if len(emotions) == 1 else f"{name}#{emotion}"
                yield _sample(id_, name, queries[emotion], emotion, "")

    passed = f"passed over, as no pictures by their names or as links to folders: {others:,} entries of the folder"
    remarks = (passed,) if others else ()
    return Subjects(FOLDER, (), path, "give the folder that holds the pictures", samples, remarks)


def _pictures(path: Path) -> tuple[list[str], int]:
    """The pictures below a folder, sorted, with forward slashes; and how many other files and linked folders it has.

    Raises:
        UserError: a folder below it cannot be read.
    """
    names: list[str] = []
    others = 0
    for folder, below, files in os.walk(path, onerror=_unreadable):
        below[:] = [name for name in below if not name.startswith(".")]
        others += sum(Path(folder, name).is_symlink() for name in below)
        for name in files:
            if name.startswith("."):
                continue
            if os.path.splitext(name)[1].lower() in PICTURES:  # noqa: PTH122 - a large folder: pathlib is slow
                names.append(Path(folder, name).relative_to(path).as_posix())
            else:
                others += 1
    return sorted(names), others


def _unreadable(error: OSError) -> NoReturn:
    raise UserError(f"IMAGES: the folder {str(error.filename)!r} cannot be read: {error.strerror}") from None


def _records(path: Path, asked: Asked, prompts: Prompts) -> Subjects:
    """The records of a file; what a record does not say, the options may."""
    _no_data(asked)
    if len(asked.emotion) > 1:
        raise UserError("--emotion: a record asks about one emotion; give one, or a record for each")
    if asked.images is not None and not asked.images.is_dir():
        raise UserError(f"--images: expected a folder, got {str(asked.images)!r}")
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
    if all(_names(query, one) for one in (emotion, person) if one):
        return query
    return prompts.fill(PROMPT, "query_about", query=query, person=who, emotion=emotion or "not named")


def _names(query: str, name: str) -> bool:
    """Whether a query holds a name as words of its own: "a woman" names no "man"."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", query, re.IGNORECASE) is not None


def _sample(id_: str, image: str, query: str, emotion: str, person: str) -> Sample:
    return Sample(id_, query, emotion, (), (Media(image),), image, person=person)
