"""BCa intervals of ratios of sums, on the resamples of `intervals`, whose percentile intervals they correct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from whyfeel.stats.intervals import TAILS
from whyfeel.stats.ratios import Indices, cells_of, columns_of, on_grid, picture_codes, resampled_scores
from whyfeel.stats.series import Floats, Series

NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Interval:
    """The two ends of an interval, or why there is none.

    Attributes:
        low, high: None where there is no interval.
        why: "" where there is one.
    """

    low: float | None
    high: float | None
    why: str = ""


def bca_interval(one: Series, clusters: Sequence[str], *, seed: int, resamples: int = 10_000) -> Interval:
    """The 95% BCa interval of a score over all samples; whole pictures are drawn.

    The draws are those of `intervals.estimate`, whose percentile interval it corrects for bias and skewness.

    Args:
        one: the score, n samples.
        clusters: the picture of each sample, shape (n,).
        seed: of the resampling.
        resamples: how many, at least 1.

    Returns:
        no interval where the score is undefined, also where it is so without one of the pictures, and where fewer than
        two pictures are scored.

    Source: Efron, Better bootstrap confidence intervals (JASA 1987); the acceleration by the jackknife over pictures.
    """
    codes = picture_codes(clusters)
    scored = np.unique(codes[~np.isnan(one.numerator)])
    if len(scored) < 2:
        return Interval(None, None, "fewer than two pictures" if len(scored) else "nothing was scored")
    everything = cells_of([""] * len(codes), codes, [""])
    resampled = resampled_scores([one], everything, codes, int(codes.max()) + 1, seed, resamples)[0, 0]
    value = score_of(picture_sums(one, codes).sum(axis=1))
    return bca(float(value), resampled, jackknife(one, codes))


def bca(value: float, resampled: Floats, left_out: Floats) -> Interval:
    """The 95% BCa interval of a statistic.

    Args:
        value: the statistic; NaN where it is undefined.
        resampled: the statistic on each resample, shape (resamples,); NaN where it is undefined there.
        left_out: the statistic without each picture in turn, shape (pictures,).
    """
    drawn = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or not len(drawn) or not np.isfinite(left_out).all():
        return Interval(None, None, "undefined, or undefined without one of the pictures")
    below = float(((drawn < value).mean() + (drawn <= value).mean()) / 2)
    if not 0 < below < 1:
        return Interval(None, None, "every resample lies on one side of the value")
    influence = left_out.mean() - left_out
    spread = float((influence**2).sum())
    skew = float((influence**3).sum() / (6 * spread**1.5)) if spread > 0 else 0.0
    bias = NORMAL.inv_cdf(below)
    shifted = [bias + NORMAL.inv_cdf(tail) for tail in TAILS]
    if max(skew * one for one in shifted) >= 1:
        return Interval(None, None, "too skewed for as few pictures")
    low, high = np.quantile(drawn, [NORMAL.cdf(bias + one / (1 - skew * one)) for one in shifted])
    return Interval(float(low), float(high))


def jackknife(one: Series, codes: Indices) -> Floats:
    """The score without each picture in turn, shape (pictures,); NaN where it is undefined without it.

    Args:
        codes: the position of each sample's picture, shape (n,), from `picture_codes`.
    """
    sums = picture_sums(one, codes)
    return score_of(sums.sum(axis=1, keepdims=True) - sums)


def picture_sums(one: Series, codes: Indices) -> Floats:
    """Sums a picture: numerator and denominator, then those of chance where it is corrected; shape (2 or 4, pictures).

    They are rounded to a grid (about 1e-12) on which every sum of them is exact.
    """
    columns = np.array([column for pair in columns_of([one]) for column in pair])
    pictures = int(codes.max()) + 1
    return np.array([np.bincount(codes, column, pictures) for column in on_grid(columns, codes, pictures)])


def score_of(sums: Floats) -> Floats:
    """The score that sums come to: shape (2 or 4, …) to (…); NaN where it is undefined.

    >>> float(score_of(np.array([3.0, 4.0]))), float(score_of(np.array([3.0, 4.0, 1.0, 2.0])))
    (0.75, 0.5)
    """
    ratio = _ratio(sums[0], sums[1])
    if len(sums) == 2:
        return ratio
    chance = _ratio(sums[2], sums[3])
    return _ratio(ratio - chance, 1 - chance)


def _ratio(above: Floats, below: Floats) -> Floats:
    above, below = np.asarray(above), np.asarray(below)
    out = np.full(above.shape, np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out
