"""A panel: several models give verdicts on the same answers, side by side, and how far they agree is told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from whyfeel.errors import AskFailed
from whyfeel.judging.verdict_text import LABELS
from whyfeel.judging.verdicts import GivenAway, VerdictsJudge, nothing_given_away, verdicts_tally
from whyfeel.prompts import Prompts
from whyfeel.records import Answer, Ask, Asking, Failure, Judgement, Response, Sample, Unscored
from whyfeel.stats.agreement import exact_agreement, krippendorff
from whyfeel.stats.series import Series


def role_of(place: int) -> str:
    """The role of a panel's member, counted from 0: "judge", "judge-2", "judge-3" and so on."""
    return f"judge-{place + 1}" if place else "judge"


class Panel:
    """The judge `verdicts` asked of several models; its scores are the means of theirs.

    A sample that one member could not judge is unscored: the mean of the others would be another panel's.

    Args:
        members: the declared names of the models, at least two, all different.
        texts, seed, see_image, given_away: as for `VerdictsJudge`.
    """

    name = VerdictsJudge.name
    headline = VerdictsJudge.headline
    prompts = VerdictsJudge.prompts
    version = VerdictsJudge.version

    def __init__(
        self,
        members: Sequence[str],
        texts: Prompts,
        *,
        seed: int = 0,
        see_image: bool = False,
        given_away: GivenAway = nothing_given_away,
    ) -> None:
        self._members = tuple(members)
        self._judges = [
            VerdictsJudge(texts, seed=seed, see_image=see_image, role=role, given_away=given_away)
            for role in map(role_of, range(len(self._members)))
        ]
        self.roles: Mapping[str, bool] = {role: sees for judge in self._judges for role, sees in judge.roles.items()}

    @property
    def note(self) -> str:
        """The members' note, and how many they are."""
        return f"The mean of {len(self._members)} judges. {self._judges[0].note}"

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """Each member judges on its own; the counts are the means of theirs, the detail holds every member's."""
        if not sample.triggers:  # no member's failing
            return (yield from self._judges[0].judge(sample, response))
        judged = yield from side_by_side([judge.judge(sample, response) for judge in self._judges])
        detail = {"members": [_told(name, one) for name, one in zip(self._members, judged, strict=True)]}
        keys = tuple(key for one in judged for key in one.asks)
        for name, one in zip(self._members, judged, strict=True):
            if one.unscored is not None:
                unscored = Unscored(f"panel: {name} {one.unscored.reason}", one.unscored.detail)
                return Judgement(sample.id, {}, detail, keys, unscored)
        counts = {count: math.fsum(one.counts[count] for one in judged) / len(judged) for count in judged[0].counts}
        return Judgement(sample.id, counts, detail, keys)

    def tally(self) -> PanelTally:
        """An empty tally."""
        return PanelTally(self._members, see_image=any(self.roles.values()))


def side_by_side(conversations: Sequence[Asking[Judgement]]) -> Asking[list[Judgement]]:
    """Hold conversations of single asks at the same time, a list of asks a round, until the last has ended.

    One whose ask fails is judged unscored, with the reason of the failure; the others go on.
    """
    judged: dict[int, Judgement] = {}
    replies: dict[int, Answer | Failure | None] = dict.fromkeys(range(len(conversations)))
    while replies:
        asks = {}
        for place, reply in replies.items():
            try:
                asks[place] = _resume(conversations[place], reply)
            except StopIteration as stop:
                judged[place] = stop.value
            except AskFailed as failed:
                judged[place] = Judgement("", unscored=Unscored(failed.reason, failed.detail))
        answers = (yield list(asks.values())) if asks else []
        replies = dict(zip(asks, answers, strict=True))
    return [judged[place] for place in range(len(conversations))]


def _resume(conversation: Asking[Judgement], reply: Answer | Failure | None) -> Ask:
    failed = AskFailed(reply.reason, reply.detail) if isinstance(reply, Failure) else None
    step = conversation.send(reply) if failed is None else conversation.throw(failed)
    if not isinstance(step, Ask):
        raise TypeError("a member of a panel asks one thing at a time")
    return step


def _told(model: str, judgement: Judgement) -> dict[str, Any]:
    """A member's part of the detail: what its own line in judgements.jsonl would be, but for id and asks."""
    line = judgement.to_json()
    return {"model": model} | {name: line[name] for name in ("counts", "unscored", "detail") if name in line}


class PanelTally:
    """Collects a panel's judgements: the means as scores, each member's own scores and their agreement as facts."""

    def __init__(self, members: Sequence[str], *, see_image: bool) -> None:
        self._mean = verdicts_tally(see_image=see_image)
        self._own = {name: verdicts_tally(see_image=see_image) for name in members}
        self._labels: dict[str, list[float]] = {name: [] for name in members}

    def add(self, sample: Sample, judgement: Judgement) -> None:
        """Take the judgement of the next sample; what members said of an unscored one counts for agreement."""
        self._mean.add(sample, judgement)
        said = {one["model"]: one for one in judgement.detail.get("members", ())}
        nothing = {"unscored": {"reason": "not judged"}}
        for name, tally in self._own.items():
            line = {"id": sample.id, "detail": {}, "asks": (), **said.get(name, nothing)}
            tally.add(sample, Judgement.from_json(line))
            labels = [LABELS.index(one["verdict"]) for one in line["detail"].get("verdicts", ())]
            self._labels[name] += labels or [math.nan] * len(sample.triggers)

    def series(self) -> list[Series]:
        """The means over the members, where all of them judged."""
        return self._mean.series()

    def facts(self) -> Mapping[str, Any]:
        """{"panel": {"members": each with its scores over what it judged, "agreement": by trigger}}."""
        ratings = np.array(list(self._labels.values()), dtype=np.float64).T
        judged, exact = exact_agreement(ratings)
        alpha = krippendorff(ratings)
        agreement = {"n": judged, "exact": exact, "alpha": alpha.value} | ({"why": alpha.why} if alpha.why else {})
        members = [{"model": name, **_scores(tally.series())} for name, tally in self._own.items()]
        return {**self._mean.facts(), "panel": {"members": members, "agreement": agreement}}


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
