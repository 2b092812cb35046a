"""From responses and judgements to summary.json."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

from whyfeel.engine import Totals
from whyfeel.judging import Judge
from whyfeel.records import Judgement, Response, Sample
from whyfeel.runs.spec import RunSpec
from whyfeel.stats import estimate
from whyfeel.tasks import Task

SCHEMA = 1
OUTCOMES = ("empty", "refused", "truncated")


def summarise(
    spec: RunSpec,
    task: Task,
    judge: Judge,
    results: Iterable[tuple[Sample, Response, Judgement]],
    totals: Totals,
    seconds: float,
) -> dict[str, Any]:
    """The summary of one judge over one run.

    Args:
        spec: with the judge that is summarised.
        results: every chosen sample with its response and judgement, in the task's order; read once.
        totals: what the answers took that this judge's scores rest on.
        seconds: wall time of this sitting.

    Returns:
        summary.json as the contract has it.
    """
    tally = judge.tally()
    groups: list[str] = []
    clusters: list[str] = []
    unscored: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for sample, response, judgement in results:
        tally.add(sample, judgement)
        groups.append(sys.intern(sample.emotion))
        clusters.append(sample.cluster)
        if judgement.unscored is not None:
            unscored[judgement.unscored.reason] += 1
        if response.unscored is None:
            outcomes[response.outcome] += 1
    scores = estimate(tally.series(), groups, clusters, order=task.groups, macro=task.macro, seed=spec.seed)
    return {
        "schema": SCHEMA,
        "task": spec.task,
        "model": spec.model,
        "strategy": spec.strategy,
        "judge": spec.judge.name,
        "judge_model": spec.judge.model,
        "note": judge.note,
        "n": len(groups),
        "scored": len(groups) - sum(unscored.values()),
        "unscored": dict(sorted(unscored.items())),
        "outcomes": {outcome: outcomes[outcome] for outcome in OUTCOMES},
        "headline": {"score": judge.headline},
        "scores": {name: {group: one.to_json() for group, one in by.items()} for name, by in scores.items()},
        "controls": {},
        **tally.facts(),
        "calls": totals.calls,
        "tokens": {"in": totals.tokens_in, "out": totals.tokens_out},
        "cost": totals.cost,
        "seconds": round(seconds, 2),
    }
