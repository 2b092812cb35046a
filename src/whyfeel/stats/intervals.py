"""Scores with 95% intervals: the percentiles of ratios of sums over resamples of whole pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyfeel.stats.ratios import Cell, Indices, cells_of, chance_of, picture_codes, resampled_scores
from whyfeel.stats.series import Floats, Series

TAILS = (0.025, 0.975)
OVERALL, MACRO = "overall", "macro"
NOTHING = "nothing was scored"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score of one group, with what is known about its error.

    Attributes:
        value: the ratio of sums over the scored samples, less chance where that is corrected for; None where undefined.
        low, high: the ends of the 95% interval, None where there is none.
        n: samples scored, but for those whose denominator is 0.
        bounds: the value with all unscored samples as 0, and with all of them as full marks.
        why: why a number above is missing, "" where none is.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    bounds: tuple[float, float] | None
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry in summary.json; "why" only where there is something to say."""
        bounds = None if self.bounds is None else list(self.bounds)
        entry = {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "bounds": bounds}
        return entry | ({"why": self.why} if self.why else {})


@dataclass(frozen=True, slots=True)
class Point:
    """An estimate before it has an interval, which stays within `span`, or why it gets none."""

    estimate: Estimate
    span: tuple[float, float]
    no_interval: str


def estimate(
    series: Sequence[Series],
    groups: Sequence[str],
    clusters: Sequence[str],
    *,
    order: Sequence[str],
    macro: bool,
    seed: int,
    resamples: int = 10_000,
) -> dict[str, dict[str, Estimate]]:
    """Every score of every group with its interval.

    Args:
        series: the scores, of n samples each; those of one name have disjoint groups and are merged.
        groups: a label a sample, shape (n,).
        clusters: the picture of each sample, shape (n,); its samples are resampled together.
        order: all group labels, in the order they are reported.
        macro: whether the unweighted mean over the groups is reported.
        seed: of the resampling.
        resamples: how many, at least 1.

    Returns:
        Score name to group to estimate. The groups are "overall", "macro" and those of `order` that have samples.

    Raises:
        ValueError: lengths differ, a label is not in `order`, a number is out of its range.
    """
    check_labels(groups, clusters, order, resamples)
    for one in series:
        check_series(one, len(groups), order)
    codes = picture_codes(clusters)
    cells = cells_of(groups, codes, order)
    points = [points_of(one, codes, cells) for one in series]
    ratios = resampled_scores(series, cells, codes, int(codes.max(initial=-1)) + 1, seed, resamples)

    found: dict[str, dict[str, Estimate]] = {one.name: {} for one in series}
    for index, name in enumerate([OVERALL, MACRO, *(cell.name for cell in cells)]):
        for one, named, resampled in zip(series, points, ratios, strict=True):
            if (name == MACRO and not macro) or (one.groups is not None and name not in one.groups):
                continue
            if name in found[one.name]:
                raise ValueError(f"two series give the score {one.name!r} of the group {name!r}")
            found[one.name][name] = _with_interval(named[name], resampled[index])
    return found


def check_labels(groups: Sequence[str], clusters: Sequence[str], order: Sequence[str], resamples: int) -> None:
    """Raise ValueError unless the labels of samples fit together, as `estimate` says."""
    if len(groups) != len(clusters):
        raise ValueError(f"expected a group and a cluster a sample, got {len(groups)} and {len(clusters)}")
    if strange := set(groups) - set(order):
        raise ValueError(f"the group {min(strange)!r} is not in the order of report, {list(order)}")
    if len(set(order)) < len(order) or {OVERALL, MACRO} & set(order):
        raise ValueError(f"group names must be distinct and neither 'overall' nor 'macro', got {list(order)}")
    if resamples < 1:
        raise ValueError(f"expected at least 1 resample, got {resamples}")


def check_series(one: Series, n: int, order: Sequence[str]) -> None:
    """Raise ValueError unless a score of n samples is within its bounds, as `Series` says."""
    if one.numerator.shape != (n,) or one.denominator.shape != (n,):
        shapes = f"{one.numerator.shape} and {one.denominator.shape}"
        raise ValueError(f"score {one.name!r}: expected two arrays of shape ({n},), got {shapes}")
    if not (np.isfinite(one.denominator) & (one.denominator >= 0)).all():
        raise ValueError(f"score {one.name!r}: every denominator must be a finite number of at least 0")
    if np.isinf(one.numerator).any():
        raise ValueError(f"score {one.name!r}: a numerator must be finite, or NaN where the sample is unscored")
    if one.chance is not None and (one.chance.shape != (n,) or (one.chance > 1).any() or np.isinf(one.chance).any()):
        raise ValueError(f"score {one.name!r}: chance must have the shape ({n},) and be at most 1, or NaN")
    if strange := set(one.groups or ()) - {OVERALL, MACRO, *order}:
        raise ValueError(f"score {one.name!r}: there is no group {min(strange)!r}")


