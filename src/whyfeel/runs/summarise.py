"""From responses and judgements to summary.json."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from whyfeel.engine import Totals
from whyfeel.judging import Judge
from whyfeel.records import Judgement, Response, Sample
from whyfeel.runs.controls import CANARY, Control
from whyfeel.runs.headline import headline
from whyfeel.runs.spec import RunSpec
from whyfeel.runs.until import Until
from whyfeel.stats import Estimate, estimate
from whyfeel.tasks import Task

SCHEMA = 1
OUTCOMES = ("empty", "refused", "truncated")


def summarise(
    spec: RunSpec,
    task: Task,
    judge: Judge,
    results: Iterable[tuple[Sample, Response, Judgement]],
    totals: Totals,
) -> dict[str, Any]:
    """The summary of one judge over one run.

    Args:
        spec: with the judge that is summarised.
        results: every chosen sample with its response and judgement, in the task's order; read once.
        totals: what the answers took that this judge's scores rest on.

    Returns:
        summary.json as the contract has it, without controls yet.
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
    }


def held_to_account(
    summary: Mapping[str, Any],
    controls: Iterable[tuple[Control, Iterable[tuple[Sample, Judgement]]]],
    seed: int,
) -> dict[str, Any]:
    """What the controls say of a summary, and whether its headline may stand.

    Args:
        controls: each with its judgements; read once.
        seed: of the intervals.

    Returns:
        the entries `headline`, `controls` {control: {score: value}}, `controlled` {control: {"n", "unscored",
        "intervals": {score: [low, high]}}} and, where there are any, `canaries` {"n", "unscored", "paid": [...]}.
    """
    values: dict[str, dict[str, float | None]] = {}
    told: dict[str, dict[str, Any]] = {}
    canaries: dict[str, Any] = {}
    for control, pairs in controls:
        if control.name == CANARY:
            canaries = _canaries(pairs)
            continue
        found, unscored = _estimated(control, pairs, seed)
        values[control.name] = {name: one.value for name, one in found.items()}
        n = max((one.n for one in found.values()), default=0)
        intervals = {name: [one.low, one.high] for name, one in found.items()}
        told[control.name] = {"n": n, "unscored": unscored, "intervals": intervals}
    score = summary["headline"]["score"]
    entry = summary["scores"].get(score, {}).get("overall", {})
    said = headline(score, entry.get("value"), values, len(canaries.get("paid", ())), canaries.get("n", 0))
    return {"headline": said, "controls": values, "controlled": told} | ({"canaries": canaries} if canaries else {})


def adopt(summary: dict[str, Any], until: Until) -> None:
    """Enter how the run stopped; the headline's interval becomes the one that stays valid under stopping."""
    told = until.to_json()
    score = next(iter(summary["scores"].values()))
    score["overall"] |= {"low": told["low"], "high": told["high"]}
    summary["until"] = told


def _estimated(
    control: Control, pairs: Iterable[tuple[Sample, Judgement]], seed: int
) -> tuple[dict[str, Estimate], int]:
    """The control's scores over all its samples, and how many of these are unscored."""
    tally = control.judge.tally()
    clusters: list[str] = []
    unscored = 0
    for sample, judgement in pairs:
        tally.add(sample, judgement)
        clusters.append(sample.cluster)
        unscored += judgement.unscored is not None
    series = [replace(one, groups=None) for one in tally.series() if one.groups is None or "overall" in one.groups]
    found = estimate(series, ["all"] * len(clusters), clusters, order=["all"], macro=False, seed=seed)
    return {name: by["overall"] for name, by in found.items()}, unscored


def _canaries(pairs: Iterable[tuple[Sample, Judgement]]) -> dict[str, Any]:
    """How many were judged, and those that earned anything."""
    judged = list(pairs)
    scored = [(sample, _earned(one)) for sample, one in judged if one.unscored is None]
    paid = [{"sample": sample.id, "correct": correct} for sample, correct in scored if correct > 0]
    return {"n": len(scored), "unscored": len(judged) - len(scored), "paid": paid}


def _earned(judgement: Judgement) -> float:
    """What a canary was given: triggers, or where answers are compared, a preference; a tie is none."""
    counts = judgement.counts
    return counts.get("correct", counts.get("won", 0))
