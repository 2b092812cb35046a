"""How many items and raters a study takes, before anybody is asked: pure formulas, and what `study plan` prints.

A share of decided votes is tested as its Wilson interval tests it in the results: with the variance that one half would
have, and no correction for continuity. Votes of one item resemble each other, which costs a part of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from whyfeel.errors import UserError
from whyfeel.stats.power import NORMAL, Spread, design_effect, detectable, needed
from whyfeel.study.design import Kind

SHARE, TIES, DIFFERENCE, SD = 0.6, 0.15, 0.5, 1.0
NEAREST = 1e-3  # to one half: nobody plans for less
MOST = 10**7
SIZES = (25, 50, 100, 200, 400)
ALIKE = "Votes of one item are taken to correlate by {agreement:g}, items for independent: one item a picture."
STEADY = "Raters are taken to be alike; where they differ, more raters with fewer items each show more."
NOBODY = "Nobody is taken to skip, to leave or to be left out: ask a few more."
TIED = "{ties:.0%} of the votes are taken to be ties, both good or both bad, which decide nothing."
SPREAD = "A rating is taken to have an sd of {sd:g} points; both systems' texts are about the same samples."


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a plan rests on.

    Attributes:
        ratings: votes an item gets, 1 or more.
        agreement: the intraclass correlation of votes of one item, from 0 to 1.
        ties: the share of votes that decide nothing, from 0 to below 1; 0 for ratings.
        alpha: how often something is found where there is nothing, above 0 and below 0.5.
        power: how often it is found where it is as large as asked, from 0.5 to below 1.
    """

    ratings: int = 3
    agreement: float = 0.2
    ties: float = 0.0
    alpha: float = 0.05
    power: float = 0.8

    @property
    def effect(self) -> float:
        """By how much correlated votes widen the variance of a share or a mean; 1 for independent ones.

        Each vote being a tie by chance, a decided vote has on average (ratings - 1)(1 - ties) decided ones beside it.
        """
        return design_effect(1 + (self.ratings - 1) * (1 - self.ties), self.agreement)

    @property
    def worth(self) -> float:
        """How many independent decided votes an item's votes are worth."""
        return self.ratings * (1 - self.ties) / self.effect

    def check(self) -> None:
        """That the assumptions can be.

        Raises:
            ValueError: an argument is out of its range.
        """
        if not 1 <= self.ratings <= MOST or not 0 <= self.ties < 1 or not 0 <= self.agreement <= 1:
            raise ValueError(
                "expected a rating or more an item, ties from 0 to below 1 and agreement from 0 to 1, "
                f"got {self.ratings}, {self.ties} and {self.agreement}"
            )
        if not 0 < self.alpha < 0.5 <= self.power < 1:
            raise ValueError(f"expected 0 < alpha < 0.5 <= power < 1, got {self.alpha} and {self.power}")


def power_of_share(share: float, items: float, assumed: Assumed) -> float:
    """How often so many items show that a share of the decided votes is not one half, on its own side; 0 to 1.

    Args:
        share: of one system among the decided votes, from 0.5 to 1.

    Source: the normal approximation to the score test of one share, whose inverse is Wilson's interval: Fleiss, Levin
    and Paik, Statistical methods for rates and proportions (2003), 2.5, without the correction; the design effect is
    Kish's, Survey sampling (1965), 5.4.

    >>> round(power_of_share(0.6, 194, Assumed(ratings=1)), 2)
    0.8
    """
    root = math.sqrt(items * assumed.worth)
    over = (share - 0.5) * root + NORMAL.inv_cdf(assumed.alpha / 2) / 2
    spread = math.sqrt(share * (1 - share))
    return NORMAL.cdf(over / spread) if spread else float(over > 0)


def items_for_share(share: float, assumed: Assumed) -> int:
    """How many items show that a share of the decided votes is not one half.

    Args:
        share: 0.5 + NEAREST or more, below 1.

    Raises:
        ValueError: an argument is out of its range.

    >>> items_for_share(0.6, Assumed(ratings=1)), items_for_share(0.6, Assumed(ratings=3, ties=0.15))
    (194, 102)
    """
    assumed.check()
    if not 0.5 + NEAREST <= share < 1:
        raise ValueError(f"expected a share from {0.5 + NEAREST} to below 1, got {share}")
    ends = NORMAL.inv_cdf(assumed.power) * math.sqrt(share * (1 - share)) - NORMAL.inv_cdf(assumed.alpha / 2) / 2
    return math.ceil((ends / (share - 0.5)) ** 2 / assumed.worth)


def share_for_items(items: int, assumed: Assumed) -> float | None:
    """The smallest share above one half that so many items show, None where not even unanimity would.

    >>> round(share_for_items(194, Assumed(ratings=1)) or 0, 3)
    0.6
    >>> share_for_items(3, Assumed(ratings=1)) is None
    True
    """
    assumed.check()
    if not 1 <= items <= MOST:
        raise ValueError(f"expected from 1 to {MOST:,} items, got {items}")
    low, high = 0.5, 1.0
    if power_of_share(high, items, assumed) < assumed.power:
        return None
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if power_of_share(middle, items, assumed) >= assumed.power else (middle, high)
    return high


