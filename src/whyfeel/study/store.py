"""The store of a study: raters, what they are shown and what they answer. A change is durable before it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from whyfeel.study.collected import Collected, Outline, Progress, Rater, Trial
from whyfeel.study.database import Database
from whyfeel.study.design import Design


class Refusal(Exception):
    """A rater cannot have what they asked for; the message is a sentence for them."""


class AlreadyBegun(Refusal):
    """The entrant takes part already, in another browser."""


class NoPlace(Refusal):
    """Every item has its votes, or waits for raters who are there."""


class PassedOn(Refusal):
    """The item went to somebody else while the rater was away."""


class AlreadyAnswered(Refusal):
    """The trial has another answer; the first one stands."""


class NotNow(Refusal):
    """The rater's status does not allow it: the study is over for them, or has not begun."""


class StudyStore:
    """Raters, trials and answers of one study.

    Several processes may use one database: every change is one transaction that nobody else gets between.

    Args:
        database: SQLite or PostgreSQL.
        design: the study.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, design: Design, clock: Callable[[], float] = time.time) -> None:
        self._database, self._design, self._clock = database, design, clock

    async def prepare(self) -> None:
        """Make the tables where they are missing.

        Raises:
            DataError: they hold answers to another design, or were made by a newer whyfeel.
            StoreFailed: here and in every method, the database cannot be read or written; nothing is half-written.
        """
        raise NotImplementedError

    async def begin(self, entrant: str = "") -> str:
        """A person has consented.

        Args:
            entrant: as in `Rater`.

        Returns:
            their token, 256 random bits; the store keeps its SHA-256 alone. One who was invited gets another token for
            the same rater, at each entry.

        Raises:
            AlreadyBegun: this entrant of Prolific's has begun.
        """
        raise NotImplementedError

    async def rater(self, token: str) -> Rater | None:
        """Whose token this is; None for nobody's."""
        raise NotImplementedError

    async def comprehend(self, rater: int, *, right: bool) -> Rater:
        """The comprehension check was answered: on to work, or one try less, the last of which screens out.

        Raises:
            NotNow: the check is passed already, or the study is over for the rater.
        """
        raise NotImplementedError

    async def next(self, rater: int) -> Trial | None:
        """The first trial without an answer, marked as shown and the lease renewed.

        At the first call the rater is given their trials: items with the fewest votes first, each item's sides within
        one of each other and the rater's too where that is possible, shuffled, repeats (sides exchanged) at some
        distance from the first showing, attention checks among them. One who comes back after the lease gets their
        own open items again as far as nobody else took them.

        Returns:
            None where all are answered.

        Raises:
            NoPlace: there is no item for a rater who has answered none.
            NotNow: the rater is not working.
        """
        raise NotImplementedError

    async def trial(self, rater: int, place: int) -> Trial | None:
        """One of the rater's trials, None where there is none of that place."""
        raise NotImplementedError

    async def answer(self, rater: int, place: int, answer: str, comment: str = "") -> Trial:
        """Take an answer, and renew the lease.

        The same one again changes nothing. A late one counts while nobody else took the item.

        Args:
            answer: one of the design's, or SKIP, which gives the item back to others.
            comment: any text.

        Raises:
            ValueError: the design has no such answer, or there is no such trial.
            PassedOn, AlreadyAnswered, NotNow: see there.
        """
        raise NotImplementedError

    async def outline(self, rater: int) -> Outline:
        """How far a rater is."""
        raise NotImplementedError

    async def describe(self, rater: int, answers: Mapping[str, str]) -> None:
        """Keep what a rater says of themselves, apart from their answers; a second time replaces it.

        Raises:
            NotNow: the rater withdrew or was screened out.
        """
        raise NotImplementedError

    async def finish(self, rater: int) -> Rater:
        """The rater is done; a second time changes nothing.

        Raises:
            NotNow: a trial has no answer, or the rater is not working.
        """
        raise NotImplementedError

    async def withdraw(self, rater: int) -> Rater:
        """The rater leaves: their open items are free, and none of their answers counts. A second time changes nothing.

        Raises:
            NotNow: the rater was screened out.
        """
        raise NotImplementedError

    async def progress(self) -> Progress:
        """How far the study is."""
        raise NotImplementedError

    async def collected(self) -> Collected:
        """Everything, as it is at one moment."""
        raise NotImplementedError

    async def unblind(self) -> None:
        """Record that whose texts are whose was asked for; a second time changes nothing."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let the database go."""
        await self._database.close()
