"""What a task is: one benchmark's file format, its samples and how they are grouped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from whyfeel.judging import FoilKind, Scorer
from whyfeel.records import Sample
from whyfeel.tasks.reading import Malformed


class Task(Protocol):
    """The samples of one benchmark, read from the user's files as often as they are iterated over.

    Attributes:
        name: as it is written in a command.
        groups: emotions in the order they are reported; every sample's emotion is one of them.
        macro: whether the unweighted mean over the groups is reported.
        scorer: which of EIBench's two released scorers the official judges reproduce.
        alternatives: whether a sample's triggers are what several people wrote, each an answer of its own; otherwise
            they are the parts of one answer.
        foils: where the triggers come from that an answer is held against to correct its score for chance.
        files: the record files, whose bytes decide what is asked.
        images: the root of the pictures, None where none was given.
        images_help: one line that tells how to get the pictures.
        left_out: (record, why): what made no sample because an answer could be compared with nothing.
        malformed: the records that cannot be read; they are left out, and `open_task` refuses a task that has any.
    """

    @property
    def name(self) -> str: ...
    @property
    def groups(self) -> tuple[str, ...]: ...
    @property
    def macro(self) -> bool: ...
    @property
    def scorer(self) -> Scorer: ...
    @property
    def alternatives(self) -> bool: ...
    @property
    def foils(self) -> FoilKind: ...
    @property
    def files(self) -> tuple[Path, ...]: ...
    @property
    def images(self) -> Path | None: ...
    @property
    def images_help(self) -> str: ...
    @property
    def left_out(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def malformed(self) -> tuple[Malformed, ...]: ...

    def __iter__(self) -> Iterator[Sample]:
        """The samples in file order.

        Raises:
            DataError: a file cannot be read, or has become malformed since the task was made.
        """
        ...
