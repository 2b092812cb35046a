"""The work of a sitting as numbered pieces, which this process does or hands to others."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

from whyfeel.engine import Conversing, Route
from whyfeel.errors import AskFailed, KeyRefused, RunStopped
from whyfeel.records import Asking, Sample, Unscored
from whyfeel.runs.options import SittingOptions

T = TypeVar("T")

BAD_PICTURE, FAULT = "bad picture", "fault"
Line = tuple[int, int, dict[str, Any]]  # which of the sitting's files, the line's number in it, and what it holds
Piece = Callable[[], Coroutine[Any, Any, Sequence[Line]]]


class Work(Protocol):
    """All that a sitting does.

    Attributes:
        faults: samples that an internal fault left unscored, with the exceptions' names.
    """

    faults: list[str]

    def pieces(self) -> Iterator[Piece]:
        """The pieces, always the same in the same order."""
        ...


@dataclass(frozen=True)
class Prepared:
    """What a process needs to do a part of a sitting's work.

    Attributes:
        routes: role to model.
        images: the root of the pictures.
        work: the work, done with what drives its conversations.
    """

    routes: Mapping[str, Route]
    images: Path | None
    work: Callable[[Conversing], Work]


class Recipe(Protocol):
    """How another process comes by the same work; it travels there.

    Attributes:
        options: of the sitting.
        models: those that are asked, as the user named them.
    """

    @property
    def options(self) -> SittingOptions:
        """Of the sitting."""
        ...

    @property
    def models(self) -> Sequence[str]:
        """Those that are asked, as the user named them."""
        ...

    def prepare(self) -> Prepared:
        """The work, planned once more.

        Raises:
            UserError: something is not as it was where the sitting was planned; one line.
        """
        ...


class Talks:
    """Conversations of a sitting; what goes wrong with one leaves the others alone.

    Attributes:
        faults: samples that an internal fault left unscored, with the exceptions' names.
    """

    def __init__(self, engine: Conversing) -> None:
        self.engine = engine
        self.faults: list[str] = []

    async def converse(self, sample: Sample, start: Callable[[], Asking[T]], purpose: str) -> T | Unscored:
        """What a generator returns, or why it could not; only what ends the run is raised."""
        try:
            return await self.engine.converse(start(), purpose)
        except AskFailed as failed:
            return Unscored(failed.reason, failed.detail)
        except (KeyRefused, RunStopped):
            raise
        except Exception as fault:  # noqa: BLE001 - one sample is isolated from the next
            detail = f"{type(fault).__name__}: {fault}"
            self.faults.append(f"{sample.id}: {detail}")
            return Unscored(FAULT, detail)


class Drawn:
    """The pieces of some work, by number; numbers that rise cost one pass over them."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rest = work.pieces()
        self._next = 0

    def take(self, number: int) -> Piece:
        """One of them."""
        if number < self._next:
            self._rest, self._next = self._work.pieces(), 0
        piece = next(islice(self._rest, number - self._next, None))
        self._next = number + 1
        return piece
