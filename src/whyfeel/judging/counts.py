"""What the judges that match one to one count, and how a run's counts become scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from whyfeel.records import Judgement, Sample, Trigger
from whyfeel.stats.series import Floats, Series


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


class CountsTally:
    """Collects counts that are shares already; each becomes a mean over samples.

    Args:
        means: names of the counts, the headline's first. `trigger_recall`, "correct" over "total" summed over all
            samples, follows them.
    """

    def __init__(self, means: tuple[str, ...]) -> None:
        self._means = means
        self._values: dict[str, list[float]] = {name: [] for name in (*means, "correct")}
        self._totals: list[float] = []

    def add(self, sample: Sample, judgement: Judgement) -> None:
        """Take the judgement of the next sample; what is not among its counts keeps its place as NaN."""
        counts = judgement.counts if judgement.unscored is None else {}
        for name, values in self._values.items():
            values.append(counts.get(name, math.nan))
        self._totals.append(weight(sample.triggers) or 1)

    def series(self) -> list[Series]:
        """The means in their order, then trigger_recall."""
        arrays: dict[str, Floats] = {name: np.array(v, dtype=np.float64) for name, v in self._values.items()}
        means = [Series(name, arrays[name], np.ones(len(arrays[name]))) for name in self._means]
        return [*means, Series("trigger_recall", arrays["correct"], np.array(self._totals, dtype=np.float64))]

    def facts(self) -> Mapping[str, Any]:
        """Nothing more."""
        return {}
