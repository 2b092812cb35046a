"""How far raters agree beyond what chance would give: Krippendorff's alpha for any number of raters, with gaps."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from whyfeel.stats.resampling import Agreement, Bootstrap, Kernel, Rows, check, measure, merged, too_few
from whyfeel.stats.series import Floats

Level = Literal["nominal", "ordinal", "interval"]
LEVELS: tuple[Level, ...] = get_args(Level)


def krippendorff(ratings: Floats, level: Level = "nominal", bootstrap: Bootstrap | None = None) -> Agreement:
    """Krippendorff's alpha: 1 - D_o / D_e, at most 1; 0 is what chance gives, below 0 is worse than chance.

    D_o is the mean squared distance of two ratings of one item, D_e that of any two ratings of items that were rated
    at least twice. The distance is 1 between different values (nominal); their difference (interval); or how many
    ratings lie between them, each end counted half (ordinal), so that ordinal alpha is interval alpha of mid-ranks.

    Args:
        ratings: shape (items, raters); NaN where a rater did not rate an item. Items with fewer than two ratings
            are left out.
        level: what differences between values mean.
        bootstrap: how the interval is drawn, None for no interval.

    Returns:
        undefined where fewer than two items have two ratings, or where all ratings are the same, so that none could
        disagree.

    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011); Content Analysis, 4th ed. (2018), ch. 12.

    >>> krippendorff(np.array([[1, 1], [2, 2], [1, 2.0]])).value
    0.4444444444444444
    """
    if level not in LEVELS:
        raise ValueError(f"expected a level of {LEVELS}, got {level!r}")
    check(ratings, bootstrap)
    if why := too_few(~np.isnan(ratings)):
        return Agreement(None, why)
    pairable = np.sum(~np.isnan(ratings), axis=1, keepdims=True) > 1
    rows = merged(np.where(pairable, ratings, np.nan))
    return measure(rows, _nominal(rows) if level == "nominal" else _placed(rows, level), bootstrap)


def _others(rows: Rows) -> Floats:
    """Beside how many others each rating of a row stands; 1 in the row of items without a pair."""
    return np.asarray(np.maximum((rows.codes >= 0).sum(axis=1) - 1, 1), dtype=np.float64)


def _nominal(rows: Rows) -> Kernel:
    """Sums over ordered pairs of different ratings; a pair within an item of m ratings counts 1 / (m - 1)."""
    one, other = rows.codes[:, :, None], rows.codes[:, None, :]
    within = ((one != other) & (one >= 0) & (other >= 0)).sum(axis=(1, 2)) / _others(rows)

    def alpha(draws: Floats) -> Floats:
        totals = rows.tally(draws)
        n = totals.sum(axis=1)
        found: Floats = 1 - (n - 1) * (draws @ within) / (n**2 - (totals**2).sum(axis=1))
        return found

    return alpha


def _placed(rows: Rows, level: Level) -> Kernel:
    """The same sums, of squared distances between places on a line: the values, or mid-ranks of what was drawn."""
    others = _others(rows)

    def alpha(draws: Floats) -> Floats:
        totals = rows.tally(draws)
        n = totals.sum(axis=1)
        places = rows.values[None] if level == "interval" else totals.cumsum(axis=1) - totals / 2
        centred = places - ((totals * places).sum(axis=1) / n)[:, None]
        held = np.append(centred, np.zeros((len(draws), 1)), axis=1)  # GAP takes the last, which adds nothing
        sums, squares = np.zeros_like(draws), np.zeros_like(draws)
        for column in rows.codes.T:
            sums += held[:, column]
            squares += held[:, column] ** 2
        observed = (draws * ((others + 1) * squares - sums**2) / others).sum(axis=1)
        expected = n * (totals * centred**2).sum(axis=1)
        # told by counting, since sums of equal ratings may round to a hair above 0
        varied = (totals > 0).sum(axis=1) > 1
        return np.where(varied, 1 - (n - 1) * observed / expected, np.nan)

    return alpha


def exact_agreement(ratings: Floats) -> tuple[int, float | None]:
    """How many items all raters rated, and the share of these on which all agree; None where there are none."""
    return agreement_within(ratings, 0)


def agreement_within(ratings: Floats, distance: float) -> tuple[int, float | None]:
    """How many items all raters rated, and the share of these whose ratings lie no further apart than `distance`.

    >>> agreement_within(np.array([[4, 5], [3, 5], [5, np.nan]]), 1)
    (2, 0.5)
    """
    whole = ratings[~np.isnan(ratings).any(axis=1)]
    return len(whole), float(np.mean(np.ptp(whole, axis=1) <= distance)) if len(whole) else None
