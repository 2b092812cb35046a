"""How near the answers of a run come to the reasons of each group of people: a report, written into no file.

A group with more reasons a picture has more chances of a near one, so that scores against all of a group's reasons say
little about the group. Groups are compared by what one of their reasons gives: each reason is held against the answer
by itself, and a sample's value is the mean over the group's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from whyfeel.errors import UserError
from whyfeel.metrics import DEFAULT, Item, Metric, build_metrics
from whyfeel.runs.finished import Finished, read_finished
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.metrics import SCHEMA, measure, read_answers, tools
from whyfeel.stats import Series, estimate
from whyfeel.stats.multiple import holm
from whyfeel.stats.paired import Difference, differences
from whyfeel.stats.series import Floats
from whyfeel.tasks.socratis import SOCRATIS
from whyfeel.tasks.socratis_groups import NOT_TOLD, Reason, read_reasons

LEAST, FLOOR = 30, 10  # entries and answers of a group that is shown: unless told otherwise, and at the very least
EVERYONE = "everyone"


@dataclass(frozen=True)
class Split:
    """The answers of a run that were obtained, n of them, and who wrote their references.

    Attributes:
        items: the answers with all their references, n.
        reasons: those of the answers' samples.
        places: sample id to the place of its item.
        clusters: the picture of each item.
        seed: of the run.
    """

    items: tuple[Item, ...]
    reasons: tuple[Reason, ...]
    places: Mapping[str, int]
    clusters: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Group:
    """People who said the same of themselves, or everyone.

    Attributes:
        name: as the data has it.
        reasons: places of its reasons among those of the split.
        entries: entries of workers in the file that gave one of them.
        samples: answers for whose sample it gave one.
    """

    name: str
    reasons: tuple[int, ...]
    entries: int
    samples: int


def measure_by_group(
    path: Path,
    by: str,
    specs: Sequence[str] | None = None,
    *,
    least: int = LEAST,
    data: Path | None = None,
    images: Path | None = None,
    local_only: bool = False,
) -> dict[str, Any]:
    """Measure a finished run of Socratis against the reasons of each group of workers.

    Args:
        path: the run folder.
        by: what the groups are told apart by, one of `socratis_groups.GROUPINGS`.
        specs: metrics that read references; those without a checkpoint where not given.
        least: entries and answers that a group has at least to be shown, from FLOOR. Where one group alone would not
            be shown, or several of fewer entries together, the next smallest is not either, so that nobody finds them
            by subtraction.
        data, images, local_only: as in `metrics.measure_run`.

    Returns:
        what `whyfeel metrics --by --json` prints: docs/metrics.md has its parts.

    Raises:
        UserError: the run's task does not tell who wrote its references, a metric reads none, `least` is too small, or
            as `metrics.measure_run` says.
    """
    if least < FLOOR:
        raise UserError(f"--least {least}: expected {FLOOR} or more, so that nobody is recognised in a small group")
    run = read_finished(path, data=data)
    if run.task.name != SOCRATIS:
        raise UserError(f"--by: the task {run.task.name} does not tell who wrote its references; {SOCRATIS} does")
    reasons = read_reasons(run.task.files[0], by)
    metrics = _metrics(specs, local_only=local_only)
    answers = read_answers(run, RunFolder(path), metrics, images)
    split = _split(answers.items, reasons, run)
    groups = _groups(split)
    shown, withheld = _shown(groups, least)
    everyone = _group(EVERYONE, range(len(split.reasons)), split)
    lost = {one.entry for group in withheld for one in (split.reasons[place] for place in group.reasons)}
    return {
        "schema": SCHEMA,
        "task": run.task.name,
        **{name: run.manifest["spec"][name] for name in ("model", "strategy", "seed")},
        "responses": answers.digest,
        "n": len(run.ids),
        "answered": len(answers.items),
        "by": by,
        "least": least,
        "everyone": _sizes(everyone),
        "groups": {one.name: _sizes(one) for one in shown},
        "withheld": {"groups": len(withheld), "entries": len(lost)},
        "metrics": {one.name: _measured(one, split, everyone, shown, least) for one in metrics},
    }


def _metrics(specs: Sequence[str] | None, *, local_only: bool) -> list[Metric]:
    found = build_metrics(DEFAULT if specs is None else specs, tools(local_only=local_only))
    reading = [one for one in found if "references" in one.needs]
    if specs is not None and (blind := [one.name for one in found if one not in reading]):
        raise UserError(f"--by: {', '.join(blind)} reads no references, and is the same for every group")
    return reading


def _split(items: tuple[Item, ...], reasons: Sequence[Reason], run: Finished) -> Split:
    places = {item.sample_id: place for place, item in enumerate(items)}
    own = tuple(one for one in reasons if one.sample_id in places)
    return Split(items, own, places, tuple(item.cluster for item in items), run.manifest["spec"]["seed"])


def _groups(split: Split) -> list[Group]:
    """The largest first; those who did not say stand last."""
    places: dict[str, list[int]] = {}
    for place, reason in enumerate(split.reasons):
        for name in reason.groups:
            places.setdefault(name, []).append(place)
    groups = [_group(name, own, split) for name, own in places.items()]
    return sorted(groups, key=lambda one: (one.name == NOT_TOLD, -one.entries, one.name))


def _group(name: str, places: Sequence[int], split: Split) -> Group:
    own = [split.reasons[place] for place in places]
    return Group(name, tuple(places), len({one.entry for one in own}), len({one.sample_id for one in own}))


def _sizes(group: Group) -> dict[str, int]:
    return {"entries": group.entries, "answers": group.samples, "reasons": len(group.reasons)}


def _shown(groups: Sequence[Group], least: int) -> tuple[list[Group], list[Group]]:
    """The groups that are large enough, and those that are withheld: none, or two or more and as many entries."""
    large = [one for one in groups if min(one.entries, one.samples) >= least]
    while large and (few := [one for one in groups if one not in large]):
        if len(few) > 1 and sum(one.entries for one in few) >= least:
            break
        large.remove(min(large, key=lambda one: (one.entries, one.samples, one.name)))
    return large, [one for one in groups if one not in large]


def _measured(metric: Metric, split: Split, everyone: Group, shown: Sequence[Group], least: int) -> dict[str, Any]:
    """The entry of a metric."""
    alone = [replace(split.items[split.places[one.sample_id]], references=(one.text,)) for one in split.reasons]
    values = np.array([math.nan if one is None else one for one in measure(metric, alone).values])
    groups = (everyone, *shown)
    each = [_one_by_one(group, split, values) for group in groups]
    scores = _scores([*(_all_at_once(metric, group, split) for group in groups), *each], split)
    whole, *own = (
        {"all_at_once": every, "one_by_one": one}
        for every, one in zip(scores[: len(groups)], scores[len(groups) :], strict=True)
    )
    return {
        "source": metric.source,
        "range": [end if math.isfinite(end) else None for end in (metric.low, metric.high)],
        "everyone": whole,
        "groups": {group.name: one for group, one in zip(shown, own, strict=True)},
        "differences": _differences(shown, each[1:], split, least),
    }


def _one_by_one(group: Group, split: Split, values: Floats) -> Floats:
    """For each item the mean of the values that the group's reasons have, NaN where there is none; shape (n,)."""
    own = np.array([place for place in group.reasons if not math.isnan(values[place])], np.intp)
    items = np.array([split.places[split.reasons[place].sample_id] for place in own], np.intp)
    n = len(split.items)
    with np.errstate(invalid="ignore"):
        means: Floats = np.bincount(items, values[own], n) / np.bincount(items, minlength=n)
    return means


