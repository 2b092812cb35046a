"""Whole figures: bodies, limbs and clothes, with the heads of `faces` on top."""

from __future__ import annotations

from dataclasses import dataclass

from scenes import palette as p
from scenes.faces import UNDER_FACE, Face, draw_face, hair_before, hair_behind, headwear
from scenes.pen import Pen, Point, dark, light

Limb = tuple[Point, Point]

ARMS: dict[str, Limb] = {  # the elbow and the hand, for the arm on the right of the picture
    "down": ((45, -112), (42, -76)),
    "up": ((60, -178), (64, -230)),
    "wave": ((62, -140), (68, -188)),
    "fist": ((60, -136), (56, -182)),
    "hips": ((64, -112), (32, -88)),
    "reach": ((60, -122), (88, -128)),
    "chest": ((50, -110), (14, -118)),
    "lap": ((48, -108), (18, -84)),
    "cheek": ((58, -136), (32, -174)),
    "ears": ((66, -158), (38, -190)),
    "hold": ((48, -104), (30, -106)),
    "point": ((54, -172), (84, -216)),
}
LEGS: dict[str, Limb] = {  # the knee and the foot
    "stand": ((15, -44), (16, -4)),
    "sit": ((22, -52), (22, -4)),
    "jump": ((30, -52), (14, -22)),
    "stride": ((30, -46), (44, -6)),
}


@dataclass(frozen=True)
class Person:
    """One figure: looks, clothes, expression and pose."""

    face: Face
    skin: str = p.PEACH
    hair: str = "short"
    shade: str = p.DARK_HAIR
    top: str = p.BLUE
    bottom: str = p.NAVY
    shoes: str = p.INK
    arms: tuple[str | Limb, str | Limb] = ("down", "down")
    legs: tuple[str | Limb, str | Limb] = ("stand", "stand")
    worn: tuple[tuple[str, str], ...] = ()
    dress: bool = False
    coat: bool = False
    bare_arms: bool = False
    scarf: str = ""
    apron: str = ""
    tilt: float = 0
    drop: float = 0
    head: float = 1.0


def draw_person(pen: Pen, person: Person, x: float, y: float, size: float = 1, turn: float = 0) -> None:
    """Draw a figure whose feet stand at a point; an adult is about 230 units tall."""
    body = pen.at(x, y, size, turn)
    upper = body.at(0, person.drop)
    head = upper.at(0, -160, person.head, person.tilt).at(0, -32)
    hair_behind(head, person.hair, person.shade)
    for side, leg in ((-1, person.legs[0]), (1, person.legs[1])):
        _leg(body, person, side, _limb(leg, LEGS, side))
    _torso(upper, person)
    _head(head, person)
    if person.scarf:
        _scarf(upper, person.scarf)
    for side, arm in ((-1, person.arms[0]), (1, person.arms[1])):
        _arm(upper, person, side, _limb(arm, ARMS, side))


def _limb(limb: str | Limb, named: dict[str, Limb], side: int) -> Limb:
    if not isinstance(limb, str):
        return limb
    (joint_x, joint_y), (end_x, end_y) = named[limb]
    return (side * joint_x, joint_y), (side * end_x, end_y)


def _leg(pen: Pen, person: Person, side: int, leg: Limb) -> None:
    knee, foot = leg
    colour = person.skin if person.dress else person.bottom
    shade = dark(colour, 0.06) if side < 0 else colour
    pen.line([(side * 14, -86 + person.drop), knee, (foot[0], foot[1] - 11)], 18 if person.dress else 24, shade)
    pen.blob([(foot[0] - 13, foot[1] + 3), (foot[0], foot[1] - 10), (foot[0] + 13, foot[1] + 3)], person.shoes)
    pen.box(foot[0] - 14, foot[1] - 4, foot[0] + 14, foot[1] + 5, person.shoes, 4)


def _torso(pen: Pen, person: Person) -> None:
    hem, flare = (-52, 44) if person.dress else (-48, 36) if person.coat else (-78, 29)
    outline: list[Point] = [(-20, -158), (20, -158), (34, -150), (37, -136), (29, -104), (flare, hem)]
    outline += [(0, hem + 4), (-flare, hem), (-29, -104), (-37, -136), (-34, -150)]
    pen.shape(outline, person.top)
    pen.line([(-10, -164), (10, -164)], 16, dark(person.skin, 0.12))
    pen.blob([(-13, -161), (13, -161), (6, -150), (-6, -150)], dark(person.skin, 0.12))
    if person.coat:
        pen.line([(0, -148), (0, hem)], 2, dark(person.top, 0.25))
        for y in (-132, -110, -88):
            pen.oval(7, y, 3, 3, dark(person.top, 0.35))
    if person.apron:
        pen.box(-22, -136, 22, -58, person.apron, 8)
        pen.line([(-20, -134), (-16, -156)], 4, person.apron)
        pen.line([(20, -134), (16, -156)], 4, person.apron)


def _arm(pen: Pen, person: Person, side: int, arm: Limb) -> None:
    elbow, hand = arm
    sleeve, shoulder = dark(person.top), (side * 30.0, -143.0)
    if person.bare_arms:
        pen.line([shoulder, elbow, hand], 15, person.skin)
        pen.line([shoulder, ((shoulder[0] + elbow[0]) / 2, (shoulder[1] + elbow[1]) / 2)], 21, sleeve)
    else:
        pen.line([shoulder, elbow, (elbow[0] + (hand[0] - elbow[0]) * 0.8, elbow[1] + (hand[1] - elbow[1]) * 0.8)],
                 19, sleeve)  # fmt: skip
    pen.oval(*hand, 11, 11, person.skin)


def _head(pen: Pen, person: Person) -> None:
    for side in (-1, 1):
        pen.oval(side * 32, 4, 7, 8, dark(person.skin, 0.08))
    pen.blob([(0, -37), (27, -24), (33, 2), (22, 30), (0, 38), (-22, 30), (-33, 2), (-27, -24)], person.skin)
    for item, colour in person.worn:
        if item in UNDER_FACE:
            headwear(pen, item, colour)
    draw_face(pen, person.face, person.skin, person.shade)
    hair_before(pen, person.hair, person.shade)
    for item, colour in person.worn:
        if item not in UNDER_FACE:
            headwear(pen, item, colour)


def _scarf(pen: Pen, colour: str) -> None:
    pen.blob([(8, -150), (26, -150), (30, -96), (12, -96)], dark(colour, 0.16))
    for x in (14, 20, 26):
        pen.line([(x + 1, -98), (x + 2, -88)], 2.4, light(colour, 0.1))
    pen.box(-29, -161, 29, -142, colour, 9)