def items_for_difference(difference: float, sd: float, assumed: Assumed) -> int:
    """How many items of each of two systems show that their mean ratings differ.

    Args:
        difference: in points, above 0.
        sd: of a rating, in points, above 0.

    Raises:
        ValueError: an argument is out of its range.

    Source: the normal approximation for two independent means, with Kish's design effect. That both systems' texts are
    about the same samples can only help.

    >>> items_for_difference(0.5, 1, Assumed(ratings=1))
    63
    """
    assumed.check()
    if not (0 < difference < math.inf and 0 < sd < math.inf and sd / difference < 1e4):
        raise ValueError(f"expected a difference and an sd above 0, of like size, got {difference} and {sd}")
    # in units of the difference
    return needed(_spread(sd / difference, assumed), 1.0, alpha=assumed.alpha, power=assumed.power)


def difference_for_items(items: int, sd: float, assumed: Assumed) -> float:
    """The smallest difference of two mean ratings that so many items of each system show, in points.

    >>> round(difference_for_items(63, 1, Assumed(ratings=1)), 3)
    0.499
    """
    assumed.check()
    if not 0 < sd < math.inf or not 1 <= items <= MOST:
        raise ValueError(f"expected an sd above 0 and from 1 to {MOST:,} items, got {sd} and {items}")
    return detectable(_spread(sd, assumed), items, alpha=assumed.alpha, power=assumed.power)


def _spread(sd: float, assumed: Assumed) -> Spread:
    """Of the difference of two texts' mean ratings."""
    return Spread(sd, None, sd * math.sqrt(2 / assumed.worth))


def plan_study(
    kind: Kind,
    *,
    share: float | None = None,
    ties: float | None = None,
    difference: float | None = None,
    sd: float | None = None,
    items: int | None = None,
    items_each: int = 20,
    ratings: int = 3,
    agreement: float = 0.2,
    alpha: float = 0.05,
    power: float = 0.8,
) -> dict[str, Any]:
    """What a study shows that is so large, or how large it must be.

    Args:
        share: pairwise: the share of decided votes to be shown (0.6); `difference`: rating: points between two means
            (0.5). Not with `items`.
        ties: pairwise: as in `Assumed` (0.15); `sd`: rating: of a rating, in points (1).
        items: of a rating study, of each of the two systems.
        items_each: that a rater gets.
        ratings, agreement, alpha, power: as in `Assumed`.

    Returns:
        {"kind", "asked": "items" or "share" or "difference", "items", "share" or "difference" (None where no share can
        be shown), "texts": that are judged, "votes", "raters": at least, "items_each", "assumed", "effect", "sizes":
        [{"items", "raters", "share" or "difference"}], "assumptions": sentences}.

    Raises:
        UserError: an option is of the other kind, or out of its range.
    """
    pairwise = kind == "pairwise"
    asked, size = ("share", share) if pairwise else ("difference", difference)
    _check(kind, items, {"share": share, "ties": ties}, {"difference": difference, "sd": sd})
    tied = (TIES if ties is None else ties) if pairwise else 0.0
    sd = SD if sd is None else sd
    assumed = Assumed(ratings, agreement, tied, alpha, power)
    try:
        if items_each < 1:
            raise ValueError(f"expected an item or more each, got {items_each}")  # noqa: TRY301 - told as the others
        shown = _shown(kind, sd, assumed)
        if items is None:
            size = (SHARE if pairwise else DIFFERENCE) if size is None else size
            items = items_for_share(size, assumed) if pairwise else items_for_difference(size, sd, assumed)
        else:
            asked, size = "items", shown(items)
        sizes = [_size(kind, one, shown(one), ratings, items_each) for one in SIZES]
    except ValueError as error:
        raise UserError(f"study plan: {error}") from None
    texts = items if pairwise else 2 * items
    sentences = (ALIKE, TIED if pairwise else SPREAD, STEADY, NOBODY)
    return {
        "kind": kind,
        "asked": asked,
        **_size(kind, items, size, ratings, items_each),
        "texts": texts,
        "votes": texts * ratings,
        "items_each": items_each,
        "assumed": asdict(assumed) | ({} if pairwise else {"sd": sd}),
        "effect": assumed.effect,
        "sizes": sizes,
        "assumptions": [one.format(agreement=agreement, ties=tied, sd=sd) for one in sentences],
    }


def _shown(kind: Kind, sd: float, assumed: Assumed) -> Callable[[int], float | None]:
    if kind == "pairwise":
        return lambda items: share_for_items(items, assumed)
    return lambda items: difference_for_items(items, sd, assumed)


def _size(kind: Kind, items: int, shown: float | None, ratings: int, items_each: int) -> dict[str, Any]:
    """What so many items take and show; nobody judges a text twice."""
    texts = items if kind == "pairwise" else 2 * items
    raters = math.ceil(texts * ratings / min(items_each, texts))
    return {"items": items, "raters": raters, "share" if kind == "pairwise" else "difference": shown}


def _check(
    kind: Kind, items: int | None, of_pairs: dict[str, float | None], of_ratings: dict[str, float | None]
) -> None:
    if kind not in {"pairwise", "rating"}:
        raise UserError(f"--kind: expected pairwise or rating, got {kind!r}")
    other, of_others = ("rating", of_ratings) if kind == "pairwise" else ("pairwise", of_pairs)
    for name, value in of_others.items():
        if value is not None:
            raise UserError(f"--{name} is for --kind {other}; the kind is {kind}")
    effect = "share" if kind == "pairwise" else "difference"
    if items is not None and (of_pairs | of_ratings)[effect] is not None:
        raise UserError(f"give either --{effect} or --items: the other one is what is answered")
