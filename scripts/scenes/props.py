"""Small objects: food, toys, gifts, animals and things held in the hand."""

from __future__ import annotations

from scenes import palette as p
from scenes.pen import Pen, Point, dark, light, ring

_STROKES: dict[str, list[list[Point]]] = {  # letters on a grid 4 wide and 6 high
    "A": [[(0, 6), (2, 0), (4, 6)], [(1, 4), (3, 4)]],
    "B": [[(0, 6), (0, 0), (3, 1), (0, 3), (4, 4.5), (0, 6)]],
    "D": [[(0, 0), (0, 6), (3, 5), (4, 3), (3, 1), (0, 0)]],
    "F": [[(4, 0), (0, 0), (0, 6)], [(0, 3), (3, 3)]],
    "G": [[(4, 1), (2, 0), (0, 3), (2, 6), (4, 5), (4, 3), (2, 3)]],
    "I": [[(2, 0), (2, 6)]],
    "L": [[(0, 0), (0, 6), (4, 6)]],
    "M": [[(0, 6), (0, 0), (2, 3), (4, 0), (4, 6)]],
    "N": [[(0, 6), (0, 0), (4, 6), (4, 0)]],
    "O": [[(2, 0), (0, 1.5), (0, 4.5), (2, 6), (4, 4.5), (4, 1.5), (2, 0)]],
    "P": [[(0, 6), (0, 0), (4, 1), (4, 2.5), (0, 3.5)]],
    "R": [[(0, 6), (0, 0), (4, 1), (4, 2.5), (0, 3.5), (4, 6)]],
    "S": [[(4, 0.5), (2, 0), (0, 1.5), (4, 4.5), (2, 6), (0, 5.5)]],
    "T": [[(0, 0), (4, 0)], [(2, 0), (2, 6)]],
    "E": [[(4, 0), (0, 0), (0, 6), (4, 6)], [(0, 3), (3, 3)]],
}


def lettering(pen: Pen, text: str, x: float, y: float, size: float, colour: str) -> None:
    """Write capital letters, centred on a point, in plain strokes."""
    left = x - (len(text) * 5.6 - 1.6) * size / 2
    for i, letter in enumerate(text):
        own = pen.at(left + i * 5.6 * size, y - 3 * size, size)
        for stroke in _STROKES.get(letter, []):
            own.line(stroke, 1.1, colour)


def balloon(pen: Pen, x: float, y: float, colour: str, end: Point, size: float = 1) -> None:
    """Draw a balloon on a string which ends at a point."""
    pen.curve([(x, y + 24 * size), ((x + end[0]) / 2 + 6, (y + end[1]) / 2 + 12), end], 1.4, p.SLATE)
    pen.oval(x, y, 19 * size, 24 * size, colour)
    pen.shape([(x, y + 21 * size), (x - 5, y + 29 * size), (x + 5, y + 29 * size)], colour)
    pen.oval(x - 7 * size, y - 9 * size, 4 * size, 7 * size, light(colour, 0.5))


def cake(pen: Pen, x: float, y: float, icing: str = p.PINK, *, lit: bool = True, size: float = 1) -> None:
    """Draw a two-tier birthday cake with candles, standing at a point."""
    own = pen.at(x, y, size)
    own.oval(0, 0, 58, 8, p.STONE)
    own.box(-46, -34, 46, 0, "#f5dfb4", 6)
    own.box(-32, -58, 32, -30, "#f5dfb4", 6)
    for top, half, drops in ((-36, 46, 7), (-60, 32, 5)):
        own.box(-half, top, half, top + 10, icing, 5)
        for i in range(drops):
            drip = -half + 7 + i * (2 * half - 14) / (drops - 1)
            own.line([(drip, top + 8), (drip, top + 13 + 5 * (i % 2))], 9, icing)
    for i, cx in enumerate((-20, -7, 7, 20)):
        own.line([(cx, -62), (cx, -80)], 4, (p.TEAL, p.RED)[i % 2])
        if lit:
            own.blob([(cx, -98), (cx + 5, -87), (cx, -82), (cx - 5, -87)], p.ORANGE)
            own.oval(cx, -87, 2, 3.4, p.YELLOW)


def gift(pen: Pen, x: float, y: float, wide: float, high: float, paper: str, ribbon: str) -> None:
    """Draw a wrapped present, standing at a point, with a ribbon and a bow."""
    pen.box(x - wide / 2, y - high, x + wide / 2, y, paper, 2)
    pen.box(x - wide / 2, y - high, x + wide / 2, y - high + 7, dark(paper))
    pen.box(x - 4, y - high, x + 4, y, ribbon)
    for side in (-1, 1):
        pen.blob([(x, y - high), (x + side * 16, y - high - 13), (x + side * 19, y - high - 2)], ribbon)
    pen.oval(x, y - high - 2, 5, 5, dark(ribbon))


