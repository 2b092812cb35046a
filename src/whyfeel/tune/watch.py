"""Who looks on while a model is trained."""

from __future__ import annotations

from typing import Protocol

from whyfeel.runs import Watch


class TrainWatch(Watch, Protocol):
    """Looks on at the training as well as at the runs before and after it."""

    def train(self, total: int, done: int) -> None:
        """The training starts, of so many steps in all, `done` of them in an earlier sitting."""
        ...

    def step(self, done: int, loss: float | None) -> None:
        """So many steps are done; the loss as it was last told."""
        ...

    def trained(self) -> None:
        """The training is done, or stopped."""
        ...