def points_of(one: Series, codes: Indices, cells: Sequence[Cell]) -> dict[str, Point]:
    """The points of "overall", "macro" and each cell, in this order."""
    parts = {cell.name: _point(one, cell.samples, codes) for cell in cells}
    return {OVERALL: _point(one, np.arange(len(codes)), codes), MACRO: _macro_point(one, parts), **parts}


def _point(one: Series, samples: Indices, codes: Indices) -> Point:
    numerator, denominator = one.numerator[samples], one.denominator[samples]
    scored = ~np.isnan(numerator)
    n = int((scored & (denominator > 0)).sum())
    value, span = _ratio(numerator[scored], denominator[scored])
    worst, _ = _ratio(np.where(scored, numerator, 0.0), denominator)
    best, _ = _ratio(np.where(scored, numerator, denominator), denominator)
    why = one.why or ("" if value is not None else "every denominator is 0" if scored.any() else NOTHING)
    if one.chance is not None and not why:
        value, worst, best, why = _corrected_point(one, samples, (value, worst, best))
        span = (-math.inf, 1.0)
    bounds = None if worst is None or best is None or one.why else (worst, best)
    if why:
        return Point(Estimate(None, None, None, n, bounds, why), span, why)
    few = "fewer than two pictures" if len(np.unique(codes[samples][scored])) < 2 else ""
    return Point(Estimate(value, None, None, n, bounds), span, few)


def _corrected_point(
    one: Series, samples: Indices, plain: tuple[float | None, ...]
) -> tuple[float | None, float | None, float | None, str]:
    """Value, worst and best less what chance gives, and why there are none."""
    above, below = (column[samples] for column in chance_of(one))
    chance, _ = _ratio(above, below)
    if chance is None:
        return None, None, None, "what chance gives is not known"
    if chance >= 1:
        return None, None, None, "chance gives full marks"
    value, worst, best = (None if ratio is None else (ratio - chance) / (1 - chance) for ratio in plain)
    return value, worst, best, ""


def _ratio(numerator: Floats, denominator: Floats) -> tuple[float | None, tuple[float, float]]:
    """sum(numerator) / sum(denominator), None for 0/0, and the least and the greatest ratio of a single sample.

    The sums are rounded once (fsum), so the order of the samples does not matter. A ratio of sums lies between the
    ratios of its samples; holding the rounded one there makes a constant score come out as that constant.
    """
    below = math.fsum(denominator.tolist())
    if below <= 0:
        return None, (-math.inf, math.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = numerator / denominator
    low, high = float(np.nanmin(each)), float(np.nanmax(each))
    return min(max(math.fsum(numerator.tolist()) / below, low), high), (low, high)


def _macro_point(one: Series, parts: dict[str, Point]) -> Point:
    """The mean over the groups; undefined where one of them is, because to leave it out would shift the mean."""
    n = sum(part.estimate.n for part in parts.values())
    bounds = [part.estimate.bounds for part in parts.values() if part.estimate.bounds is not None]
    both = (_mean([b[0] for b in bounds]), _mean([b[1] for b in bounds])) if len(bounds) == len(parts) > 0 else None
    values = [part.estimate.value for part in parts.values() if part.estimate.value is not None]
    if len(values) < len(parts) or not n:
        hole = next((name for name, part in parts.items() if part.estimate.value is None), "")
        inner = parts[hole].estimate.why if n else ""
        known = f"{inner} in {hole!r}" if inner == NOTHING else f"{hole!r}: {inner}"
        why = one.why or (known if n else NOTHING)
        return Point(Estimate(None, None, None, n, both, why), (-math.inf, math.inf), why)
    span = (_mean([p.span[0] for p in parts.values()]), _mean([p.span[1] for p in parts.values()]))
    few = next((f"fewer than two pictures in {name!r}" for name, part in parts.items() if part.no_interval), "")
    return Point(Estimate(_mean(values), None, None, n, both), span, few)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _with_interval(point: Point, resampled: Floats) -> Estimate:
    """The estimate with the percentiles of the resampled ratios that are defined."""
    defined = resampled[np.isfinite(resampled)]
    if point.no_interval or not len(defined):
        return replace(point.estimate, why=point.no_interval or "no resample held a scored picture")
    low, high = (float(end) for end in np.clip(np.quantile(defined, TAILS), *point.span))
    return replace(point.estimate, low=low, high=high)
