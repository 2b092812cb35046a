"""How varied and how long answers are, without references."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from whyfeel.metrics.base import Item, Measured
from whyfeel.metrics.words import Gram, grams, words


@dataclass(frozen=True, slots=True)
class Distinct:
    """Different n-grams over all n-grams, from 0 (never reached) to 1: no n-gram stands twice.

    The corpus value, in `facts["corpus"]`, is that of all answers together; an n-gram lies within one answer. It falls
    the more is said, so that only runs on the same samples compare. The paper divides by words where this divides by
    n-grams, so that 1 is the maximum for pairs, too. Undefined for an answer of fewer than n words.

    Args:
        order: n, 1 or 2.

    Source: Li et al. 2016, section 5.3 (distinct-1, distinct-2).
    """

    order: int
    needs: frozenset[str] = frozenset()
    low: float = 0.0
    high: float = 1.0
    source: str = "Li et al. 2016, section 5.3, over n-grams"

    @property
    def name(self) -> str:
        """As it is written in a command."""
        return f"distinct-{self.order}"

    def measure(self, items: Sequence[Item]) -> Measured:
        """The share of each answer, and of all together."""
        values: list[float | None] = []
        seen: set[Gram] = set()
        total = 0
        for item in items:
            found = grams(words(item.hypothesis), self.order)
            different = set(found)
            values.append(len(different) / len(found) if found else None)
            seen |= different
            total += len(found)
        short = values.count(None)
        reason = "no word" if self.order == 1 else f"fewer than {self.order} words"
        return Measured(values, {reason: short} if short else {}, {"corpus": len(seen) / total if total else None})


@dataclass(frozen=True, slots=True)
class Length:
    """Words an answer, from 0; many metrics follow it. Never undefined.

    Source: a count of words as `words.words` splits them.
    """

    name: str = "length"
    needs: frozenset[str] = frozenset()
    low: float = 0.0
    high: float = math.inf
    source: str = "a count of words"

    def measure(self, items: Sequence[Item]) -> Measured:
        """The words of each answer."""
        return Measured([float(len(words(item.hypothesis))) for item in items])
