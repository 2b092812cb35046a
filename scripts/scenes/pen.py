"""A pen which draws flat shapes, in the units of the finished picture, on a finer canvas."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

WIDTH, HEIGHT, FINE = 480, 360, 4

Point = tuple[float, float]
Matrix = tuple[float, float, float, float, float, float]


def mix(first: str, second: str, share: float) -> str:
    """Return the colour which lies `share` of the way from the first to the second."""
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def dark(colour: str, share: float = 0.14) -> str:
    """Return a darker shade of a colour."""
    return mix(colour, "#231a3a", share)


def light(colour: str, share: float = 0.3) -> str:
    """Return a paler shade of a colour."""
    return mix(colour, "#fffaf0", share)


def ring(x: float, y: float, rx: float, ry: float, start: float = 0, end: float = 360) -> list[Point]:
    """Return points along an ellipse, in degrees clockwise from three o'clock."""
    steps = max(6, int(abs(end - start) / 6))
    angles = (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


def smooth(points: Sequence[Point], *, closed: bool = False) -> list[Point]:
    """Return a curve which passes through every point (a Catmull-Rom spline)."""
    knots = [points[-1], *points, points[0], points[1]] if closed else [points[0], *points, points[-1]]
    curve: list[Point] = []
    for a, b, c, d in zip(knots, knots[1:], knots[2:], knots[3:], strict=False):
        for step in range(12):
            t = step / 12
            weights = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
            x, y = (sum(w * p[i] for w, p in zip(weights, (a, b, c, d), strict=True)) / 2 for i in (0, 1))
            curve.append((x, y))
    return curve if closed else [*curve, points[-1]]


class Pen:
    """Draws on a canvas through a place, a size and a turn of its own."""

    def __init__(self, canvas: Image.Image, matrix: Matrix = (FINE, 0, 0, FINE, 0, 0)) -> None:
        self._canvas = canvas
        self._draw = ImageDraw.Draw(canvas, "RGBA")
        self._matrix = matrix

    def at(self, x: float, y: float, size: float = 1, turn: float = 0, *, flip: bool = False) -> Pen:
        """Return a pen whose origin lies at a point, resized, turned in degrees and maybe mirrored."""
        a, b, c, d, e, f = self._matrix
        cos, sin = math.cos(math.radians(turn)) * size, math.sin(math.radians(turn)) * size
        side = -1 if flip else 1
        across = ((a * cos + c * sin) * side, (b * cos + d * sin) * side)
        down = (c * cos - a * sin, d * cos - b * sin)
        return Pen(self._canvas, (*across, *down, a * x + c * y + e, b * x + d * y + f))

    def shape(self, points: Sequence[Point], colour: str) -> None:
        """Fill a polygon."""
        self._draw.polygon(self._place(points), fill=colour)

    def blob(self, points: Sequence[Point], colour: str) -> None:
        """Fill a closed curve through the points."""
        self.shape(smooth(points, closed=True), colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: str) -> None:
        """Fill an ellipse."""
        self.shape(ring(x, y, rx, ry), colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: str, bend: float = 0) -> None:
        """Fill a rectangle, with its corners rounded by `bend`."""
        if not bend:
            self.shape([(left, top), (right, top), (right, bottom), (left, bottom)], colour)
            return
        corners = ((right, bottom, 0), (left, bottom, 90), (left, top, 180), (right, top, 270))
        points: list[Point] = []
        for x, y, start in corners:
            inner_x = x - bend if x == right else x + bend
            inner_y = y - bend if y == bottom else y + bend
            points += ring(inner_x, inner_y, bend, bend, start, start + 90)
        self.shape(points, colour)

    def line(self, points: Sequence[Point], width: float, colour: str) -> None:
        """Stroke a line with round joints and ends."""
        placed = self._place(points)
        a, b, c, d, _, _ = self._matrix
        broad = width * math.sqrt(abs(a * d - b * c))
        self._draw.line(placed, fill=colour, width=max(1, round(broad)))
        for x, y in placed:
            r = broad / 2
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def curve(self, points: Sequence[Point], width: float, colour: str) -> None:
        """Stroke a smooth line through the points."""
        self.line(smooth(points), width, colour)

    def _place(self, points: Sequence[Point]) -> list[Point]:
        a, b, c, d, e, f = self._matrix
        return [(a * x + c * y + e, b * x + d * y + f) for x, y in points]
