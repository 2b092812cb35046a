"""What a metric is: it measures answers, one number an item, without judging them against anything but references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

# Why an item has no value; a metric may add reasons of its own.
NO_REFERENCE = "no reference"
EMPTY = "empty answer"
NO_PICTURE = "no picture"


@dataclass(frozen=True, slots=True)
class Item:
    """One answer to be measured.

    Attributes:
        sample_id: the sample answered.
        hypothesis: the answer, "" where the model said nothing.
        references: what people wrote; may be none.
        source: what was asked.
        picture: the bytes of the first picture as it was sent, None where there is none or no metric needs one.
        cluster: items that share it are not independent (the same picture).
    """

    sample_id: str
    hypothesis: str
    references: tuple[str, ...]
    source: str
    picture: bytes | None
    cluster: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What a metric found.

    Attributes:
        values: one an item, in the items' order; None where it is undefined.
        why: reason to how many items have no value for it; the counts sum to the number of None.
        facts: what else is to be known, such as {"truncated": 3, "checkpoint": digest}; a value of the whole run that
            is no mean of the items' stands under "corpus".
    """

    values: Sequence[float | None]
    why: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


class Metric(Protocol):
    """A measure of answers.

    Attributes:
        name: as it is written in a command and a file's name; a variant is a metric of its own ("clipscore-raw").
        needs: which of "references", "picture" and "source" it reads besides the answer.
        low, high: the range of its values, infinite where it is open.
        source: paper and equation.
    """

    @property
    def name(self) -> str: ...
    @property
    def needs(self) -> frozenset[str]: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def source(self) -> str: ...

    def measure(self, items: Sequence[Item]) -> Measured:
        """A value for each item; the order of an item's references changes nothing."""
        ...
