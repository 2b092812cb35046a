"""Heads: the expression of a face, and the hair and headwear around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenes import palette as p
from scenes.pen import Pen, Point, dark, light, mix, ring, smooth


@dataclass(frozen=True)
class Face:
    """An expression: what the eyes, brows and mouth do, and any tears or flush."""

    eyes: str = "open"
    brows: str = "calm"
    mouth: str = "smile"
    tears: bool = False
    flush: str = ""
    look: Point = (0, 0)


CALM = Face()
GLAD = Face("open", "raised", "grin", flush="#ee8573")
BEAMING = Face("smiling", "raised", "grin", flush="#ee8573")
TENDER = Face("lowered", "raised", "smile", flush="#ee8573")
THRILLED = Face("wide", "high", "cheer", flush="#ee8573")
AWED = Face("wide", "high", "gasp")
SAD = Face("open", "sad", "frown")
WEEPING = Face("shut", "sad", "wobble", tears=True, flush="#e58478")
TEARFUL = Face("open", "sad", "frown", tears=True, flush="#e58478")
MOURNFUL = Face("lowered", "sad", "frown")
CROSS = Face("open", "angry", "frown")
FURIOUS = Face("open", "angry", "grit", flush="#dd3f33")
SHOUTING = Face("open", "angry", "shout", flush="#dd3f33")
GUILTY = Face("open", "sad", "flat")
MOCKING = Face("smiling", "angry", "grin")

_BROWS = {  # heights of the outer end, the middle and the inner end
    "calm": (-15, -18, -16),
    "raised": (-16, -21, -19),
    "high": (-20, -26, -23),
    "sad": (-13, -18, -23),
    "angry": (-22, -17, -9),
}


def draw_face(pen: Pen, face: Face, skin: str, hair: str) -> None:
    """Draw the features of a face around the origin, for a head about 64 units wide."""
    look_x, look_y = face.look
    if face.flush:
        for side in (-1, 1):
            pen.oval(side * 19 + look_x, 11, 8.5, 6, mix(skin, face.flush, 0.45))
    shifted = pen.at(look_x * 0.9, look_y * 0.5)
    for side in (-1, 1):
        _eye(shifted.at(side * 13, 0), face, skin)
        outer, middle, inner = _BROWS[face.brows]
        shade = hair if hair != p.SILVER else "#9b98a0"
        brow = [(side * 21.0, outer), (side * 14.0, middle), (side * 6.0, inner)]
        shifted.curve(brow, 4.4 if face.brows == "angry" else 3.8, dark(shade, 0.3))
    shifted.curve([(1, 3), (4 if look_x >= 0 else -3, 10), (-1, 11)], 2.4, dark(skin, 0.28))
    _MOUTHS[face.mouth](shifted.at(0, 21))
    if face.tears:
        _tears(shifted)


def _eye(pen: Pen, face: Face, skin: str) -> None:
    if face.eyes in {"smiling", "shut", "lowered"}:
        bend = -5 if face.eyes == "smiling" else 4
        pen.curve([(-7, 1), (0, 1 + bend), (7, 1)], 3, p.INK)
        return
    rx, ry = (8.4, 9.6) if face.eyes == "wide" else (7.2, 7.8)
    pen.oval(0, 0, rx, ry, p.WHITE)
    x, y = max(-3.0, min(3.0, face.look[0] * 0.5)), max(-3.0, min(3.5, face.look[1] * 0.5))
    pen.oval(x, y, 4.2, 4.8, p.INK)
    pen.oval(x + 1.4, y - 1.8, 1.3, 1.3, p.WHITE)
    if face.brows == "angry":
        pen.shape([*ring(0, 0, rx + 1, ry + 1, 190, 350)], skin)
        pen.line([(-rx, -2.4), (rx, -2.4)], 2, p.INK)


def _tears(pen: Pen) -> None:
    for side in (-1, 1):
        pen.line([(side * 15, 8), (side * 17, 22)], 4.6, "#7cc4ea")
        pen.blob([(side * 17, 17), (side * 17 + 5, 27), (side * 17, 31), (side * 17 - 5, 27)], "#7cc4ea")
        pen.oval(side * 17 - 1.4, 26, 1.2, 2, p.WHITE)


def _smile(pen: Pen) -> None:
    pen.curve([(-10, -3), (0, 3.5), (10, -3)], 3.2, "#7a2b35")


def _grin(pen: Pen) -> None:
    pen.shape([(-14, -5), *smooth([(14, -5), (9, 6), (0, 10), (-9, 6), (-14, -5)])], "#7a2b35")
    pen.shape([(-12, -4.5), (12, -4.5), (10, 0), (-10, 0)], p.WHITE)


def _cheer(pen: Pen) -> None:
    pen.blob([(-14, -5), (0, -7), (14, -5), (9, 8), (0, 12), (-9, 8)], "#7a2b35")
    pen.shape([(-11, -5.4), (11, -5.4), (9, -1), (-9, -1)], p.WHITE)
    pen.oval(0, 8, 6, 3, "#e4727a")


def _gasp(pen: Pen) -> None:
    pen.oval(0, 2, 7, 9, "#7a2b35")
    pen.oval(0, 7, 4.4, 3, "#e4727a")


def _frown(pen: Pen) -> None:
    pen.curve([(-10, 5), (-5, -0.5), (0, -2), (5, -0.5), (10, 5)], 3.4, "#7a2b35")


def _wobble(pen: Pen) -> None:
    pen.blob([(-11, 7), (-6, -3), (0, -5), (6, -3), (11, 7), (0, 4)], "#7a2b35")


def _grit(pen: Pen) -> None:
    pen.box(-13, -5, 13, 6, "#7a2b35", 5)
    pen.box(-11, -3, 11, 4, p.WHITE, 3)
    pen.line([(-11, 0.5), (11, 0.5)], 1.2, "#7a2b35")
    for x in (-6, 0, 6):
        pen.line([(x, -3), (x, 4)], 1.2, "#7a2b35")


def _shout(pen: Pen) -> None:
    pen.blob([(-8, -6), (8, -6), (13, 9), (0, 12), (-13, 9)], "#7a2b35")
    pen.shape([(-8, -5.5), (8, -5.5), (9, -2), (-9, -2)], p.WHITE)


def _flat(pen: Pen) -> None:
    pen.curve([(-7, 2), (-2, 0), (2, 2), (7, 0)], 3, "#7a2b35")


_MOUTHS: dict[str, Callable[[Pen], None]] = {
    "smile": _smile, "grin": _grin, "cheer": _cheer, "gasp": _gasp, "frown": _frown,
    "wobble": _wobble, "grit": _grit, "shout": _shout, "flat": _flat,
}  # fmt: skip


def hair_behind(pen: Pen, style: str, colour: str) -> None:
    """Draw the part of the hair which lies behind the head and the shoulders."""
    shade = dark(colour, 0.12) if colour != p.BLACK_HAIR else colour
    if style == "long":
        pen.blob([(-36, -12), (0, -42), (36, -12), (42, 34), (36, 60), (0, 52), (-36, 60), (-42, 34)], shade)
    elif style == "bob":
        pen.blob([(-38, -10), (0, -42), (38, -10), (42, 18), (34, 36), (-34, 36), (-42, 18)], shade)
    elif style == "afro":
        for x, y, r in ((-26, -18, 24), (26, -18, 24), (0, -32, 28), (-34, 4, 17), (34, 4, 17)):
            pen.oval(x, y, r, r, colour)
    elif style == "bunches":
        for side in (-1, 1):
            pen.blob([(side * 30, -14), (side * 50, -18), (side * 56, 12), (side * 42, 26)], shade)
    elif style == "ponytail":
        pen.blob([(8, -34), (40, -40), (58, -8), (50, 28), (40, 4), (26, -14)], shade)
    elif style == "bun":
        pen.oval(0, -42, 17, 15, shade)


_FRINGES: dict[str, list[Point]] = {
    "short": [(31, -8), (22, -21), (4, -22), (-14, -25), (-26, -16), (-31, -6)],
    "long": [(34, 16), (27, -8), (8, -25), (-14, -20), (-27, -6), (-34, 16)],
    "bob": [(35, 22), (28, -14), (10, -19), (-10, -19), (-28, -14), (-35, 22)],
    "afro": [(31, -8), (20, -20), (0, -23), (-20, -20), (-31, -8)],
    "bunches": [(31, -4), (20, -18), (0, -27), (-20, -18), (-31, -4)],
    "ponytail": [(31, -2), (16, -24), (-8, -20), (-24, -16), (-31, -2)],
    "bun": [(31, -2), (18, -20), (0, -27), (-18, -20), (-31, -2)],
}


def hair_before(pen: Pen, style: str, colour: str) -> None:
    """Draw the part of the hair which lies over the forehead."""
    if style in _FRINGES:
        pen.shape([*ring(0, -2, 35, 39, 172, 368), *smooth(_FRINGES[style])], colour)
    elif style == "curls":
        for x, y in ((-30, -10), (-26, -23), (-14, -32), (0, -35), (14, -32), (26, -23), (30, -10), (0, -27)):
            pen.oval(x, y, 11, 10, colour)
    elif style == "spiky":
        spikes = [(-34, -2), (-38, -24), (-24, -28), (-20, -44), (-4, -34), (8, -47), (16, -32), (34, -38)]
        pen.shape([*spikes, (31, -20), (36, -4), (26, -16), (10, -22), (-12, -20), (-26, -16)], colour)
    elif style == "balding":
        for side in (-1, 1):
            pen.blob([(side * 34, 6), (side * 38, -10), (side * 29, -24), (side * 28, -8)], colour)


def headwear(pen: Pen, item: str, colour: str) -> None:
    """Draw something worn on the head or the face."""
    _WORN[item](pen, colour)


def _beanie(pen: Pen, colour: str) -> None:
    pen.shape([*ring(0, -12, 37, 34, 180, 360)], colour)
    pen.box(-39, -21, 39, -7, light(colour), 6)
    pen.oval(0, -47, 9, 9, p.WHITE)


def _party_hat(pen: Pen, colour: str) -> None:
    pen.shape([(-22, -27), (22, -27), (0, -76)], colour)
    for x, y in ((-9, -34), (8, -40), (-2, -52)):
        pen.oval(x, y, 4, 4, p.YELLOW)
    pen.oval(0, -76, 7, 7, p.WHITE)


def _straw_hat(pen: Pen, colour: str) -> None:
    pen.oval(0, -22, 56, 11, dark(colour, 0.1))
    pen.shape([*ring(0, -24, 32, 30, 180, 360)], colour)
    pen.box(-32, -32, 32, -24, p.RED)


def _peaked_cap(pen: Pen, colour: str) -> None:
    pen.blob([(-36, -18), (-42, -36), (0, -48), (42, -36), (36, -18)], colour)
    pen.box(-35, -25, 35, -16, p.YELLOW)
    pen.blob([(-32, -17), (32, -17), (24, -9), (-24, -9)], p.INK)


def _hijab(pen: Pen, colour: str) -> None:
    outer = ring(0, 2, 41, 44, 0, 360)
    inner = ring(0, 6, 27, 31, 0, 360)
    pen.shape([*outer, *reversed(inner)], colour)
    pen.blob([(-34, 24), (0, 40), (34, 24), (40, 50), (0, 62), (-40, 50)], dark(colour, 0.08))


def _glasses(pen: Pen, colour: str) -> None:
    for side in (-1, 1):
        pen.line(ring(side * 13, 1, 10.5, 10), 2.2, colour)
    pen.line([(-3, 0), (3, 0)], 2.2, colour)


def _beard(pen: Pen, colour: str) -> None:
    outer = smooth([(-33, 2), (-28, 28), (0, 43), (28, 28), (33, 2)])
    inner = smooth([(27, 10), (16, 12), (0, 11), (-16, 12), (-27, 10)])
    pen.shape([*outer, *inner], colour)


def _moustache(pen: Pen, colour: str) -> None:
    pen.blob([(-16, 18), (-6, 11), (0, 13), (6, 11), (16, 18), (0, 16)], colour)


_WORN: dict[str, Callable[[Pen, str], None]] = {
    "beanie": _beanie, "party hat": _party_hat, "straw hat": _straw_hat,
    "peaked cap": _peaked_cap, "hijab": _hijab, "glasses": _glasses, "moustache": _moustache,
    "beard": _beard,
}  # fmt: skip
UNDER_FACE = {"beard"}
