"""The card that goes with drawn scenes: what they are, how to draw them again, and what they can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whyfeel.scenes.reserved import ONE_IN

CARD = """\
# Drawn scenes

Cartoon scenes of {size} by {size} pixels, made by `whyfeel draw` (seed {seed}). Nobody in them exists. Each has a
question about one person's emotion, and its triggers are what was drawn for that person: they are known, not annotated.

{rows}

`train` and `held-out` are read by the task `jsonl`, `pairs` by `whyfeel intervene`. Of all pairs of a thing and a
place, and of a thing and an emotion, one in {one_in} is held out: no scene of `train` shows such a pair, and every
scene of the other sets does.

What a model makes of such scenes says that it looks, and learns, not that it understands people.
"""


def card(told: Mapping[str, Any]) -> str:
    """The card of a folder of scenes, in Markdown.

    Args:
        told: `size`, `seed`, and in `sets` by name the `scenes`, `triggers` and `changes` of each.
    """
    rows = ["| set | scenes | triggers | changes |", "|---|---|---|---|"]
    for name, one in told["sets"].items():
        rows.append(f"| {name} | {one['scenes']:,} | {one['triggers']:,} | {one['changes']:,} |")
    return CARD.format(size=told["size"], seed=told["seed"], rows="\n".join(rows), one_in=ONE_IN)
