"""Ratios of sums with 95% intervals: a percentile bootstrap that resamples whole pictures.

One stream of resampling weights serves all scores and groups. It is drawn in chunks, each multiplied with the sums
per picture and dropped, so that memory does not grow with resamples times pictures. docs/statistics.md has the rules.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.records import rng
from whyfeel.stats.series import Floats, Series

Indices = NDArray[np.intp]

TAILS = (0.025, 0.975)
CHUNK = 1 << 17  # weights held at once, 1 MB an array; the result does not depend on it
PIECE, ROW_PIECE = 1 << 18, 9 << 10  # multiplications that OpenBLAS leaves to one thread
OVERALL, MACRO = "overall", "macro"


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
class _Cell:
    """One group: its samples, the pictures they show, and the position of each sample's picture among these."""

    name: str
    samples: Indices
    pictures: Indices
    place: Indices


@dataclass(frozen=True, slots=True)
class _Point:
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
    _check_labels(groups, clusters, order, resamples)
    for one in series:
        _check_series(one, len(groups), order)
    position = {label: index for index, label in enumerate(sorted(set(clusters)))}
    codes = np.fromiter((position[label] for label in clusters), np.intp, len(clusters))
    cells = _cells(groups, codes, order)
    points = [_points(one, codes, cells) for one in series]
    ratios = _resampled(series, cells, codes, len(position), seed, resamples)

    found: dict[str, dict[str, Estimate]] = {one.name: {} for one in series}
    for index, name in enumerate([OVERALL, MACRO, *(cell.name for cell in cells)]):
        for one, named, resampled in zip(series, points, ratios, strict=True):
            if (name == MACRO and not macro) or (one.groups is not None and name not in one.groups):
                continue
            if name in found[one.name]:
                raise ValueError(f"two series give the score {one.name!r} of the group {name!r}")
            found[one.name][name] = _with_interval(named[name], resampled[index])
    return found


def _check_labels(groups: Sequence[str], clusters: Sequence[str], order: Sequence[str], resamples: int) -> None:
    if len(groups) != len(clusters):
        raise ValueError(f"expected a group and a cluster a sample, got {len(groups)} and {len(clusters)}")
    if strange := set(groups) - set(order):
        raise ValueError(f"the group {min(strange)!r} is not in the order of report, {list(order)}")
    if len(set(order)) < len(order) or {OVERALL, MACRO} & set(order):
        raise ValueError(f"group names must be distinct and neither 'overall' nor 'macro', got {list(order)}")
    if resamples < 1:
        raise ValueError(f"expected at least 1 resample, got {resamples}")


def _check_series(one: Series, n: int, order: Sequence[str]) -> None:
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


def _cells(groups: Sequence[str], codes: Indices, order: Sequence[str]) -> list[_Cell]:
    """The groups that have samples, in the order of report."""
    members: dict[str, list[int]] = {label: [] for label in order}
    for index, label in enumerate(groups):
        members[label].append(index)
    held = {label: np.array(indices, np.intp) for label, indices in members.items() if indices}
    return [_Cell(label, s, *np.unique(codes[s], return_inverse=True)) for label, s in held.items()]


def _points(one: Series, codes: Indices, cells: Sequence[_Cell]) -> dict[str, _Point]:
    """The points of "overall", "macro" and each cell, in this order."""
    parts = {cell.name: _point(one, cell.samples, codes) for cell in cells}
    return {OVERALL: _point(one, np.arange(len(codes)), codes), MACRO: _macro_point(one, parts), **parts}


