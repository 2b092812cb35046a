"""What the cells of a grid tell: which triggers go with which part of a picture, against the noise of asking again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from whyfeel.intervene.measure import Heard, Pair, differences, mean, share
from whyfeel.intervene.scenes import AGAIN, WHOLE, Scene, cell_name

AGAIN_NAMES = "again", "named_whole", "named_again"
Both = tuple[Pair, Pair]


def grid_pair(scene: Scene, trigger: str, heard: Heard, cells: tuple[int, int]) -> Both:
    """A trigger in the whole picture and in all pictures with a blurred cell; and in the whole one asked again."""
    rows, columns = cells
    whole, cluster = (heard[WHOLE, trigger],), scene.sample.cluster
    blurred = tuple(heard[cell_name(row, column), trigger] for row in range(rows) for column in range(columns))
    return Pair("", cluster, whole, blurred), Pair("", cluster, whole, (heard[AGAIN, trigger],))


def grid_facts(pairs: Sequence[Pair], controls: Sequence[Pair], grid: str, seed: int) -> dict[str, Any]:
    """How often triggers depend on some cell, and how often they would if nothing but chance were at work.

    Args:
        pairs, controls: of the same triggers, see `grid_pair`.

    Returns:
        grid; again (the drop where nothing was blurred); of the triggers that are named and of which all pictures are
        known: lost_in_any_cell, lost_again, and expected: 1 - (1 - lost_again)^cells, what lost_in_any_cell would be
        if each cell's answer were as much by chance as that one.
    """
    known = [both for both in zip(pairs, controls, strict=True) if not both[0].why and not both[1].why]
    known = [(pair, control) for pair, control in known if mean(pair.present) > 0]
    facts: dict[str, Any] = {"grid": grid, "again": differences(controls, AGAIN_NAMES, seed)["again"]["overall"]}
    if not known:
        return facts | {"lost_in_any_cell": None, "lost_again": None, "expected": None}
    anywhere = share([pair for pair, _ in known], "lost", _lost, seed)
    again = share([control for _, control in known], "lost", _lost, seed)
    expected = 1 - (1 - again["value"]) ** len(pairs[0].removed)
    return facts | {"lost_in_any_cell": anywhere, "lost_again": again, "expected": expected}


def _lost(pair: Pair) -> bool:
    """Whether it is named less in any picture of the other side."""
    return any(one.named is not None and one.named < mean(pair.present) for one in pair.removed)


def cells_line(scene: Scene, triggers: Sequence[Both], cells: tuple[int, int]) -> dict[str, Any]:
    """The line of cells.jsonl: a map of the picture for each trigger, and the triggers lost by each cell."""
    rows, columns = cells
    texts = [trigger.text for trigger in scene.sample.triggers]
    maps = [_map(text, *both, columns) for text, both in zip(texts, triggers, strict=True)]
    lost = [
        [
            [one["trigger"] for one in maps if _less(one["cells"][row][column], one["whole"])]
            for column in range(columns)
        ]
        for row in range(rows)
    ]
    path = scene.sample.media[0].path
    return {"id": scene.sample.id, "image": path, "grid": [rows, columns], "triggers": maps, "lost": lost}


def _map(text: str, pair: Pair, control: Pair, columns: int) -> dict[str, Any]:
    """How far one trigger is named with each cell blurred, None where that is not known."""
    whole = pair.present[0].named
    flat = [one.named for one in pair.removed]
    drops = [(whole - one, -place) for place, one in enumerate(flat) if whole is not None and one is not None]
    largest = None
    if drops:
        drop, place = max(drops)  # the first of equals
        row, column = divmod(-place, columns)
        largest = {"cell": [row + 1, column + 1], "drop": drop}
    return {
        "trigger": text,
        "whole": whole,
        "again": control.removed[0].named,
        "cells": [flat[start : start + columns] for start in range(0, len(flat), columns)],
        "drop": None if pair.why else pair.drop,
        "largest": largest,
    }


def _less(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one < other
