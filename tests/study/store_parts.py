"""Designs, a clock and raters for tests of the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from simulated import make_design

from whyfeel.study.collected import Trial
from whyfeel.study.database import Database
from whyfeel.study.design import Design, Kind
from whyfeel.study.store import StudyStore

LEASE = 600.0
Place = tuple[str | Path, str]  # as open_database takes it
Opener = Callable[[], Awaitable[Database]]
StoreOpener = Callable[..., Awaitable[StudyStore]]


class Clock:
    """Seconds since 1970 that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def small(
    items: int = 6, *, ratings: int = 2, each: int | None = None, kind: Kind = "pairwise", **terms: int
) -> Design:
    """A design without repeats and attention checks, unless they are asked for."""
    made = make_design(kind, items=items)
    given = {"repeats": 0, "attention": 0} | terms
    return replace(made, terms=replace(made.terms, ratings=ratings, items=each or items, lease=LEASE, **given))


async def working(store: StudyStore) -> int:
    """The id of a new rater who has understood the instructions."""
    rater = await store.rater(await store.begin())
    assert rater is not None
    return (await store.comprehend(rater.id, right=True)).id


async def complete(store: StudyStore, rater: int, answer: Callable[[Trial], str] = lambda _: "left") -> list[Trial]:
    """Answer all that there is for a rater."""
    done = []
    while (trial := await store.next(rater)) is not None:
        done.append(await store.answer(rater, trial.place, answer(trial)))
    return done
