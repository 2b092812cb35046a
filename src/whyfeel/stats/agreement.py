"""How far raters agree, beyond what chance would give: Krippendorff's alpha for any number of raters and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whyfeel.stats.series import Floats


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient of agreement: None where it is undefined, and then why."""

    value: float | None
    why: str = ""


def krippendorff(ratings: Floats) -> Agreement:
    """Krippendorff's alpha for nominal ratings: 1 - D_o / D_e, at most 1; 0 is what chance gives.

    With o_ck the coincidences of the values c and k within items (a pair of ratings of an item that m raters rated
    counts 1 / (m - 1)), n_c their sums over k, n the sum of all, and d_ck = 1 where c differs from k, 0 elsewhere:
    D_o = sum o_ck d_ck / n and D_e = sum n_c n_k d_ck / (n (n - 1)).

    Args:
        ratings: shape (items, raters); NaN where a rater did not rate an item. Items with fewer than two ratings
            are left out.

    Returns:
        undefined where no item has two ratings, or where all ratings are the same, so that none could disagree.

    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011); Content Analysis, 4th ed. (2018), ch. 12.

    >>> krippendorff(np.array([[1, 1], [2, 2], [1, 2.0]])).value
    0.4444444444444444
    """
    together = coincidences(ratings)
    return _alpha(together, 1 - np.eye(len(together)))


def coincidences(ratings: Floats) -> Floats:
    """Krippendorff's o_ck: shape (values, values), the values that occur in pairable items in ascending order."""
    rated = ratings[np.sum(~np.isnan(ratings), axis=1) > 1]
    values = np.unique(rated[~np.isnan(rated)])
    counts = (rated == values[:, None, None]).sum(axis=2, dtype=np.float64)  # values by items
    shares = counts / (counts.sum(axis=0) - 1)
    return np.asarray(shares @ counts.T - np.diag(shares.sum(axis=1)), dtype=np.float64)


def _alpha(together: Floats, distance: Floats) -> Agreement:
    """1 - D_o / D_e for any squared distances between values, shape (values, values)."""
    if not len(together):
        return Agreement(None, "no item was rated twice")
    sums = together.sum(axis=0)
    expected = float(np.sum(np.outer(sums, sums) * distance))
    if expected == 0:
        return Agreement(None, "undefined (no variation)")
    observed = float(np.sum(together * distance))
    return Agreement(float(1 - (sums.sum() - 1) * observed / expected))


def exact_agreement(ratings: Floats) -> tuple[int, float | None]:
    """How many items all raters rated, and the share of these on which all agree; None where there are none."""
    whole = ratings[~np.isnan(ratings).any(axis=1)]
    return len(whole), float(np.mean(whole.min(axis=1) == whole.max(axis=1))) if len(whole) else None
