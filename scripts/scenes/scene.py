"""What a scene is: a picture together with its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenes.pen import Pen


@dataclass(frozen=True)
class Scene:
    """A picture, the question about one person in it, and the causes of the emotion that it shows."""

    slug: str
    emotion: str
    question: str
    triggers: tuple[str, ...]
    draw: Callable[[Pen], None]
