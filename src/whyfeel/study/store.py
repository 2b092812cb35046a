"""The store of a study: raters, what they are shown and what they answer. A change is durable before it is told."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from whyfeel.records import storable
from whyfeel.study import tables
from whyfeel.study.collected import Collected, Outline, Progress, Rater, Status, Trial
from whyfeel.study.database import Database
from whyfeel.study.design import SKIP, Design
from whyfeel.study.handout import hand_out
from whyfeel.study.rows import Rows

INVITED = "invited:"


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
    """The rater's status does not allow it: the study is over for them, or they are not so far yet."""


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
        async with self._database.changing() as db:
            await tables.prepare(db, self._design.digest)

    async def begin(self, entrant: str = "", token: str = "") -> str:
        """A person has consented.

        Args:
            entrant: as in `Rater`.
            token: that they are to have; one is drawn where none is given. Given twice, it is still the same rater's.

        Returns:
            their token, 256 random bits; the store keeps its SHA-256 alone. One who was invited gets another token for
            the same rater, at each entry.

        Raises:
            AlreadyBegun: this entrant of Prolific's has begun.
        """
        entrant, token = storable(entrant), token or secrets.token_urlsafe(32)
        async with self._changing() as rows:
            if await rows.by_token(_hash(token)) is not None:
                return token
            rater = await rows.by_entrant(entrant) if entrant else None
            if rater is None:
                rater = await rows.add_rater(entrant, self._clock())
            elif not entrant.startswith(INVITED):
                raise AlreadyBegun("You have begun this study already, in another browser or window: go on there.")
            await rows.add_token(_hash(token), rater)
        return token

    async def rater(self, token: str) -> Rater | None:
        """Whose token this is; None for nobody's."""
        async with self._reading() as rows:
            return await rows.by_token(_hash(token))

    async def comprehend(self, rater: int, *, right: bool, tries: int | None = None) -> Rater:
        """The comprehension check was answered: on to work, or one try less, the last of which screens out.

        Args:
            tries: that had failed when the check was shown, so that a second click, which another process may take,
                is no second try; None where that does not matter.

        Raises:
            NotNow: the check is passed already, this try was taken, or the study is over for the rater.
        """
        async with self._changing() as rows:
            known, now = await rows.rater(rater), self._clock()
            if known.status != "consented" or tries not in (None, known.tries):
                raise NotNow("The questions about the instructions are behind you.")
            known = replace(known, seen=now, tries=known.tries + (not right))
            if right:
                known = replace(known, status="working")
            elif known.tries >= self._design.rules.tries:
                known = replace(known, status="screened out", ended=now)
            return await rows.update(known)

    async def next(self, rater: int) -> Trial | None:
        """The first trial without an answer, marked as shown and the lease renewed.

        At the first call the rater is given their trials: items with the fewest votes first, each item's sides within
        one of each other and the rater's too where that is possible, shuffled, repeats (sides exchanged) at some
        distance from the first showing, attention checks among them. One who comes back after the lease gets their
        own open items again as far as nobody else took them, and others for the rest where there are any.

        Returns:
            None where all are answered.

        Raises:
            NoPlace: there is no item for a rater who has answered none.
            NotNow: the rater is not working.
        """
        async with self._changing() as rows:
            now = await self._at_work(rows, rater)
            waiting = await rows.waiting(rater)
            if not waiting or any(one.passed_on for one in waiting):
                waiting = await self._supplied(rows, rater, now)
            first = next((one for one in waiting if not one.passed_on), None)
            if first is not None and first.shown is None:
                await rows.show(first, now)
                first = replace(first, shown=now)
            return first

    async def trial(self, rater: int, place: int) -> Trial | None:
        """One of the rater's trials, None where there is none of that place."""
        async with self._reading() as rows:
            return await rows.trial(rater, place)

    async def answer(self, rater: int, place: int, answer: str, comment: str = "") -> Trial:
        """Take an answer, and renew the lease.

        The same one again changes nothing. A late one counts while nobody else took the item.

        Args:
            answer: one of the design's, or SKIP, which gives the item back to others.
            comment: any text.

        Raises:
            ValueError: the design has no such answer, or there is no such trial.
            PassedOn, AlreadyAnswered: see there.
            NotNow: the rater is not working, or has not been shown the trial.
        """
        if answer != SKIP and answer not in self._design.answers:
            raise ValueError(f"the design has no answer {answer!r:.100}: it has {', '.join(self._design.answers)}")
        async with self._changing() as rows:
            trial = await rows.trial(rater, place)
            if trial is None:
                raise ValueError(f"rater {rater!r} has no trial {place!r}")
            if trial.answered is not None:
                return _same(trial, answer, (await rows.rater(rater)).status)
            now = await self._at_work(rows, rater)
            if trial.passed_on:
                raise PassedOn("You were away for so long that this one went to somebody else.")
            if trial.shown is None:
                raise NotNow("This one has not been shown to you yet.")
            trial = replace(trial, answered=now, answer=answer, comment=storable(comment))
            await rows.put_answer(trial)
            if answer == SKIP and trial.role == "item":
                await rows.drop_repeat(rater, trial.item)
            return trial

    async def outline(self, rater: int) -> Outline:
        """How far a rater is."""
        async with self._reading() as rows:
            own = [one for one in await rows.trials_of(rater) if not one.passed_on]
            return Outline(sum(one.answered is not None for one in own), len(own))

    async def describe(self, rater: int, answers: Mapping[str, str]) -> None:
        """Keep what a rater says of themselves, apart from their answers; a second time replaces it.

        Raises:
            NotNow: the rater withdrew or was screened out.
        """
        async with self._changing() as rows:
            if (await rows.rater(rater)).status in {"withdrawn", "screened out"}:
                raise NotNow("The study is over for you.")
            await rows.describe(rater, {storable(name): storable(text) for name, text in answers.items()})

    async def finish(self, rater: int) -> Rater:
        """The rater is done; a second time changes nothing.

        Raises:
            NotNow: a trial has no answer, or the rater is not working.
        """
        async with self._changing() as rows:
            known = await rows.rater(rater)
            if known.status == "finished":
                return known
            now = await self._at_work(rows, rater)
            own = [one for one in await rows.trials_of(rater) if not one.passed_on]
            if not own or any(one.answered is None for one in own):
                raise NotNow("There is more for you to judge.")
            return await rows.update(replace(known, status="finished", seen=now, ended=now))

    async def withdraw(self, rater: int) -> Rater:
        """The rater leaves: their open items are free, and none of their answers counts.

        What they said of themselves is gone. A second time changes nothing.

        Raises:
            NotNow: the rater was screened out.
        """
        async with self._changing() as rows:
            known, now = await rows.rater(rater), self._clock()
            if known.status == "screened out":
                raise NotNow("The study is over for you.")
            if known.status == "withdrawn":
                return known
            await rows.describe(rater, {})
            return await rows.update(replace(known, status="withdrawn", seen=now, ended=now))

    async def progress(self) -> Progress:
        """How far the study is."""
        async with self._reading() as rows:
            return await self._progress(rows)

    async def collected(self) -> Collected:
        """Everything, as it is at one moment."""
        async with self._reading() as rows:
            return Collected(
                raters=await rows.raters(),
                trials=await rows.trials(),
                demographics=await rows.demographics(),
                unblinding=await rows.unblinding(),
            )

    async def unblind(self) -> None:
        """Record that whose texts are whose was asked for; a second time changes nothing."""
        async with self._changing() as rows:
            if await rows.unblinding() is None:
                await rows.unblind(self._clock(), (await self._progress(rows)).votes)

    async def close(self) -> None:
        """Let the database go."""
        await self._database.close()

    async def _at_work(self, rows: Rows, rater: int) -> float:
        """The time; the lease of the rater, who must be working, is renewed."""
        known, now = await rows.rater(rater), self._clock()
        if known.status != "working":
            raise NotNow("The study is over for you." if known.ended else "Read the instructions first.")
        await rows.update(replace(known, seen=now))
        return now

    async def _supplied(self, rows: Rows, rater: int, now: float) -> list[Trial]:
        """What waits for a rater once they were given all that they can have."""
        own = await rows.trials_of(rater)
        if not own or any(one.passed_on for one in own):
            given = await hand_out(rows, self._design, rater, own, self._away(now))
            items = [one for one in own if one.role == "item" and not one.passed_on]
            if not given and not items:
                raise NoPlace("There is nothing left to judge at the moment. Thank you for coming.")
        return await rows.waiting(rater)

    async def _progress(self, rows: Rows) -> Progress:
        return await rows.progress(len(self._design.items), self._design.terms.ratings, self._away(self._clock()))

    def _away(self, now: float) -> float:
        return now - self._design.terms.lease

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Rows]:
        async with self._database.changing() as db:
            yield Rows(db)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Rows]:
        async with self._database.reading() as db:
            yield Rows(db)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _same(trial: Trial, answer: str, status: Status) -> Trial:
    """An answered trial, where it was given this very answer."""
    if status == "withdrawn":
        raise NotNow("The study is over for you.")
    if trial.answer != answer:
        raise AlreadyAnswered("You have answered this one already, and your first answer stands.")
    return trial