def flowers(pen: Pen, x: float, y: float, size: float = 1, colours: tuple[str, ...] = (p.RED, p.YELLOW)) -> None:
    """Draw a bunch of flowers whose stems meet at a point."""
    own = pen.at(x, y, size)
    heads = ((-17, -34), (0, -42), (17, -34), (-9, -24), (10, -24))
    for fx, fy in heads:
        own.line([(0, 6), (fx, fy)], 2.6, p.LEAF)
    for i, (fx, fy) in enumerate(heads):
        for turn in range(0, 360, 72):
            own.at(fx, fy, 1, turn).oval(6, 0, 5, 4.4, colours[i % len(colours)])
        own.oval(fx, fy, 3.6, 3.6, p.CREAM)
    own.shape([(-12, -14), (12, -14), (4, 12), (-4, 12)], p.WHITE)


def dog(pen: Pen, x: float, y: float, size: float = 1, coat: str = p.WOOD, *, flip: bool = False) -> None:
    """Draw a small sitting dog with its tongue out and its tail up."""
    own = pen.at(x, y, size, flip=flip)
    own.curve([(-24, -14), (-40, -26), (-40, -44)], 8, coat)
    own.blob([(-26, 0), (-28, -24), (-6, -46), (16, -36), (18, 0)], coat)
    own.line([(10, -26), (12, -4)], 10, light(coat, 0.2))
    own.oval(14, -1, 9, 5, light(coat, 0.4))
    dog_head(own.at(8, -56), coat)


def dog_head(pen: Pen, coat: str) -> None:
    """Draw the head of a dog around the origin."""
    pen.oval(0, 0, 21, 19, coat)
    pen.oval(3, 8, 12, 9, light(coat, 0.55))
    for side in (-1, 1):
        pen.blob([(side * 14, -15), (side * 25, -12), (side * 25, 10), (side * 17, 6)], dark(coat, 0.3))
        pen.oval(3 + side * 8, -3, 2.8, 3.4, p.INK)
    pen.oval(3, 4, 4, 3, p.INK)
    pen.box(0, 11, 7, 21, "#e4727a", 3)
    pen.curve([(-4, 11), (3, 12), (10, 11)], 1.8, p.INK)


def ball(pen: Pen, x: float, y: float, radius: float = 14) -> None:
    """Draw a football."""
    pen.oval(x, y, radius, radius, p.INK)
    pen.oval(x, y, radius - 1.2, radius - 1.2, p.WHITE)
    own = pen.at(x, y, radius / 14)
    own.shape(ring(0, 0, 5.4, 5.4, -90, 270)[::12], p.INK)
    for turn in range(-90, 270, 72):
        spoke = own.at(0, 0, 1, turn)
        spoke.line([(5, 0), (9, 0)], 1.4, p.INK)
        spoke.shape([(9, -3.4), (12.6, -4), (12.6, 4), (9, 3.4)], p.INK)


def cone(pen: Pen, x: float, y: float, size: float = 1, scoop: str = "", turn: float = 0) -> None:
    """Draw an ice-cream cone, empty unless it has a scoop, by its tip."""
    own = pen.at(x, y, size, turn)
    own.shape([(0, 10), (12, -20), (-12, -20)], "#d9a05b")
    for step in (-6, 0, 6):
        own.line([(step, -19), (step * 0.4 + 2, -2)], 1.2, "#b97c3c")
    own.box(-14, -24, 14, -17, "#c88a46", 3)
    if scoop:
        own.oval(0, -32, 15, 14, scoop)
        own.oval(-5, -37, 4, 3.4, light(scoop, 0.5))


def paper(pen: Pen, x: float, y: float, size: float = 1, turn: float = 0, stain: str = "") -> None:
    """Draw a written sheet of paper around a point, maybe with a stain."""
    own = pen.at(x, y, size, turn)
    own.box(-17, -22, 17, 22, p.GREY)
    own.box(-16, -21, 16, 21, p.WHITE)
    for row in range(-14, 16, 6):
        own.line([(-11, row), (11, row)], 1.4, p.GREY)
    if stain:
        own.blob([(-12, 2), (0, -6), (13, 0), (11, 14), (-4, 18)], stain)


def mug(pen: Pen, x: float, y: float, colour: str, turn: float = 0) -> None:
    """Draw a mug around a point."""
    own = pen.at(x, y, 1, turn)
    own.line(ring(12, 0, 6, 7), 3.4, colour)
    own.box(-11, -13, 11, 13, colour, 3)
    own.oval(0, -13, 11, 3.6, dark(colour, 0.45))


