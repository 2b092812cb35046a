"""Metrics and judges held against the votes of a pairwise study."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from whyfeel.stats.choices import CHOICES, Choice
from whyfeel.stats.meta import chosen, differences, means_by_vote
from whyfeel.stats.resampling import Bootstrap
from whyfeel.stats.series import Floats
from whyfeel.study.exclusions import Vote
from whyfeel.study.meta_parts import Entry, mean_of, told_apart, verdict
from whyfeel.study.meta_values import Choosing, Source, Valued, valued

TURNED: Mapping[Choice, Choice] = {"A": "B", "B": "A", "both good": "both good", "both bad": "both bad"}


def vote_parts(votes: Sequence[Vote], sources: Sequence[Source], bootstrap: Bootstrap) -> tuple[list[Entry], int]:
    """A part for every two sources that people chose between, if the run of one at least is given.

    Args:
        votes: of a pairwise study.
        sources: every one of the study, those whose run is given first: of two, the earlier one is A.
        bootstrap: seed and number of resamples; pictures are drawn.

    Returns:
        the parts, and how many votes are about texts of no given run.
    """
    found, held = [], 0
    for a, b in combinations(sources, 2):
        here = [_between(a, vote) for vote in votes if set(vote.systems) == {a.system, b.system}]
        if here and a.run is not None:
            clusters = [vote.item.cluster for vote in here]
            found.append(_part(a, b, here, replace(bootstrap, clusters=clusters)))
            held += len(here)
    return found, len(votes) - held


def _between(a: Source, vote: Vote) -> Choosing:
    """A vote as one for source A or the other; by itself it takes the lower number for A."""
    one, other = sorted(vote.item.candidates, key=lambda candidate: candidate.system != a.system)
    turned = vote.choice if vote.systems[0] == a.system else TURNED[vote.choice]
    return Choosing(vote.item, turned, one, other)


def _part(a: Source, b: Source, votes: Sequence[Choosing], bootstrap: Bootstrap) -> Entry:
    choices = [vote.choice for vote in votes]
    measured, unmeasured = valued(a, b, votes)
    arrays = {
        name: np.array([math.nan if isinstance(value, str) else value for value in one.values])
        for name, one in measured.items()
    }
    judged = {name: arrays[name] for name, one in measured.items() if one.kind != "people"}
    return {
        "name": f"{a.name} / {b.name}",
        "a": a.name,
        "b": b.name,
        "votes": len(votes),
        "choices": {choice: choices.count(choice) for choice in CHOICES},
        "measures": {name: _entry(one, arrays[name], choices, bootstrap) for name, one in measured.items()},
        "unmeasured": unmeasured,
        "differences": told_apart(
            "auc", differences({name: arrays[name] for name in judged}, choices, "auc", bootstrap)
        ),
    }


def _entry(one: Valued, values: Floats, choices: Sequence[Choice], bootstrap: Bootstrap) -> Entry:
    held = chosen(values, choices, bootstrap, both_sides=one.both_sides)
    means = means_by_vote(
        *(values, choices, bootstrap.clusters or ()), seed=bootstrap.seed, resamples=bootstrap.resamples
    )
    lacking = Counter(value for value in one.values if isinstance(value, str))
    return {
        "kind": one.kind,
        "both_sides": one.both_sides,
        **held.to_json(),
        "left_out": dict(sorted(lacking.items())),
        "means": {choice: mean_of(told) for choice, told in means.items()},
        "verdict": verdict(held.auc, 0.5),
    }
