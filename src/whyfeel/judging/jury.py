"""Judges of one kind beside each other, each with a model of its own, and how far they agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from whyfeel.errors import AskFailed
from whyfeel.judging.base import Judge, Tally
from whyfeel.records import Asking, Judgement, Response, Sample, Unscored
from whyfeel.stats.agreement import exact_agreement, krippendorff
from whyfeel.stats.series import Series
from whyfeel.strategies.alongside import alongside

Labels = Callable[[Sample, Judgement], list[float]]


def role_of(place: int) -> str:
    """The role of a panel's member, counted from 0: "judge", "judge-2", "judge-3" and so on."""
    return f"judge-{place + 1}" if place else "judge"


class Jury:
    """A judge asked of several models; its scores are the means of theirs.

    A sample that one member could not judge is unscored: the mean of the others would be another panel's.

    Args:
        judges: the declared name of each model, at least two, to its judge; they differ in their roles alone.
    """

    def __init__(self, judges: Mapping[str, Judge]) -> None:
        self._judges = dict(judges)
        self._first = next(iter(judges.values()))
        self.name, self.headline = self._first.name, self._first.headline
        self.prompts, self.version = self._first.prompts, self._first.version
        self.roles: Mapping[str, bool] = {role: sees for one in judges.values() for role, sees in one.roles.items()}

    @property
    def note(self) -> str:
        """The members' note, and how many they are."""
        return f"The mean of {len(self._judges)} judges. {self._first.note}"

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """Each member judges on its own; the counts are the means of theirs, the detail holds every member's."""
        judged = yield from alongside([_caught(one.judge(sample, response)) for one in self._judges.values()])
        detail = {"members": [_told(name, one) for name, one in zip(self._judges, judged, strict=True)]}
        keys = tuple(key for one in judged for key in one.asks)
        for name, one in zip(self._judges, judged, strict=True):
            if one.unscored is not None:
                unscored = Unscored(f"panel: {name} {one.unscored.reason}", one.unscored.detail)
                return Judgement(sample.id, {}, detail, keys, unscored)
        counts = {count: math.fsum(one.counts[count] for one in judged) / len(judged) for count in judged[0].counts}
        return Judgement(sample.id, counts, detail, keys)


def _caught(conversation: Asking[Judgement]) -> Asking[Judgement]:
    """A member's conversation; one whose ask fails is unscored with its reason, so that the others go on."""
    try:
        return (yield from conversation)
    except AskFailed as failed:
        return Judgement("", unscored=Unscored(failed.reason, failed.detail))


def _told(model: str, judgement: Judgement) -> dict[str, Any]:
    """A member's part of the detail: what its own line in judgements.jsonl would be, but for id and asks."""
    line = judgement.to_json()
    return {"model": model} | {name: line[name] for name in ("counts", "unscored", "detail") if name in line}


class JuryTally:
    """Collects a panel's judgements: the means as scores, each member's own scores and their agreement as facts.

    Args:
        members: the declared names of the models.
        empty: makes an empty tally of one judge.
        labels: what a member says of a sample, as one number or more that agreement compares; NaN where it says
            nothing.
    """

    def __init__(self, members: Sequence[str], empty: Callable[[], Tally], labels: Labels) -> None:
        self._mean = empty()
        self._own = {name: empty() for name in members}
        self._labels = labels
        self._said: dict[str, list[float]] = {name: [] for name in members}

    def add(self, sample: Sample, judgement: Judgement) -> None:
        """Take the judgement of the next sample; what members said of an unscored one counts for agreement."""
        self._mean.add(sample, judgement)
        said = {one["model"]: one for one in judgement.detail.get("members", ())}
        nothing = {"unscored": {"reason": "not judged"}}
        for name, tally in self._own.items():
            own = Judgement.from_json({"id": sample.id, "detail": {}, "asks": (), **said.get(name, nothing)})
            tally.add(sample, own)
            self._said[name] += self._labels(sample, own)

    def series(self) -> list[Series]:
        """The means over the members, where all of them judged."""
        return self._mean.series()

    def facts(self) -> Mapping[str, Any]:
        """What one judge's tally tells, and {"panel": see `panel`}."""
        return {**self._mean.facts(), "panel": self.panel()}

    def panel(self) -> dict[str, Any]:
        """{"members": each with its scores over what it judged, "agreement": by label}."""
        ratings = np.array(list(self._said.values()), dtype=np.float64).T
        judged, exact = exact_agreement(ratings)
        alpha = krippendorff(ratings)
        agreement = {"n": judged, "exact": exact, "alpha": alpha.value} | ({"why": alpha.why} if alpha.why else {})
        members = [{"model": name, **_scores(tally.series())} for name, tally in self._own.items()]
        return {"members": members, "agreement": agreement}


def _scores(series: Sequence[Series]) -> dict[str, float | None]:
    """How many samples were scored, and each score over all of them, None where there are none."""
    told: dict[str, float | None] = {"scored": int(np.sum(~np.isnan(series[0].numerator)))}
    for one in series:
        if one.chance is not None:  # foils are shared by the panel
            continue
        known = ~np.isnan(one.numerator)
        told[one.name] = (
            float(one.numerator[known].sum() / one.denominator[known].sum()) if one.denominator[known].any() else None
        )
    return told
