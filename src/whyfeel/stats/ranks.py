"""Do two raters put items in the same order? Spearman's rho and Kendall's tau-b."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from whyfeel.stats.resampling import (
    Agreement,
    Bootstrap,
    Indices,
    Kernel,
    check,
    measure,
    merged,
    paired,
    tally,
    too_few,
)
from whyfeel.stats.series import Floats

BLOCK = 512  # rows compared with all others at once
CONSTANT = "undefined (a rater gave every item the same)"


def spearman(ratings: Floats, bootstrap: Bootstrap | None = None) -> Agreement:
    """Spearman's rank correlation, -1 to 1, ties at their average rank; blind to a rater who is always higher.

    Args:
        ratings: shape (items, 2); items without both ratings are left out.
        bootstrap: how the interval is drawn, None for no interval.

    Returns:
        undefined where fewer than two items have both ratings, or a rater gave every item the same.

    Source: Spearman (1904); Kendall, Rank Correlation Methods (1948), for ties.

    >>> round(spearman(np.array([[1, 2], [2, 2], [3, 5.0]])).value, 4)
    0.866
    """
    return _correlation(ratings, rho_of, bootstrap)


def kendall(ratings: Floats, bootstrap: Bootstrap | None = None) -> Agreement:
    """Kendall's tau-b, -1 to 1: pairs of items in the same order less those in opposite order, ties corrected.

    Args:
        ratings: shape (items, 2); items without both ratings are left out.
        bootstrap: how the interval is drawn, None for no interval.

    Returns:
        undefined where fewer than two items have both ratings, or a rater gave every item the same.

    Source: Kendall, The Treatment of Ties in Ranking Problems, Biometrika 33 (1945).

    >>> round(kendall(np.array([[1, 2], [2, 2], [3, 5.0]])).value, 4)
    0.8165
    """
    return _correlation(ratings, tau_of, bootstrap)


def _correlation(ratings: Floats, of: Callable[[Indices], Kernel], bootstrap: Bootstrap | None) -> Agreement:
    both = paired(ratings)
    check(both, bootstrap)
    if why := too_few(~np.isnan(both)):
        return Agreement(None, why)
    rows = merged(both)
    known = rows.codes[:, 0] >= 0
    kernel = of(rows.codes[known].T)
    return measure(rows, lambda draws: kernel(draws[:, known]), bootstrap, CONSTANT)


def rho_of(columns: Indices) -> Kernel:
    """Spearman's rho of two columns of codes, shape (2, rows), whose order is that of the values; no gaps."""

    def rho(draws: Floats) -> Floats:
        above, below = draws, np.ones(len(draws))
        for column in columns:
            totals = tally(draws, column, column.max() + 1)
            # average ranks less the mean of all ranks: halves, so that sums of them are exact
            centred = totals.cumsum(axis=1) - (totals + draws.sum(axis=1)[:, None]) / 2
            above = above * centred[:, column]
            below = below * (totals * centred**2).sum(axis=1)
        return np.asarray(above.sum(axis=1) / np.sqrt(below))

    return rho


def tau_of(columns: Indices) -> Kernel:
    """Kendall's tau-b of two columns of codes, as in `rho_of`."""
    order = np.ones((1, 1), np.int8)  # of each two rows: 1 where the raters agree on it, -1 where not, 0 for ties
    for column in columns:
        above, below = column[:, None] > column, column[:, None] < column
        order = order * (above.view(np.int8) - below.view(np.int8))

    def tau(draws: Floats) -> Floats:
        alike = np.zeros(len(draws))
        for start in range(0, len(order), BLOCK):
            here = slice(start, start + BLOCK)
            alike += ((draws @ order[:, here].astype(np.float64)) * draws[:, here]).sum(axis=1)
        below = np.ones(len(draws))
        for column in columns:
            below *= draws.sum(axis=1) ** 2 - (tally(draws, column, column.max() + 1) ** 2).sum(axis=1)
        return np.asarray(alike / np.sqrt(below))

    return tau
