"""A panel: several models give verdicts on the same answers, side by side, and how far they agree is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from whyfeel.judging.jury import Jury, JuryTally, role_of
from whyfeel.judging.verdict_text import LABELS
from whyfeel.judging.verdicts import GivenAway, VerdictsJudge, nothing_given_away, verdicts_tally
from whyfeel.prompts import Prompts
from whyfeel.records import Asking, Judgement, Response, Sample


class Panel(Jury):
    """The judge `verdicts` asked of several models.

    Args:
        members: the declared names of the models, at least two, all different.
        texts, seed, see_image, given_away: as for `VerdictsJudge`.
    """

    def __init__(
        self,
        members: Sequence[str],
        texts: Prompts,
        *,
        seed: int = 0,
        see_image: bool = False,
        given_away: GivenAway = nothing_given_away,
    ) -> None:
        make = partial(VerdictsJudge, texts, seed=seed, see_image=see_image, given_away=given_away)
        super().__init__({name: make(role=role_of(place)) for place, name in enumerate(members)})

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """As any panel; that a sample has no triggers is no member's failing."""
        if not sample.triggers:
            return (yield from self._first.judge(sample, response))
        return (yield from super().judge(sample, response))

    def tally(self) -> JuryTally:
        """An empty tally."""
        return panel_tally(tuple(self._judges), see_image=any(self.roles.values()))


def panel_tally(members: Sequence[str], *, see_image: bool) -> JuryTally:
    """An empty tally of a panel's verdicts; agreement is trigger by trigger."""
    return JuryTally(members, partial(verdicts_tally, see_image=see_image), _labels)


def _labels(sample: Sample, judgement: Judgement) -> list[float]:
    said: list[float] = [LABELS.index(one["verdict"]) for one in judgement.detail.get("verdicts", ())]
    return said or [math.nan] * len(sample.triggers)
