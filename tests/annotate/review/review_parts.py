"""Annotations and edits for the tests of the review."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from whyfeel.annotate.finished import AnnotationRun
from whyfeel.annotate.review.edits import Action, Edit, added_id
from whyfeel.annotate.review.file import Seen
from whyfeel.annotate.review.store import ReviewStore
from whyfeel.engine import LEDGER, Ledger
from whyfeel.records import AnnotatedTrigger, Annotation, content_id, json_line

CAKE = AnnotatedTrigger("t1", "A birthday cake", "object", explicit=True, confidence=0.5, asks=("a1",))
FRIENDS = AnnotatedTrigger("t2", "Friends who laugh", "social", explicit=True, confidence=0.9, asks=("a2",))
RAIN = AnnotatedTrigger("t3", "Rain outside", "environment", asks=("a3",))
GHOST = AnnotatedTrigger("t4", "A ghost", gates={"grounded": "absent"}, dropped="not grounded")


def annotation(item: str = "i", *triggers: AnnotatedTrigger, image: str | None = None) -> Annotation:
    return Annotation(item, image or f"{item}.jpg", "happy", triggers=triggers or (CAKE, FRIENDS, RAIN, GHOST))


def found(items: Iterable[str]) -> list[Seen]:
    """Items as a store takes them, where it does not matter what their annotations say."""
    return [(item, "") for item in items]


def edit(action: Action, trigger: str = "", *, key: object = None, **more: Any) -> Edit:
    """An edit with an id of its own for all that it says."""
    item, reviewer, why = more.pop("item", "i"), more.pop("reviewer", "r1"), more.pop("why", "")
    made = content_id([key, action, trigger, more, item, reviewer])
    return Edit(made, item, reviewer, action, added_id(made) if action == "add" else trigger, more, why)


def put(store: ReviewStore, made: Edit) -> Edit:
    """Add an edit behind the reviewer's last one of the item."""
    known = store.edits(made.item, made.reviewer)
    return store.add(made, known[-1].seq if known else 0)


def done(store: ReviewStore, item: str, reviewer: str, *edits: Edit) -> None:
    """Make these edits of an item, and finish it."""
    for one in edits:
        put(store, one)
    known = store.edits(item, reviewer)
    store.finish(item, reviewer, known[-1].seq if known else 0)


def run_of(path: Path, annotations: Sequence[Annotation]) -> AnnotationRun:
    """An annotation run as far as a review needs it."""
    path.mkdir(parents=True, exist_ok=True)
    lines = "".join(json_line(one.to_json()) + "\n" for one in annotations)
    (path / "annotations.jsonl").write_text(lines, "utf-8")
    return AnnotationRun(path, {"images": None}, Ledger(path / LEDGER))
