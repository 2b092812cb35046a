"""The figures of a rating study: means, differences, how points are used, agreement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from whyfeel.stats.agreement import LEVELS
from whyfeel.stats.icc import icc
from whyfeel.stats.intervals import OVERALL
from whyfeel.stats.kappa import gwet_ac2
from whyfeel.stats.multiple import holm
from whyfeel.stats.paired import differences
from whyfeel.stats.resampling import Bootstrap
from whyfeel.stats.series import Floats, Series
from whyfeel.study.compared import alpha, by_item, matrix, same
from whyfeel.study.design import Design, Scale
from whyfeel.study.exclusions import Vote
from whyfeel.study.figures import Draws, mean, share

NOTHING = "nothing was rated"


def means(design: Design, votes: Sequence[Vote], draws: Draws | None) -> list[dict[str, Any]]:
    """The mean rating of each system: the mean over items of each item's mean, so that every item counts once.

    Args:
        design: the study.
        votes: of all systems.
        draws: how intervals are drawn, None for none.
    """
    found = []
    for system in design.systems:
        items = by_item([vote for vote in votes if vote.systems == (system,)])
        values = [fmean(vote.rating for vote in these) for these in items]
        if draws is None:
            told = {"value": fmean(values)} if values else {"value": None, "why": NOTHING}
        else:
            told = mean(values, [these[0].item.cluster for these in items], draws, NOTHING)
        found.append({"system": system, **told, "n": len(values), "votes": sum(map(len, items))})
    return found


def rated(design: Design, votes: Sequence[Vote], draws: Draws) -> dict[str, Any]:
    """Means with the points that were given, the difference of every two systems, and agreement."""
    assert design.scale is not None
    systems = [
        told | _points([vote for vote in votes if vote.systems == (told["system"],)], design.scale, draws)
        for told in means(design, votes, draws)
    ]
    return {
        "scale": [design.scale.low, design.scale.high],
        "systems": systems,
        "differences": _differences(design, votes, draws),
        "agreement": _agreement(votes, design.scale, draws),
    }


def _points(votes: Sequence[Vote], scale: Scale, draws: Draws) -> dict[str, Any]:
    """How often each point was given, and the share of votes below the middle of the scale."""
    counts = Counter(vote.rating for vote in votes)
    middle = (scale.low + scale.high) / 2
    below = [vote.rating < middle for vote in votes]
    clusters = [vote.item.cluster for vote in votes]
    return {
        "points": {str(point): counts[point] for point in scale.points},
        "below_middle": share(below, clusters, draws, NOTHING),
    }


def _differences(design: Design, votes: Sequence[Vote], draws: Draws) -> list[dict[str, Any]]:
    """The lower-numbered system's mean less the other's, over the samples on which both were rated."""
    clusters = {item.sample: item.cluster for item in design.items}
    place = {sample: index for index, sample in enumerate(clusters)}
    series = [Series(str(system), _of_samples(system, votes, place), np.ones(len(place))) for system in design.systems]
    found = differences(
        *(series, [""] * len(place), list(clusters.values())),
        order=[""],
        macro=False,
        seed=draws.seed,
        resamples=draws.resamples,
    )
    overall = [(pair, by_group[OVERALL]) for pair, by_group in found.items()]
    told = []
    for ((i, j), one), adjusted in zip(overall, holm([one.p for _, one in overall]), strict=True):
        why = one.why if one.n else "no sample was rated of both"
        figures = {"value": one.value, "low": one.low, "high": one.high, "p": one.p, "p_holm": adjusted, "n": one.n}
        told.append({"a": design.systems[i], "b": design.systems[j], **figures} | ({"why": why} if why else {}))
    return told


def _of_samples(system: int, votes: Sequence[Vote], place: Mapping[str, int]) -> Floats:
    """The mean rating of a system's item of each sample, NaN where it has none."""
    ratings: dict[str, list[int]] = defaultdict(list)
    for vote in votes:
        if vote.systems == (system,):
            ratings[vote.item.sample].append(vote.rating)
    found = np.full(len(place), np.nan)
    for sample, values in ratings.items():
        found[place[sample]] = fmean(values)
    return found


def _agreement(votes: Sequence[Vote], scale: Scale, draws: Draws) -> dict[str, Any]:
    """What `whyfeel agree` tells of all raters; not of each two of them, who are hundreds and share few items."""
    items = by_item(votes)
    # sorted, so that equal items are worked out once
    ratings = [sorted(float(vote.rating) for vote in these) for these in items]
    clusters = [these[0].item.cluster for these in items]
    bootstrap = Bootstrap(draws.seed, draws.resamples, clusters)
    return {
        "alpha": {level: alpha(ratings, clusters, level, draws) for level in LEVELS},
        "ac2": gwet_ac2(matrix(ratings), (scale.low, scale.high), bootstrap).to_json(),
        "icc": icc(_by_rater(items), "A,1", bootstrap).to_json(),
        "same": same(ratings, clusters, 0, draws),
        "within_one": same(ratings, clusters, 1, draws),
    }


def _by_rater(items: Sequence[Sequence[Vote]]) -> Floats:
    """The ratings of items by raters, shape (items, raters), NaN where a rater did not rate one."""
    raters = sorted({vote.rater for these in items for vote in these})
    place = {rater: index for index, rater in enumerate(raters)}
    found = np.full((len(items), len(raters)), np.nan)
    for row, these in zip(found, items, strict=True):
        row[[place[vote.rater] for vote in these]] = [vote.rating for vote in these]
    return found
