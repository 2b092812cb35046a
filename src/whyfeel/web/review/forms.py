"""From what a form of the item page says to the edit that it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from whyfeel.annotate.review.edits import Action, BadEdit, Edit, added_id
from whyfeel.errors import brief
from whyfeel.records import AnnotatedTrigger

Meaning = tuple[Action, str, Mapping[str, Any]]  # action, trigger, value

REMOVALS = ("hallucination", "irrelevant")
ANSWERS = {"yes": True, "no": False}


def edit_of(form: Mapping[str, str], item: str, reviewer: str, triggers: Sequence[AnnotatedTrigger]) -> Edit:
    """The edit that a form asks for.

    Args:
        form: its fields; `do` is the button that was pressed.
        triggers: as the reviewer's earlier edits leave them; where "up" and "down" lead follows from them.

    Raises:
        BadEdit: no such button, or a trigger that cannot go there.
    """
    action, trigger, value = _meaning(form, triggers)
    return Edit(form.get("edit", ""), item, reviewer, action, trigger, value, form.get("why", ""))


def _meaning(form: Mapping[str, str], triggers: Sequence[AnnotatedTrigger]) -> Meaning:
    do, trigger, text = form.get("do", ""), form.get("trigger", ""), form.get("text", "")
    if do in REMOVALS:
        return "remove", trigger, {"reason": do}
    if do.startswith("kind:"):
        return "kind", trigger, {"kind": do.removeprefix("kind:")}
    if do in {"up", "down"}:
        return "move", trigger, {"before": _before(triggers, trigger, up=do == "up")}
    plain: dict[str, Meaning] = {
        "restore": ("restore", trigger, {}),
        "explicit": ("explicit", trigger, {"explicit": True}),
        "implicit": ("explicit", trigger, {"explicit": False}),
        "edit": ("edit", trigger, {"text": text}),
        "merge": ("merge", trigger, {"into": form.get("into", "")}),
        "undo": ("undo", "", {"edit": form.get("undo", "")}),
        "add": ("add", added_id(form.get("edit", "")), _added(form)),
    }
    if do not in plain:
        raise BadEdit(f"there is no button {brief(do)} on this page; reload it")
    return plain[do]


def _added(form: Mapping[str, str]) -> dict[str, Any]:
    return {
        "text": form.get("text", ""),
        "kind": form.get("kind") or None,
        "explicit": ANSWERS.get(form.get("explicit", "")),
    }


def _before(triggers: Sequence[AnnotatedTrigger], trigger: str, *, up: bool) -> str:
    """The trigger that one moved a place stands before, among those that count; "" for the end."""
    kept = [one.id for one in triggers if not one.dropped]
    if trigger not in kept or (place := kept.index(trigger)) == (0 if up else len(kept) - 1):
        raise BadEdit(f"trigger {brief(trigger)} cannot move further")
    return kept[place - 1] if up else next(iter(kept[place + 2 :]), "")
