"""An annotation as one person's edits leave it. Pure: neither the annotation nor an edit is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from whyfeel.annotate.review.edits import Action, BadEdit, Edit, checked
from whyfeel.errors import brief
from whyfeel.records import AnnotatedTrigger, Annotation
from whyfeel.strategies.self_ask.gates import united
from whyfeel.strategies.self_ask.readers import words_of

MERGED = "merged into "  # before the id of the trigger that another was merged into

Triggers = dict[str, AnnotatedTrigger]  # by id, in their order


def reviewed(annotation: Annotation, edits: Sequence[Edit]) -> tuple[AnnotatedTrigger, ...]:
    """The triggers as one reviewer leaves them, in their order; what a gate or a person dropped is among them.

    Args:
        annotation: as it was made.
        edits: one reviewer's, in the order they were made; one that comes twice counts once.

    Raises:
        BadEdit: an edit does not fit.
    """
    triggers = {trigger.id: trigger for trigger in annotation.triggers}
    for edit in in_effect(edits):
        if edit.item != annotation.sample_id:
            raise BadEdit(f"the edit is of item {brief(edit.item)}, not of {brief(annotation.sample_id)}")
        try:
            triggers = _HOW[edit.action](triggers, edit)
        except BadEdit as error:
            if edits[-1].action != "undo":
                raise
            raise BadEdit(f"a later edit rests on the one to be taken back ({error}): take that back first") from None
    return tuple(triggers.values())


def in_effect(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits that are not taken back, without those that take others back; an undo can itself be undone.

    Raises:
        BadEdit: an edit is malformed, or takes back what is not there or is taken back already.
    """
    made: dict[str, Edit] = {}
    takers: Counter[str] = Counter()  # how many undos that are in effect take an edit back
    for edit in map(checked, edits):
        if made.setdefault(edit.id, edit) is not edit:
            continue
        if edit.action == "undo":
            if (target := edit.value["edit"]) not in made or target == edit.id or takers[target]:
                raise BadEdit(f"there is no edit {brief(target)} that could be taken back")
            _take_back(made, takers, edit)
    return tuple(edit for edit in made.values() if not takers[edit.id] and edit.action != "undo")


def _take_back(made: Mapping[str, Edit], takers: Counter[str], undo: Edit) -> None:
    """Count an undo: what it takes back is off, what that one took back may be on again, and so on."""
    step = 1
    while undo.action == "undo":
        target = undo.value["edit"]
        takers[target] += step
        if takers[target] != max(step, 0):  # another undo takes it back as well
            return
        undo, step = made[target], -step


def differ(one: Sequence[Edit], other: Sequence[Edit]) -> bool:
    """Whether two people's edits of one item leave other triggers, or the same in other words.

    Order, kind and what can be seen make no difference.
    """
    return _outcome(one) != _outcome(other)


def _outcome(edits: Sequence[Edit]) -> tuple[object, ...]:
    """What edits come to, whatever annotation they start from.

    Dropping and taking up again alternate (the fold refuses anything else), so that an odd number of them is a change.
    """
    turned: set[str] = set()
    gone: dict[str, bool] = {}
    texts: dict[str, str] = {}
    added: set[str] = set()
    for edit in in_effect(edits):
        if edit.action in {"remove", "restore", "merge"}:
            turned ^= {edit.trigger}
            gone[edit.trigger] = edit.action != "restore"
        elif edit.action in {"add", "edit"}:
            texts[edit.trigger] = words_of(edit.value["text"])
            added |= {edit.trigger} if edit.action == "add" else set()
    left = {trigger: text for trigger, text in texts.items() if not gone.get(trigger)}
    mended = {trigger: text for trigger, text in left.items() if trigger not in added}
    return turned - added, mended, {left[trigger] for trigger in added if trigger in left}


def decision(annotation: Annotation, chosen: Sequence[AnnotatedTrigger]) -> list[dict[str, Any]]:
    """The edits that leave just the chosen triggers, in their order with added ones last, as `adjudicate` takes them.

    Args:
        annotation: as it was made.
        chosen: out of the sets of the item's reviewers.

    Raises:
        BadEdit: a trigger is chosen in two wordings.
    """
    wanted = {trigger.id: trigger for trigger in chosen}
    if len(wanted) < len(chosen):
        raise BadEdit("a trigger can be chosen in one wording only")
    covers = {text: one.id for one in chosen for text in one.merged}
    made = [edit for trigger in annotation.triggers for edit in _changes(trigger, wanted.get(trigger.id), covers)]
    made.sort(key=lambda edit: edit["action"] == "merge")  # into what is restored by then
    own = {trigger.id for trigger in annotation.triggers}
    order = [trigger.id for trigger in chosen if trigger.id in own]
    if order != [trigger.id for trigger in annotation.triggers if trigger.id in wanted]:
        made += [_change("move", trigger, before="") for trigger in order]
    new = (one for one in chosen if one.id not in own)
    return made + [_change("add", "", text=one.text, kind=one.kind, explicit=one.explicit) for one in new]


