"""Figures of a study with intervals that know what belongs together: votes of one picture, or answers of one rater."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from whyfeel.stats.bootstrap import Interval
from whyfeel.stats.choices import Figure
from whyfeel.stats.intervals import OVERALL, estimate
from whyfeel.stats.proportions import wilson
from whyfeel.stats.series import Series

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Draws:
    """How intervals are drawn: the design's seed, and how many resamples."""

    seed: int
    resamples: int = RESAMPLES


def share(hits: Sequence[bool], clusters: Sequence[str], draws: Draws, nothing: str) -> dict[str, Any]:
    """A share with Wilson's interval and that of whole clusters.

    Args:
        hits: shape (n,).
        clusters: what is drawn together, shape (n,).
        draws: how.
        nothing: why there is no share where there is nothing to count.

    Returns:
        "n", and what `Figure.to_json` has.
    """
    n, count = len(hits), sum(hits)
    if not n:
        none = Interval(None, None, nothing)
        return {"n": 0} | Figure(None, none, none, nothing).to_json()
    drawn = mean(list(map(float, hits)), clusters, draws, nothing)
    ends = Interval(drawn["low"], drawn["high"], drawn.get("why", ""))
    if drawn["low"] is not None and drawn["low"] == drawn["high"]:
        ends = Interval(None, None, "all resamples are alike")  # as of what is chosen: it would promise certainty
    return {"n": n} | Figure(count / n, wilson(count, n), ends).to_json()


def mean(values: Sequence[float], clusters: Sequence[str], draws: Draws, nothing: str) -> dict[str, Any]:
    """A mean with the 95% interval of a bootstrap that draws whole clusters.

    Args:
        values: shape (n,).
        clusters: what is drawn together, shape (n,).
        draws: how.
        nothing: why there is no mean where there are no values.

    Returns:
        "value", "low", "high", "n", and "why" where a number is missing.
    """
    if not values:
        return {"value": None, "low": None, "high": None, "n": 0, "why": nothing}
    series = Series("mean", np.array(values, np.float64), np.ones(len(values)))
    found = estimate(
        *([series], [""] * len(values), clusters), order=[""], macro=False, seed=draws.seed, resamples=draws.resamples
    )
    told = found["mean"][OVERALL].to_json()
    del told["bounds"]
    if len(set(clusters)) < 2:
        told["why"] = "all of one picture or rater: no interval"
    return told


def pairwise_share(votes: Sequence[Sequence[float]], within: float) -> list[float | None]:
    """Of each item's pairs of votes, the share that lie no further apart; None where it has fewer than two.

    >>> pairwise_share([[1, 1, 2], [3]], 0)
    [0.3333333333333333, None]
    """
    found: list[float | None] = []
    for one in votes:
        apart = [abs(first - second) for first, second in combinations(one, 2)]
        found.append(sum(distance <= within for distance in apart) / len(apart) if apart else None)
    return found
