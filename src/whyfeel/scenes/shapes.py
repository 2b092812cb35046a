"""Flat shapes written as one line of text each: what every picture is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Op = Literal["box", "oval", "poly", "line"]
Points = tuple[tuple[float, float], ...]
STEPS = 6  # straight pieces between two points of a curve

_STROKES = {"line", "curve"}  # these begin with the width of the stroke
_KNOWN = {*get_args(Op), "curve", "blob"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape, in units of a 64th of the picture's side.

    Attributes:
        op: "box" and "oval" are given by two corners, "poly" by its corners, "line" by the points it runs through.
        points: x and y of each, y downwards.
        colour: a name of the palette, or a role such as "skin" that a figure brings a colour for.
        width: of a line.
    """

    op: Op
    points: Points
    colour: str
    width: float = 0.0


def parse_shape(text: str) -> Shape:
    """Read a shape: what it is, the width of a stroke, the points, the colour.

    A curve and a blob are smooth through their points (a Catmull-Rom spline), and become a line and a polygon.

    Raises:
        ValueError: it is no shape.

    >>> parse_shape("line 1.5 0 0 4 -2 red")
    Shape(op='line', points=((0.0, 0.0), (4.0, -2.0)), colour='red', width=1.5)
    """
    name, *numbers, colour = text.split()
    width = float(numbers.pop(0)) if name in _STROKES else 0.0
    values = [float(one) for one in numbers]
    if name not in _KNOWN or len(values) < 4 or len(values) % 2:
        raise ValueError(f"expected a shape such as 'oval 0 0 4 4 red', got {text!r}")
    points = tuple(zip(values[::2], values[1::2], strict=True))
    if name == "curve":
        return Shape("line", smooth(points), colour, width)
    if name == "blob":
        return Shape("poly", smooth(points, closed=True), colour)
    op: Op = "box" if name == "box" else "oval" if name == "oval" else "line" if name == "line" else "poly"
    return Shape(op, points, colour, width)


def smooth(points: Sequence[tuple[float, float]], *, closed: bool = False) -> Points:
    """A curve through every point: a Catmull-Rom spline in STEPS straight pieces between two points.

    >>> smooth([(0, 0), (6, 0)])[3]
    (3.0, 0.0)
    """
    ends = (points[-1], points[:2]) if closed else (points[0], points[-1:])
    knots = [ends[0], *points, *ends[1]]
    curve: list[tuple[float, float]] = []
    for four in zip(knots, knots[1:], knots[2:], knots[3:], strict=False):
        for step in range(STEPS):
            t = step / STEPS
            weights = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
            x, y = (sum(w * p[i] for w, p in zip(weights, four, strict=True)) / 2 for i in (0, 1))
            curve.append((x, y))
    return tuple(curve) if closed else (*curve, points[-1])
