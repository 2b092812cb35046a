"""The art of the scenes: everything that can be drawn, with its wordings, read from the files in `art/`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from whyfeel.scenes.shapes import Shape, parse_shape

Colour = tuple[int, int, int]
Shapes = tuple[Shape, ...]

_LAYERS = frozenset({"draw", "far", "near", "arms", "under", "behind", "legs", "trunk", "hair", "back"})


@dataclass(frozen=True, slots=True)
class Motif:
    """Something that can be drawn, and mostly named.

    Attributes:
        words: its wordings; () where it is no trigger.
        feel: the emotions it goes with; with others it is rarer.
        layers: its shapes, by the order in which they are laid over each other.
        at: where a thing belongs: "ground" or "up".
        outdoors: whether a place has weather.
        sky: the colour that a weather gives the sky.
        face: the expression that comes with a gesture.
        head: how far a pose moves the head, to the right and down.
        lift: how far a pose moves the figure down, below 0 where it leaves the ground.
        shift: how far a gesture moves its figure towards the other one.
    """

    words: tuple[str, ...] = ()
    feel: frozenset[str] = frozenset()
    layers: Mapping[str, Shapes] = field(default_factory=dict)
    at: str = ""
    outdoors: bool = True
    sky: str = "sky"
    face: str = ""
    head: tuple[float, float] = (0.0, 0.0)
    lift: float = 0.0
    shift: float = 0.0


Motifs = Mapping[str, Motif]


@dataclass(frozen=True, slots=True)
class Art:
    """Everything that can be drawn.

    Attributes:
        palette: colours by name, 0 to 255 each of red, green and blue.
        things: what people have with them.
        places, weathers: where a scene is set.
        bodies, faces, poses, gestures: what a figure is made of, and what it does.
        grimaces: expressions that come only with a gesture.
        plain, hat, head: what is no trigger by itself.
        questions: templates with {who} or {Who}, and {emotion}.
        emotions: which there are.
        skins, hairs: colours of figures.
        clothes: names and colours of shirts, dresses and hats.
    """

    palette: Mapping[str, Colour]
    things: Motifs
    places: Motifs
    weathers: Motifs
    bodies: Motifs
    faces: Motifs
    poses: Motifs
    gestures: Motifs
    grimaces: Motifs
    plain: Motif
    hat: Motif
    head: Motif
    questions: tuple[str, ...]
    emotions: tuple[str, ...]
    skins: tuple[Colour, ...]
    hairs: tuple[Colour, ...]
    clothes: Mapping[str, Colour]


@cache
def art() -> Art:
    """The art, read once."""
    places, people, asking = _read("places"), _read("people"), _read("asking")
    return Art(
        palette={name: _colour(value) for name, value in _read("palette").items()},
        things=_motifs(_read("things")),
        places=_motifs(places["place"]),
        weathers=_motifs(places["weather"]),
        bodies=_motifs(people["body"]),
        faces=_motifs(people["face"]),
        poses=_motifs(people["pose"]),
        gestures=_motifs(people["gesture"]),
        grimaces=_motifs(people["gesture-face"]),
        plain=_motif(places["plain"]),
        hat=_motif(people["hat"]),
        head=_motif(people["head"]),
        questions=tuple(asking["questions"]),
        emotions=tuple(asking["emotions"]),
        skins=tuple(map(_colour, asking["looks"]["skin"])),
        hairs=tuple(map(_colour, asking["looks"]["hair"])),
        clothes={name: _colour(value) for name, value in asking["clothes"].items()},
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("whyfeel.scenes").joinpath("art", f"{name}.toml").read_text("utf-8"))


def _motifs(table: Mapping[str, Mapping[str, Any]]) -> Motifs:
    return {name: _motif(value) for name, value in table.items()}


def _motif(value: Mapping[str, Any]) -> Motif:
    own = {name: one for name, one in value.items() if name not in _LAYERS}
    for name, kind in (("words", tuple), ("feel", frozenset), ("head", tuple)):
        if name in own:
            own[name] = kind(own[name])
    layers = {name: tuple(map(parse_shape, value[name])) for name in sorted(_LAYERS & value.keys())}
    return Motif(**own, layers=layers)


def _colour(text: str) -> Colour:
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue
