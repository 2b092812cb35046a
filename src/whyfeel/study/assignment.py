"""Which items a rater is given, on which sides, and in which order: pure functions of how the items stand.

Sides are counted as 0 (as in the design) and 1 (swapped). An item always goes to the side that fewer people hold, so
that no assignment sets the sides of an item further apart than one; what can is a skip, a withdrawal, or the coming
back of somebody who was away, and then each later assignment brings them closer by one. Neither side is ever given
more than half of an item's ratings, rounded up: of an item that has all its votes, the sides are within one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from whyfeel.study.collected import Role

GAP = 3  # trials from an item's first showing to its repeat, at least
Sides = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The showings of one item that count, by side.

    Attributes:
        held: answered, or waiting for an answer of somebody who is there.
        lapsed: waiting for an answer of somebody who is away: anybody may have them, and until then they are kept.
    """

    held: tuple[int, int] = (0, 0)
    lapsed: tuple[int, int] = (0, 0)

    def on(self, side: int) -> int:
        """Held and lapsed ones of a side."""
        return self.held[side] + self.lapsed[side]


@dataclass(frozen=True, slots=True)
class Given:
    """An item for a rater.

    Attributes:
        item: its id.
        side: 1 where it is swapped.
        instead: the side of the lapsed showing whose place it takes, None where there was room.
    """

    item: str
    side: int
    instead: int | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """A trial to be."""

    role: Role
    item: str
    swapped: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """What an item may have: votes, and whether its sides matter (two texts stand beside each other)."""

    ratings: int
    sided: bool

    def sides(self, standing: Standing) -> Sides:
        """On which sides an item may be shown next; none where all its ratings are held."""
        left, right = standing.held
        if left + right >= self.ratings:
            return ()
        if not self.sided:
            return (0,)
        if left != right:
            return (int(left > right),)
        if self._full(standing):
            return (0, 1)
        return tuple(side for side in (0, 1) if standing.on(side) < self._cap)

    def instead(self, standing: Standing, side: int) -> int | None:
        """The side of the lapsed showing that a new one on `side` replaces, None where there is room for both."""
        if not self._full(standing) and standing.on(side) < self._cap:
            return None
        return side if standing.lapsed[side] else 1 - side

    def level(self, standing: Standing) -> tuple[bool, int]:
        """The lower, the sooner an item is given: room before lapsed showings, and then the fewest held."""
        return self.instead(standing, self.sides(standing)[0]) is not None, sum(standing.held)

    @property
    def _cap(self) -> int:
        return (self.ratings + 1) // 2 if self.sided else self.ratings

    def _full(self, standing: Standing) -> bool:
        return standing.on(0) + standing.on(1) >= self.ratings


def choose(
    standings: Mapping[str, Standing],
    wanted: int,
    quota: Quota,
    draw: np.random.Generator,
    *,
    had: Collection[str] = (),
    lean: int = 0,
) -> tuple[Given, ...]:
    """The items for a rater, those with the fewest held first, drawn among equals.

    Of all choices that take the fewest first, one is made that keeps the rater's own sides within one of each other;
    where none does, one that keeps them as close as can be.

    Args:
        standings: of every item, in the design's order.
        wanted: items at most.
        quota: what an item may have.
        draw: the rater's generator.
        had: items that the rater has or had.
        lean: how many more of the rater's items stand on side 0 than on side 1.
    """
    sides = {item: quota.sides(one) for item, one in standings.items() if item not in had}
    free = [item for item, possible in sides.items() if possible]
    levels = {item: quota.level(standings[item]) for item in free}
    order = sorted((free[place] for place in draw.permutation(len(free))), key=levels.__getitem__)
    chosen, others = order[:wanted], order[wanted:]
    if quota.sided and others:
        last = levels[chosen[-1]] if chosen else None
        loose = [place for place, item in enumerate(chosen) if levels[item] == last]
        _exchange(chosen, loose, [item for item in others if levels[item] == last], sides, lean)
    given = _even(chosen, sides, lean, draw)
    return tuple(Given(item, side, quota.instead(standings[item], side)) for item, side in given)


def schedule(
    given: Sequence[Given], repeats: int, checks: Sequence[str], draw: np.random.Generator, *, sided: bool
) -> tuple[Showing, ...]:
    """The order in which a rater sees their items, with repeats and attention checks among them.

    A repeat has its sides exchanged, if it has any, and comes `GAP` trials after the first showing or later; as late
    as it can where there are fewer items than that. Attention checks are spread, one in each of equal stretches, and
    never come first.

    Args:
        given: items and their sides; the order is drawn.
        repeats: how many of them come a second time; all, where there are fewer.
        checks: attention checks.
        draw: the rater's generator.
        sided: whether there are sides to exchange.
    """
    order = [Showing("item", given[place].item, bool(given[place].side)) for place in draw.permutation(len(given))]
    room = max(0, len(order) - GAP + 1)  # items that have enough others behind them
    if repeats > room:  # nearly all: in the order of their firsts
        order += [_again(one, sided) for one in order[:repeats]]
    else:
        for first in [order[place] for place in sorted(draw.permutation(room)[:repeats])]:
            earliest = order.index(first) + GAP
            order.insert(int(draw.integers(earliest, len(order) + 1)), _again(first, sided))
    length = len(order)
    if not length:
        return ()
    for n, check in reversed(list(enumerate(checks))):  # from the end, so that places before it stay what they are
        within = (n + float(draw.random())) / len(checks)
        order.insert(1 + int(within * length), Showing("attention", check))
    return tuple(order)


def _again(first: Showing, sided: bool) -> Showing:
    return Showing("repeat", first.item, sided and not first.swapped)


def _exchange(
    chosen: list[str], loose: Sequence[int], equals: Sequence[str], sides: Mapping[str, Sides], lean: int
) -> None:
    """Where more items must stand on one side than all others can make up for, put equals in the place of some.

    Args:
        chosen: the items; changed.
        loose: their places that an equal may have.
        equals: items that were not chosen though they might as well have been.
        sides: where items may stand.
        lean: as in `choose`.
    """
    forced = lean + sum(1 - 2 * sides[item][0] for item in chosen if len(sides[item]) == 1)
    over = abs(forced) - sum(len(sides[item]) == 2 for item in chosen)
    heavy = (int(forced < 0),)
    goes = (place for place in loose if sides[chosen[place]] == heavy)
    comes = (item for item in equals if sides[item] != heavy)
    # whether the other side or either is open to what comes: each exchange brings the sides closer by two
    for place, item in zip(islice(goes, max(0, over // 2)), comes, strict=False):
        chosen[place] = item


def _even(
    chosen: Sequence[str], sides: Mapping[str, Sides], lean: int, draw: np.random.Generator
) -> list[tuple[str, int]]:
    """A side for each item: the only one there is, or the one that the rater has had less often."""
    lean += sum(1 - 2 * sides[item][0] for item in chosen if len(sides[item]) == 1)
    given = []
    for item in chosen:
        side = sides[item][0]
        if len(sides[item]) == 2:
            side = int(lean > 0) if lean else int(draw.integers(2))
            lean += 1 - 2 * side
        given.append((item, side))
    return given
