"""The tasks there are, and how one is opened by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from whyfeel.errors import UserError
from whyfeel.tasks.base import Task
from whyfeel.tasks.eibench import BASIC, COMPLEX, EIBenchBasic, EIBenchComplex
from whyfeel.tasks.held import Held
from whyfeel.tasks.socratis import SOCRATIS, Socratis

JSONL, SCENES = "jsonl", "scenes"
SOCRATIS_DATA = "the released JSON file, {pair: [[image, caption, emotions, explanations, demographics], …]}"
EIBENCH_DATA = "the folder that holds EI_Basic/ and EI_Complex/, from the released EIBench repository"


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """One line of `whyfeel tasks`.

    Attributes:
        name: as it is written in a command.
        title: what it is.
        samples: how many it has, as text.
        needs_data: what `--data` must be; "" where it is not used.
    """

    name: str
    title: str
    samples: str
    needs_data: str


TASKS: tuple[TaskInfo, ...] = (
    TaskInfo(BASIC, "EIBench: why does this person feel that way? Four emotions", "1,615", EIBENCH_DATA),
    TaskInfo(COMPLEX, "EIBench: two or more emotions of the people in one picture", "50", EIBENCH_DATA),
    TaskInfo(SOCRATIS, "Socratis: why would a person feel that about this picture?", "2,075 pairs", SOCRATIS_DATA),
    TaskInfo(JSONL, "your own records", "yours", "a record file, or a folder with one *.jsonl (docs/data.md)"),
    TaskInfo(SCENES, "drawn scenes that come with whyfeel, to try it out", "24", ""),
)
# `jsonl` and `scenes` are read by `_jsonl`.
READERS: Mapping[str, Callable[[Path, Path | None], Task]] = {
    BASIC: EIBenchBasic,
    COMPLEX: EIBenchComplex,
    SOCRATIS: Socratis,
}


def open_task(name: str, data: Path | None, images: Path | None) -> Task:
    """A task to be run, its record files read and every record sound.

    Args:
        name: one of TASKS.
        data: what the task's `needs_data` says; None for a task that comes with whyfeel.
        images: the root of the pictures, None for the task's own default.

    Raises:
        UserError: there is no such task, `data` is missing or not used, or `images` is no folder.
        DataError: a record file is missing or malformed; names the file, the first such line and what was expected.
    """
    task = read_task(name, data, images)
    for fault in task.malformed:
        raise fault.error()
    return Held(task)


def read_task(name: str, data: Path | None, images: Path | None) -> Task:
    """A task to be looked at: `Task.malformed` names the records that cannot be read. Arguments as in `open_task`.

    Raises:
        UserError: there is no such task, `data` is missing or not used, or `images` is no folder.
        DataError: a record file is missing or cannot be read at all.
    """
    info = _info(name)
    try:
        return _read(info, data, images)
    except OSError as error:  # such as a name that is too long for any file
        raise UserError(f"--data, --images: {error.strerror}: {str(error.filename)[:60]!r}") from None


def _read(info: TaskInfo, data: Path | None, images: Path | None) -> Task:
    name = info.name
    if images is not None and not images.is_dir():
        raise UserError(f"--images: expected a folder, got {str(images)!r}, which is {_kind(images)}")
    if not info.needs_data:
        if data is not None or images is not None:
            raise UserError(f"{name} comes with whyfeel: leave --data and --images out")
        return _jsonl(None, None)
    if data is None:
        raise UserError(f"{name} needs --data: {info.needs_data}")
    return READERS.get(name, _jsonl)(data, images)


def _jsonl(data: Path | None, images: Path | None) -> Task:
    # pydantic is loaded for this task only
    from whyfeel.tasks.jsonl import JsonlTask, scenes  # noqa: PLC0415

    return scenes() if data is None else JsonlTask(data, images)


def _info(name: str) -> TaskInfo:
    known = {info.name: info for info in TASKS}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UserError(f"there is no task {name!r}; there are {', '.join(known)}{hint}")


def _kind(path: Path) -> str:
    return "a file" if path.exists() else "not there"
