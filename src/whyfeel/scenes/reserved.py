"""Which combinations only the held-out scenes show, though each half of them is common in training."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from whyfeel.records import content_id
from whyfeel.scenes.scene import Scene

ONE_IN = 10  # of all pairs of a thing and a place, and of a thing and an emotion


@cache
def reserved(thing: str, other: str) -> bool:
    """Whether a thing together with a place, or with an emotion, is kept for the held-out scenes.

    It follows from the two names alone: every seed and every size of a set holds out the same.
    """
    return int(content_id(["held out", thing, other]), 16) % ONE_IN == 0


def together(scene: Scene) -> Iterator[tuple[str, str]]:
    """The pairs that a scene shows: every thing with its place, and the things of the person asked with the emotion."""
    for item in scene.items:
        if scene.place:
            yield item.thing, scene.place
        if item.column == scene.asked:
            yield item.thing, scene.emotion
