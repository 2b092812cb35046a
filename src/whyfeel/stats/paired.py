"""Systems on the same samples: the differences of their scores, with intervals and tests. docs/comparing.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from whyfeel.stats.bootstrap import Interval, bca, jackknife
from whyfeel.stats.intervals import MACRO, OVERALL, TAILS, Point, check_labels, check_series, points_of
from whyfeel.stats.permutation import sign_flip
from whyfeel.stats.ratios import Cell, Indices, cells_of, picture_codes, resampled_scores
from whyfeel.stats.series import Floats, Series

NO_BCA = Interval(None, None, "given over all samples only")
Pair = tuple[int, int]
Key = tuple[int, bytes]  # a system, and which samples are left out


@dataclass(frozen=True, slots=True)
class Difference:
    """One system's score less another's, over the samples scored on both sides.

    Attributes:
        value: None where one of the scores is undefined.
        low, high: the ends of the 95% interval (percentiles of paired resamples), None where there is none.
        p: of the sign-flip permutation test, two-sided; None where there is none.
        n: samples that enter it.
        left_out: samples that are not scored on both sides.
        bca: the same interval corrected for bias and skewness; over all samples only.
        why: why a number above is missing, "" where none is.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    left_out: int
    bca: Interval = NO_BCA
    why: str = ""


@dataclass(frozen=True)
class _Side:
    """A system on the samples that another one has scored, too.

    Attributes:
        points: by group.
        resampled: its scores, shape (2 + groups, resamples).
    """

    series: Series
    points: dict[str, Point]
    resampled: Floats


@dataclass(frozen=True)
class _Frame:
    """What all pairs share."""

    cells: Sequence[Cell]
    codes: Indices
    seed: int
    resamples: int


def differences(
    systems: Sequence[Series],
    groups: Sequence[str],
    clusters: Sequence[str],
    *,
    order: Sequence[str],
    macro: bool,
    seed: int,
    resamples: int = 10_000,
) -> dict[Pair, dict[str, Difference]]:
    """The difference of every two systems, over all samples and in each group.

    Both systems of all pairs are put on the same resamples, which are those of `intervals.estimate`: whole pictures are
    drawn. kF1 is corrected for chance anew in each, and on both sides.

    Args:
        systems: one and the same score of each system, over the same n samples.
        groups: a label a sample, shape (n,).
        clusters: the picture of each sample, shape (n,).
        order: all group labels, in the order they are reported.
        macro: whether the unweighted mean over the groups is reported.
        seed: of the resamples and permutations.
        resamples: how many of each, at least 1.

    Returns:
        pair of places (i, j), i < j, to group to system i less system j.

    Raises:
        ValueError: lengths differ, a label is not in `order`, a number is out of its range.
    """
    check_labels(groups, clusters, order, resamples)
    for one in systems:
        check_series(one, len(groups), order)
    codes = picture_codes(clusters)
    frame = _Frame(cells_of(groups, codes, order), codes, seed, resamples)
    unscored = [np.isnan(one.numerator) for one in systems]
    missing = {(i, j): unscored[i] | unscored[j] for i, j in combinations(range(len(systems)), 2)}
    if not missing:
        return {}
    # most pairs leave out the same samples: a system without them is resampled once
    sides = _sides(systems, {(system, out.tobytes()): out for pair, out in missing.items() for system in pair}, frame)
    found = {}
    for (i, j), out in missing.items():
        entries = _pair(sides[i, out.tobytes()], sides[j, out.tobytes()], out, frame)
        found[i, j] = {name: entry for name, entry in entries.items() if macro or name != MACRO}
    return found


def _sides(systems: Sequence[Series], wanted: Mapping[Key, NDArray[np.bool_]], frame: _Frame) -> dict[Key, _Side]:
    """Each system without the samples to be left out, resampled."""
    series = [
        replace(systems[system], numerator=np.where(out, np.nan, systems[system].numerator))
        for (system, _), out in wanted.items()
    ]
    pictures = int(frame.codes.max(initial=-1)) + 1
    resampled = resampled_scores(series, frame.cells, frame.codes, pictures, frame.seed, frame.resamples)
    return {
        key: _Side(one, points_of(one, frame.codes, frame.cells), drawn)
        for key, one, drawn in zip(wanted, series, resampled, strict=True)
    }


def _pair(first: _Side, second: _Side, out: NDArray[np.bool_], frame: _Frame) -> dict[str, Difference]:
    """One pair in every group."""
    everywhere = int(out.sum())
    left_out = [everywhere, everywhere, *(int(out[cell.samples].sum()) for cell in frame.cells)]
    resampled = first.resampled - second.resampled
    found = {
        name: _difference(one, second.points[name], drawn, gone)
        for (name, one), drawn, gone in zip(first.points.items(), resampled, left_out, strict=True)
    }
    if all(entry.low is None for entry in found.values()):
        return found
    tested = sign_flip(
        *(first.series, second.series, frame.cells, frame.codes), seed=frame.seed, permutations=frame.resamples
    )
    for (name, entry), p in zip(found.items(), tested, strict=True):
        found[name] = entry if entry.low is None else replace(entry, p=p)
    whole = found[OVERALL]
    if whole.value is not None and whole.low is not None:
        without = jackknife(first.series, frame.codes) - jackknife(second.series, frame.codes)
        found[OVERALL] = replace(whole, bca=bca(whole.value, resampled[0], without))
    return found


def _difference(one: Point, other: Point, resampled: Floats, left_out: int) -> Difference:
    n = one.estimate.n
    if one.estimate.value is None or other.estimate.value is None:
        return Difference(None, None, None, None, n, left_out, why=one.no_interval or other.no_interval)
    value = one.estimate.value - other.estimate.value
    drawn = resampled[np.isfinite(resampled)]
    if one.no_interval or not len(drawn):
        why = one.no_interval or "no resample held a scored picture"
        return Difference(value, None, None, None, n, left_out, why=why)
    # as far as the scores themselves may lie: a constant difference comes out as that constant
    least, most = one.span[0] - other.span[1], one.span[1] - other.span[0]
    low, high = (float(end) for end in np.clip(np.quantile(drawn, TAILS), least, most))
    return Difference(value, low, high, None, n, left_out)
