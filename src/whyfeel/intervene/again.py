"""The same conversation held once more, so that a model's own wavering can be told from what a change does."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from whyfeel.records import Ask, Asking
from whyfeel.strategies import Changed

T = TypeVar("T")

REPEAT = 1_000  # above the repeats that any strategy numbers itself


def again(asking: Asking[T]) -> Asking[T]:
    """A conversation whose asks are other ones than those of the first time, and the same in all that is sent.

    Args:
        asking: not yet started.
    """
    return Changed(asking, _once_more)


def _once_more(ask: Ask) -> Ask:
    return replace(ask, repeat=ask.repeat + REPEAT)
