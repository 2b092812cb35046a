"""How many samples a paired comparison takes, before it is paid for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from whyfeel.stats.ratios import columns_of, picture_codes
from whyfeel.stats.series import Floats, Series

NORMAL = NormalDist()
MOST, LEAST = 10**12, 1e-6  # samples, and a difference: beyond them nobody plans


@dataclass(frozen=True, slots=True)
class Spread:
    """What decides how well two systems can be told apart on the same samples.

    Attributes:
        sd: of a sample's score, the mean of the two variances' root; on the scale of the score, above 0.
        rho: the correlation of the two systems over samples, None where it is undefined.
        sd_difference: of a sample's difference.
        design: by how much samples that share a picture widen the variance: 1 where none do.
        n: samples that it was measured on, 0 where it is assumed.
    """

    sd: float
    rho: float | None
    sd_difference: float
    design: float = 1.0
    n: int = 0


def assumed(sd: float, rho: float) -> Spread:
    """A spread from what is expected of both systems.

    Args:
        sd: of a sample's score, above 0 and at most 1.
        rho: the correlation of the two systems, from -1 to below 1.

    Raises:
        ValueError: an argument is out of its range.

    >>> assumed(0.3, 0.5).sd_difference
    0.3
    """
    if not (0 < sd <= 1 and -1 <= rho < 1):
        raise ValueError(f"expected an sd above 0, up to 1, and a correlation from -1 to below 1, got {sd} and {rho}")
    return Spread(sd, rho, sd * math.sqrt(2 - 2 * rho))


def measured(first: Series, second: Series, clusters: Sequence[str]) -> Spread | str:
    """The spread of two systems over the samples scored on both sides, or why there is none.

    A ratio of sums is taken apart into what each sample adds to it (its linear part), so that kF1 has an sd a sample
    as a mean does: sd / sqrt(n) is the standard error of either.

    Args:
        first, second: the same score of both systems, n samples each.
        clusters: the picture of each sample, shape (n,).

    Source: Cochran, Sampling techniques (1977), 2.11 and 9.2 (ratios and clusters); Miller, Adding error bars to evals
    (2024) for the paired use.
    """
    both = ~(np.isnan(first.numerator) | np.isnan(second.numerator))
    codes = picture_codes([cluster for cluster, scored in zip(clusters, both, strict=True) if scored])
    n, pictures = len(codes), int(codes.max(initial=-1)) + 1
    if pictures < 2:
        return "fewer than two pictures are scored on both sides"
    one, other = _added(first, both), _added(second, both)
    difference = one - other
    if not np.isfinite(difference).all():
        return "one of the scores is undefined"
    squares = float((difference**2).sum())
    if squares <= n * 1e-18:
        return "the two never differ"
    by_picture = np.bincount(codes, difference)
    clustered = float((by_picture**2).sum()) * pictures / (pictures - 1)
    variances = float((one**2).sum()), float((other**2).sum())
    rho = float((one * other).sum()) / math.sqrt(variances[0] * variances[1]) if min(variances) > 0 else None
    return Spread(
        math.sqrt(sum(variances) / 2 / (n - 1)),
        rho,
        math.sqrt(squares / (n - 1)),
        clustered / (squares * n / (n - 1)),
        n,
    )


def _added(one: Series, both: NDArray[np.bool_]) -> Floats:
    """What each sample adds to the score, of mean 0, shape (samples scored on both sides,); NaN where undefined."""
    columns = [column[both] for pair in columns_of([one]) for column in pair]
    n = len(columns[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = [above.sum() / below.sum() for above, below in zip(columns[::2], columns[1::2], strict=True)]
        parts = [
            n * (above - ratio * below) / below.sum()
            for ratio, above, below in zip(ratios, columns[::2], columns[1::2], strict=True)
        ]
        if one.chance is None:
            return np.asarray(parts[0])
        # the derivatives of (r - c) / (1 - c)
        ratio, chance = ratios
        return np.asarray(parts[0] / (1 - chance) - parts[1] * (1 - ratio) / (1 - chance) ** 2)


def design_effect(size: float, correlation: float) -> float:
    """By how much samples that share a picture widen the variance of a mean.

    Args:
        size: samples a picture, all pictures alike, at least 1.
        correlation: of two samples of one picture, from 0 to 1.

    Raises:
        ValueError: an argument is out of its range.

    Source: Kish, Survey sampling (1965), 5.4.

    >>> design_effect(2, 0.5)
    1.5
    """
    if not (1 <= size < math.inf and 0 <= correlation <= 1):
        raise ValueError(f"expected a size of at least 1 and a correlation from 0 to 1, got {size} and {correlation}")
    return 1 + (size - 1) * correlation


def detectable(spread: Spread, n: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest difference that a two-sided paired test on n samples finds with the given power, above 0.

    Args:
        n: samples, from 1 to MOST.
        alpha: how often a difference is found where there is none, above 0 and below `power`.
        power: how often one as large is found, below 1.

    Raises:
        ValueError: an argument is out of its range.

    Source: the normal approximation, Miller (2024), section 5; below about 30 pictures it promises a little too much.

    >>> round(detectable(assumed(0.3, 0.5), 200), 3)
    0.059
    """
    if not 1 <= n <= MOST:
        raise ValueError(f"expected from 1 to {MOST:,} samples, got {n}")
    return _quantiles(alpha, power) * spread.sd_difference * math.sqrt(spread.design / n)


def needed(spread: Spread, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many samples a two-sided paired test needs to find a difference with the given power; else as `detectable`.

    Args:
        difference: from LEAST to 1.

    >>> needed(assumed(0.3, 0.5), 0.02)
    1766
    """
    if not LEAST <= difference <= 1:
        raise ValueError(f"expected a difference from {LEAST} to 1, got {difference}")
    return math.ceil(spread.design * (_quantiles(alpha, power) * spread.sd_difference / difference) ** 2)


def power_of(spread: Spread, n: int, difference: float, *, alpha: float = 0.05) -> float:
    """How often a two-sided paired test on n samples finds a difference, on its own side; from alpha / 2 to 1.

    >>> round(power_of(assumed(0.3, 0.5), 200, 0.0594), 3)
    0.8
    """
    found = difference / (spread.sd_difference * math.sqrt(spread.design / n))
    return NORMAL.cdf(found + NORMAL.inv_cdf(alpha / 2))


def _quantiles(alpha: float, power: float) -> float:
    if not 0 < alpha < power < 1:
        raise ValueError(f"expected 0 < alpha < power < 1, got {alpha} and {power}")
    return NORMAL.inv_cdf(power) - NORMAL.inv_cdf(alpha / 2)
