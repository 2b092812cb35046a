"""`whyfeel data check`: what is in a task, what is odd about it, and whether its pictures can be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from whyfeel.records import Media
from whyfeel.tasks.base import Task

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
    """

    task: str
    n: int
    triggers: int
    groups: Mapping[str, int]
    flags: tuple[tuple[str, str], ...]
    pictures_checked: int
    bad_pictures: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return {
            "schema": SCHEMA,
            "task": self.task,
            "n": self.n,
            "triggers": self.triggers,
            "groups": dict(self.groups),
            "flags": [{"id": id_, "flag": flag} for id_, flag in self.flags],
            "pictures_checked": self.pictures_checked,
            "bad_pictures": [{"path": path, "reason": reason} for path, reason in self.bad_pictures],
        }


def check_task(task: Task, check_picture: Callable[[Media], str | None] | None) -> DataReport:
    """Read every sample of a task and look at each of its pictures once.

    Args:
        task: the task; reading it raises DataError where its files are malformed.
        check_picture: says why a picture cannot be sent, None where it can; None checks no picture.
    """
    n = triggers = 0
    groups = dict.fromkeys(task.groups, 0)
    flags: list[tuple[str, str]] = []
    pictures: dict[Media, str | None] = {}
    for sample in task:
        n += 1
        triggers += len(sample.triggers)
        groups[sample.emotion] = groups.get(sample.emotion, 0) + 1
        flags += [(sample.id, flag) for flag in sample.flags]
        for one in sample.media:
            if check_picture is not None and one not in pictures:
                pictures[one] = check_picture(one)
    bad = tuple((one.path, why) for one, why in pictures.items() if why is not None)
    return DataReport(task.name, n, triggers, groups, tuple(flags), len(pictures), bad)