def clock(pen: Pen, x: float, y: float, hour: float, minute: float, radius: float = 24) -> None:
    """Draw a wall clock which shows a time."""
    pen.oval(x, y, radius, radius, p.INK)
    pen.oval(x, y, radius - 3, radius - 3, p.WHITE)
    for turn in range(0, 360, 30):
        pen.at(x, y, 1, turn).line([(radius - 7, 0), (radius - 5, 0)], 1.6, p.SLATE)
    pen.at(x, y, 1, 30 * hour + minute / 2 - 90).line([(0, 0), (radius * 0.42, 0)], 3.4, p.INK)
    pen.at(x, y, 1, 6 * minute - 90).line([(0, 0), (radius * 0.66, 0)], 2.4, p.RED)


def note(pen: Pen, x: float, y: float, size: float, colour: str) -> None:
    """Draw a pair of joined musical notes."""
    own = pen.at(x, y, size, -8)
    for side in (0, 20):
        own.oval(side, 0, 6.4, 4.8, colour)
        own.line([(side + 5.4, 0), (side + 5.4, -28)], 2.6, colour)
    own.line([(5.4, -27), (25.4, -27)], 5.5, colour)


def suitcase(pen: Pen, x: float, y: float, colour: str, size: float = 1) -> None:
    """Draw a packed suitcase with stickers, standing at a point."""
    own = pen.at(x, y, size)
    for side in (-12, 12):
        own.line([(side, -80), (side, -112)], 3, p.SLATE)
        own.oval(side * 1.6, 0, 5, 5, p.INK)
    own.line([(-12, -112), (12, -112)], 5, p.INK)
    own.box(-30, -84, 30, -2, colour, 8)
    for stripe in (-18, 0, 18):
        own.line([(stripe, -78), (stripe, -8)], 2, dark(colour))
    own.oval(-11, -58, 9, 9, p.YELLOW)
    own.box(3, -40, 22, -26, p.WHITE, 2)


def bouquet_vase(pen: Pen, x: float, y: float, size: float = 1) -> None:
    """Draw a vase full of flowers, standing at a point."""
    own = pen.at(x, y, size)
    flowers(own, 0, -34, 1, (p.CORAL, p.PURPLE, p.YELLOW))
    own.blob([(-9, -32), (9, -32), (15, -12), (9, 0), (-9, 0), (-15, -12)], p.TEAL)


def snowman(pen: Pen, x: float, y: float, size: float = 1) -> None:
    """Draw a snowman with a carrot nose, a scarf and a hat."""
    own = pen.at(x, y, size)
    for side in (-1, 1):
        own.line([(side * 34, -92), (side * 70, -118)], 4, p.BROWN)
        own.line([(side * 60, -111), (side * 66, -128)], 3, p.BROWN)
    for cy, r in ((-42, 46), (-102, 35), (-150, 27)):
        own.oval(0, cy + 1, r + 2, r + 2, "#c3d5e4")
        own.oval(-2, cy, r, r, p.WHITE)
    own.box(-26, -130, 26, -118, p.TEAL, 6)
    own.box(10, -122, 22, -88, dark(p.TEAL), 4)
    for cx, cy in ((-9, -158), (9, -158), (0, -104), (0, -88), (0, -56)):
        own.oval(cx, cy, 3.4, 3.4, p.INK)
    own.shape([(-2, -152), (-2, -144), (26, -147)], p.ORANGE)
    own.curve([(-10, -139), (0, -135), (10, -139)], 2.6, p.INK)
    own.box(-30, -178, 30, -171, p.INK, 3)
    own.box(-19, -204, 19, -172, p.INK, 3)
    own.box(-19, -184, 19, -177, p.RED)


def firework(pen: Pen, x: float, y: float, radius: float, colour: str) -> None:
    """Draw a bursting firework."""
    for i, turn in enumerate(range(0, 360, 24)):
        spark, reach = pen.at(x, y, 1, turn), radius * (1 if i % 2 else 0.72)
        spark.line([(radius * 0.22, 0), (reach, 0)], 2.6, colour)
        spark.oval(reach + 5, 0, 2.6, 2.6, light(colour, 0.5))


def heart(pen: Pen, x: float, y: float, size: float, colour: str) -> None:
    """Draw a heart around a point."""
    own = pen.at(x, y, size)
    own.oval(-5, -4, 6, 6, colour)
    own.oval(5, -4, 6, 6, colour)
    own.shape([(-10.4, -1), (10.4, -1), (0, 12)], colour)
