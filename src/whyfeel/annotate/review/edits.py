"""What people change in an annotation: an edit is a new record with who, when and why; nothing is overwritten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from whyfeel.errors import brief
from whyfeel.records import KINDS
from whyfeel.strategies.self_ask.readers import clean

Action = Literal["remove", "restore", "add", "edit", "kind", "explicit", "merge", "move", "undo"]
ACTIONS: tuple[Action, ...] = get_args(Action)
REASONS = ("hallucination", "irrelevant", "other")
ADJUDICATOR = "adjudicator:"  # before the name of a reviewer who settles what others differ about
LONGEST = 2_000  # characters of a trigger or a reason; whoever pastes more has pasted the wrong thing

_ID = re.compile(r"[0-9a-f]{32}")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Refused(ValueError):
    """A change that is not taken, and nothing of it; the message tells the person why."""


class BadEdit(Refused):
    """The edit does not fit what it is about."""


class Stale(Refused):
    """The item has changed since the person saw it."""


class NotHeld(Refused):
    """Somebody else has the item in hand."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change that one person makes to one annotation.

    The paper's three steps are remove for "hallucination", add (commonsense knowledge), remove for "irrelevant"; the
    others mend what is kept.

    Attributes:
        id: 32 hex digits, made where the edit is made: an edit that is sent twice counts once.
        item: the sample annotated.
        reviewer: whose edit.
        trigger: the trigger it is about; of an "add" the new one's id, "r" and the first 8 digits of the edit's;
            "" for an "undo".
        value: {"reason"} of "remove"; {"text", "kind", "explicit"} of "add"; {"text"} of "edit"; {"kind"} of "kind";
            {"explicit"} of "explicit"; {"into": id} of "merge"; {"before": id, or "" for the end} of "move";
            {"edit": the id of the edit taken back} of "undo"; nothing of "restore".
        why: the reviewer's words, "" for none.
        at: UTC, ISO 8601, "" until it is stored.
        seq: grows over all edits of a review, 0 until it is stored.
    """

    id: str
    item: str
    reviewer: str
    action: Action
    trigger: str
    value: Mapping[str, Any]
    why: str = ""
    at: str = ""
    seq: int = 0

    @property
    def said(self) -> tuple[Any, ...]:
        """What two edits of one id have in common where they are the same edit."""
        # where "up" leads follows from how the item stands: it is another place when the same form is sent again
        value = None if self.action == "move" else dict(self.value)
        return self.id, self.item, self.reviewer, self.action, self.trigger, value, self.why


def added_id(edit_id: str) -> str:
    """The id of the trigger that an "add" adds."""
    return f"r{edit_id[:8]}"


def checked(edit: Edit) -> Edit:
    """The edit with its texts in one line each and nothing in its value but what its action takes.

    Raises:
        BadEdit: a part of it is missing, blank, too long or unknown.
    """
    if not isinstance(edit.id, str) or not _ID.fullmatch(edit.id):
        raise BadEdit(f"the id of an edit is 32 hex digits, got {brief(edit.id)}")
    if edit.action not in ACTIONS:
        raise BadEdit(f"there is no action {brief(edit.action)}; there are: {', '.join(ACTIONS)}")
    if edit.action == "add" and edit.trigger != added_id(edit.id):
        raise BadEdit(f"the trigger that edit {edit.id} adds is {added_id(edit.id)!r}, not {brief(edit.trigger)}")
    _short(edit.trigger)
    value = {name: _part(edit.action, name, edit.value.get(name)) for name in _PARTS[edit.action]}
    return replace(edit, value=value, why=_line(edit.why))


_PARTS: Mapping[Action, tuple[str, ...]] = {
    "remove": ("reason",),
    "restore": (),
    "add": ("text", "kind", "explicit"),
    "edit": ("text",),
    "kind": ("kind",),
    "explicit": ("explicit",),
    "merge": ("into",),
    "move": ("before",),
    "undo": ("edit",),
}


def _part(action: Action, name: str, part: object) -> object:
    """One part of an edit's value; whoever adds a trigger need not say its kind, nor whether it can be seen."""
    if part is None and action == "add" and name != "text":
        return None
    if name == "text":
        return _trigger_text(part)
    if name == "explicit":
        if not isinstance(part, bool):
            raise BadEdit(f"a trigger is explicit (true) or implicit (false), got {brief(part)}")
        return part
    known = {"reason": REASONS, "kind": KINDS}.get(name)
    if not isinstance(part, str) or (known and part not in known):
        raise BadEdit(f"{action!r} needs {name!r}{': ' + ', '.join(known) if known else ''}; got {brief(part)}")
    return _short(part)


def _trigger_text(text: object) -> str:
    line = clean(_short(text))
    if not any(map(str.isalnum, line)):
        raise BadEdit("a trigger needs words")
    return line


def _line(text: object) -> str:
    return " ".join(_SURROGATE.sub("\ufffd", _short(text)).split())


def _short(text: object) -> str:
    if not isinstance(text, str):
        raise BadEdit(f"expected a text, got {brief(text)}")
    if len(text) > LONGEST:
        raise BadEdit(f"a text of at most {LONGEST:,} characters is taken, this one has {len(text):,}; shorten it")
    return text
