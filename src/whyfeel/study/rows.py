"""What the tables of a study hold, read and written within whatever transaction the store has begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from whyfeel.study.assignment import Showing, Standing
from whyfeel.study.collected import STATUSES, Progress, Rater, Trial, Unblinding
from whyfeel.study.database import Transaction
from whyfeel.study.design import SKIP

RATER = "SELECT id, entrant, status, tries, begun, seen, ended FROM raters"
TRIAL = "SELECT rater, place, role, item, swapped, shown, answered, answer, {comment}, passed_on FROM trials"
WITH_COMMENT, WITHOUT = TRIAL.format(comment="comment"), TRIAL.format(comment="''")
BOTH = "FROM trials JOIN raters ON raters.id = trials.rater"
# showings that take up one of an item's ratings; the last column tells those of raters who are away
STANDINGS = f"""
SELECT item, swapped, CASE WHEN answered IS NULL AND seen < ? THEN 1 ELSE 0 END, count(*) {BOTH}
WHERE role = 'item' AND passed_on = 0 AND answer <> '{SKIP}' AND status IN ('working', 'finished') GROUP BY 1, 2, 3
"""
LAPSED = f"""
SELECT trials.rater, place {BOTH}
WHERE item = ? AND swapped = ? AND role = 'item' AND passed_on = 0 AND answered IS NULL AND status = 'working'
  AND seen < ? ORDER BY seen, trials.rater LIMIT 1
