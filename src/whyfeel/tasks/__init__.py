"""Benchmarks: their file formats and their samples."""

from whyfeel.tasks.annotation import parse_triggers
from whyfeel.tasks.base import Task
from whyfeel.tasks.check import DataReport, check_task
from whyfeel.tasks.registry import TASKS, TaskInfo, open_task

__all__ = [
    "TASKS",
    "DataReport",
    "Task",
    "TaskInfo",
    "check_task",
    "open_task",
    "parse_triggers",
]
