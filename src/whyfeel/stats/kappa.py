"""Agreement on an ordered scale, weighted by distance: Cohen's weighted kappa and Gwet's AC2."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from whyfeel.stats.resampling import (
    NO_VARIATION,
    Agreement,
    Bootstrap,
    Kernel,
    Rows,
    check,
    measure,
    merged,
    paired,
    tally,
    too_few,
)
from whyfeel.stats.series import Floats

Weights = Literal["linear", "quadratic"]
WEIGHTS: tuple[Weights, ...] = get_args(Weights)
Scale = tuple[int, int]


def weighted_kappa(
    ratings: Floats, weights: Weights, scale: Scale | None = None, bootstrap: Bootstrap | None = None
) -> Agreement:
    """Cohen's weighted kappa of two raters, at most 1; 0 is what chance gives with each rater's own habits kept.

    1 - sum o_ij d_ij / sum e_ij d_ij, with o the shares of pairs (i, j), e the products of the raters' shares, and d
    the distance of two categories or its square.

    Args:
        ratings: shape (items, 2); items without both ratings are left out.
        weights: "linear" for the distance, "quadratic" for its square.
        scale: its lowest and highest point. Where it is declared, distances are those of the values; else the
            categories are the values that occur, in order and one step apart, as most packages have it.
        bootstrap: how the interval is drawn, None for no interval.

    Returns:
        undefined where fewer than two items have both ratings, all ratings are the same, or one leaves the scale.

    Source: Cohen, Weighted Kappa, Psychological Bulletin 70 (1968).

    >>> round(weighted_kappa(np.array([[1, 1], [2, 3], [3, 3.0]]), "quadratic").value, 3)
    0.8
    """
    if weights not in WEIGHTS:
        raise ValueError(f"expected weights of {WEIGHTS}, got {weights!r}")
    both = paired(ratings)
    check(both, bootstrap)
    if why := too_few(~np.isnan(both)) or _off_scale(both, scale):
        return Agreement(None, why)
    rows = merged(both)
    places = np.arange(len(rows.values), dtype=np.float64) if scale is None else rows.values
    return measure(rows, _kappa(rows, places, weights), bootstrap)


def _kappa(rows: Rows, places: Floats, weights: Weights) -> Kernel:
    known = rows.codes[:, 0] >= 0
    one, other = rows.codes[known].T
    power = WEIGHTS.index(weights) + 1
    distances = np.abs(places[one] - places[other]) ** power

    def kappa(draws: Floats) -> Floats:
        drawn = draws[:, known]
        first, second = tally(drawn, one, len(places)), tally(drawn, other, len(places))
        n = drawn.sum(axis=1)
        if weights == "linear":
            # two ratings lie as far apart as there are steps with one of them below and the other above
            below, under = first.cumsum(axis=1), second.cumsum(axis=1)
            apart = below * (n[:, None] - under) + under * (n[:, None] - below)
            expected = apart[:, :-1] @ np.diff(places)
        else:
            expected = n * ((first + second) @ places**2) - 2 * (first @ places) * (second @ places)
        varied = (first + second > 0).sum(axis=1) > 1
        return np.where(varied, 1 - n * (drawn @ distances) / expected, np.nan)

    return kappa


def gwet_ac2(ratings: Floats, scale: Scale | None, bootstrap: Bootstrap | None = None) -> Agreement:
    """Gwet's AC2 with quadratic weights, at most 1; chance is what raters share who answer by lot where unsure.

    It hardly falls where nearly all ratings are the same, where alpha and kappa do. (p_a - p_e) / (1 - p_e): p_a is
    the mean weight of two ratings of one item, w_kl = 1 - ((k - l) / (q - 1))^2 on a scale of q points, and
    p_e = sum w / (q (q - 1)) * sum pi_k (1 - pi_k), pi_k the mean share of an item's ratings that are k.

    Args:
        ratings: shape (items, raters), whole points of the scale; NaN where a rater did not rate an item.
        scale: its lowest and highest point; points that nobody chose count, so it must be declared.
        bootstrap: how the interval is drawn, None for no interval.

    Returns:
        undefined without a scale, where a rating is none of its points, where fewer than two items have two ratings,
        and where all ratings are the same.

    Source: Gwet, Handbook of Inter-Rater Reliability, 4th ed. (2014), ch. 4 and 5.

    >>> round(gwet_ac2(np.array([[5, 5], [5, 4], [5, 5.0]]), (0, 5)).value, 4)
    0.9821
    """
    check(ratings, bootstrap)
    if scale is None:
        return Agreement(None, "undefined (no scale is declared)")
    if why := too_few(~np.isnan(ratings)) or _off_scale(ratings, scale):
        return Agreement(None, why)
    if (ratings[~np.isnan(ratings)] % 1).any():
        return Agreement(None, "undefined (a rating is no whole point of the scale)")
    rows = merged(ratings)
    # the formula would give 1 for any habit that all raters share
    if len(rows.values) < 2:
        return Agreement(None, NO_VARIATION)
    return measure(rows, _ac2(rows, scale[1] - scale[0]), bootstrap)


def _ac2(rows: Rows, steps: int) -> Kernel:
    raters = (rows.codes >= 0).sum(axis=1)
    twice, rated = raters > 1, np.maximum(raters, 1)
    held = np.append(rows.values, 0.0)[rows.codes]
    # two ratings of an item are, squared and on average, twice their variance apart
    spread = 2 * ((held**2).sum(axis=1) - held.sum(axis=1) ** 2 / rated) / np.maximum(raters - 1, 1)
    alike = np.where(twice, 1 - spread / steps**2, 0.0)
    q = steps + 1
    total = q**2 * (1 - (q + 1) / (6 * steps))  # of all weights, also those of points that nobody chose

    def ac2(draws: Floats) -> Floats:
        agreed = draws @ alike / (draws @ twice)
        shares = rows.tally(draws / rated) / (draws @ (raters > 0))[:, None]
        chance = total / (q * steps) * (shares * (1 - shares)).sum(axis=1)
        found: Floats = (agreed - chance) / (1 - chance)
        return found

    return ac2


def _off_scale(ratings: Floats, scale: Scale | None) -> str:
    """Why ratings do not fit a scale, "" where they do.

    Raises:
        ValueError: the scale has fewer than two points.
    """
    if scale is None:
        return ""
    low, high = scale
    if low >= high:
        raise ValueError(f"expected a scale whose lowest point is below its highest, got {low} to {high}")
    known = ratings[~np.isnan(ratings)]
    return f"undefined (a rating leaves the scale {low} to {high})" if ((known < low) | (known > high)).any() else ""
