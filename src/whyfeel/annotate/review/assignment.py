"""Who may take which item: two never have one in hand unless it is to be annotated twice, or one takes it knowingly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from whyfeel.annotate.review.edits import ADJUDICATOR
from whyfeel.errors import UserError, brief


@dataclass(frozen=True, slots=True)
class Held:
    """What comes of opening an item.

    Attributes:
        mine: whether whoever opened it may change it now.
        by: who has it in hand, or has finished it.
        until: when the lease runs out, seconds since 1970; 0 where the item is finished.
        finished: whether it is finished, by whoever opened it or as often as it needs to be; a reviewer may reopen
            what is finished `by` the same name.
    """

    mine: bool
    by: str
    until: float
    finished: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an item is.

    Attributes:
        item: the sample's id.
        needs: how many reviewers, 1 or 2.
        finished: who finished it, the first one first, an adjudicator among them.
        hands: who has it in hand, until when.
    """

    item: str
    needs: int
    finished: tuple[str, ...]
    hands: Mapping[str, float]

    @property
    def finishers(self) -> tuple[str, ...]:
        """Who finished it, without an adjudicator."""
        return tuple(name for name in self.finished if not adjudicates(name))

    @property
    def adjudicator(self) -> str:
        """Who settled it, "" for nobody."""
        return next(filter(adjudicates, self.finished), "")

    @property
    def done(self) -> bool:
        """Whether it needs nobody any more, but perhaps an adjudicator."""
        return bool(self.adjudicator) or len(self.finishers) >= self.needs

    def held(self, reviewer: str) -> Held | None:
        """Why a reviewer cannot have the item, None where nothing stands in the way.

        Reviewers and adjudicators are counted apart; one adjudicator is enough.
        """
        if reviewer in self.finished:
            return Held(mine=False, by=reviewer, until=0.0, finished=True)
        role = adjudicates(reviewer)
        finished = [name for name in self.finished if adjudicates(name) == role]
        hands = {name: until for name, until in self.hands.items() if name != reviewer and adjudicates(name) == role}
        if len(finished) + len(hands) < (1 if role else self.needs):
            return None
        if not hands:
            return Held(mine=False, by=finished[0], until=0.0, finished=True)
        first = min(hands, key=lambda name: hands[name])
        return Held(mine=False, by=first, until=hands[first], finished=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a review is.

    Attributes:
        items: all of them.
        finished: those that need nobody any more.
        in_hand: those that somebody works on now.
        doubles: those that two reviewers annotate.
        doubles_finished: those of them that two have finished.
        by_reviewer: how many each has finished, without adjudicators.
    """

    items: int
    finished: int
    in_hand: int
    doubles: int
    doubles_finished: int
    by_reviewer: Mapping[str, int]


def checked_name(reviewer: str) -> str:
    """A reviewer's name.

    Raises:
        UserError: it is blank, or not plain text in one line.
    """
    if not reviewer.strip() or not reviewer.isprintable():
        raise UserError(f"a reviewer's name is plain text in one line, got {brief(reviewer)}")
    return reviewer


def adjudicates(reviewer: str) -> bool:
    """Whether a name is an adjudicator's."""
    return reviewer.startswith(ADJUDICATOR)
