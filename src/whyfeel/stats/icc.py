"""Intraclass correlations: how much of the variance of ratings is due to what was rated."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from whyfeel.stats.resampling import NO_VARIATION, Agreement, Bootstrap, Kernel, check, measure, merged, too_few
from whyfeel.stats.series import Floats

Form = Literal["A,1", "C,1", "A,k"]
FORMS: tuple[Form, ...] = get_args(Form)
ROUNDING = 1e-12  # a sum of squares so small beside all squares is nothing but rounding


def icc(ratings: Floats, form: Form, bootstrap: Bootstrap | None = None) -> Agreement:
    """The intraclass correlation of two-way designs, at most 1; may be negative where items differ less than raters.

    "A,1" is the absolute agreement of single raters, "C,1" their consistency (a rater who is always one point higher
    agrees), "A,k" the absolute agreement of the mean of all k raters.

    Args:
        ratings: shape (items, raters), no gaps.
        form: which of the three, in the notation of the source.
        bootstrap: how the interval is drawn, None for no interval. Items are drawn, raters are not.

    Returns:
        undefined where an item lacks a rating, with fewer than two items or raters, and where the items do not differ
        enough for the ratio to be one of variances.

    Source: McGraw & Wong, Forming Inferences About Some Intraclass Correlation Coefficients, Psychological Methods 1
    (1996), table 4, cases 2 and 3.

    >>> round(icc(np.array([[1, 2], [2, 3], [4, 5.0]]), "C,1").value, 9)
    1.0
    """
    if form not in FORMS:
        raise ValueError(f"expected a form of {FORMS}, got {form!r}")
    check(ratings, bootstrap)
    if why := too_few(~np.isnan(ratings)):
        return Agreement(None, why)
    gaps = int(np.isnan(ratings).any(axis=1).sum())
    if gaps:
        return Agreement(None, f"undefined ({gaps:,} of {len(ratings):,} items lack a rating)")
    rows = merged(ratings)
    why = NO_VARIATION if len(rows.values) < 2 else "undefined (the items hardly differ)"
    return measure(rows, _icc(rows.values[rows.codes] - ratings.mean(), form), bootstrap, why)


def _icc(rows: Floats, form: Form) -> Kernel:
    """The ratio of mean squares; NaN where what stands below the line is not above 0, but for rounding.

    Each row is split into its mean and what its raters are apart from it: raters who agree are exactly 0 apart.
    """
    k, means = rows.shape[1], rows.mean(axis=1)
    apart = rows - means[:, None]

    def ratio(draws: Floats) -> Floats:
        n = draws.sum(axis=1)
        between = k * (draws @ means**2 - (draws @ means) ** 2 / n)
        raters = ((draws @ apart) ** 2).sum(axis=1) / n
        rest = draws @ (apart**2).sum(axis=1) - raters
        noise = ROUNDING * (draws @ (rows**2).sum(axis=1))
        between, raters, rest = (np.where(square > noise, square, 0.0) for square in (between, raters, rest))
        items, judges, error = between / (n - 1), raters / (k - 1), rest / ((n - 1) * (k - 1))
        below = {
            "A,1": items + (k - 1) * error + k * (judges - error) / n,
            "C,1": items + (k - 1) * error,
            "A,k": items + (judges - error) / n,
        }[form]
        return np.where(below > noise / n, (items - error) / below, np.nan)

    return ratio