def _point(one: Series, samples: Indices, codes: Indices) -> _Point:
    numerator, denominator = one.numerator[samples], one.denominator[samples]
    scored = ~np.isnan(numerator)
    n = int((scored & (denominator > 0)).sum())
    value, span = _ratio(numerator[scored], denominator[scored])
    worst, _ = _ratio(np.where(scored, numerator, 0.0), denominator)
    best, _ = _ratio(np.where(scored, numerator, denominator), denominator)
    why = one.why or ("" if value is not None else "every denominator is 0" if scored.any() else "nothing was scored")
    if one.chance is not None and not why:
        value, worst, best, why = _corrected_point(one, samples, (value, worst, best))
        span = (-math.inf, 1.0)
    bounds = None if worst is None or best is None or one.why else (worst, best)
    if why:
        return _Point(Estimate(None, None, None, n, bounds, why), span, why)
    few = "fewer than two pictures" if len(np.unique(codes[samples][scored])) < 2 else ""
    return _Point(Estimate(value, None, None, n, bounds), span, few)


def _corrected_point(
    one: Series, samples: Indices, plain: tuple[float | None, ...]
) -> tuple[float | None, float | None, float | None, str]:
    """Value, worst and best less what chance gives, and why there are none."""
    above, below = (column[samples] for column in _chance(one))
    chance, _ = _ratio(above, below)
    if chance is None:
        return None, None, None, "what chance gives is not known"
    if chance >= 1:
        return None, None, None, "chance gives full marks"
    value, worst, best = (None if ratio is None else (ratio - chance) / (1 - chance) for ratio in plain)
    return value, worst, best, ""


def _chance(one: Series) -> tuple[Floats, Floats]:
    """Numerators and denominators of what chance gives, 0 where it is not known."""
    assert one.chance is not None
    known = ~np.isnan(one.numerator) & ~np.isnan(one.chance)
    return np.where(known, one.chance * one.denominator, 0.0), np.where(known, one.denominator, 0.0)


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


def _macro_point(one: Series, parts: dict[str, _Point]) -> _Point:
    """The mean over the groups; undefined where one of them is, because to leave it out would shift the mean."""
    n = sum(part.estimate.n for part in parts.values())
    bounds = [part.estimate.bounds for part in parts.values() if part.estimate.bounds is not None]
    both = (_mean([b[0] for b in bounds]), _mean([b[1] for b in bounds])) if len(bounds) == len(parts) > 0 else None
    values = [part.estimate.value for part in parts.values() if part.estimate.value is not None]
    if len(values) < len(parts) or not n:
        hole = next((name for name, part in parts.items() if part.estimate.value is None), "")
        why = one.why or (f"nothing was scored in {hole!r}" if n else "nothing was scored")
        return _Point(Estimate(None, None, None, n, both, why), (-math.inf, math.inf), why)
    span = (_mean([p.span[0] for p in parts.values()]), _mean([p.span[1] for p in parts.values()]))
    few = next((f"fewer than two pictures in {name!r}" for name, part in parts.items() if part.no_interval), "")
    return _Point(Estimate(_mean(values), None, None, n, both), span, few)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _with_interval(point: _Point, resampled: Floats) -> Estimate:
    """The estimate with the percentiles of the resampled ratios that are defined."""
    defined = resampled[np.isfinite(resampled)]
    if point.no_interval or not len(defined):
        return replace(point.estimate, why=point.no_interval or "no resample held a scored picture")
    low, high = (float(end) for end in np.clip(np.quantile(defined, TAILS), *point.span))
    return replace(point.estimate, low=low, high=high)


def _resampled(
    series: Sequence[Series], cells: Sequence[_Cell], codes: Indices, pictures: int, seed: int, resamples: int
) -> Floats:
    """The scores of "overall", "macro" and each cell, shape (scores, 2 + cells, resamples); undefined ones are NaN.

    A cell's sums need only its own pictures, and those of all samples are the sums of the cells': this does a
    fraction of the work of one product over all pictures and columns.
    """
    columns = _columns(series)
    tables, divisor = _tables(columns, cells, codes, pictures)
    ratios = np.full((len(columns), 2 + len(cells), resamples), np.nan)
    for start, weights in _weights(pictures, seed, resamples):
        here = slice(start, start + len(weights))
        above = np.zeros((len(columns), len(weights)))
        below = np.zeros_like(above)
        for index, (cell, table) in enumerate(zip(cells, tables, strict=True), start=2):
            sums = _product(table, weights.take(cell.pictures, axis=1).astype(np.float64))
            _divide(sums[: len(columns)], sums[divisor], ratios[:, index, here])
            above += sums[: len(columns)]
            below += sums[divisor]
        _divide(above, below, ratios[:, 0, here])
    chances = iter(ratios[len(series) :])
    for one, plain in zip(series, ratios, strict=False):
        if one.chance is not None:
            chance = next(chances)
            _divide(plain - chance, 1 - chance, plain)
            plain[~(chance < 1)] = np.nan
    ratios = ratios[: len(series)]
    ratios[:, 1] = ratios[:, 2:].mean(axis=1) if cells else np.nan
    return ratios


