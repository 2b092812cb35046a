"""A task whose samples are kept in memory as long as they are few: a run looks at them a dozen times."""

from __future__ import annotations

from collections.abc import Iterator

from whyfeel.records import Sample
from whyfeel.tasks.base import Task

FEW = 4096  # some 10 MB; memory does not grow with a data set beyond it


class Held:
    """The same task, read again from its files only where it has more than FEW samples.

    What a pass found is what later ones find, whatever happens to the files meanwhile.
    """

    def __init__(self, task: Task) -> None:
        self.name, self.groups, self.macro = task.name, task.groups, task.macro
        self.scorer, self.foils, self.malformed = task.scorer, task.foils, task.malformed
        self.alternatives = task.alternatives
        self.left_out = task.left_out
        self.files, self.images, self.images_help = task.files, task.images, task.images_help
        self._task = task
        self._samples: list[Sample] | None = None

    def __iter__(self) -> Iterator[Sample]:
        """The samples in the task's order."""
        return self._reading() if self._samples is None else iter(self._samples)

    def _reading(self) -> Iterator[Sample]:
        seen: list[Sample] = []
        count = 0
        for sample in self._task:
            count += 1
            if count <= FEW:
                seen.append(sample)
            else:
                seen.clear()
            yield sample
        if count <= FEW:
            self._samples = seen