"""
ANSWERS = f"""
SELECT item, status, CASE WHEN answer = '{SKIP}' THEN 1 ELSE 0 END, count(*) {BOTH}
WHERE role = 'item' AND answered IS NOT NULL GROUP BY 1, 2, 3
"""
IN_HAND = f"""
SELECT count(*) {BOTH}
WHERE role = 'item' AND passed_on = 0 AND answered IS NULL AND status = 'working' AND seen >= ?
"""
AT_ONCE = 1000  # rows of one INSERT: SQLite takes some 32,000 values


class Rows:
    """The rows of a study.

    Args:
        db: the transaction.
    """

    def __init__(self, db: Transaction) -> None:
        self.db = db

    async def rater(self, rater: int) -> Rater:
        """One rater.

        Raises:
            ValueError: there is none of that id.
        """
        found = await self.db.rows(f"{RATER} WHERE id = ?", rater)
        if not found:
            raise ValueError(f"there is no rater {rater!r}")
        return Rater(*found[0])

    async def raters(self) -> tuple[Rater, ...]:
        """All of them, in the order of their ids."""
        return tuple(Rater(*row) for row in await self.db.rows(f"{RATER} ORDER BY id"))

    async def by_entrant(self, entrant: str) -> int | None:
        """The id of who came as this entrant."""
        found = await self.db.rows("SELECT id FROM raters WHERE entrant = ?", entrant)
        return int(found[0][0]) if found else None

    async def by_token(self, digest: str) -> Rater | None:
        """Whose token has this hash."""
        found = await self.db.rows(f"{RATER} JOIN tokens ON tokens.rater = raters.id WHERE hash = ?", digest)
        return Rater(*found[0]) if found else None

    async def add_rater(self, entrant: str, now: float) -> int:
        """A new rater's id."""
        last = (await self.db.rows("SELECT coalesce(max(id), 0) FROM raters"))[0][0]
        values = (last + 1, entrant, "consented", 0, now, now)
        await self.db.run(
            "INSERT INTO raters (id, entrant, status, tries, begun, seen) VALUES (?, ?, ?, ?, ?, ?)", *values
        )
        return int(values[0])

    async def add_token(self, digest: str, rater: int) -> None:
        """Let a token stand for a rater."""
        await self.db.run("INSERT INTO tokens (hash, rater) VALUES (?, ?)", digest, rater)

    async def update(self, rater: Rater) -> Rater:
        """Write what changes about a rater."""
        changed = (rater.status, rater.tries, rater.seen, rater.ended)
        await self.db.run(
            "UPDATE raters SET status = ?, tries = ?, seen = ?, ended = ? WHERE id = ?", *changed, rater.id
        )
        return rater

    async def trial(self, rater: int, place: int) -> Trial | None:
        """One trial, None where there is none of that place."""
        if not 0 < place < 2**31:  # a column holds no more
            return None
        found = await self.db.rows(f"{WITH_COMMENT} WHERE rater = ? AND place = ?", rater, place)
        return _trial(found[0]) if found else None

    async def waiting(self, rater: int) -> list[Trial]:
        """A rater's trials without an answer, those passed on among them, by place."""
        rows = await self.db.rows(f"{WITHOUT} WHERE rater = ? AND answered IS NULL ORDER BY place", rater)
        return list(map(_trial, rows))

    async def trials_of(self, rater: int) -> list[Trial]:
        """A rater's trials by place, without their comments."""
        return list(map(_trial, await self.db.rows(f"{WITHOUT} WHERE rater = ? ORDER BY place", rater)))

    async def trials(self) -> tuple[Trial, ...]:
        """All trials, by rater and place."""
        return tuple(map(_trial, await self.db.rows(f"{WITH_COMMENT} ORDER BY rater, place")))

    async def add_trials(self, rater: int, first: int, showings: Sequence[Showing]) -> None:
        """Append trials, the first of them at the place `first`."""
        rows = [(rater, place, one.role, one.item, int(one.swapped)) for place, one in enumerate(showings, first)]
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            marks = ", ".join(["(?, ?, ?, ?, ?, '', '', 0)"] * len(part))
            await self.db.run(
                f"INSERT INTO trials (rater, place, role, item, swapped, answer, comment, passed_on) VALUES {marks}",  # noqa: S608
                *(value for row in part for value in row),
            )

    async def show(self, trial: Trial, now: float) -> None:
        """Note when a trial was first shown."""
        await self.db.run("UPDATE trials SET shown = ? WHERE rater = ? AND place = ?", now, trial.rater, trial.place)

    async def put_answer(self, trial: Trial) -> None:
        """Write a trial's answer."""
        values = (trial.answered, trial.answer, trial.comment, trial.rater, trial.place)
        await self.db.run(
            "UPDATE trials SET answered = ?, answer = ?, comment = ? WHERE rater = ? AND place = ?", *values
        )

    async def pass_on(self, item: str, swapped: int, away: float) -> None:
        """Take an item's showing from the rater who was last seen the longest time ago, before `away`."""
        [[rater, place]] = await self.db.rows(LAPSED, item, swapped, away)
        await self.db.run("UPDATE trials SET passed_on = 1 WHERE rater = ? AND place = ?", rater, place)
        await self.drop_repeat(rater, item)

    async def drop_repeat(self, rater: int, item: str) -> None:
        """There is nothing to repeat any more; the repeat has not been shown, since the item comes before it."""
        await self.db.run("DELETE FROM trials WHERE rater = ? AND item = ? AND role = 'repeat'", rater, item)

    async def drop_checks(self, rater: int) -> list[str]:
        """Take attention checks that have not been shown back; which they were."""
        where = "WHERE rater = ? AND role = 'attention' AND shown IS NULL"
        found = await self.db.rows(f"SELECT item FROM trials {where} ORDER BY place", rater)  # noqa: S608
        await self.db.run(f"DELETE FROM trials {where}", rater)  # noqa: S608
        return [item for (item,) in found]

    async def standings(self, away: float) -> dict[str, Standing]:
        """How the showings of each item stand that has any; raters who were last seen before `away` are away."""
        counts: dict[str, list[int]] = {}
        for item, swapped, lapsed, count in await self.db.rows(STANDINGS, away):
            counts.setdefault(item, [0, 0, 0, 0])[2 * lapsed + swapped] = count
        return {item: Standing((a, b), (c, d)) for item, (a, b, c, d) in counts.items()}

    async def progress(self, items: int, ratings: int, away: float) -> Progress:
        """How far the study is."""
        raters = dict.fromkeys(STATUSES, 0)
        for status, count in await self.db.rows("SELECT status, count(*) FROM raters GROUP BY status"):
            raters[status] = count
        votes: dict[str, int] = {}
        skipped = left = 0
        for item, status, skip, count in await self.db.rows(ANSWERS):
            if skip:
                skipped += count
            elif status == "withdrawn":
                left += count
            else:
                votes[item] = votes.get(item, 0) + count
        known = await self.unblinding()
        return Progress(
            raters=raters,
            votes=sum(votes.values()),
            wanted=items * ratings,
            complete=sum(count >= ratings for count in votes.values()),
            in_hand=(await self.db.rows(IN_HAND, away))[0][0],
            skipped=skipped,
            left_before=left,
            unblinded=None if known is None else known.at,
        )

    async def describe(self, rater: int, answers: Mapping[str, str]) -> None:
        """Put what a rater says of themselves in the place of what they said before."""
        await self.db.run("DELETE FROM demographics WHERE rater = ?", rater)
        for name, answer in answers.items():
            await self.db.run("INSERT INTO demographics (rater, name, answer) VALUES (?, ?, ?)", rater, name, answer)

    async def demographics(self) -> dict[int, dict[str, str]]:
        """Rater to name to answer."""
        found: dict[int, dict[str, str]] = {}
        for rater, name, answer in await self.db.rows("SELECT rater, name, answer FROM demographics ORDER BY rater"):
            found.setdefault(rater, {})[name] = answer
        return found

    async def unblinding(self) -> Unblinding | None:
        """When the study was unblinded."""
        at, votes = (await self.db.rows("SELECT unblinded, votes FROM study"))[0]
        return None if at is None else Unblinding(at, votes)

    async def unblind(self, at: float, votes: int) -> None:
        """Write down that the study was unblinded."""
        await self.db.run("UPDATE study SET unblinded = ?, votes = ?", at, votes)


def _trial(row: Sequence[Any]) -> Trial:
    rater, place, role, item, swapped, shown, answered, answer, comment, passed_on = row
    return Trial(rater, place, role, item, bool(swapped), shown, answered, answer, comment, bool(passed_on))
