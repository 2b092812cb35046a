"""What the judges that match one to one count, and how a run's counts become scores."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from whyfeel.records import Judgement, Sample, Trigger
from whyfeel.stats.series import Series

UNLEAKED = ("f1", "recall", "precision")  # the scores that are also told without the triggers a question gives away


def weight(triggers: Iterable[Trigger]) -> float:
    """The summed weight of some triggers, whatever order they come in; an int where it is whole."""
    total = math.fsum(trigger.weight for trigger in triggers)
    return int(total) if total.is_integer() else total


def match_counts(correct: float, total: float, matched: int, claims: int) -> dict[str, float]:
    """The counts of one answer, with recall, precision and their harmonic mean, each from 0 to 1.

    Args:
        correct: weight of the triggers found, one to one.
        total: weight of all triggers, above 0.
        matched: how many triggers were found; each is one claim.
        claims: how many claims the answer makes; precision is 0 where it makes none.

    >>> match_counts(1, 4, 1, 2)
    {'correct': 1, 'total': 4, 'claims': 2, 'precision': 0.5, 'recall': 0.25, 'f1': 0.3333333333333333}
    """
    return {
        "correct": correct,
        "total": total,
        "claims": claims,
        "precision": matched / claims if claims else 0.0,
        "recall": correct / total,
        # one division of what are whole numbers where the weights are: no rounding but the last
        "f1": 2 * matched * correct / (matched * total + correct * claims) if matched else 0.0,
    }


def unleaked_counts(triggers: Sequence[Trigger], found: Sequence[Trigger], claims: int) -> dict[str, float]:
    """recall, precision and f1 over the triggers that the question does not give away, named `..._unleaked`.

    Args:
        triggers: those it does not give away; {} is returned where there are none.
        found: those of them that were found.
        claims: the answer's claims but for those that found or denied a trigger which is given away.
    """
    if not triggers:
        return {}
    counts = match_counts(weight(found), weight(triggers), len(found), claims)
    return {f"{name}_unleaked": counts[name] for name in UNLEAKED}


class CountsTally:
    """Collects counts that are shares already; each becomes a mean over samples.

    `kf1` leads: F1 corrected for chance, (F1 - c) / (1 - c), where c is the mean F1 of the same answers against foils,
    the count "chance". Then the means, `trigger_recall` ("correct" over "total" summed over all samples), and kf1 and
    the means of UNLEAKED over the triggers that the question does not give away. A sample whose question gives all of
    its triggers away has no part in the latter.

    Args:
        means: names of the counts.
    """

    def __init__(self, means: tuple[str, ...]) -> None:
        self._means = means
        unleaked = [f"{name}_unleaked" for name in UNLEAKED]
        names = (*means, "correct", "chance", *unleaked, "chance_unleaked")
        self._values: dict[str, array[float]] = {name: array("d") for name in names}
        self._totals = array("d")
        self._scored = array("b")
        self._triggers = 0
        self._leaked = 0

    def add(self, sample: Sample, judgement: Judgement) -> None:
        """Take the judgement of the next sample; what is not among its counts keeps its place as NaN."""
        counts = judgement.counts if judgement.unscored is None else {}
        for name, values in self._values.items():
            values.append(counts.get(name, math.nan))
        self._totals.append(weight(sample.triggers) or 1)
        self._scored.append(judgement.unscored is None)
        if judgement.unscored is None:
            self._triggers += len(sample.triggers)
            self._leaked += int(counts.get("leaked", 0))

    def series(self) -> list[Series]:
        """kf1, the means in their order, trigger_recall, and the scores without what the question gives away."""
        values = {name: np.array(held, dtype=np.float64) for name, held in self._values.items()}
        ones = np.ones(len(self._totals))
        left_out = np.array(self._scored, dtype=np.bool_) & np.isnan(values["f1_unleaked"])
        rest = np.where(left_out, 0.0, ones)
        unleaked = {name: np.where(left_out, 0.0, values[f"{name}_unleaked"]) for name in UNLEAKED}
        return [
            Series("kf1", values["f1"], ones, chance=values["chance"]),
            *(Series(name, values[name], ones) for name in self._means),
            Series("trigger_recall", values["correct"], np.array(self._totals, dtype=np.float64)),
            Series("kf1_unleaked", unleaked["f1"], rest, chance=values["chance_unleaked"]),
            *(Series(f"{name}_unleaked", unleaked[name], rest) for name in UNLEAKED),
        ]

    def facts(self) -> Mapping[str, Any]:
        """What chance gives ("chance": mean F1 against foils, of n samples), and how many triggers are given away."""
        chance = np.array(self._values["chance"], dtype=np.float64)
        known = chance[~np.isnan(chance)]
        return {
            "chance": {"f1": float(known.mean()) if len(known) else None, "n": len(known)},
            "leaked": {"triggers": self._leaked, "of": self._triggers},
        }
