"""The figures of a pairwise study: what was chosen between every two systems, sides, strengths, agreement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from whyfeel.stats.agreement import Level, krippendorff
from whyfeel.stats.bradley_terry import bradley_terry
from whyfeel.stats.choices import CHOICES, Comparison, Winner, counted, voted
from whyfeel.stats.resampling import Bootstrap
from whyfeel.stats.series import Floats
from whyfeel.study.design import Design
from whyfeel.study.exclusions import Vote
from whyfeel.study.figures import Draws, mean, pairwise_share, share

WINNERS: Mapping[str, Winner] = {"left": "left", "right": "right"}
NO_MAJORITY = "none"
NOT_TWICE = "no item has two votes"


def pairs_of(design: Design) -> list[tuple[int, ...]]:
    """The systems that were to be compared, the lower number first."""
    return sorted({tuple(sorted(one.system for one in item.candidates)) for item in design.items})


def preferences(design: Design, votes: Sequence[Vote], draws: Draws | None) -> list[dict[str, Any]]:
    """What was chosen between every two systems; A is the one with the lower number.

    Args:
        design: the study.
        votes: of all pairs.
        draws: how clustered intervals are drawn, None for Wilson's alone.
    """
    found = []
    for pair in pairs_of(design):
        these = [vote for vote in votes if vote.systems == pair]
        choices = [vote.choice for vote in these]
        if draws is None:
            told = counted(Counter(choices))
        else:
            told = voted(choices, [one.item.cluster for one in these], seed=draws.seed, resamples=draws.resamples)
        a, b = pair
        found.append({"a": a, "b": b, **told.to_json()})
    return found


def compared(design: Design, votes: Sequence[Vote], draws: Draws) -> dict[str, Any]:
    """Preferences with majorities and agreement, the share of the left side, and strengths on one scale."""
    told = preferences(design, votes, draws)
    for one in told:
        these = [vote for vote in votes if vote.systems == (one["a"], one["b"])]
        one |= {"majorities": _majorities(these), "agreement": _agreement(these, draws)}
    decided = [vote for vote in votes if vote.trial.answer in ("left", "right")]
    left = share(
        [vote.trial.answer == "left" for vote in decided],
        *([vote.item.cluster for vote in decided], draws, "nothing was decided"),
    )
    return {"pairs": told, "left": left, "strengths": _strengths(votes, draws)}


def by_item(votes: Sequence[Vote]) -> list[list[Vote]]:
    """The votes of each item that has any."""
    found: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        found[vote.item.id].append(vote)
    return list(found.values())


def _majorities(votes: Sequence[Vote]) -> dict[str, int]:
    """On how many items more than half of the votes are for each choice."""
    found = Counter[str]()
    for these in by_item(votes):
        choice, count = Counter(vote.choice for vote in these).most_common(1)[0]
        found[choice if 2 * count > len(these) else NO_MAJORITY] += 1
    return {choice: found[choice] for choice in (*CHOICES, NO_MAJORITY)}


def _agreement(votes: Sequence[Vote], draws: Draws) -> dict[str, Any]:
    """Alpha of the choices, and the share of an item's pairs of votes that are alike, its mean over items.

    Of one pair of systems at a time: which of two systems is A is arbitrary, and over several pairs alpha would depend
    on it.
    """
    items = by_item(votes)
    codes = [sorted(float(CHOICES.index(vote.choice)) for vote in these) for these in items]
    clusters = [these[0].item.cluster for these in items]
    return {"alpha": alpha(codes, clusters, "nominal", draws), "same": same(codes, clusters, 0, draws)}


def matrix(ratings: Sequence[Sequence[float]]) -> Floats:
    """Ratings of items with differing numbers of them, shape (items, most); NaN where an item has no more.

    Whose they are is lost: alpha and AC2 do not depend on it, and a column a rater would make hundreds of columns.
    """
    most = max(map(len, ratings), default=0)
    return np.array([[*one, *[np.nan] * (most - len(one))] for one in ratings]).reshape(len(ratings), most)


def alpha(ratings: Sequence[Sequence[float]], clusters: Sequence[str], level: Level, draws: Draws) -> dict[str, Any]:
    """Krippendorff's alpha of each item's ratings, its interval drawn by whole clusters."""
    bootstrap = Bootstrap(draws.seed, draws.resamples, clusters)
    return krippendorff(matrix(ratings), level, bootstrap).to_json()


def same(ratings: Sequence[Sequence[float]], clusters: Sequence[str], within: float, draws: Draws) -> dict[str, Any]:
    """How often two ratings of an item lie no further apart: the mean over items with two or more."""
    shares = pairwise_share(ratings, within)
    known = [(one, cluster) for one, cluster in zip(shares, clusters, strict=True) if one is not None]
    return mean([one for one, _ in known], [cluster for _, cluster in known], draws, NOT_TWICE)


def _strengths(votes: Sequence[Vote], draws: Draws) -> dict[str, Any]:
    """Bradley-Terry, also of two systems: its side term tells what the left is worth, systems being equal."""
    if not votes:
        return {"n": 0, "why": "nothing was voted"}
    shown = []
    for vote in votes:
        left, right = (f"{one:06}" for one in vote.sides)  # that sort by number
        shown.append(Comparison(left, right, WINNERS.get(vote.trial.answer, "tie"), vote.item.cluster))
    found = bradley_terry(shown, seed=draws.seed, resamples=draws.resamples)
    told = found.to_json()
    told["strengths"] = {str(int(name)): term.to_json() for name, term in found.strengths.items()}
    told["differences"] = [{**one, "of": [int(name) for name in one["of"]]} for one in told["differences"]]
    told["groups"] = [[int(name) for name in group] for group in told["groups"]]
    return told
