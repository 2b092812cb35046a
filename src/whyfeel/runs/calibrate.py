"""`whyfeel calibrate`: how far a judge agrees with people, and its score corrected by what they say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.errors import DataError, UserError
from whyfeel.records import Judgement, Sample
from whyfeel.runs.finished import Finished, read_finished
from whyfeel.runs.labels import Labels, read_labels
from whyfeel.stats import Series
from whyfeel.stats.agreement import krippendorff
from whyfeel.stats.judges import paired, rates, rogan_gladen
from whyfeel.stats.ppi import corrected_mean
from whyfeel.stats.resampling import Bootstrap
from whyfeel.stats.series import Floats

FEW = 100  # labelled answers, below which intervals are taken with care
RECALLS = ("corrected_recall", "recall")  # what labels of triggers give; the first that a judge has is the default
STRANGE = 4.0  # standard errors: one random sample in 16,000 lies further from the mean of all
UNLIKELY = 0.001
OVERALL = "overall"

Labelled = NDArray[np.bool_]  # shape (n,): which answers have labels


@dataclass(frozen=True)
class Held:
    """A run's answers, each with what the judge and what people said; n of them, in the run's order.

    Attributes:
        people, judge: scores, shape (n,), NaN where there is none.
        found: which triggers of an answer the judge found; None where its detail does not tell.
        truth: which ones people found; None where the answer has no labels of triggers.
    """

    people: Floats
    judge: Floats
    found: list[list[bool] | None]
    truth: list[list[bool | None] | None]


def calibrate(
    run: Path, labels: Path, *, judge: str | None = None, score: str | None = None, data: Path | None = None
) -> dict[str, Any]:
    """Hold a judge's scores of a finished run against people's labels on some of its answers.

    Args:
        run: the run folder.
        labels: the file of labels.
        judge: the id or the name of one of its judges; the first where not given.
        score: a mean over answers; recall or corrected recall where not given.
        data: where the task's records lie now, where not where run.json says.

    Returns:
        what `whyfeel calibrate --json` prints; docs/calibrating.md has its parts.

    Raises:
        DataError, UserError: the run is not finished, the labels cannot be read or do not fit it, or the score is not
            one that labels of answers can be held against.
    """
    finished = read_finished(run, judge=judge, data=data)
    series = _series(finished, score)
    chosen = frozenset(finished.ids)
    samples = {sample.id: sample for sample in finished.task if sample.id in chosen}
    told = read_labels(labels, samples)
    if told.kind != "score" and series.name not in RECALLS:
        raise UserError(
            f"{str(labels)!r} tells which triggers were found, which gives recall: "
            f'leave --score {series.name} out, or label answers with a "score"'
        )
    held = _held(finished, series, samples, told)
    labelled = np.array([name in told.ballots for name in finished.ids])
    spec = finished.manifest["spec"]
    groups = [OVERALL, *(group for group in finished.task.groups if group in finished.groups)]
    return {
        "run": str(run),
        "task": spec["task"],
        "model": spec["model"],
        "strategy": spec["strategy"],
        "judge": finished.judge["name"],
        "judge_model": finished.judge.get("model"),
        "score": series.name,
        "labels": "answers" if told.kind == "score" else "triggers",
        "n": len(finished.ids),
        "labelled": len(told.ballots),
        "unscored": int((labelled & np.isnan(held.judge)).sum()),
        "partial": int((labelled & np.isnan(held.people)).sum()),
        "blank": told.blank,
        "raters": _raters(finished, told, spec["seed"]),
        "warnings": _warnings(finished, held, labelled),
        "groups": {group: _group(finished, held, group, spec["seed"]) for group in groups},
    }


def _series(finished: Finished, name: str | None) -> Series:
    names = [one.name for one in finished.series if one.groups is None]
    wanted = name or next((one for one in RECALLS if one in names), None)
    if wanted is None:
        raise UserError(f"the judge {finished.judge['name']} gives no recall: --score is needed; of {', '.join(names)}")
    series = finished.score(wanted)
    if series.chance is not None or (series.denominator != 1).any():
        means = ", ".join(dict.fromkeys(one.name for one in finished.series if _is_mean(one)))
        raise UserError(f"--score: {series.name} is no mean over single answers, as a label is of one; choose {means}")
    if (series.numerator < 0).any() or (series.numerator > 1).any():
        raise DataError(
            f"{str(finished.path)!r}: a {series.name} of {finished.judge_id} is not from 0 to 1; judge again"
        )
    return series


def _is_mean(one: Series) -> bool:
    return one.groups is None and one.chance is None and bool((one.denominator == 1).all())


def _held(finished: Finished, series: Series, samples: Mapping[str, Sample], labels: Labels) -> Held:
    held = Held(np.full(len(finished.ids), np.nan), series.numerator, [], [])
    for place, (name, judgement) in enumerate(zip(finished.ids, finished.judgements, strict=True)):
        sample, has_labels = samples[name], name in labels.ballots
        try:
            held.found.append(found_triggers(judgement, len(sample.triggers)))
        except (AttributeError, IndexError, KeyError, TypeError):
            raise DataError(
                f"the judgement of {name!r} in {str(finished.path)!r} is damaged; run the judge again"
            ) from None
        held.truth.append(labels.found(sample) if has_labels and labels.kind != "score" else None)
        if has_labels:
            held.people[place] = labels.score(sample)
    return held


def found_triggers(judgement: Judgement, count: int) -> list[bool] | None:
    """Which of a sample's triggers a judge counted as found; None where it was not judged or its detail does not tell.

    Of a panel, those that more than half of its members found.
    """
    return None if judgement.unscored is not None else _found(judgement.detail, count)


def _found(detail: Mapping[str, Any], count: int) -> list[bool] | None:
    if "members" in detail:
        each = [_found(one["detail"], count) or [] for one in detail["members"]]
        return [2 * sum(votes) > len(each) for votes in zip(*each, strict=True)]
    if "matched" in detail:
        places = {pair[0] for pair in detail["matched"]}
        if not places <= set(range(count)):
            raise IndexError
        return [place in places for place in range(count)]
    if "verdicts" in detail:
        if len(detail["verdicts"]) != count:
            raise IndexError
        return [one["verdict"] == "supported" and not one.get("shared") for one in detail["verdicts"]]
    # an answer in which nothing can be quoted is not put to the judge
    return [False] * count if detail.get("tries") == 0 else None


def _group(finished: Finished, held: Held, group: str, seed: int) -> dict[str, Any]:
    """All figures of one emotion, or of all."""
    here = np.array([group in {OVERALL, own} for own in finished.groups])
    clusters = [name for name, inside in zip(finished.clusters, here, strict=True) if inside]
    people, judge = held.people[here], held.judge[here]
    figures = corrected_mean(people, judge, clusters).to_json()
    figures["agreement"] = paired(judge, people, clusters, seed).to_json()
    figures["triggers"] = _triggers(held, np.flatnonzero(here).tolist())
    return figures


def _triggers(held: Held, places: Sequence[int]) -> dict[str, Any] | None:
    """The judge's and the people's findings trigger by trigger; None where one of them tells none."""
    if all(held.truth[place] is None for place in places):
        return None
    every = [one for place in places for one in held.found[place] or ()]
    pairs = [
        (found, true)
        for place in places
        for found, true in zip(held.found[place] or (), held.truth[place] or (), strict=False)
    ]
    if not every:
        return None
    known = np.array([pair for pair in pairs if pair[1] is not None], dtype=np.bool_).reshape(-1, 2)
    judge, people = known.T
    return {
        "n": len(known),
        "tied": len(pairs) - len(known),
        **rates(judge, people).to_json(),
        "corrected_rate": rogan_gladen(sum(every), len(every), judge, people).to_json(),
    }


def _raters(finished: Finished, labels: Labels, seed: int) -> dict[str, Any]:
    """How many raters there are, and how far they agree where several labelled the same."""
    ratings, names = labels.ratings()
    several = int(((~np.isnan(ratings)).sum(axis=1) > 1).sum())
    if not several:
        return {"n": labels.raters, "several": 0, "alpha": None}
    cluster = dict(zip(finished.ids, finished.clusters, strict=True))
    bootstrap = Bootstrap(seed, clusters=[cluster[name] for name in names])
    alpha = krippendorff(ratings, "interval" if labels.kind == "score" else "nominal", bootstrap)
    return {"n": labels.raters, "several": several, "alpha": alpha.to_json()}


def _warnings(finished: Finished, held: Held, labelled: Labelled) -> list[str]:
    """What should keep the reader from trusting the figures."""
    compared = int((~np.isnan(held.people) & ~np.isnan(held.judge)).sum())
    found = []
    if compared < FEW:
        found.append(f"{compared} labelled answers are few: below {FEW}, take the intervals with care")
    if (taken := finished.manifest["selection"].get("taken")) is not None:
        found.append(f"the run stopped itself (--until) after {taken:,} samples; the intervals do not know of it")
    return found + [
        f"the labelled answers are no random sample of the run: {why}"
        for why in _oddities(finished, held.judge, labelled)
    ]


def _oddities(finished: Finished, judge: Floats, labelled: Labelled) -> list[str]:
    """What a random sample of answers would hardly look like."""
    n, k = len(labelled), int(labelled.sum())
    odd = []
    if labelled[:k].all() and math.comb(n, k) * UNLIKELY > 1:
        odd.append(f"they are its first {k:,}")
    elif abs(_standing(np.arange(n, dtype=np.float64), labelled)) > STRANGE:
        odd.append("most of them stand near its beginning, or most near its end")
    emotions = np.array(finished.groups, dtype=object)
    for group in dict.fromkeys(finished.groups):
        own = emotions == group
        if own[labelled].all() and math.comb(int(own.sum()), k) < UNLIKELY * math.comb(n, k):
            return [*odd, f"all are {group!r}"]
    shares = [(_standing((emotions == group).astype(np.float64), labelled), group) for group in finished.task.groups]
    far, group = max((abs(one), name) for one, name in shares)
    if far > STRANGE:
        odd.append(f"they have too {'many' if (far, group) in shares else 'few'} that are {group!r}")
    scored = ~np.isnan(judge)
    above = _standing(judge[scored], labelled[scored])
    if abs(above) > STRANGE:
        odd.append(f"the judge scores them {'higher' if above > 0 else 'lower'} than the others")
    return odd


def _standing(values: Floats, chosen: Labelled) -> float:
    """How many standard errors the mean of the chosen lies above that of all, as of a draw without replacement."""
    n, k = len(values), int(chosen.sum())
    if not 0 < k < n or not (spread := float(values.std())):
        return 0.0
    return float(values[chosen].mean() - values.mean()) / (spread * math.sqrt((n - k) / (k * (n - 1))))
