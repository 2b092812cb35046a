"""Benchmarks: their file formats and their samples."""

from whyfeel.tasks.annotation import parse_triggers
from whyfeel.tasks.base import Task
from whyfeel.tasks.check import DataReport, check_task
from whyfeel.tasks.pictures import Look, looker
from whyfeel.tasks.reading import Malformed
from whyfeel.tasks.registry import TASKS, TaskInfo, open_task, read_task

__all__ = [
    "TASKS",
    "DataReport",
    "Look",
    "Malformed",
    "Task",
    "TaskInfo",
    "check_task",
    "looker",
    "open_task",
    "parse_triggers",
    "read_task",
]
