"""Composing a scene: who is there, what they do and have, and which of it is a trigger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from whyfeel.records import rng
from whyfeel.scenes.art import Motif, art
from whyfeel.scenes.dice import FIT, Dice
from whyfeel.scenes.reserved import reserved, together
from whyfeel.scenes.scene import Cause, Figure, Item, Part, Scene, Slot, Split

COLUMNS = 3
SLOTS: tuple[Slot, ...] = ("left", "right", "up")
FEWEST, MOST = 3, 6  # triggers of a scene, a first thing always among them
_ALSO = (("face", 3.0), ("pose", 2.5), ("gesture", 3.0), ("item", 2.5), ("place", 3.5), ("weather", 1.5))

Drawn = dict[str, str]  # part to the name of a motif


def compose(seed: int, index: int, split: Split) -> Scene:
    """Scene `index` of a set: the same whatever the size of the set and whichever others were composed before.

    Args:
        seed: of all sets.
        index: from 0.
        split: "train" never shows a pair that is `reserved`; the others show at least one each.
    """
    dice = Dice(rng(seed, "scene", split, index))
    while True:
        scene = _composed(dice, index, split)
        held = any(reserved(*pair) for pair in together(scene))
        if held == (split != "train"):
            return scene


def _composed(dice: Dice, index: int, split: Split) -> Scene:
    emotion = dice.pick(art().emotions)
    parts = dice.sample(_ALSO, dice.pick(range(FEWEST - 1, MOST)))
    people, asked = _people(dice, emotion, parts)
    drawn = _surroundings(dice, emotion, parts)
    place, weather = drawn.get("place", ""), drawn.get("weather", "")
    items = _items(dice, emotion, people, asked, 1 + parts.count("item"), (split, place))
    causes = _causes(dice, people, asked, items, drawn)
    question = _question(dice, people, asked, emotion)
    return Scene(split, index, emotion, question, asked, people, items, place, weather, causes)


def _people(dice: Dice, emotion: str, parts: list[str]) -> tuple[tuple[Figure, ...], int]:
    """Who is there, and the column of the one who is asked about."""
    count = dice.weighted(((2, 4), (3, 5)) if "gesture" in parts else ((1, 2), (2, 4), (3, 4)))
    first = dice.pick(range(COLUMNS - count + 1))
    columns = range(first, first + count)
    asked = dice.pick(columns)
    beside = [column for column in columns if abs(column - asked) == 1]
    near = dice.pick(beside) if "gesture" in parts else None
    clothes = list(art().clothes)
    tops, hats = _shuffled(dice, clothes), _shuffled(dice, clothes)
    people = []
    for column in columns:
        hat = hats.pop() if dice.chance(0.4) else ""
        figure = Figure(column, dice.pick(("girl", "boy")), dice.pick(range(5)), dice.pick(range(5)), tops.pop(), hat)
        if column == asked:
            people.append(_moved(dice, figure, emotion, parts))
        elif column == near:
            people.append(replace(figure, gesture=_drawn(dice, art().gestures, emotion), towards=asked - column))
        else:
            people.append(_aside(dice, figure, columns, asked))
    return tuple(people), asked


def _moved(dice: Dice, figure: Figure, emotion: str, parts: list[str]) -> Figure:
    """The person asked about, with the face and the posture that are among the parts."""
    face = _drawn(dice, art().faces, emotion) if "face" in parts else figure.face
    pose = _drawn(dice, art().poses, emotion) if "pose" in parts else figure.pose
    return replace(figure, face=face, pose=pose)


def _aside(dice: Dice, figure: Figure, columns: range, asked: int) -> Figure:
    """Somebody who has nothing to do with the person asked: with a feeling of their own, or another neighbour."""
    others = [one for one in columns if abs(one - figure.column) == 1 and one != asked]
    if others and dice.chance(0.4):
        return replace(figure, gesture=_drawn(dice, art().gestures, ""), towards=others[0] - figure.column)
    face = _drawn(dice, art().faces, "") if dice.chance(0.45) else figure.face
    pose = _drawn(dice, art().poses, "") if dice.chance(0.3) else figure.pose
    return replace(figure, face=face, pose=pose)


def _surroundings(dice: Dice, emotion: str, parts: list[str]) -> Drawn:
    drawn: Drawn = {}
    if "place" in parts:
        fields = {name: one for name, one in art().places.items() if one.outdoors or "weather" not in parts}
        drawn["place"] = _drawn(dice, fields, emotion)
    if "weather" in parts:
        drawn["weather"] = _drawn(dice, art().weathers, emotion)
    return drawn


def _items(
    dice: Dice, emotion: str, people: Iterable[Figure], asked: int, own: int, where: tuple[str, str]
) -> tuple[Item, ...]:
    """The things of everybody, no two alike; where the set must not show a pair, none of it is drawn."""
    split, place = where
    taken: set[str] = set()
    items = []
    for figure in sorted(people, key=lambda one: one.column != asked):
        mine = figure.column == asked
        count = own if mine else dice.weighted(((0, 3), (1, 4), (2, 2)))
        slots = list(SLOTS)
        for _ in range(count):
            free = {
                name: one
                for name, one in art().things.items()
                if name not in taken
                and (one.at == "ground" or "up" in slots)
                and (split != "train" or not (reserved(name, place) or (mine and reserved(name, emotion))))
            }
            name = _drawn(dice, free, emotion if mine else "")
            taken.add(name)
            slot = dice.pick([one for one in slots if (one == "up") == (free[name].at == "up")])
            slots.remove(slot)
            items.append(Item(name, figure.column, slot))
    return tuple(sorted(items, key=lambda one: (one.column, SLOTS.index(one.slot))))


def _drawn(dice: Dice, motifs: Mapping[str, Motif], emotion: str) -> str:
    """One of the motifs that have words, likelier one that goes with the emotion."""
    return dice.weighted((name, FIT if emotion in one.feel else 1) for name, one in motifs.items() if one.words)


def _causes(dice: Dice, people: Iterable[Figure], asked: int, items: Iterable[Item], drawn: Drawn) -> tuple[Cause, ...]:
    """What of the scene the person asked about has to do with, each in one of its wordings."""
    found: list[tuple[Motif, Part, int, Slot | Literal[""]]] = []
    for figure in people:
        if figure.column == asked:
            if figure.face != "calm":
                found.append((art().faces[figure.face], "face", asked, ""))
            if figure.pose != "still":
                found.append((art().poses[figure.pose], "pose", asked, ""))
    doing = [one for one in people if one.gesture and one.column + one.towards == asked]
    found += [(art().gestures[one.gesture], "gesture", one.column, "") for one in doing]
    found += [(art().things[one.thing], "item", asked, one.slot) for one in items if one.column == asked]
    if "place" in drawn:
        found.append((art().places[drawn["place"]], "place", asked, ""))
    if "weather" in drawn:
        found.append((art().weathers[drawn["weather"]], "weather", asked, ""))
    return tuple(Cause(dice.pick(motif.words), part, column, slot) for motif, part, column, slot in found)


def _question(dice: Dice, people: tuple[Figure, ...], asked: int, emotion: str) -> str:
    """A question that tells the person apart by what is worn, or by the place among the others."""
    places = [figure.column for figure in people]
    figure = people[places.index(asked)]
    signs = [f"in the {figure.top} {'dress' if figure.body == 'girl' else 'shirt'}"] * 2
    if figure.hat:
        signs.append(f"with the {figure.hat} cap")
    if len(people) > 1:
        middle = ["in the middle"] * (len(people) - 2)
        signs.append(["on the left", *middle, "on the right"][places.index(asked)])
    who = f"the {figure.body} {dice.pick(signs)}"
    return dice.pick(art().questions).format(who=who, Who=who[0].upper() + who[1:], emotion=emotion)


def _shuffled(dice: Dice, some: Iterable[str]) -> list[str]:
    return dice.sample(((one, 1.0) for one in some), COLUMNS)
