"""Large objects: furniture, vehicles and structures."""

from __future__ import annotations

from scenes import palette as p
from scenes.pen import Pen, Point, dark, light, ring


def bench(pen: Pen, x: float, y: float, wide: float = 200) -> None:
    """Draw a park bench, seen from the front, whose feet stand at a point."""
    half = wide / 2
    for side in (-1, 1):
        pen.line([(x + side * (half - 14), y), (x + side * (half - 14), y - 108)], 8, p.SLATE)
    for top in (-108, -88, -52):
        pen.box(x - half, y + top, x + half, y + top + 14, p.WOOD, 3)
    pen.box(x - half - 4, y - 46, x + half + 4, y - 36, dark(p.WOOD, 0.2), 3)


def table(pen: Pen, left: float, right: float, top: float, colour: str = p.WOOD) -> None:
    """Draw a table, seen from the front, down to the foot of the picture."""
    for x in (left + 16, right - 28):
        pen.box(x, top, x + 12, 360, dark(colour, 0.25))
    pen.box(left, top, right, top + 14, colour, 4)
    pen.box(left + 10, top + 14, right - 10, top + 30, dark(colour, 0.16))


def chair(pen: Pen, x: float, y: float, size: float = 1, colour: str = p.WOOD) -> None:
    """Draw an empty chair, seen from the front, whose feet stand at a point."""
    own = pen.at(x, y, size)
    shade = dark(colour, 0.2)
    for side in (-1, 1):
        own.line([(side * 27, 0), (side * 27, -60)], 7, shade)
        own.line([(side * 25, -60), (side * 25, -138)], 8, colour)
    for top in (-138, -112, -86):
        own.box(-25, top, 25, top + 12, colour, 3)
    own.box(-33, -66, 33, -52, colour, 4)


def bed(pen: Pen, left: float, right: float, top: float, bottom: float, cover: str) -> None:
    """Draw a bed, seen from its side with the pillow on the left."""
    pen.box(left - 10, top - 62, left + 4, bottom, p.SLATE, 4)
    pen.box(right - 6, top - 14, right + 6, bottom, p.SLATE, 4)
    pen.box(left, top, right, bottom - 24, p.WHITE, 6)
    pen.box(left + 6, top - 26, left + 84, top + 8, p.WHITE, 13)
    pen.box(left + 74, top - 8, right, bottom - 24, cover, 8)
    pen.box(left + 74, top - 8, left + 98, bottom - 24, light(cover, 0.5), 6)


def drip(pen: Pen, x: float, y: float) -> None:
    """Draw a hospital drip stand."""
    pen.line([(x, y), (x, y - 200)], 4, p.SLATE)
    pen.line([(x - 18, y), (x + 18, y)], 5, p.SLATE)
    pen.line([(x - 16, y - 200), (x + 16, y - 200)], 4, p.SLATE)
    pen.box(x + 4, y - 196, x + 28, y - 154, "#d6ecf4", 6)
    pen.box(x + 4, y - 178, x + 28, y - 154, "#83bfdc", 6)
    pen.curve([(x + 16, y - 154), (x + 20, y - 120), (x + 44, y - 96)], 2, "#83bfdc")


def car(pen: Pen, x: float, y: float, colour: str, size: float = 1, *, flip: bool = False) -> None:
    """Draw a car, seen from the side, whose wheels stand at a point."""
    own = pen.at(x, y, size, flip=flip)
    own.blob([(-58, -44), (-36, -82), (30, -82), (62, -44)], colour)
    own.box(-104, -52, 104, -14, colour, 16)
    own.shape([(-46, -50), (-30, -74), (-4, -74), (-4, -50)], "#cfe6ee")
    own.shape([(4, -50), (4, -74), (26, -74), (48, -50)], "#cfe6ee")
    own.box(-104, -30, 104, -24, dark(colour, 0.2))
    own.box(92, -46, 106, -36, p.YELLOW, 4)
    own.box(-106, -46, -96, -36, p.RED, 3)
    own.line([(8, -42), (20, -42)], 3, dark(colour, 0.35))
    for wheel in (-60, 60):
        own.oval(wheel, -16, 22, 22, p.INK)
        own.oval(wheel, -16, 10, 10, p.STONE)