def _columns(series: Sequence[Series]) -> list[tuple[Floats, Floats]]:
    """Numerators and denominators, 0 where unscored: of each score, then of the chance of each corrected one."""
    columns = []
    for one in series:
        scored = ~np.isnan(one.numerator)
        columns.append((np.where(scored, one.numerator, 0.0), np.where(scored, one.denominator, 0.0)))
    return columns + [_chance(one) for one in series if one.chance is not None]


def _product(table: Floats, weights: Floats) -> Floats:
    """`table @ weights.T`, in pieces too small for the matrix library to share out among threads.

    Its threads wait for each other by spinning: beside other programs that takes up to 100 times as long as one.
    """
    product = np.zeros((len(table), len(weights)))
    width = max(1, (PIECE if len(weights) > 1 else ROW_PIECE) // product.size)
    for start in range(0, table.shape[1], width):
        product += table[:, start : start + width] @ weights[:, start : start + width].T
    return product


def _divide(above: Floats, below: Floats, out: Floats) -> None:
    np.divide(above, below, out=out, where=below > 0)


def _weights(pictures: int, seed: int, resamples: int) -> Iterator[tuple[int, Indices]]:
    """How often each picture is drawn: chunks of shape (some resamples, pictures), each with its first resample."""
    if not pictures:
        return
    generator = rng(seed, "intervals")
    rows = max(1, CHUNK // pictures)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        draws = generator.integers(0, pictures, (count, pictures))
        draws += np.arange(count)[:, None] * pictures
        yield start, np.bincount(draws.ravel(), minlength=count * pictures).reshape(count, pictures)


def _tables(
    pairs: Sequence[tuple[Floats, Floats]], cells: Sequence[_Cell], codes: Indices, pictures: int
) -> tuple[list[Floats], list[int]]:
    """Sums per picture, a table of shape (columns, pictures of the cell) a cell, and each pair's divisor column.

    Column i holds the numerators of pair i. Most pairs share their denominators, which are kept once.
    """
    tables = [np.empty((2 * len(pairs), len(cell.pictures))) for cell in cells]
    columns: dict[bytes, int] = {}
    divisor = []
    for index, pair in enumerate(pairs):
        above, below = _on_grid(np.array(pair), codes, pictures)
        known = len(columns)
        divisor.append(columns.setdefault(hashlib.sha256(below).digest(), len(pairs) + known))
        for cell, table in zip(cells, tables, strict=True):
            table[index] = np.bincount(cell.place, above[cell.samples])
            if len(columns) > known:
                table[divisor[-1]] = np.bincount(cell.place, below[cell.samples])
    return [table[: len(pairs) + len(columns)] for table in tables], divisor


def _on_grid(numbers: Floats, codes: Indices, pictures: int) -> Floats:
    """The numbers rounded to a grid so fine (about 1e-12) and so coarse that every sum over a resample is exact.

    An exact sum does not depend on the order of its terms, and so not on the chunk, the threads or the machine.
    """
    largest = np.bincount(codes, np.abs(numbers).max(axis=0), 1).max() * pictures
    bits = 52 - math.frexp(largest)[1]
    rounded: Floats = np.ldexp(np.rint(np.ldexp(numbers, bits)), -bits)
    return rounded
