"""Two reviewers' triggers side by side, and the decision that an adjudicator's picks come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whyfeel.annotate.review.edits import BadEdit
from whyfeel.records import AnnotatedTrigger, Annotation, content_id
from whyfeel.web.review.desk import Desk, key_of

PICK = "pick:"  # before a trigger's id in the form


@dataclass(frozen=True, slots=True)
class Side:
    """What one reviewer left of a trigger; None where their set never had it."""

    trigger: AnnotatedTrigger | None

    @property
    def out(self) -> bool:
        """Whether it does not count for this reviewer."""
        return self.trigger is None or bool(self.trigger.dropped)

    @property
    def stands(self) -> tuple[str, str | None, bool | None] | None:
        """What is compared with the other side: words, kind, what can be seen; None where it does not count."""
        one = self.trigger
        return None if one is None or one.dropped else (one.text, one.kind, one.explicit)


@dataclass(frozen=True, slots=True)
class Pair:
    """One trigger on both sides.

    Attributes:
        picks: what choosing each side sends: the side, and what both left. Where a reviewer changes the trigger, an
            earlier pick no longer fits.
        picked: the pick so far, "" where there is none.
    """

    id: str
    sides: tuple[Side, Side]
    picks: tuple[str, str]
    picked: str

    @property
    def differs(self) -> bool:
        """Whether there is anything to decide."""
        return self.sides[0].stands != self.sides[1].stands


@dataclass(frozen=True, slots=True)
class Case:
    """An item to be settled.

    Attributes:
        seen: stands for what both reviewers had left when the page was made.
    """

    key: str
    seal: str
    names: tuple[str, str]
    rows: Sequence[Pair]
    seen: str
    notice: str = ""
    why: str = ""


def case_of(
    desk: Desk, annotation: Annotation, person: str, picks: Mapping[str, str], *, notice: str = "", why: str = ""
) -> Case | None:
    """An item with the first two who finished it; None where fewer than two did.

    Args:
        picks: trigger to what was picked before.
    """
    names = desk.store.finishers(annotation.sample_id)[:2]
    if len(names) < 2:
        return None
    first, second = (
        {one.id: one for one in desk.triggers(annotation, desk.store.edits(annotation.sample_id, name))}
        for name in names
    )
    rows = [_pair(one, first, second, picks.get(one, "")) for one in dict.fromkeys((*first, *second))]
    seen = content_id([[row.id, *row.picks] for row in rows])
    return Case(key_of(annotation.sample_id), desk.seals.form(person), (names[0], names[1]), rows, seen, notice, why)


def chosen(case: Case, picks: Mapping[str, str]) -> list[AnnotatedTrigger]:
    """The triggers that stand, in the first reviewer's order, those of the second alone last.

    Raises:
        BadEdit: a trigger that differs is not decided.
    """
    left: list[AnnotatedTrigger] = []
    right: list[AnnotatedTrigger] = []
    for row in case.rows:
        pick = picks.get(row.id, "") if row.differs else row.picks[0]
        if pick not in row.picks:
            raise BadEdit("each trigger needs a decision: pick a side for those that are still open")
        side = row.sides[row.picks.index(pick)]
        if side.trigger is not None and not side.out:
            (right if row.sides[0].trigger is None else left).append(side.trigger)
    return left + right


def _pair(
    trigger: str, first: Mapping[str, AnnotatedTrigger], second: Mapping[str, AnnotatedTrigger], pick: str
) -> Pair:
    sides = Side(first.get(trigger)), Side(second.get(trigger))
    stamp = content_id([side.stands for side in sides])[:12]
    picks = f"0.{stamp}", f"1.{stamp}"
    return Pair(trigger, sides, picks, pick if pick in picks else "")
