"""Random choices, cheaply: one draw of many numbers where a generator's own methods cost microseconds each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
AT_ONCE = 64
FIT = 5  # how much likelier what goes with an emotion is than what does not


class Dice:
    """Choices from a generator's stream of numbers in [0, 1)."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._left: list[float] = []

    def roll(self) -> float:
        """A number in [0, 1)."""
        if not self._left:
            self._left = self._generator.random(AT_ONCE).tolist()
        return self._left.pop()

    def chance(self, share: float) -> bool:
        """True in a share of all cases."""
        return self.roll() < share

    def pick(self, some: Sequence[T]) -> T:
        """One of them, all alike."""
        return some[int(self.roll() * len(some))]

    def weighted(self, some: Iterable[tuple[T, float]]) -> T:
        """One of them, by weights above 0."""
        pairs = list(some)
        left = self.roll() * sum(weight for _, weight in pairs)
        for one, weight in pairs:
            left -= weight
            if left < 0:
                return one
        return pairs[-1][0]

    def sample(self, some: Iterable[tuple[T, float]], count: int) -> list[T]:
        """So many of them at most, each once, drawn one after the other by their weights."""
        pairs, drawn = list(some), list[T]()
        while pairs and len(drawn) < count:
            drawn.append(self.weighted(pairs))
            pairs = [pair for pair in pairs if pair[0] != drawn[-1]]
        return drawn
