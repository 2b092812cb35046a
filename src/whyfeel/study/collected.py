"""What raters did: records of the store, for the pages, the results and the export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Status = Literal["consented", "working", "finished", "screened out", "withdrawn"]
STATUSES: tuple[Status, ...] = get_args(Status)
Role = Literal["item", "repeat", "attention"]


@dataclass(frozen=True, slots=True)
class Rater:
    """One person, from their consent on.

    Attributes:
        id: from 1, in the order of consent.
        entrant: who they are to whoever sent them: "prolific:" or "invited:" and a name; "" where anybody may enter.
        status: consented (comprehension is to be checked), working, or how it ended.
        tries: comprehension checks that were failed.
        begun, seen, ended: seconds since 1970: of consent, of the last sign of life, of the end; None before it.
    """

    id: int
    entrant: str
    status: Status
    tries: int
    begun: float
    seen: float
    ended: float | None

    @property
    def name(self) -> str:
        """What reports call the rater."""
        return f"r{self.id:03}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One showing of an item, or of an attention check, to one rater.

    Attributes:
        rater: the rater's id.
        place: from 1, the order in which the rater sees them.
        role: a vote is an answer to an item; repeats and attention checks are not votes.
        item: the id of the item; of an attention check, its place among the design's, from 0.
        swapped: whether the second candidate stands on the left, or above.
        shown, answered: seconds since 1970; None before it was.
        answer: one of the design's answers, or SKIP; "" before there is one.
        comment: what the rater wrote, "" for nothing.
        passed_on: whether the item went to somebody else, because the rater was away for longer than the lease.
    """

    rater: int
    place: int
    role: Role
    item: str
    swapped: bool
    shown: float | None = None
    answered: float | None = None
    answer: str = ""
    comment: str = ""
    passed_on: bool = False

    @property
    def seconds(self) -> float | None:
        """From the first showing to the answer."""
        return None if self.shown is None or self.answered is None else self.answered - self.shown


@dataclass(frozen=True, slots=True)
class Outline:
    """How far one rater is: answered trials, skips included, of all that are theirs."""

    answered: int
    trials: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a study is.

    Attributes:
        raters: how many are in each status.
        votes: answers to items, skips and withdrawn raters' apart.
        wanted: votes that the design asks for.
        complete: items with all their votes.
        in_hand: items' showings that wait for an answer, their raters being there.
        skipped: skips of items.
        left_before: votes of raters who withdrew.
        unblinded: seconds since 1970, None while the study is blind.
    """

    raters: Mapping[Status, int]
    votes: int
    wanted: int
    complete: int
    in_hand: int
    skipped: int
    left_before: int
    unblinded: float | None


@dataclass(frozen=True, slots=True)
class Unblinding:
    """When somebody first asked whose texts are whose, and how many votes there were then."""

    at: float
    votes: int


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything a study holds at one moment.

    Attributes:
        raters: in the order of their ids.
        trials: by rater and place.
        demographics: rater to question's name to answer, for those who answered.
        unblinding: None while the study is blind.
    """

    raters: tuple[Rater, ...]
    trials: tuple[Trial, ...]
    demographics: Mapping[int, Mapping[str, str]]
    unblinding: Unblinding | None
