"""One thing changed in a scene, and nothing else: what a causal test compares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from whyfeel.scenes.art import art
from whyfeel.scenes.dice import Dice
from whyfeel.scenes.scene import Cause, Figure, Item, Scene


def without(scene: Scene, cause: Cause) -> Scene:
    """The same scene with one trigger gone: a calm face, arms at rest, nobody bothering, no thing, plain ground.

    Raises:
        ValueError: the scene has no such trigger.
    """
    left = _left(scene, cause)
    if cause.part == "place":
        return replace(scene, causes=left, place="")
    if cause.part == "weather":
        return replace(scene, causes=left, weather="")
    if cause.part == "item":
        return replace(scene, causes=left, items=tuple(one for one in scene.items if not _is(one, cause)))
    people = tuple(_calmed(one, cause) if one.column == cause.column else one for one in scene.people)
    return replace(scene, causes=left, people=people)


def instead(scene: Scene, cause: Cause, rng: np.random.Generator) -> tuple[Scene, Cause]:
    """The same scene with another thing in the place of one, and the trigger which that thing is.

    Args:
        cause: an object; the thing that takes its place is not in the scene yet and fits where it was.
        rng: draws the thing and its wording.

    Raises:
        ValueError: the scene has no such trigger, or it is no object.
    """
    left, things, dice = _left(scene, cause), art().things, Dice(rng)
    if cause.part != "item":
        raise ValueError(f"expected an object, got {cause!r}: only a thing can be replaced")
    old = next(one for one in scene.items if _is(one, cause))
    here = {one.thing for one in scene.items}
    name = dice.pick([one for one in things if one not in here and things[one].at == things[old.thing].at])
    new = replace(cause, text=dice.pick(things[name].words))
    items = tuple(replace(one, thing=name) if one is old else one for one in scene.items)
    place = scene.causes.index(cause)
    return replace(scene, items=items, causes=(*left[:place], new, *left[place:])), new


def _left(scene: Scene, cause: Cause) -> tuple[Cause, ...]:
    if cause not in scene.causes:
        raise ValueError(f"expected a trigger of the scene {scene.id!r}, got {cause!r}")
    return tuple(one for one in scene.causes if one != cause)


def _is(item: Item, cause: Cause) -> bool:
    return (item.column, item.slot) == (cause.column, cause.slot)


def _calmed(figure: Figure, cause: Cause) -> Figure:
    if cause.part == "face":
        return replace(figure, face="calm")
    if cause.part == "pose":
        return replace(figure, pose="still")
    return replace(figure, gesture="", towards=0)
