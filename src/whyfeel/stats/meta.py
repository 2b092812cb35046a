"""Does a metric, or a judge, agree with people? Held against their choices between two answers, or their ratings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whyfeel.stats.choices import CHOICES, Choice
from whyfeel.stats.intervals import OVERALL, Estimate, estimate
from whyfeel.stats.ranks import kendall, rho_of, spearman, tau_of
from whyfeel.stats.resampling import Agreement, Bootstrap, Indices, Kernel, check, merged, resampled, tally, within
from whyfeel.stats.series import Floats, Series

Coefficient = Literal["auc", "kendall", "spearman"]
SIGNS: dict[Choice, float] = {"A": 1.0, "B": -1.0, "both good": 0.0, "both bad": 0.0}
ONE_SIDED = "undefined (only one of the two answers was measured)"
ONE_WAY = "undefined (all decided votes went one way)"
NO_VOTE = "undefined (no decided vote has a value)"


@dataclass(frozen=True, slots=True)
class Chosen:
    """How well a metric predicts which of two answers people choose.

    Attributes:
        n: votes whose answers have a value.
        decided: those of them for A or B.
        left_out: votes whose answers have no value.
        auc: how probable it is that a vote for A has a higher value than a vote for B, ties half: 0.5 is chance.
        kendall: tau-b of the values with the votes, B below neither below A, from -1 to 1.
        accuracy: the share of decided votes that went to the answer with the higher value, ties half: 0.5 is chance.
    """

    n: int
    decided: int
    left_out: int
    auc: Agreement
    kendall: Agreement
    accuracy: Agreement

    def to_json(self) -> dict[str, Any]:
        """The entry in a report."""
        told = {"auc": self.auc.to_json(), "kendall": self.kendall.to_json(), "accuracy": self.accuracy.to_json()}
        return {"n": self.n, "decided": self.decided, "left_out": self.left_out, **told}


def chosen(
    values: Floats, votes: Sequence[Choice], bootstrap: Bootstrap | None = None, *, both_sides: bool = True
) -> Chosen:
    """A metric held against people's choices, with intervals from resamples of whole pictures.

    Metrics that are held against the same votes see the same resamples.

    Args:
        values: shape (votes,): the metric of answer A less that of answer B; or of A alone, where B, such as a human
            reference, has none. NaN where it has no value.
        votes: shape (votes,).
        bootstrap: how intervals are drawn, its clusters the pictures of the votes; None for no intervals.
        both_sides: whether the values are differences; A's alone do not say which of the two is the better one, so
            that there is no accuracy.

    Raises:
        ValueError: lengths differ, a value is infinite, or a vote is none of CHOICES.

    >>> found = chosen(np.array([0.5, 0.25, -0.5, 0.25]), ["A", "A", "B", "B"])
    >>> found.auc.value, found.accuracy.value
    (0.875, 0.75)
    """
    ratings = _with_votes(values, votes)
    known = ~np.isnan(ratings[:, 0])
    decided = known & (ratings[:, 1] != 0)
    right = np.where(decided, (np.sign(values) * ratings[:, 1] + 1) / 2, np.nan)
    return Chosen(
        int(known.sum()),
        int(decided.sum()),
        int((~known).sum()),
        _coefficient(_decided(ratings), _auc, bootstrap, ONE_WAY if decided.any() else NO_VOTE),
        kendall(ratings, bootstrap),
        _share(right, bootstrap) if both_sides else Agreement(None, ONE_SIDED),
    )


def means_by_vote(
    values: Floats, votes: Sequence[Choice], clusters: Sequence[str], *, seed: int, resamples: int = 10_000
) -> dict[Choice, Estimate]:
    """The mean of a metric over the votes for each choice, with intervals clustered by picture.

    A metric that people would share has another mean where they chose the answer it measures.

    Args:
        values: shape (votes,), finite, or NaN where the metric has none.
        votes: shape (votes,).
        clusters: the picture of each vote.
        seed: of the draws, which are those of `intervals.estimate`.
        resamples: how many, at least 1.

    Returns:
        the choices that were made. There are no bounds: what has no value might have had any.

    Source: Deng et al., Socratis (2023), arXiv 2308.16741, the table of metrics by vote.
    """
    one = Series("mean", _with_votes(values, votes)[:, 0], np.ones(len(votes)))
    found = estimate([one], votes, clusters, order=CHOICES, macro=False, seed=seed, resamples=resamples)[one.name]
    return {choice: replace(found[choice], bounds=None) for choice in CHOICES if choice in found}


@dataclass(frozen=True, slots=True)
class Rated:
    """How far a metric's values lie from people's ratings.

    Attributes:
        n: items with a value and a rating.
        left_out: items without one of them.
        spearman, kendall: whether both put items in the same order, from -1 to 1.
        bias: the mean of value - rating.
        absolute: the mean of |value - rating|; this and `bias` mean something where both have one scale.
    """

    n: int
    left_out: int
    spearman: Agreement
    kendall: Agreement
    bias: Estimate
    absolute: Estimate

    def to_json(self) -> dict[str, Any]:
        """The entry in a report."""
        orders = {"spearman": self.spearman.to_json(), "kendall": self.kendall.to_json()}
        means = {"bias": self.bias.to_json(), "absolute": self.absolute.to_json()}
        return {"n": self.n, "left_out": self.left_out, **orders, **means}


def rated(values: Floats, ratings: Floats, bootstrap: Bootstrap) -> Rated:
    """A metric, or a judge, held against people's ratings, with intervals from resamples of whole pictures.

    Args:
        values: shape (items,), NaN where it has none.
        ratings: shape (items,): one person's, or the mean of several; NaN where nobody rated.
        bootstrap: how intervals are drawn.

    Raises:
        ValueError: lengths differ or a number is infinite.

    >>> found = rated(np.array([1.0, 3, 4]), np.array([1.0, 2, 5]), Bootstrap(0, 100))
    >>> round(found.spearman.value, 9), round(found.absolute.value, 3), found.bias.value
    (1.0, 0.667, 0.0)
    """
    both = _stacked(values, ratings)
    gaps = np.isnan(both).any(axis=1)
    clusters = [f"{i:09}" for i in range(len(both))] if bootstrap.clusters is None else bootstrap.clusters
    apart = both[:, 0] - both[:, 1]
    means = estimate(
        [Series("bias", apart, np.ones(len(apart))), Series("absolute", np.abs(apart), np.ones(len(apart)))],
        *([""] * len(apart), clusters),
        order=[""],
        macro=False,
        seed=bootstrap.seed,
        resamples=bootstrap.resamples,
    )
    return Rated(
        int((~gaps).sum()),
        int(gaps.sum()),
        spearman(both, bootstrap),
        kendall(both, bootstrap),
        *(replace(means[name][OVERALL], bounds=None) for name in ("bias", "absolute")),
    )


def differences(
    values: Mapping[str, Floats], people: Floats | Sequence[Choice], of: Coefficient, bootstrap: Bootstrap
) -> dict[tuple[str, str], Agreement]:
    """By how much each metric agrees more with people than each one after it, on the same items and resamples.

    Two intervals may overlap where that of their difference excludes 0: both metrics see the same luck.

    Args:
        values: metrics by name, each of shape (items,), as in `chosen` or `rated`; of every two, items without both
            values are left out.
        people: ratings, NaN where nobody rated; or votes.
        of: which coefficient is taken.
        bootstrap: how the intervals are drawn.

    Returns:
        every two names, in the order of `values`, with a number from -2 to 2; undefined where one of the two
        coefficients is.

    Raises:
        ValueError: lengths differ, a number is infinite, or AUC is asked for ratings.
    """
    if of == "auc" and isinstance(people, np.ndarray):
        raise ValueError("expected votes for a difference of AUC, got ratings")
    held = {
        name: _stacked(one, people) if isinstance(people, np.ndarray) else _with_votes(one, people)
        for name, one in values.items()
    }
    for ratings in held.values():
        check(ratings, bootstrap)
    held = {name: _decided(one) if of == "auc" else one for name, one in held.items()}
    gaps = {name: np.isnan(one).any(axis=1) for name, one in held.items()}

    @cache  # a metric is resampled once, not once for each other
    def coefficient(name: str, left_out: bytes) -> tuple[float, Floats]:
        return _resampled(held[name], np.frombuffer(left_out, np.bool_), KERNELS[of], bootstrap)

    found = {}
    for one, other in combinations(values, 2):
        left_out = (gaps[one] | gaps[other]).tobytes()
        (first, drawn), (second, drawn_second) = coefficient(one, left_out), coefficient(other, left_out)
        both = min(len(drawn), len(drawn_second))  # one that is undefined has no resamples
        apart = drawn[:both] - drawn_second[:both]
        found[one, other] = within(first - second, apart, bootstrap, f"undefined (so is one {of})")
    return found


def _with_votes(values: Floats, votes: Sequence[Choice]) -> Floats:
    """Values beside votes as 1 for A, -1 for B and 0 for neither, shape (votes, 2)."""
    if strange := set(votes) - set(CHOICES):
        raise ValueError(f"expected votes of {CHOICES}, got {min(strange)!r}")
    return _stacked(values, np.array([SIGNS[vote] for vote in votes], np.float64))


def _stacked(*columns: Floats) -> Floats:
    if len({one.shape for one in columns}) > 1 or any(np.isinf(one).any() for one in columns):
        shapes = " and ".join(str(one.shape) for one in columns)
        raise ValueError(f"expected finite numbers (NaN for none) of one shape (n,), got {shapes}")
    return np.stack(columns, axis=1)


def _decided(ratings: Floats) -> Floats:
    """The same with gaps where a vote, in the second column, is for neither answer."""
    return np.where(ratings[:, 1:2] == 0, np.nan, ratings)


def _coefficient(
    ratings: Floats, of: Callable[[Indices], Kernel], bootstrap: Bootstrap | None, undefined: str
) -> Agreement:
    """A coefficient of columns over the items that have all of them."""
    check(ratings, bootstrap)
    return within(*_resampled(ratings, np.asarray(np.isnan(ratings).any(axis=1)), of, bootstrap), bootstrap, undefined)


def _resampled(
    ratings: Floats, left_out: NDArray[np.bool_], of: Callable[[Indices], Kernel], bootstrap: Bootstrap | None
) -> tuple[float, Floats]:
    """As `resampling.resampled`; what is left out keeps its place among the draws."""
    if left_out.all():
        return math.nan, np.empty(0)
    rows = merged(np.where(left_out[:, None], np.nan, ratings))
    known = rows.codes[:, 0] >= 0
    kernel = of(rows.codes[known].T)
    return resampled(rows, lambda draws: kernel(draws[:, known]), bootstrap)


def _auc(columns: Indices) -> Kernel:
    """The area under the ROC curve of the first column for the higher one of the two values in the second."""
    values, votes = columns
    up, size = votes == votes.max(), int(values.max()) + 1

    def auc(draws: Floats) -> Floats:
        for_a, for_b = tally(draws * up, values, size), tally(draws * ~up, values, size)
        below = for_b.cumsum(axis=1) - for_b / 2
        return np.asarray((for_a * below).sum(axis=1) / (for_a.sum(axis=1) * for_b.sum(axis=1)))

    return auc


def _share(right: Floats, bootstrap: Bootstrap | None) -> Agreement:
    """The mean of what is 0, 0.5 or 1, NaN where it is left out."""

    def mean(columns: Indices) -> Kernel:
        places = np.unique(right[~np.isnan(right)])[columns[0]]
        return lambda draws: np.asarray(draws @ places / draws.sum(axis=1))

    return _coefficient(right[:, None], mean, bootstrap, NO_VOTE)


KERNELS: Mapping[Coefficient, Callable[[Indices], Kernel]] = {"auc": _auc, "kendall": tau_of, "spearman": rho_of}
