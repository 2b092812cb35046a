"""Metrics and judges held against people's ratings: of a rating study, or out of files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from whyfeel.runs.ratings import Ratings
from whyfeel.stats.meta import Rated, differences, rated
from whyfeel.stats.resampling import Bootstrap
from whyfeel.stats.series import Floats
from whyfeel.study.exclusions import Vote
from whyfeel.study.meta_parts import Entry, mean_of, told_apart, verdict
from whyfeel.study.meta_values import ALONE, OTHERS, Source, value_of

BOTH_LACK = "no value or no rating"


def rating_parts(votes: Sequence[Vote], sources: Sequence[Source], bootstrap: Bootstrap) -> tuple[list[Entry], int]:
    """A part for every source whose run is given; arguments and result as of `vote_parts`, the votes being ratings."""
    found, held = [], 0
    for source in sources:
        here = [vote for vote in votes if vote.systems == (source.system,)]
        if here and source.run is not None:
            found.append(_of_run(source, here, bootstrap))
            held += len(here)
    return found, len(votes) - held


def _of_run(source: Source, votes: Sequence[Vote], bootstrap: Bootstrap) -> Entry:
    items = list({vote.item.id: vote.item for vote in votes}.values())
    by_item: dict[str, list[float]] = {item.id: [] for item in items}
    for vote in votes:
        by_item[vote.item.id].append(float(vote.rating))
    people = np.array([math.fsum(ratings) / len(ratings) for ratings in by_item.values()])
    drawn = replace(bootstrap, clusters=[item.cluster for item in items])
    assert source.run is not None
    values: dict[str, Floats] = {}
    measures: Entry = {}
    for name, measure in source.run.measures.items():
        told = [value_of(source.run, measure, item, item.candidates[0]) for item in items]
        values[name] = np.array([math.nan if isinstance(one, str) else one for one in told])
        lacking = Counter(one for one in told if isinstance(one, str))
        measures[name] = _entry(measure.kind, rated(values[name], people, drawn), lacking)
    measures[OTHERS] = _others(votes, by_item, bootstrap)
    return _part({"name": source.name, "items": len(items), "ratings": len(votes)}, measures, values, people, drawn)


def _others(votes: Sequence[Vote], by_item: Mapping[str, Sequence[float]], bootstrap: Bootstrap) -> Entry:
    """The mean of an item's other ratings held against each: what one person can tell of another."""
    own = np.array([float(vote.rating) for vote in votes])
    sums, counts = (np.array([of(by_item[vote.item.id]) for vote in votes], float) for of in (math.fsum, len))
    rest = np.divide(sums - own, counts - 1, out=np.full(len(votes), np.nan), where=counts > 1)
    held = rated(rest, own, replace(bootstrap, clusters=[vote.item.cluster for vote in votes]))
    return _entry("people", held, {ALONE: held.left_out} if held.left_out else {})


def file_parts(ratings: Ratings, judges: Sequence[str], bootstrap: Bootstrap) -> list[Entry]:
    """A part for every dimension of ratings.

    Args:
        ratings: of people and of those who are held against them.
        judges: the latter among the raters; all others are people, and each of them is held against the mean of the
            others besides.
        bootstrap: seed and number of resamples; items are drawn.
    """
    people = [place for place, name in enumerate(ratings.raters) if name not in judges]
    found = []
    for place, dimension in enumerate(ratings.dimensions):
        values = ratings.values[:, :, place]
        means = _means(values[:, people])
        judged = {name: values[:, ratings.raters.index(name)] for name in judges}
        measures = {name: _of_file("judge", one, means, bootstrap) for name, one in judged.items()}
        for one in people if len(people) > 1 else ():
            others = _means(values[:, [other for other in people if other != one]])
            measures[ratings.raters[one]] = _of_file("people", values[:, one], others, bootstrap)
        count = {"items": int((~np.isnan(means)).sum()), "ratings": int((~np.isnan(values[:, people])).sum())}
        found.append(_part({"name": dimension or "rating", **count}, measures, judged, means, bootstrap))
    return found


def _means(values: Floats) -> Floats:
    """The mean of those who rated each item, NaN where nobody did."""
    rated_by = (~np.isnan(values)).sum(axis=1)
    sums = np.where(np.isnan(values), 0.0, values).sum(axis=1)
    return np.asarray(np.divide(sums, rated_by, out=np.full(len(values), np.nan), where=rated_by > 0))


def _of_file(kind: str, values: Floats, people: Floats, bootstrap: Bootstrap) -> Entry:
    held = rated(values, people, bootstrap)
    return _entry(kind, held, {BOTH_LACK: held.left_out} if held.left_out else {})


def _entry(kind: str, held: Rated, lacking: Mapping[str, int]) -> Entry:
    means = {"bias": mean_of(held.bias), "absolute": mean_of(held.absolute)}
    told = {"kind": kind, **held.to_json(), **means, "left_out": dict(sorted(lacking.items()))}
    return told | {"verdict": verdict(held.spearman, 0.0)}


def _part(told: Entry, measures: Entry, values: Mapping[str, Floats], people: Floats, bootstrap: Bootstrap) -> Entry:
    apart = told_apart("spearman", differences(values, people, "spearman", bootstrap))
    return {**told, "measures": measures, "unmeasured": {}, "differences": apart}
