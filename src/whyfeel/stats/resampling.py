"""Coefficients as functions of how often each row of ratings is drawn: one formula gives the value and its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.records import rng
from whyfeel.stats.series import Floats

Indices = NDArray[np.intp]
# Draws of each distinct row, shape (resamples, rows), to the coefficient of each resample, NaN where it is undefined
Kernel = Callable[[Floats], Floats]

TAILS = (0.025, 0.975)
CHUNK = 1 << 17  # draws held at once, 1 MB an array; the result does not depend on it
GAP = -1
NO_VARIATION = "undefined (no variation)"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient of agreement with the ends of its 95% interval.

    Attributes:
        value: at most 1; None where it is undefined.
        why: why there is no value, or no interval where one was asked for; "" where nothing is missing.
        low, high: None where there is no interval or none was asked for.
    """

    value: float | None
    why: str = ""
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry in a report; "why" only where there is something to say."""
        entry: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high}
        return entry | ({"why": self.why} if self.why else {})


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How an interval is drawn: whole clusters of items, with replacement, as many as there are.

    Attributes:
        seed: of the draws, which depend on nothing else but the number of clusters.
        resamples: how many, at least 1.
        clusters: a label an item, those of one label are drawn together; None where each item stands on its own.
    """

    seed: int = 0
    resamples: int = 10_000
    clusters: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Ratings with equal items merged into one row.

    Attributes:
        values: shape (values,), ascending: the ratings that occur.
        codes: shape (rows, raters): positions in `values`, GAP where a rater did not rate.
        place: shape (items,): each item's row.
    """

    values: Floats
    codes: Indices
    place: Indices

    def tally(self, draws: Floats) -> Floats:
        """How often each value is drawn, shape (resamples, values), where each row is drawn as often as `draws` says.

        Args:
            draws: shape (resamples, rows).
        """
        rows, raters = np.nonzero(self.codes >= 0)
        return tally(draws[:, rows], self.codes[rows, raters], len(self.values))


def tally(draws: Floats, codes: Indices, size: int) -> Floats:
    """Sums of draws by code, shape (resamples, size); linear in the draws, which a product with ones and zeros is not.

    Args:
        draws: shape (resamples, places).
        codes: shape (places,), at least one, each from 0 to `size` - 1.
        size: of the result.
    """
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    sums = np.zeros((len(draws), size))
    sums[:, present] = np.add.reduceat(draws[:, order], starts, axis=1)
    return sums


def merged(ratings: Floats) -> Rows:
    """The distinct rows of a matrix of ratings, in an order that does not depend on that of the items.

    Args:
        ratings: shape (items, raters), at least one of each; NaN where a rater did not rate an item.
    """
    values, flat = np.unique(ratings, return_inverse=True)
    codes = flat.reshape(ratings.shape).astype(np.intp)
    codes[np.isnan(ratings)] = GAP
    rows, place = np.unique(codes, axis=0, return_inverse=True)
    return Rows(values[~np.isnan(values)], rows, place.reshape(-1))


def check(ratings: Floats, bootstrap: Bootstrap | None) -> None:
    """Raise ValueError unless the ratings are a matrix without infinities, and the bootstrap fits it."""
    if ratings.ndim != 2 or np.isinf(ratings).any():
        raise ValueError(f"expected finite ratings of shape (items, raters), NaN for gaps, got shape {ratings.shape}")
    if bootstrap is None:
        return
    if bootstrap.resamples < 1:
        raise ValueError(f"expected at least 1 resample, got {bootstrap.resamples}")
    if bootstrap.clusters is not None and len(bootstrap.clusters) != len(ratings):
        raise ValueError(f"expected a cluster for each of {len(ratings)} items, got {len(bootstrap.clusters)}")


def too_few(rated: NDArray[np.bool_]) -> str:
    """Why items that were rated together are too few for any coefficient; "" where they are not.

    Args:
        rated: shape (items, raters): who rated what.
    """
    if rated.shape[1] < 2:
        return "undefined (fewer than two raters)"
    together = int((rated.sum(axis=1) > 1).sum())
    return "" if together > 1 else f"undefined ({'only one' if together else 'no'} item was rated twice)"


def paired(ratings: Floats) -> Floats:
    """Two raters' ratings with gaps for both where one is missing.

    Raises:
        ValueError: the shape is not (items, 2).
    """
    if ratings.ndim != 2 or ratings.shape[1] != 2:
        raise ValueError(f"expected the ratings of two raters, shape (items, 2), got {ratings.shape}")
    return np.where(np.isnan(ratings).any(axis=1, keepdims=True), np.nan, ratings)


def measure(rows: Rows, kernel: Kernel, bootstrap: Bootstrap | None, undefined: str = NO_VARIATION) -> Agreement:
    """A coefficient and its percentile interval.

    Resamples in which it is undefined are left out of the percentiles.

    Args:
        rows: what was rated.
        kernel: the coefficient.
        bootstrap: None for no interval.
        undefined: why there is no value where the kernel gives none.
    """
    return within(*resampled(rows, kernel, bootstrap), bootstrap, undefined)


def resampled(rows: Rows, kernel: Kernel, bootstrap: Bootstrap | None) -> tuple[float, Floats]:
    """A coefficient, and the same on each resample; NaN where it is undefined.

    Coefficients of the same items and bootstrap see the same resamples, so that their differences have intervals.

    Returns:
        the value, and shape (resamples,); of no length without a bootstrap, with fewer than two clusters, or where
        the value is undefined.
    """
    drawn_once = np.bincount(rows.place, minlength=len(rows.codes)).astype(np.float64)
    value = float(_called(kernel, drawn_once[None])[0])
    if bootstrap is None or not np.isfinite(value) or (clusters := _clusters(bootstrap, len(rows.place))).max() < 1:
        return value, np.empty(0)
    return value, np.concatenate([_called(kernel, draws) for draws in _draws(rows, clusters, bootstrap)])


def within(value: float, drawn: Floats, bootstrap: Bootstrap | None, undefined: str) -> Agreement:
    """A value with the percentiles of its resamples; those in which it is undefined are left out."""
    if not np.isfinite(value):
        return Agreement(None, undefined)
    if bootstrap is None:
        return Agreement(value)
    if not len(drawn):
        return Agreement(value, "no interval (fewer than two clusters of items)")
    found = drawn[np.isfinite(drawn)]
    if not len(found):
        return Agreement(value, "no interval (no resample varied)")
    low, high = np.quantile(found, TAILS)
    return Agreement(value, "", float(low), float(high))


def _called(kernel: Kernel, draws: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(kernel(draws), None, 1.0)  # rounding may lead a hair beyond


def _clusters(bootstrap: Bootstrap, items: int) -> Indices:
    """The position of each item's cluster among the sorted labels."""
    if bootstrap.clusters is None:
        return np.arange(items)
    return np.unique(np.asarray(bootstrap.clusters, dtype=object), return_inverse=True)[1].astype(np.intp)


def _draws(rows: Rows, clusters: Indices, bootstrap: Bootstrap) -> Iterator[Floats]:
    """How often each row is drawn, in chunks of resamples."""
    generator = rng(bootstrap.seed, "agreement")
    n = int(clusters.max()) + 1
    size = max(1, CHUNK // len(clusters))
    for start in range(0, bootstrap.resamples, size):
        count = min(size, bootstrap.resamples - start)
        drawn = generator.integers(0, n, (count, n))
        drawn += np.arange(count)[:, None] * n
        each = np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n).astype(np.float64)
        yield tally(each[:, clusters], rows.place, len(rows.codes))