def _all_at_once(metric: Metric, group: Group, split: Split) -> Floats:
    """For each item the metric with all the group's reasons as references, NaN where there is none; shape (n,)."""
    own: dict[int, dict[str, None]] = {}
    for place in group.reasons:
        reason = split.reasons[place]
        own.setdefault(split.places[reason.sample_id], {})[reason.text] = None
    items = sorted(own)
    found = measure(metric, [replace(split.items[item], references=tuple(own[item])) for item in items])
    values = np.full(len(split.items), np.nan)
    values[items] = [math.nan if one is None else one for one in found.values]
    return values


def _scores(columns: Sequence[Floats], split: Split) -> list[dict[str, Any]]:
    """The mean of each column of values with its interval."""
    series = [replace(_series(values), name=f"{place}") for place, values in enumerate(columns)]
    found = estimate(series, [EVERYONE] * len(split.items), split.clusters, **_like(split))
    told = (by_label["overall"].to_json() for by_label in found.values())
    # the bounds of an estimate hold for scores from 0 to 1 alone
    return [{key: value for key, value in one.items() if key != "bounds"} for one in told]


def _differences(shown: Sequence[Group], each: Sequence[Floats], split: Split, least: int) -> list[dict[str, Any]]:
    """Every two groups over the answers that both have a value for, p corrected for the number of them (Holm)."""
    pairs = list(combinations(range(len(shown)), 2))
    found = [_difference(each[a], each[b], split, least) for a, b in pairs]
    corrected = holm([one.p for one in found])
    return [
        {"a": shown[a].name, "b": shown[b].name, "difference": one.value, "low": one.low, "high": one.high}
        | {"n": one.n, "p": one.p, "p_holm": p}
        | ({"why": one.why} if one.why else {})
        for (a, b), one, p in zip(pairs, found, corrected, strict=True)
    ]


def _difference(one: Floats, other: Floats, split: Split, least: int) -> Difference:
    both = np.flatnonzero(~np.isnan(one) & ~np.isnan(other))
    if len(both) < least:
        return Difference(None, None, None, None, len(both), 0, why=f"fewer than {least} answers in common")
    pictures = [split.clusters[place] for place in both]
    pair = [_series(one[both]), _series(other[both])]
    return differences(pair, [EVERYONE] * len(both), pictures, **_like(split))[0, 1]["overall"]


def _series(values: Floats) -> Series:
    return Series("score", values, np.ones(len(values)))


def _like(split: Split) -> dict[str, Any]:
    return {"order": [EVERYONE], "macro": False, "seed": split.seed}
