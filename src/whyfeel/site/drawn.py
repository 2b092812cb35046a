"""Scores as drawn bars: where on the line a value stands."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

WIDTH, EDGE = 176, 6  # of the drawing; what a mark at an end needs to stand in it


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from `low` to `high`, WIDTH units wide.

    >>> Scale(0, 1).x(0), Scale(0, 1).x(1), Scale(-1, 1).x(0)
    (6.0, 170.0, 88.0)
    """

    low: float
    high: float

    def x(self, value: float) -> float:
        """Where a value stands, from the left; one beyond an end at that end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(EDGE + share * (WIDTH - 2 * EDGE), 1)

    def span(self, low: float, high: float) -> float:
        """How wide what lies between two values is."""
        return round(abs(self.x(high) - self.x(low)), 1)

    @property
    def ticks(self) -> tuple[float, ...]:
        """The values that are marked: from 0 to 1, and the ends beyond them."""
        return tuple(sorted({self.low, 0.0, 0.5, 1.0, self.high}))


def scale(values: Iterable[float | None]) -> Scale:
    """From 0 to 1, or further where a value lies beyond, to the next tenth."""
    known = [value for value in values if value is not None]
    return Scale(math.floor(min([0.0, *known]) * 10) / 10, math.ceil(max([1.0, *known]) * 10) / 10)
