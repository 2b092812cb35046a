"""`whyfeel agree`: how far raters agree, by every coefficient that a paper might report, as one document."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from whyfeel.runs.ratings import Ratings, pair_names, read_ratings
from whyfeel.stats.agreement import LEVELS, agreement_within, exact_agreement, krippendorff
from whyfeel.stats.icc import FORMS, icc
from whyfeel.stats.kappa import WEIGHTS, Scale, gwet_ac2, weighted_kappa
from whyfeel.stats.ranks import kendall, spearman
from whyfeel.stats.resampling import Agreement, Bootstrap
from whyfeel.stats.series import Floats

OVERALL = "overall"
COEFFICIENTS = ("alpha", "icc", "ac2", "spearman", "kendall", "weighted_kappa")
POOLED = (
    "ratings of all dimensions stacked, items = (item, dimension), resampled by item: it takes all dimensions to "
    "share one scale, and counts differences between dimensions as differences between items, so that it is mostly "
    "above the mean of the dimensions, which stands beside it"
)
PARADOX = (
    "Alpha is low and AC2 high: more than half of all ratings are the same, so that raters agree on the level but "
    "hardly on which items are better than others. Report both; such ratings are no standard for single items."
)
LOW_ALPHA, HIGH_AC2 = 0.4, 0.6  # below moderate and above it, as is customary


def agree_files(paths: Sequence[Path], scale: Scale | None = None, seed: int = 0) -> dict[str, Any]:
    """What `whyfeel agree --json` prints; docs/agreement.md tells each key.

    Args:
        paths: files as `read_ratings` takes them.
        scale: the declared one, lowest and highest point.
        seed: of the intervals.

    Raises:
        DataError: the files hold no ratings that can be compared.
    """
    return agreement(read_ratings(paths, scale), Bootstrap(seed))


def agreement(ratings: Ratings, bootstrap: Bootstrap) -> dict[str, Any]:
    """The document of ratings: of one dimension; or of each of several, and pooled ones.

    Args:
        ratings: what was rated.
        bootstrap: how intervals are drawn; its clusters are ours, each item.
    """
    told = {"left_out": list(ratings.left_out)} if ratings.left_out else {}
    if ratings.dimensions == ("",):
        return _one(ratings, bootstrap) | told
    n_items, n_raters, n_dimensions = ratings.values.shape
    each = {
        name: _one(replace(ratings, dimensions=("",), values=ratings.values[:, :, [place]]), bootstrap)
        for place, name in enumerate(ratings.dimensions)
    }
    stacked = replace(
        ratings,
        items=tuple(item for item in ratings.items for _ in ratings.dimensions),
        dimensions=("",),
        values=ratings.values.transpose(0, 2, 1).reshape(n_items * n_dimensions, n_raters, 1),
        classes=tuple(one for one in ratings.classes for _ in ratings.dimensions),
    )
    pooled = _one(stacked, replace(bootstrap, clusters=stacked.items))
    means = {name: _mean_of({d: one[name] for d, one in each.items()}) for name in COEFFICIENTS}
    return {
        "n_items": n_items,
        "n_raters": n_raters,
        "n_dimensions": n_dimensions,
        "dimensions": each,
        "pooled": pooled | {"rule": POOLED, "mean_of_dimensions": means},
    } | told


def _mean_of(by: Mapping[str, Any]) -> dict[str, Any]:
    """The mean over dimensions of one coefficient or of several; undefined where one is, which would shift it."""
    first = next(iter(by.values()))
    if "value" not in first:
        return {name: _mean_of({d: one[name] for d, one in by.items()}) for name in first}
    hole = next((dimension for dimension, one in by.items() if one["value"] is None), None)
    if hole is not None:
        return {"value": None, "why": f"{by[hole]['why']} in {hole!r}"}
    return {"value": math.fsum(one["value"] for one in by.values()) / len(by)}


def _one(ratings: Ratings, bootstrap: Bootstrap) -> dict[str, Any]:
    """The document of one dimension."""
    values = ratings.values[:, :, 0]
    sizes = _sizes(values, ratings)
    pairs = dict(zip(pair_names(ratings.raters), combinations(values.T, 2), strict=True))

    def by_pair(of: Callable[[Floats], Agreement]) -> dict[str, Any]:
        return {name: of(np.stack(pair, axis=1)).to_json() for name, pair in pairs.items()}

    document = {
        "n_items": sizes[OVERALL],
        "n_raters": len(ratings.raters),
        "scale": None if ratings.scale is None else list(ratings.scale),
        "n_by_class": sizes,
        "mean": _means(values, ratings),
        "deviation": _deviations(values, ratings),
        "raters": {name: _rater(values[:, [place]], ratings) for place, name in enumerate(ratings.raters)},
        "exact": exact_agreement(values)[1],
        "within_one": agreement_within(values, 1)[1],
        "pairs": {name: _pair(np.stack(pair, axis=1)) for name, pair in pairs.items()},
        "alpha": {level: krippendorff(values, level, bootstrap).to_json() for level in LEVELS},
        "icc": {form.replace(",", "").lower(): icc(values, form, bootstrap).to_json() for form in FORMS},
        "ac2": gwet_ac2(values, ratings.scale, bootstrap).to_json(),
        "spearman": by_pair(partial(spearman, bootstrap=bootstrap)),
        "kendall": by_pair(partial(kendall, bootstrap=bootstrap)),
        "weighted_kappa": {
            weights: by_pair(partial(weighted_kappa, weights=weights, scale=ratings.scale, bootstrap=bootstrap))
            for weights in WEIGHTS
        },
    }
    return document | {"notes": _notes(values, document)}


def _groups(values: Floats, ratings: Ratings) -> dict[str, Floats]:
    """The rows of each class; all rows as one where there are no classes."""
    if not ratings.classes:
        return {OVERALL: values}
    labels = np.array(ratings.classes)
    return {group: values[labels == group] for group in ratings.groups}


def _sizes(values: Floats, ratings: Ratings) -> dict[str, int]:
    """How many items anybody rated."""
    sizes = {group: int((~np.isnan(rows)).any(axis=1).sum()) for group, rows in _groups(values, ratings).items()}
    return {OVERALL: sum(sizes.values())} | sizes


def _means(values: Floats, ratings: Ratings) -> dict[str, float | None]:
    """The mean of all ratings of each class, and overall the unweighted mean of these."""
    means = {group: _mean(rows[~np.isnan(rows)]) for group, rows in _groups(values, ratings).items()}
    return {OVERALL: _mean([mean for mean in means.values() if mean is not None])} | means


def _deviations(values: Floats, ratings: Ratings) -> dict[str, float | None]:
    """Pooled over raters, the root of their mean variance (of n, not n - 1), and overall over classes likewise.

    How far the raters' means lie apart is no part of it.
    """
    variances = {}
    for group, rows in _groups(values, ratings).items():
        columns = [column[~np.isnan(column)] for column in rows.T]
        variances[group] = _mean([float(np.var(column)) for column in columns if len(column)])
    pooled = {OVERALL: _mean([one for one in variances.values() if one is not None])} | variances
    return {group: None if one is None else math.sqrt(one) for group, one in pooled.items()}


def _mean(values: Sequence[float] | Floats) -> float | None:
    return math.fsum(values) / len(values) if len(values) else None


def _rater(column: Floats, ratings: Ratings) -> dict[str, Any]:
    """One rater's own figures."""
    known = column[~np.isnan(column)]
    told: dict[str, Any] = {
        "n": len(known),
        "mean": _means(column, ratings),
        "deviation": _deviations(column, ratings),
        "lowest": float(known.min()) if len(known) else None,
        "highest": float(known.max()) if len(known) else None,
    }
    if ratings.scale is not None and len(known):
        ends = zip(("at_lowest_point", "at_highest_point"), ratings.scale, strict=True)
        told |= {name: float(np.mean(known == point)) for name, point in ends}
    return told


def _pair(both: Floats) -> dict[str, Any]:
    n, exact = exact_agreement(both)
    return {"n": n, "exact": exact, "within_one": agreement_within(both, 1)[1]}


def _notes(values: Floats, document: Mapping[str, Any]) -> list[str]:
    """What should be read beside the figures."""
    alpha, ac2 = document["alpha"]["ordinal"]["value"], document["ac2"]["value"]
    if alpha is None or ac2 is None:
        return []
    counts = np.unique(values[~np.isnan(values)], return_counts=True)[1]
    paradox = alpha < LOW_ALPHA and ac2 > HIGH_AC2 and counts.max() > counts.sum() / 2
    return [PARADOX] if paradox else []
