"""A process that votes until it is killed, and says so after each vote: python voter.py PLACE NAME."""

from __future__ import annotations

import asyncio
import sys

from store_parts import small, working

from whyfeel.study.database import open_database
from whyfeel.study.store import StudyStore

DESIGN = small(40, ratings=20, each=10)


async def vote(store: StudyStore) -> None:
    """Rater after rater, vote after vote; a line of rater, place and answer for each that was taken."""
    while True:
        rater = await working(store)
        while (trial := await store.next(rater)) is not None:
            answer = ("left", "right", "both good")[trial.place % 3]
            await store.answer(rater, trial.place, answer)
            sys.stdout.write(f"{rater} {trial.place} {answer}\n")
            sys.stdout.flush()
        await store.finish(rater)


async def main(place: str, name: str) -> None:
    store = StudyStore(await open_database(place, name), DESIGN)
    await store.prepare()
    await vote(store)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
