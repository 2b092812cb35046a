"""Figures by what raters said of themselves, where enough of them said the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whyfeel.errors import UserError, brief
from whyfeel.study.collected import Collected
from whyfeel.study.compared import preferences
from whyfeel.study.design import Design
from whyfeel.study.exclusions import Vote
from whyfeel.study.figures import Draws
from whyfeel.study.rated import means

FLOOR, USUAL = 5, 10
NOT_TOLD = "not told"


@dataclass(frozen=True, slots=True)
class By:
    """Which groups are asked for.

    Attributes:
        name: of the design's demographic question.
        least: raters that a group must have to be shown, FLOOR at least.
    """

    name: str
    least: int = USUAL


def check_by(design: Design, by: By) -> None:
    """Raise UserError where the design has no such question, or groups would be too small."""
    known = [one.name for one in design.texts.demographics]
    if by.name not in known:
        have = f"one of {', '.join(map(repr, known))}" if known else "no --by: the study asks raters nothing"
        raise UserError(f"--by: expected {have}, got {brief(by.name)}")
    if by.least < FLOOR:
        raise UserError(f"--least: expected {FLOOR} raters or more, so that nobody can be told from it, got {by.least}")


def groups(design: Design, collected: Collected, votes: Sequence[Vote], by: By, draws: Draws) -> dict[str, Any]:
    """The main figures of each group that is large enough; a group is an answer, and those who gave none are one."""
    check_by(design, by)
    voted = sorted({vote.rater for vote in votes})
    told: dict[str, list[int]] = defaultdict(list)
    for rater in voted:
        told[collected.demographics.get(rater, {}).get(by.name, "") or NOT_TOLD].append(rater)
    [question] = [one for one in design.texts.demographics if one.name == by.name]
    order = {name: place for place, name in enumerate((*question.options, NOT_TOLD))}
    hidden = _withheld({name: len(raters) for name, raters in told.items()}, by.least)
    shown = sorted(set(told) - hidden, key=lambda name: (order.get(name, len(order)), name))
    return {
        "name": by.name,
        "question": question.question,
        "least": by.least,
        "groups": [{"answer": name, **_figures(design, votes, set(told[name]), draws)} for name in shown],
        "withheld": {"groups": len(hidden), "raters": sum(len(told[name]) for name in hidden)},
    }


def _withheld(sizes: Mapping[str, int], least: int) -> set[str]:
    """The groups that are not shown.

    All raters' figures less those of the groups that are shown give those of the rest. A single small group would
    be that rest, and several of few raters a rest of few raters, so the next smallest are withheld with them until the
    rest is as large as any group that is shown.
    """
    hidden = {name for name, n in sizes.items() if n < least}
    others = sorted((n, name) for name, n in sizes.items() if name not in hidden)
    while others and hidden and (len(hidden) == 1 or sum(map(sizes.__getitem__, hidden)) < least):
        hidden.add(others.pop(0)[1])
    return hidden


def _figures(design: Design, votes: Sequence[Vote], raters: Collection[int], draws: Draws) -> dict[str, Any]:
    theirs = [vote for vote in votes if vote.rater in raters]
    told = {"raters": len(raters), "votes": len(theirs)}
    if design.kind == "pairwise":
        return told | {"pairs": preferences(design, theirs, draws)}
    return told | {"systems": means(design, theirs, draws)}
