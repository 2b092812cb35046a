"""The lines and pictures of a set of scenes, as the task `jsonl` and `whyfeel intervene` read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from whyfeel.records import rng
from whyfeel.scenes.change import instead, without
from whyfeel.scenes.compose import compose
from whyfeel.scenes.draw import draw
from whyfeel.scenes.scene import Scene, Split

Pictured = tuple[dict[str, Any], dict[str, bytes]]  # the line, and the pictures by the names it gives them


def scene_records(seed: int, split: Split, count: int, size: int) -> Iterator[Pictured]:
    """Scenes 0 to `count` - 1 of a set, each the line of a record of the task `jsonl` and its picture."""
    for index in range(count):
        scene = compose(seed, index, split)
        image = f"pictures/{scene.id}.png"
        triggers = [cause.text for cause in scene.causes]
        yield _line(scene, image, triggers), {image: draw(scene, size)}


def pair_records(seed: int, count: int, size: int) -> Iterator[Pictured]:
    """Scenes with, one at a time, each trigger gone and each object another one: a line has them in `changes`."""
    for index in range(count):
        scene = compose(seed, index, "pairs")
        image = f"pictures/{scene.id}.png"
        pictures, changes = {image: draw(scene, size)}, []
        for place, cause in enumerate(scene.causes, 1):
            told = {"trigger": cause.text, "kind": cause.kind}
            name = f"pictures/{scene.id}-{place}-removed.png"
            pictures[name] = draw(without(scene, cause), size)
            changes.append({**told, "how": "removed", "image": name})
            if cause.part == "item":
                name = f"pictures/{scene.id}-{place}-replaced.png"
                other, new = instead(scene, cause, rng(seed, "instead", scene.id, place))
                pictures[name] = draw(other, size)
                changes.append({**told, "how": "replaced", "image": name, "instead": new.text})
        yield {**_line(scene, image, [cause.text for cause in scene.causes]), "changes": changes}, pictures


def _line(scene: Scene, image: str, triggers: list[str]) -> dict[str, Any]:
    return {
        "id": scene.id,
        "image": image,
        "question": scene.question,
        "emotion": scene.emotion,
        "triggers": triggers,
    }