def bicycle(pen: Pen, x: float, y: float, size: float = 1, *, broken: bool = False) -> None:
    """Draw a bicycle around a point, maybe with its front wheel bent."""
    own = pen.at(x, y, size)
    back: list[Point] = ring(-48, 0, 32, 32)
    front: list[Point] = ring(50, 0, 32, 32)
    if broken:
        corners: list[Point] = [(34, -30), (64, -26), (58, -6), (80, 10), (60, 30), (46, 12), (26, 20), (36, -6)]
        front = [*corners, corners[0]]
    for wheel, centre in ((back, (-48.0, 0.0)), (front, (52.0, 0.0))):
        for spoke in wheel[:: max(1, len(wheel) // 8)]:
            own.line([centre, spoke], 1.2, p.GREY)
        own.line(wheel, 5, p.INK)
    frame: list[Point] = [(-48, 0), (-22, -42), (34, -44), (2, 2), (-48, 0)]
    own.line(frame, 5, p.RED)
    own.line([(2, 2), (-26, -54)], 5, p.RED)
    own.line([(52, 0), (32, -58), (46, -66)], 5, p.RED)
    own.line([(-38, -55), (-16, -55)], 8, p.INK)
    own.oval(2, 2, 8, 8, p.SLATE)


def lamp_post(pen: Pen, x: float, y: float, high: float, glow: str = p.YELLOW) -> None:
    """Draw a street lamp which stands at a point."""
    pen.line([(x, y), (x, y - high)], 7, p.INK)
    pen.box(x - 11, y - 8, x + 11, y, p.INK, 3)
    pen.shape([(x - 8, y - high), (x + 8, y - high), (x + 14, y - high - 26), (x - 14, y - high - 26)], glow)
    pen.shape([(x - 18, y - high - 25), (x + 18, y - high - 25), (x, y - high - 38)], p.INK)


def train(pen: Pen, left: float, right: float, top: float, bottom: float, colour: str) -> None:
    """Draw the side of a train with a row of windows."""
    pen.box(left, top, right, bottom, colour, 14)
    pen.box(left, top + (bottom - top) * 0.66, right, top + (bottom - top) * 0.74, p.CREAM)
    pen.box(left + 6, top, right, top + 10, dark(colour, 0.25), 5)
    for x in range(int(left) + 20, int(right) - 60, 92):
        pen.box(x, top + 24, x + 74, top + (bottom - top) * 0.58, "#d8ecf0", 8)


def parasol(pen: Pen, x: float, y: float, colour: str) -> None:
    """Draw a striped beach parasol which stands at a point."""
    pen.line([(x, y), (x, y - 236)], 6, p.WOOD)
    for i in range(6):
        start, end = 180 + 30 * i, 210 + 30 * i
        part = ring(x, y - 172, 108, 70, start, end)
        pen.shape([*part, (x - 108 + 36 * (i + 1), y - 168), (x - 108 + 36 * i, y - 168)], (colour, p.WHITE)[i % 2])
    pen.oval(x, y - 242, 5, 5, colour)


def board(pen: Pen, left: float, top: float, right: float, bottom: float) -> None:
    """Draw a classroom blackboard."""
    pen.box(left - 6, top - 6, right + 6, bottom + 6, p.WOOD, 3)
    pen.box(left, top, right, bottom, "#3f6257")


def aeroplane(pen: Pen, x: float, y: float, size: float = 1) -> None:
    """Draw an airliner around a point."""
    own = pen.at(x, y, size)
    own.shape([(-92, -8), (-118, -46), (-96, -46), (-62, -12)], p.RED)
    own.blob([(-104, -6), (-60, -16), (70, -18), (108, -2), (80, 14), (-60, 14)], p.WHITE)
    own.blob([(82, -15), (106, -3), (92, -2), (80, -6)], p.NAVY)
    for wx in range(-56, 76, 16):
        own.oval(wx, -4, 4, 4, p.BLUE)
    own.shape([(-14, 4), (26, 4), (-34, 44), (-52, 44)], p.GREY)
    own.box(-24, 18, 4, 30, p.SLATE, 5)
    own.box(-60, 8, 80, 12, p.RED)


def goal(pen: Pen, left: float, right: float, top: float, bottom: float) -> None:
    """Draw a football goal with its net."""
    step = 14
    for x in range(int(left), int(right) + 1, step):
        pen.line([(x, top), (x, bottom)], 1, p.WHITE)
    for y in range(int(top), int(bottom) + 1, step):
        pen.line([(left, y), (right, y)], 1, p.WHITE)
    pen.line([(left, bottom), (left, top), (right, top), (right, bottom)], 7, p.WHITE)


def big_wheel(pen: Pen, x: float, y: float, radius: float) -> None:
    """Draw a fairground wheel around a point."""
    for side in (-1, 1):
        pen.line([(x, y), (x + side * radius * 0.6, y + radius + 40)], 5, p.SLATE)
    pen.line(ring(x, y, radius, radius), 3, p.PURPLE)
    for i, turn in enumerate(range(0, 360, 45)):
        px, py = ring(x, y, radius, radius, turn, turn + 6)[0]
        pen.line([(x, y), (px, py)], 2, p.PURPLE)
        pen.box(px - 8, py, px + 8, py + 14, (p.RED, p.YELLOW, p.TEAL)[i % 3], 4)
