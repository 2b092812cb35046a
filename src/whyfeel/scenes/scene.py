"""A scene as it is composed: who stands where with what, and which of it causes the emotion that is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from whyfeel.records import Kind

Part = Literal["face", "pose", "gesture", "item", "place", "weather"]
Split = Literal["train", "held-out", "pairs"]
Slot = Literal["left", "right", "up"]

KIND_OF: dict[Part, Kind] = {
    "face": "physical",
    "pose": "physical",
    "gesture": "social",
    "item": "object",
    "place": "environment",
    "weather": "environment",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One person.

    Attributes:
        column: where: 0, 1 or 2 from the left.
        body: "girl" or "boy".
        skin, hair: which of the art's colours.
        top: the colour of the shirt or dress; nobody else in the scene wears it.
        hat: its colour, "" for none; nobody else in the scene has it.
        face, pose: names of the art; "calm" and "still" are neutral.
        gesture: what is done to the person `towards` stands, "" for nothing.
        towards: -1 to the left, 1 to the right, 0 without a gesture.
    """

    column: int
    body: str
    skin: int
    hair: int
    top: str
    hat: str = ""
    face: str = "calm"
    pose: str = "still"
    gesture: str = ""
    towards: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A thing that a person has: before the feet to the left or right, or above the head."""

    thing: str
    column: int
    slot: Slot


@dataclass(frozen=True, slots=True)
class Cause:
    """A trigger, and what of the scene it is.

    Attributes:
        text: the wording.
        part: what of the scene it is.
        column: of the figure or item; that of the person asked about for place and weather.
        slot: of an item, else "".
    """

    text: str
    part: Part
    column: int
    slot: Slot | Literal[""] = ""

    @property
    def kind(self) -> Kind:
        """Environment, social, physical or object."""
        return KIND_OF[self.part]


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture and its question.

    Attributes:
        split, index: which scene of which set it is.
        emotion: what is asked about.
        question: it names the person by something that can be seen, and no trigger.
        asked: the column of that person.
        people: from left to right.
        items: what they have.
        place: "" for plain ground.
        weather: "" for none.
        causes: three to six, in the order: face, posture, other people, things, place, weather.
    """

    split: Split
    index: int
    emotion: str
    question: str
    asked: int
    people: tuple[Figure, ...]
    items: tuple[Item, ...]
    place: str
    weather: str
    causes: tuple[Cause, ...]

    @property
    def id(self) -> str:
        """Unique within all sets of one seed."""
        return f"{self.split}-{self.index:05}"
