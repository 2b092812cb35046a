"""The store of a review: edits, leases and who has finished, each change durable before the call returns.

Several threads and processes may use one file: every change is one transaction that nobody else gets between.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from whyfeel.annotate.review.assignment import Held, Progress, Standing, adjudicates, checked_name
from whyfeel.annotate.review.edits import ADJUDICATOR, Edit, NotHeld, Stale, added_id, checked
from whyfeel.annotate.review.file import Seen, changing, close_review, explained, open_review
from whyfeel.annotate.review.fold import differ, in_effect
from whyfeel.annotate.review.rows import Rows
from whyfeel.records import content_id

LEASE = 900.0  # seconds without an edit after which somebody else may have the item


class ReviewStore:
    """RUN/review.sqlite.

    Args:
        path: the file; made where it is missing.
        items: the run's annotations, in its order, as `file.seen` tells one from another. One that was annotated anew
            is an item that nobody has worked on; what was done to the former one stays in the file.
        double: share of items that two reviewers annotate, drawn at the first opening; None for what was given then,
            and 0 where this is the first.
        seed: of that draw, None likewise.
        lease: seconds.
        clock: seconds since 1970.

    Raises:
        UserError: double or seed is another than at the first opening.
        DataError: the file is no review, is damaged, or holds items that the run does not.
        StoreFailed: here and in every method, the file cannot be read or written; nothing was half-written.
    """

    def __init__(
        self,
        path: Path,
        items: Sequence[Seen],
        *,
        double: float | None = None,
        seed: int | None = None,
        lease: float = LEASE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._db, self._items = open_review(path, items, double, seed)
        self._rows = Rows(self._db, self._items)
        self._place = {item: place for place, item in self._items.items()}
        self._lease, self._clock = lease, clock
        self._lock = threading.RLock()

    def take(self, reviewer: str) -> str | None:
        """The item to go on with, leased: the one in hand, else the first that is free, skipped ones last.

        Returns:
            None where nothing is left for this reviewer; an adjudicator is given what is to be adjudicated.
        """
        with self._changing():
            own = self._rows.hands(checked_name(reviewer))
            wanted = set(self.to_adjudicate() if adjudicates(reviewer) else self._place)
            standings = (one for one in self._rows.standings(self._clock()) if one.item in wanted)
            free = [self._place[one.item] for one in standings if one.held(reviewer) is None]
            if not free:
                return None
            never = (0.0, 0)
            place = min(free, key=lambda place: (-own.get(place, never)[0], own.get(place, never)[1], place))
            self._hold(place, reviewer)
            return self._items[place]

    def open(self, item: str, reviewer: str, *, claim: bool = False) -> Held:
        """Open an item by its link: it is leased where it is free.

        Args:
            item: its id.
            reviewer: who opens it.
            claim: take it knowingly from whoever has it in hand; what is finished is not taken.

        Raises:
            KeyError: there is no such item.
        """
        place = self._at(item, reviewer)
        with self._changing():
            held = self._standing(place).held(reviewer)
            if held is not None and (held.finished or not claim):
                return held
            if held is not None:
                self._rows.let_go(place, held.by)
            return Held(mine=True, by=reviewer, until=self._hold(place, reviewer), finished=False)

    def edits(self, item: str, reviewer: str) -> tuple[Edit, ...]:
        """A reviewer's edits of an item, in the order they were made.

        Raises:
            KeyError: there is no such item.
        """
        with self._reading():
            return self._rows.edits(self._at(item, reviewer), reviewer)

    def add(self, edit: Edit, after: int) -> Edit:
        """Append an edit and renew the lease; whoever calls has seen that it fits the annotation (`reviewed`).

        Args:
            edit: without at and seq.
            after: the seq of the reviewer's last edit of the item that the person knew of, 0 for none.

        Returns:
            the edit as it is stored; one that is stored already is returned as it was.

        Raises:
            BadEdit: it is malformed, or takes back what cannot be taken back.
            NotHeld: somebody else has the item in hand, or has finished it.
            Stale: there is a later edit, the reviewer has finished the item, or the id belongs to another edit.
            KeyError: there is no such item.
        """
        edit, place = checked(edit), self._at(edit.item, edit.reviewer)
        with self._changing():
            if (known := self._rows.find(edit.id)) is not None:
                if known.said != edit.said:
                    raise Stale("this form was sent before, with other words; make the change once more")
                return known
            edits = self._ready(place, edit.reviewer, after)
            in_effect((*edits, edit))
            self._hold(place, edit.reviewer)
            return self._rows.append(place, edit, self._clock())

    def finish(self, item: str, reviewer: str, after: int) -> None:
        """Say that an item is as it should be, and give it back; a second time changes nothing.

        Raises:
            NotHeld, Stale, KeyError: as `add`.
        """
        place = self._at(item, reviewer)
        with self._changing():
            if reviewer not in self._standing(place).finished:
                self._ready(place, reviewer, after)
                self._rows.finish(place, reviewer, self._clock())

    def reopen(self, item: str, reviewer: str) -> None:
        """Take an item in hand again that one has finished; any other is left as it is.

        Raises:
            KeyError: there is no such item.
        """
        place = self._at(item, reviewer)
        with self._changing():
            if self._rows.reopen(place, reviewer):
                self._hold(place, reviewer)

    def release(self, item: str, reviewer: str) -> None:
        """Skip an item: it is free again, and comes to this reviewer after all others.

        Raises:
            KeyError: there is no such item.
        """
        place = self._at(item, reviewer)
        with self._changing():
            self._rows.let_go(place, reviewer)

    def progress(self) -> Progress:
        """How far the review is."""
        standings = self.standings()
        doubles = [one for one in standings if one.needs > 1]
        return Progress(
            items=len(standings),
            finished=sum(one.done for one in standings),
            in_hand=sum(bool(one.hands) for one in standings),
            doubles=len(doubles),
            doubles_finished=sum(len(one.finishers) > 1 for one in doubles),
            by_reviewer=dict(sorted(Counter(name for one in standings for name in one.finishers).items())),
        )

    def standings(self) -> tuple[Standing, ...]:
        """How far each item is, in the run's order."""
        with self._reading():
            return tuple(self._rows.standings(self._clock()))

    def anew(self) -> tuple[str, ...]:
        """Items that were annotated anew after people had worked on them, and that are not finished again."""
        with self._reading():
            done = {one.item for one in self._rows.standings(self._clock()) if one.done}
            return tuple(item for item in self._rows.anew() if item not in done)

    def finishers(self, item: str) -> tuple[str, ...]:
        """Who has finished an item, the first one first, without an adjudicator.

        Raises:
            KeyError: there is no such item.
        """
        with self._reading():
            return self._standing(self._place[item]).finishers

    def to_adjudicate(self) -> tuple[str, ...]:
        """The items that two have finished who differ, and that nobody has settled."""
        with self._reading():
            twice = [
                one for one in self._rows.standings(self._clock()) if len(one.finishers) > 1 and not one.adjudicator
            ]
            return tuple(
                one.item
                for one in twice
                if differ(*(self._rows.edits(self._place[one.item], name) for name in one.finishers[:2]))
            )

    def adjudicate(self, item: str, who: str, chosen: Sequence[Mapping[str, Any]]) -> tuple[Edit, ...]:
        """Settle an item: an adjudicator's edits of the annotation as it was made, all at once, and finished.

        Deciding again takes the first decision back.

        Args:
            item: its id.
            who: the adjudicator, with or without "adjudicator:".
            chosen: {"action", "trigger", "value", "why"} of each edit, as `fold.decision` makes them; whoever calls
                has seen that they fit.

        Returns:
            the edits in effect.

        Raises:
            BadEdit: one is malformed.
            NotHeld: another adjudicator has the item in hand or has settled it.
            KeyError: there is no such item.
        """
        name = ADJUDICATOR + who.removeprefix(ADJUDICATOR)
        place = self._at(item, name)
        with self._changing():
            standing = self._standing(place)
            if name not in standing.finished:
                self._ready(place, name, None)
            before = self._rows.edits(place, name)
            known = in_effect(before)
            salt: tuple[str | int, ...] = (item, name, len(before))
            made = [checked(_chosen(one, item, name, [*salt, n])) for n, one in enumerate(chosen)]
            if name not in standing.finished or list(map(_gist, known)) != list(map(_gist, made)):
                taken = [_taken_back(edit, [*salt, edit.id]) for edit in known]
                known = tuple([self._rows.append(place, edit, self._clock()) for edit in (*taken, *made)][len(taken) :])
                self._rows.finish(place, name, self._clock())
            return known

    def close(self) -> None:
        """Let the file go; a change that is under way ends first."""
        with self._lock:
            close_review(self._db)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, explained(self.path, "read"):
            yield

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock, explained(self.path, "written"), changing(self._db):
            yield

    def _at(self, item: str, reviewer: str) -> int:
        checked_name(reviewer)
        return self._place[item]

    def _ready(self, place: int, reviewer: str, after: int | None) -> tuple[Edit, ...]:
        """The reviewer's edits of an item that may be changed now, as the person knows it; None knows of any."""
        if (held := self._standing(place).held(reviewer)) is not None:
            if held.by == reviewer:
                raise Stale("you have finished this item; reopen it to change it")
            raise NotHeld(f"{held.by} has {'finished this item' if held.finished else 'this item in hand'}")
        edits = self._rows.edits(place, reviewer)
        if after is not None and after != (edits[-1].seq if edits else 0):
            raise Stale("this item was changed in another window; look at it as it is now")
        return edits

    def _standing(self, place: int) -> Standing:
        return self._rows.standing(place, self._clock())

    def _hold(self, place: int, reviewer: str) -> float:
        until = self._clock() + self._lease
        self._rows.hold(place, reviewer, until)
        return until


def _chosen(change: Mapping[str, Any], item: str, reviewer: str, salt: Sequence[str | int]) -> Edit:
    made = content_id(salt)
    trigger = added_id(made) if change["action"] == "add" else change["trigger"]
    return Edit(made, item, reviewer, change["action"], trigger, change["value"], change.get("why", ""))


def _taken_back(edit: Edit, salt: Sequence[str | int]) -> Edit:
    return Edit(content_id(salt), edit.item, edit.reviewer, "undo", "", {"edit": edit.id})


def _gist(edit: Edit) -> tuple[Any, ...]:
    """What an adjudicator's edit does; the id of a trigger that it adds is new each time."""
    return edit.action, edit.action == "add" or edit.trigger, edit.value, edit.why