def _changes(
    trigger: AnnotatedTrigger, wanted: AnnotatedTrigger | None, covers: Mapping[str, str]
) -> list[dict[str, Any]]:
    if wanted is None:
        if trigger.dropped:
            return []
        into = covers.get(trigger.text)
        return [_change("merge", trigger.id, into=into) if into else _change("remove", trigger.id, reason="other")]
    made = [_change("restore", trigger.id)] if trigger.dropped else []
    if wanted.text != trigger.text:
        made.append(_change("edit", trigger.id, text=wanted.text))
    if wanted.kind != trigger.kind:
        made.append(_change("kind", trigger.id, kind=wanted.kind))
    if wanted.explicit != trigger.explicit:
        made.append(_change("explicit", trigger.id, explicit=wanted.explicit))
    return made


def _change(action: Action, trigger: str, **value: object) -> dict[str, Any]:
    return {"action": action, "trigger": trigger, "value": value}


def _kept(triggers: Triggers, trigger: str, what: str = "") -> AnnotatedTrigger:
    """A trigger that counts.

    Raises:
        BadEdit: there is none of the id, or it does not count.
    """
    if (found := triggers.get(trigger)) is None:
        raise BadEdit(f"there is no trigger {brief(trigger)} here")
    if found.dropped:
        raise BadEdit(f"trigger {trigger!r}{what} does not count ({found.dropped}); restore it first")
    return found


def _remove(triggers: Triggers, edit: Edit) -> Triggers:
    found = _kept(triggers, edit.trigger)
    return triggers | {found.id: replace(found, dropped=f"removed: {edit.value['reason']}")}


def _restore(triggers: Triggers, edit: Edit) -> Triggers:
    """Take a trigger up again; others no longer stand for its words."""
    if (found := triggers.get(edit.trigger)) is None or not found.dropped:
        raise BadEdit(f"there is no dropped trigger {brief(edit.trigger)} here")
    own = {found.text, *found.merged}
    rest = {
        trigger.id: replace(trigger, merged=tuple(text for text in trigger.merged if text not in own))
        for trigger in triggers.values()
    }
    return rest | {found.id: replace(found, dropped="")}


def _add(triggers: Triggers, edit: Edit) -> Triggers:
    if edit.trigger in triggers:
        raise BadEdit(f"there is a trigger {edit.trigger!r} already; add yours once more")
    value = edit.value
    return triggers | {
        edit.trigger: AnnotatedTrigger(edit.trigger, value["text"], kind=value["kind"], explicit=value["explicit"])
    }


def _edit(triggers: Triggers, edit: Edit) -> Triggers:
    found = _kept(triggers, edit.trigger)
    if edit.value["text"] == found.text:  # it would count as a difference between two reviewers
        raise BadEdit(f"trigger {edit.trigger!r} reads so already")
    return triggers | {found.id: replace(found, text=edit.value["text"])}


def _kind(triggers: Triggers, edit: Edit) -> Triggers:
    return triggers | {edit.trigger: replace(_kept(triggers, edit.trigger), kind=edit.value["kind"])}


def _explicit(triggers: Triggers, edit: Edit) -> Triggers:
    return triggers | {edit.trigger: replace(_kept(triggers, edit.trigger), explicit=edit.value["explicit"])}


def _merge(triggers: Triggers, edit: Edit) -> Triggers:
    """One trigger for two: the words of the one merged into, with the sources of both."""
    found, into = _kept(triggers, edit.trigger), _kept(triggers, edit.value["into"], ", to be merged into,")
    if found is into:
        raise BadEdit(f"trigger {edit.trigger!r} cannot be merged into itself")
    return triggers | {into.id: united(into, [found]), found.id: replace(found, dropped=MERGED + into.id)}


def _move(triggers: Triggers, edit: Edit) -> Triggers:
    found, before = _kept(triggers, edit.trigger), edit.value["before"]
    if before == found.id or (before and before not in triggers):
        raise BadEdit(f"trigger {found.id!r} cannot stand before {brief(before)}")
    order: list[str] = []
    for trigger in triggers:
        order += [found.id] if trigger == before else []
        order += [trigger] if trigger != found.id else []
    return {trigger: triggers[trigger] for trigger in (order if before else [*order, found.id])}


_HOW: Mapping[Action, Callable[[Triggers, Edit], Triggers]] = {
    "remove": _remove,
    "restore": _restore,
    "add": _add,
    "edit": _edit,
    "kind": _kind,
    "explicit": _explicit,
    "merge": _merge,
    "move": _move,
}
