"""Drawing a scene: flat shapes on a canvas twice as fine, reduced to the size of the picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from whyfeel.scenes.art import Colour, Motif, art
from whyfeel.scenes.png import encode
from whyfeel.scenes.scene import Cause, Figure, Item, Scene
from whyfeel.scenes.shapes import Shape

if TYPE_CHECKING:
    from PIL.Image import Image

UNITS = 64  # the side of a picture, in the units of the art
FINE = 2
COLUMN_X = (11.0, 32.0, 53.0)
FEET, CROWN, EDGE = 52.0, 12.0, 62.0  # y of the feet, of what hangs above a head, of what lies before the feet
HEAD = (0.0, -28.0)
ASIDE = {"left": -5.2, "right": 5.2, "up": 0.0}

Roles = Mapping[str, Colour]
Box = tuple[float, float, float, float]


def draw(scene: Scene, size: int = UNITS) -> bytes:
    """A square PNG of a scene, the same to the last byte for the same scene, size and version of Pillow.

    Args:
        size: pixels of a side.
    """
    canvas = _Canvas(_ground(scene.place, scene.weather, size * FINE).copy())
    for figure in sorted(scene.people, key=lambda one: (one.column != scene.asked, one.column)):
        _figure(canvas, figure)
    for item in scene.items:
        canvas.put(art().things[item.thing].layers["draw"], *_spot(item))
    return encode(canvas.image.reduce(FINE))


def box(cause: Cause, scene: Scene) -> Box:
    """What of the picture a trigger may cover: left, top, right and bottom, in 64ths of its side."""
    x = COLUMN_X[cause.column]
    if cause.part in {"place", "weather"}:
        return (0.0, 0.0, float(UNITS), float(UNITS))
    if cause.part == "item":
        x, bottom = _spot(Item("", cause.column, cause.slot or "up"))
        return (x - 5.6, bottom - 10.6, x + 5.6, bottom + 0.8)
    other = COLUMN_X[scene.asked] if cause.part == "gesture" else x
    return (min(x, other) - 14, 8.0, max(x, other) + 14, FEET + 2)


def _spot(item: Item) -> tuple[float, float]:
    return COLUMN_X[item.column] + ASIDE[item.slot], CROWN if item.slot == "up" else EDGE


class _Canvas:
    """A picture in the making."""

    def __init__(self, image: Image) -> None:
        from PIL import ImageDraw  # noqa: PLC0415 - most commands draw nothing

        self.image = image
        self._draw = ImageDraw.Draw(image)
        self._scale = image.width / UNITS
        self._palette = art().palette

    def put(
        self, shapes: Iterable[Shape], x: float = 0.0, y: float = 0.0, roles: Roles | None = None, side: int = 1
    ) -> None:
        """Draw shapes around a point, mirrored where `side` is -1."""
        scale, draw = self._scale, self._draw
        across = scale * side
        x, y = x * scale, y * scale
        colours = self._palette if roles is None else {**self._palette, **roles}
        for shape in shapes:
            points = [(x + across * a, y + scale * b) for a, b in shape.points]
            colour = colours[shape.colour]
            if shape.op == "poly":
                draw.polygon(points, fill=colour)
            elif shape.op == "line":
                draw.line(points, fill=colour, width=max(1, round(shape.width * scale)), joint="curve")
            else:
                (left, top), (right, bottom) = points if side == 1 else _mirrored(points)
                corners = (left, top, max(left, right - 1), max(top, bottom - 1))  # Pillow's corners are inside
                (draw.ellipse if shape.op == "oval" else draw.rectangle)(corners, fill=colour)


def _mirrored(points: list[tuple[float, float]]) -> tuple[tuple[float, float], tuple[float, float]]:
    (one, top), (other, bottom) = points
    return (other, top), (one, bottom)


@lru_cache(maxsize=256)
def _ground(place: str, weather: str, side: int) -> Image:
    """Everything behind the people: there are a few dozen, and each is drawn once."""
    from PIL import Image as images  # noqa: PLC0415, N813

    sky = art().weathers[weather] if weather else Motif(sky="sky" if place else "plain-sky")
    canvas = _Canvas(images.new("RGB", (side, side), art().palette[sky.sky]))
    canvas.put(sky.layers.get("far", ()))
    canvas.put((art().places[place] if place else art().plain).layers["draw"])
    canvas.put(sky.layers.get("near", ()))
    return canvas.image


def _figure(canvas: _Canvas, figure: Figure) -> None:
    looks, pose = art(), art().poses[figure.pose]
    doing = looks.gestures[figure.gesture] if figure.gesture else pose
    body, roles, side = looks.bodies[figure.body].layers, _roles(figure), figure.towards or 1
    x, y = COLUMN_X[figure.column] + doing.shift * side, FEET + pose.lift
    top_x, top_y = x + HEAD[0] + pose.head[0], y + HEAD[1] + pose.head[1]
    canvas.put(pose.layers.get("under", ()), x, FEET, roles)
    canvas.put(body["behind"], top_x, top_y, roles)
    canvas.put(body["legs"], x, y, roles)
    canvas.put(body["trunk"], x, y, roles)
    canvas.put(looks.head.layers["draw"], top_x, top_y, roles)
    face = doing.face if figure.gesture else figure.face
    canvas.put(body["back" if face == "back" else "hair"], top_x, top_y, roles)
    if figure.hat:
        canvas.put(looks.hat.layers["draw"], top_x, top_y, roles)
    if face != "back":
        canvas.put((looks.grimaces.get(face) or looks.faces[face]).layers["draw"], top_x, top_y, roles, side)
    canvas.put(doing.layers["arms"], x, y, roles, side)


def _roles(figure: Figure) -> Roles:
    looks = art()
    skin, hair, top = looks.skins[figure.skin], looks.hairs[figure.hair], looks.clothes[figure.top]
    hat = looks.clothes[figure.hat] if figure.hat else top
    roles = {"skin": skin, "skin-dark": _shade(skin), "hair": hair, "top": top, "sleeve": _shade(top)}
    return {**roles, "bottom": looks.palette["navy"], "hat": hat, "brim": _shade(hat)}


def _shade(colour: Colour) -> Colour:
    """What stands out from a colour a little: a darker one, or of a dark one a lighter."""
    red, green, blue = (round(one * 0.78) if max(colour) > 90 else one + 45 for one in colour)
    return red, green, blue
