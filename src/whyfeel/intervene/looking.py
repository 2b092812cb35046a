"""Putting one trigger at a time to a judge that counts triggers."""

from __future__ import annotations

from collections.abc import Mapping

from whyfeel.intervene.scenes import View, with_triggers
from whyfeel.judging import Judge
from whyfeel.records import Asking, Judgement, Response, Sample, Trigger

TRACE = 2.0**-30  # what a rival weighs: a thousand of them are lost where counts are rounded
DIGITS = 6


def looking(judge: Judge, view: View, trigger: Trigger, sample: Sample, response: Response) -> Asking[Judgement]:
    """The judge's conversation about one trigger in the answer to a view.

    A judge that asks a model is shown that trigger alone. One that compares words also has the scene's other triggers,
    next to weightless: words of the answer that stand for another one are then not taken for this one. They are the
    same for all views of a scene, so that equal answers have equal verdicts.

    Args:
        sample: the view's, with its picture.
    """
    rivals = () if judge.roles else _rivals(view, trigger)
    sought = (Trigger(trigger.text), *(Trigger(one.text, TRACE) for one in rivals))
    return judge.judge(with_triggers(sample, sought), response)


def _rivals(view: View, trigger: Trigger) -> tuple[Trigger, ...]:
    """The other triggers of the scene; what may be put in its place, too, but newcomers are no rivals of each other."""
    others = tuple(one for one in view.rivals if one.text != trigger.text)
    return others if trigger in view.newcomers else (*others, *view.newcomers)


def named(counts: Mapping[str, float]) -> float:
    """How far the one trigger was found, from 0 to 1.

    >>> named({"correct": 1 + 3 * TRACE}), named({"correct": 4 * TRACE}), named({"correct": 0.5})
    (1.0, 0.0, 0.5)
    """
    return min(1.0, round(counts["correct"], DIGITS))
