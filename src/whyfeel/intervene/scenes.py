"""Scenes and what is changed in them; the pictures that are asked about, and the triggers that are looked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from whyfeel.records import Media, Sample, Trigger, numbered

UNSAID = "unsaid"  # the kind of a trigger of which nobody said one
WHOLE, AGAIN = "whole", "again"


@dataclass(frozen=True, slots=True)
class Region:
    """A part of an upright picture: in pixels, or in shares of its width and height, where none is above 1."""

    left: float
    top: float
    width: float
    height: float

    def box(self, width: int, height: int) -> tuple[int, int, int, int] | None:
        """Left, top, right and bottom in whole pixels, at least one of them inside; None where it leaves the picture.

        >>> Region(0.5, 0, 0.5, 1).box(640, 480), Region(600, 0, 50, 9).box(640, 480)
        ((320, 0, 640, 480), None)
        """
        across, down = (width, height) if max(self.left, self.top, self.width, self.height) <= 1 else (1, 1)
        left, right = round(self.left * across), round((self.left + self.width) * across)
        top, bottom = round(self.top * down), round((self.top + self.height) * down)
        if right > width or bottom > height:
            return None
        left, top = min(left, width - 1), min(top, height - 1)
        return left, top, max(right, left + 1), max(bottom, top + 1)


@dataclass(frozen=True, slots=True)
class Change:
    """What takes one trigger out of a scene.

    Attributes:
        trigger: its place among the scene's triggers.
        kind: of the trigger, such as "object".
        media: the changed picture, None where a region of the scene's own is blurred.
        region: that region.
        instead: the trigger that stands in its place, None where nothing does.
    """

    trigger: int
    kind: str
    media: Media | None = None
    region: Region | None = None
    instead: Trigger | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture with a question, and its changes; none where its picture is to be cut into cells."""

    sample: Sample
    changes: tuple[Change, ...] = ()

    @property
    def drawn(self) -> bool:
        """Whether its changed pictures are there already."""
        return any(change.media is not None for change in self.changes)


@dataclass(frozen=True, slots=True)
class View:
    """One picture of a scene, and what is looked for in the answer to it.

    Attributes:
        name: "whole" for the scene as it is, "again" for that asked about once more, "change 1", …, "cell 1,1", ….
        sample: the scene's sample with the triggers that are in this picture; its id and its cluster are the scene's,
            so that whatever is drawn by them is the same for all pictures of a scene.
        triggers: those that are looked for.
        rivals: the scene's triggers; the same for every view of it.
        newcomers: those that some change puts in their place; the same, too.
        made: whether the picture is made from the scene's own, and `region` the part that is blurred, None for none.
    """

    name: str
    sample: Sample
    triggers: tuple[Trigger, ...]
    rivals: tuple[Trigger, ...]
    newcomers: tuple[Trigger, ...] = ()
    made: bool = False
    region: Region | None = None


def with_triggers(sample: Sample, triggers: Sequence[Trigger]) -> Sample:
    """The same sample, annotated with other triggers."""
    return replace(sample, triggers=tuple(triggers), annotation=numbered(one.text for one in triggers))


def views_of(scene: Scene, cells: tuple[int, int] | None = None) -> Iterator[View]:
    """The pictures of a scene, the unchanged one first.

    Args:
        cells: rows and columns of the grid, None where the scene has changes.
    """
    return _cells(scene.sample, *cells) if cells is not None else _changed(scene)


def _changed(scene: Scene) -> Iterator[View]:
    sample, made = scene.sample, not scene.drawn
    concerned = _distinct(trigger for change in scene.changes for trigger in looked_for(sample, change))
    newcomers = _distinct(change.instead for change in scene.changes if change.instead is not None)
    all_views = _distinct(sample.triggers), newcomers, made
    yield View(WHOLE, sample, concerned, *all_views)
    for number, change in enumerate(scene.changes, 1):
        left = list(sample.triggers)
        left[change.trigger : change.trigger + 1] = [change.instead] if change.instead is not None else []
        media = sample.media if change.media is None else (change.media,)
        shown = replace(with_triggers(sample, left), media=media)
        yield View(change_name(number), shown, looked_for(sample, change), *all_views, change.region)


def _cells(sample: Sample, rows: int, columns: int) -> Iterator[View]:
    triggers = _distinct(sample.triggers)
    yield View(WHOLE, sample, triggers, triggers, made=True)
    yield View(AGAIN, sample, triggers, triggers, made=True)
    for row in range(rows):
        for column in range(columns):
            region = Region(column / columns, row / rows, 1 / columns, 1 / rows)
            yield View(cell_name(row, column), sample, triggers, triggers, made=True, region=region)


def _distinct(triggers: Iterable[Trigger]) -> tuple[Trigger, ...]:
    """The first of each text."""
    first: dict[str, Trigger] = {}
    for one in triggers:
        first.setdefault(one.text, one)
    return tuple(first.values())


def looked_for(sample: Sample, change: Change) -> tuple[Trigger, ...]:
    """The trigger that a change takes out, and the one that it puts in its place."""
    gone = sample.triggers[change.trigger]
    return (gone,) if change.instead is None else (gone, change.instead)


def change_name(number: int) -> str:
    """The name of a scene's changed picture, from 1."""
    return f"change {number}"


def cell_name(row: int, column: int) -> str:
    """The name of a picture with one blurred cell.

    >>> cell_name(0, 2)
    'cell 1,3'
    """
    return f"cell {row + 1},{column + 1}"
