"""Drawn scenes whose triggers are known, as many as are wanted: to train small models on, and to test causes with."""

from whyfeel.scenes.change import instead, without
from whyfeel.scenes.compose import compose
from whyfeel.scenes.draw import draw
from whyfeel.scenes.records import pair_records, scene_records
from whyfeel.scenes.scene import Cause, Figure, Item, Scene, Split

__all__ = [
    "Cause",
    "Figure",
    "Item",
    "Scene",
    "Split",
    "compose",
    "draw",
    "instead",
    "pair_records",
    "scene_records",
    "without",
]
