"""Weather and backgrounds: skies, ground, streets and rooms."""

from __future__ import annotations

import random

from scenes import palette as p
from scenes.pen import HEIGHT, WIDTH, Pen, dark, light, mix, ring


def outdoors(pen: Pen, sky: str, ground: str, horizon: float) -> None:
    """Fill the sky and the ground."""
    pen.box(0, 0, WIDTH, HEIGHT, sky)
    pen.box(0, horizon, WIDTH, HEIGHT, ground)


def room(pen: Pen, wall: str, floor: str, corner: float = 280) -> None:
    """Fill a wall and a floor with a skirting board between them."""
    pen.box(0, 0, WIDTH, corner, wall)
    pen.box(0, corner, WIDTH, HEIGHT, floor)
    pen.box(0, corner - 8, WIDTH, corner, light(wall, 0.55))


def sun(pen: Pen, x: float, y: float, radius: float = 26) -> None:
    """Draw a sun with rays."""
    for turn in range(0, 360, 30):
        ray = pen.at(x, y, 1, turn)
        ray.line([(radius + 8, 0), (radius + 17, 0)], 4, p.YELLOW)
    pen.oval(x, y, radius, radius, p.YELLOW)


def moon(pen: Pen, x: float, y: float, sky: str, radius: float = 20) -> None:
    """Draw a crescent moon."""
    pen.oval(x, y, radius, radius, "#f8ebb8")
    pen.oval(x + radius * 0.45, y - radius * 0.25, radius * 0.85, radius * 0.85, sky)


def stars(pen: Pen, seed: int, count: int, bottom: float) -> None:
    """Scatter small stars over the sky."""
    dice = random.Random(seed)
    for _ in range(count):
        radius = dice.choice((1.0, 1.4, 1.8))
        pen.oval(dice.uniform(0, WIDTH), dice.uniform(0, bottom), radius, radius, "#f4eecf")


def cloud(pen: Pen, x: float, y: float, size: float = 1, colour: str = p.WHITE) -> None:
    """Draw a flat-bottomed cloud."""
    own = pen.at(x, y, size)
    for cx, cy, r in ((-26, -8, 16), (-4, -18, 22), (22, -10, 18)):
        own.oval(cx, cy, r, r, colour)
    own.box(-42, -14, 40, 8, colour, 10)


def rain(pen: Pen, seed: int, colour: str = "#d5e6f2", count: int = 70) -> None:
    """Draw slanting streaks of rain over the whole picture."""
    dice = random.Random(seed)
    for _ in range(count):
        x, y = dice.uniform(-10, WIDTH + 30), dice.uniform(-10, HEIGHT)
        pen.line([(x, y), (x - 5, y + 15)], 1.6, colour)


def snowfall(pen: Pen, seed: int, count: int = 60) -> None:
    """Scatter snowflakes over the whole picture."""
    dice = random.Random(seed)
    for _ in range(count):
        radius = dice.choice((1.6, 2.2, 3.0))
        pen.oval(dice.uniform(0, WIDTH), dice.uniform(0, HEIGHT), radius, radius, p.WHITE)


def tree(pen: Pen, x: float, y: float, size: float = 1, leaf: str = p.LEAF) -> None:
    """Draw a round broadleaf tree which stands at a point."""
    own = pen.at(x, y, size)
    own.shape([(-8, 0), (8, 0), (5, -70), (-5, -70)], p.BROWN)
    for cx, cy, r in ((-24, -78, 26), (24, -78, 26), (0, -104, 32), (0, -76, 28)):
        own.oval(cx, cy, r, r, leaf)
    own.oval(-10, -108, 14, 12, light(leaf, 0.15))


def fir(pen: Pen, x: float, y: float, size: float = 1, leaf: str = p.LEAF) -> None:
    """Draw a fir tree which stands at a point."""
    own = pen.at(x, y, size)
    own.box(-7, -20, 7, 0, p.BROWN)
    for top, bottom, half in ((-62, -14, 44), (-92, -48, 36), (-122, -82, 27)):
        own.shape([(0, top - 10), (half, bottom), (-half, bottom)], dark(leaf, (bottom + 100) / 600))


def houses(pen: Pen, bottom: float, colours: tuple[str, ...], glow: str = p.WHITE, top: float = 60) -> None:
    """Draw a terrace of houses along the back of a street."""
    step = WIDTH / len(colours)
    for i, colour in enumerate(colours):
        left, roof = i * step, top + (i * 37) % 48
        pen.box(left, roof, left + step, bottom, colour)
        pen.box(left, roof, left + step, roof + 8, dark(colour))
        for row in range(int((bottom - roof - 30) // 48)):
            for column in (0.2, 0.6):
                wx, wy = left + step * column, roof + 22 + row * 48
                pen.box(wx, wy, wx + step * 0.2, wy + 26, glow, 2)


def road(pen: Pen, kerb: float, tone: str = p.SLATE) -> None:
    """Draw a pavement which ends in a kerb, with a road before it."""
    pen.box(0, kerb, WIDTH, HEIGHT, tone)
    pen.box(0, kerb - 5, WIDTH, kerb + 3, light(tone, 0.5))
    for x in range(-20, WIDTH, 90):
        pen.box(x, kerb + 46, x + 46, kerb + 51, light(tone, 0.55))


def window(pen: Pen, x: float, y: float, wide: float, high: float, view: str = p.SKY, *, sunny: bool = False) -> None:
    """Draw a framed window with a cross-bar, by its top left corner."""
    pen.box(x - 6, y - 6, x + wide + 6, y + high + 6, p.WHITE, 3)
    pen.box(x, y, x + wide, y + high, view)
    if sunny:
        pen.oval(x + wide * 0.72, y + high * 0.3, 15, 15, p.YELLOW)
    pen.line([(x + wide / 2, y), (x + wide / 2, y + high)], 4, p.WHITE)
    pen.line([(x, y + high / 2), (x + wide, y + high / 2)], 4, p.WHITE)
    pen.box(x - 10, y + high + 4, x + wide + 10, y + high + 11, p.STONE)


def sea(pen: Pen, horizon: float, shore: float) -> None:
    """Draw the sea between the horizon and a sandy shore."""
    pen.box(0, horizon, WIDTH, shore, "#62b3cc")
    for x, y in ((40, 16), (150, 30), (265, 13), (360, 34), (430, 18)):
        pen.curve([(x - 14, horizon + y), (x, horizon + y - 4), (x + 14, horizon + y)], 2.4, "#a8dbe6")
    edge = [(float(x), shore + (5 if (x // 60) % 2 else -3)) for x in range(0, WIDTH + 1, 60)]
    pen.curve(edge, 9, p.WHITE)


def crowd(pen: Pen, seed: int, y: float, colours: tuple[str, ...], *, raised: bool = True) -> None:
    """Draw a row of small onlookers seen from the front, some with raised arms."""
    dice = random.Random(seed)
    skins = (p.PORCELAIN, p.PEACH, p.TAN, p.UMBER, p.COCOA)
    for x in range(12, WIDTH + 10, 26):
        top, skin = dice.choice(colours), dice.choice(skins)
        lift = dice.uniform(-4, 4)
        own = pen.at(x, y + lift)
        own.box(-11, -4, 11, 40, top, 8)
        if raised:
            for side in (-1, 1):
                own.line([(side * 9, 4), (side * 13, -26)], 5, mix(top, p.INK, 0.1))
                own.oval(side * 13, -28, 3.6, 3.6, skin)
        own.oval(0, -14, 9, 10, skin)
        own.shape(ring(0, -15, 9.6, 10.5, 185, 355), dice.choice((p.BLACK_HAIR, p.CHESTNUT, p.BLONDE)))
        own.curve([(-3.5, -10), (0, -7.5), (3.5, -10)], 1.6, "#7a2b35")
