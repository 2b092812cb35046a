"""`whyfeel data check`: what is in a task, what is odd or wrong about it, and whether its pictures can be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from whyfeel.records import Media
from whyfeel.tasks.base import Task
from whyfeel.tasks.pictures import MISSING, Look, Names, duplicates, side_by_side
from whyfeel.tasks.reading import Malformed

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class DataReport:
    """What a look at every record of a task found.

    Attributes:
        task: the task's name.
        n: samples.
        triggers: annotated triggers over all samples.
        groups: samples by emotion, in the task's order.
        flags: (sample id, what is odd about it), in the task's order.
        pictures_checked: distinct pictures looked at; 0 where none were to be checked.
        bad_pictures: (path, why it cannot be sent), each picture once.
        malformed: the records that cannot be read; they are not among the samples.
        left_out: (record, why): what made no sample because an answer could be compared with nothing.
        missing: paths of the bad pictures that are not there.
        duplicates: paths of pictures with equal bytes.
        case_clashes: paths that are one file on systems which do not tell case apart.
        remembered: pictures that were not decoded, because their content was seen before.
        urls: distinct pictures at URLs, which are not looked at.
    """

    task: str
    n: int
    triggers: int
    groups: Mapping[str, int]
    flags: tuple[tuple[str, str], ...]
    pictures_checked: int
    bad_pictures: tuple[tuple[str, str], ...]
    malformed: tuple[Malformed, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    case_clashes: tuple[tuple[str, ...], ...] = ()
    remembered: int = 0
    urls: int = 0

    def to_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return {
            "schema": SCHEMA,
            "task": self.task,
            "n": self.n,
            "triggers": self.triggers,
            "groups": dict(self.groups),
            "malformed": [asdict(one) for one in self.malformed],
            "left_out": [{"id": id_, "why": why} for id_, why in self.left_out],
            "flags": [{"id": id_, "flag": flag} for id_, flag in self.flags],
            "pictures_checked": self.pictures_checked,
            "bad_pictures": [{"path": path, "reason": reason} for path, reason in self.bad_pictures],
            "missing": list(self.missing),
            "duplicates": [list(paths) for paths in self.duplicates],
            "case_clashes": [list(paths) for paths in self.case_clashes],
            "remembered": self.remembered,
            "urls": self.urls,
        }


def check_task(
    task: Task,
    look: Callable[[Media], Look] | None,
    tick: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> DataReport:
    """Read every sample of a task and look at each of its pictures once, on all cores.

    Args:
        task: the task, made by `read_task`.
        look: looks at a picture, called by several threads; None looks at no picture.
        tick: told after each picture how many are done, and of how many.

    Raises:
        DataError: a record file cannot be read.
    """
    n = triggers = 0
    groups = dict.fromkeys(task.groups, 0)
    flags: list[tuple[str, str]] = []
    pictures: dict[Media, None] = {}
    for sample in task:
        n += 1
        triggers += len(sample.triggers)
        groups[sample.emotion] = groups.get(sample.emotion, 0) + 1
        flags += [(sample.id, flag) for flag in sample.flags]
        pictures.update(dict.fromkeys(sample.media))
    files = [one for one in pictures if not one.is_url]
    looks: dict[str, Look] = {}
    if look is not None:
        for one, found in zip(files, side_by_side(look, files), strict=True):
            looks[one.path] = found
            tick(len(looks), len(files))
    counted = (task.name, n, triggers, groups, tuple(flags), len(looks))
    urls = len(pictures) - len(files)
    return DataReport(*counted, malformed=task.malformed, left_out=task.left_out, urls=urls, **_found(task, looks))


def _found(task: Task, looks: Mapping[str, Look]) -> dict[str, Any]:
    """What the looks at the pictures found, under its names in the report."""
    if task.images is None:
        return {"bad_pictures": ()}
    names = Names(task.images)
    missing = tuple(path for path, look in looks.items() if (look.fault or "").startswith(MISSING))
    hints = {path: f"; there is {near!r}" for path in missing if (near := names.alike(path)) is not None}
    bad = tuple((path, look.fault + hints.get(path, "")) for path, look in looks.items() if look.fault is not None)
    contents = {look.digest for look in looks.values() if look.digest and not look.remembered}
    readable = sum(bool(look.digest) for look in looks.values())
    return {
        "bad_pictures": bad,
        "missing": missing,
        "duplicates": tuple(duplicates(looks)),
        "case_clashes": tuple(names.case_clashes(looks)),
        "remembered": readable - len(contents),
    }
