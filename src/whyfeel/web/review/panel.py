"""What the item page shows of a review: the triggers as the reviewer left them, and what can be done next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from whyfeel.annotate.review.assignment import Held
from whyfeel.annotate.review.edits import Edit
from whyfeel.annotate.review.fold import in_effect
from whyfeel.records import AnnotatedTrigger, Annotation
from whyfeel.web.review.desk import Desk, key_of

Form = Mapping[str, str]

SAID: Mapping[str, str] = {
    "restore": "Took up again",
    "add": "Added",
    "edit": "Reworded",
    "kind": "Kind of",
    "explicit": "Seen or inferred:",
    "merge": "Merged",
    "move": "Moved",
    "undo": "Took a step back",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence at the head of the panel, perhaps with a button that posts to one of the item's steps."""

    words: str
    tone: Literal["calm", "trouble"] = "calm"
    step: str = ""
    button: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A trigger as it is shown.

    Attributes:
        number: its place among those that count, 0 for one that does not.
        before: how it read when it was found, "" where nobody reworded it.
        marks: what people did to it.
    """

    trigger: AnnotatedTrigger
    number: int = 0
    first: bool = False
    last: bool = False
    before: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """An edit as it is told."""

    words: str
    why: str
    at: str
    undone: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """The state of one item for one reviewer.

    Attributes:
        seal: what its forms carry.
        after: the number of the reviewer's last edit, by which a tab that is behind is known.
        last: the trigger that the last edit was about.
        open_forms: whether anything can be changed: the item is the reviewer's, and not finished.
        typed: the fields of a form that was refused; its text goes back where it was typed.
    """

    key: str
    seal: str
    after: int
    last: str
    open_forms: bool
    kept: Sequence[Row]
    dropped: Sequence[Row]
    history: Sequence[Past]
    undoable: Edit | None
    notice: Notice | None
    typed: Form = field(default_factory=dict)

    def is_open(self, do: str, trigger: str) -> bool:
        """Whether the refused form was this one."""
        return self.typed.get("do") == do and self.typed.get("trigger", "") == trigger

    def text(self, do: str, trigger: str, otherwise: str) -> str:
        """What stands in a form's text: what was typed there, else what is so far."""
        return self.typed.get("text", "") if self.is_open(do, trigger) else otherwise

    def why(self, form: str, trigger: str) -> str:
        """What was typed as the reason in a form; "row" is the one of a trigger's buttons."""
        mine = self.typed.get("do") == form
        if form == "row":
            mine = self.typed.get("do") not in {"edit", "add", "merge", "undo"}
        return self.typed.get("why", "") if mine and self.typed.get("trigger", "") == trigger else ""

    def chosen(self, name: str) -> str:
        """What was chosen in a refused "add"."""
        return self.typed.get(name, "") if self.is_open("add", "") else ""


def panel_of(
    desk: Desk,
    annotation: Annotation,
    person: str,
    held: Held,
    *,
    notice: Notice | None = None,
    typed: Form | None = None,
) -> Panel:
    """The panel of an item.

    Raises:
        DataError: the review does not fit the annotation.
    """
    edits = desk.store.edits(annotation.sample_id, person)
    triggers = desk.triggers(annotation, edits)
    standing = in_effect(edits)
    kept, dropped = _rows(annotation, triggers)
    return Panel(
        key=key_of(annotation.sample_id),
        seal=desk.seals.form(person),
        after=edits[-1].seq if edits else 0,
        last=_about(edits),
        open_forms=held.mine,
        kept=kept,
        dropped=dropped,
        history=[_past(edit, {one.id for one in standing}, triggers) for edit in reversed(edits)],
        undoable=standing[-1] if standing else None,
        notice=notice or _standing_notice(held, person),
        typed=typed or {},
    )


def clock(seconds: float) -> str:
    """The time of day on this machine, which is the reviewer's."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M")


def _standing_notice(held: Held, person: str) -> Notice | None:
    if held.mine:
        return None
    if held.finished and held.by == person:
        return Notice("You have finished this item.", step="reopen", button="Open it again")
    if held.finished:
        return Notice(f"{held.by} has finished this item; it needs nobody else.")
    told = f"{held.by} has this item in hand until {clock(held.until)}; you can look, and not change anything."
    return Notice(told, "trouble", "claim", "Take it over all the same")


def _rows(annotation: Annotation, triggers: Sequence[AnnotatedTrigger]) -> tuple[list[Row], list[Row]]:
    """Those that count, numbered, and the others."""
    before = {trigger.id: trigger for trigger in annotation.triggers}
    kept = [trigger for trigger in triggers if not trigger.dropped]
    rows = [
        Row(trigger, number, number == 1, number == len(kept), *_change(trigger, before.get(trigger.id)))
        for number, trigger in enumerate(kept, 1)
    ]
    rest = [Row(one, 0, False, False, *_change(one, before.get(one.id))) for one in triggers if one.dropped]
    return rows, rest


def _change(trigger: AnnotatedTrigger, found: AnnotatedTrigger | None) -> tuple[str, tuple[str, ...]]:
    """How a trigger read when it was found, and what people did to it."""
    if found is None:
        return "", ("added",)
    reworded = trigger.text != found.text
    marks = {
        "reworded": reworded,
        "kind changed": trigger.kind != found.kind,
        "restored": bool(found.dropped) and not trigger.dropped,
    }
    return found.text if reworded else "", tuple(mark for mark, holds in marks.items() if holds)


def _about(edits: Sequence[Edit]) -> str:
    """The trigger that the last edit was about; of an undo, that of the edit taken back."""
    by_id = {edit.id: edit for edit in edits}
    last = edits[-1] if edits else None
    while last is not None and last.action == "undo":
        last = by_id.get(last.value["edit"])
    return last.trigger if last is not None else ""


def _past(edit: Edit, standing: set[str], triggers: Sequence[AnnotatedTrigger]) -> Past:
    text = next((one.text for one in triggers if one.id == edit.trigger), "")
    said = f"Removed, {edit.value['reason']}:" if edit.action == "remove" else SAID[edit.action]
    words = f"{said} {text[:120]}".strip()
    undone = edit.action != "undo" and edit.id not in standing
    return Past(words, edit.why, _local(edit.at), undone)


def _local(at: str) -> str:
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%d %b %H:%M")
    except ValueError:
        return at
