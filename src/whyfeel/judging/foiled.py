"""A judge that also holds some answers against foils, so that its scores can be corrected for chance."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from whyfeel.errors import AskFailed
from whyfeel.judging.base import Judge, Tally
from whyfeel.judging.foils import Foils
from whyfeel.records import Asking, Corpus, Judgement, Response, Sample, Trigger

CHANCE = {"f1": "chance", "f1_unleaked": "chance_unleaked"}
FoilTriggers = Mapping[str, Sequence[tuple[Trigger, ...]]]


def foil_triggers(corpus: Corpus, foils: Foils, ids: Collection[str]) -> FoilTriggers:
    """Sample id to the triggers of each of its foils, for the samples of these ids; two passes over the corpus."""
    places = {sample.id: foils.places(sample) for sample in corpus if sample.id in ids}
    wanted = {place for some in places.values() for place in some}
    held = {place: sample.triggers for place, sample in enumerate(corpus) if place in wanted}
    return {name: [held[place] for place in some] for name, some in places.items()}


class Foiled:
    """The same judge, which after its verdict gives one on the same answer against each foil.

    The counts "chance" and "chance_unleaked" are the mean F1 over the foils that could be judged; they are not there
    where none could.

    Args:
        judge: whose counts have "f1" and, where the question leaves any trigger over, "f1_unleaked".
        foils: by sample id; a sample that is not there is held against none.
    """

    def __init__(self, judge: Judge, foils: FoilTriggers) -> None:
        self.name, self.headline, self.roles = judge.name, judge.headline, judge.roles
        self.prompts, self.version, self.note = judge.prompts, judge.version, judge.note
        self._judge = judge
        self._foils = foils

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """The judge's own judgement, with what chance gives where the sample has foils."""
        first, *foils = self.each(sample, response)
        own = yield from first
        if own.unscored is not None or not foils:
            return own
        f1: dict[str, list[float]] = {name: [] for name in CHANCE.values()}
        told: list[Mapping[str, Any]] = []
        asks = list(own.asks)
        for conversation in foils:
            try:
                one = yield from conversation
            except AskFailed as failed:
                told.append({"unscored": failed.reason})
                continue
            asks += one.asks
            told.append({"unscored": one.unscored.reason} if one.unscored else {"f1": one.counts["f1"]})
            for count, name in CHANCE.items():
                f1[name] += [one.counts[count]] if count in one.counts else []
        chance = {name: math.fsum(found) / len(found) for name, found in f1.items() if found}
        return replace(own, counts={**own.counts, **chance}, detail={**own.detail, "foils": told}, asks=tuple(asks))

    def each(self, sample: Sample, response: Response) -> list[Asking[Judgement]]:
        """The judge's own conversation and one a foil, none of them started."""
        # a rubric is about the sample's own triggers
        foils = (replace(sample, triggers=triggers, rubric="") for triggers in self._foils.get(sample.id, ()))
        return [self._judge.judge(one, response) for one in (sample, *foils)]

    def tally(self) -> Tally:
        """The judge's own."""
        return self._judge.tally()


def conversations(judge: Judge, sample: Sample, response: Response) -> list[Asking[Judgement]]:
    """All that a judge would ask about an answer, each part on its own: for a dry run, where no verdict comes back."""
    return judge.each(sample, response) if isinstance(judge, Foiled) else [judge.judge(sample, response)]
