"""`--until POINTS`: samples in a seeded, stratified order, until the headline is known well enough.

What counts are the samples up to the first picture after which the interval is narrow enough, whatever else has been
answered by then: the same answers lead to the same files, however fast they come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from whyfeel.judging import Judge
from whyfeel.records import Judgement, Sample
from whyfeel.stats.sequence import ConfidenceSequence, strata, stratified_order

SOURCE = "confidence sequence by betting without replacement (Waudby-Smith and Ramdas 2020, 2024)"


class Until:
    """Says which samples are asked, and when enough of them are judged.

    Args:
        samples: all of the task.
        judge: whose headline decides.
        points: half the width, in hundredths, that its interval has to get down to.
        seed: of the order.
    """

    def __init__(self, samples: Sequence[Sample], judge: Judge, points: float, seed: int) -> None:
        self.points = points
        self._samples = samples
        self._judge = judge
        groups, clusters = [one.emotion for one in samples], [one.cluster for one in samples]
        self._order = stratified_order(groups, clusters, seed)
        self._place = {position: place for place, position in enumerate(self._order)}
        sizes = np.unique(clusters, return_counts=True)[1]
        group_of = strata(groups, clusters)
        pictures = list(dict.fromkeys(clusters[position] for position in self._order))
        corrected = any(one.chance is not None for one in judge.tally().series() if one.name == judge.headline)
        self._sequence = ConfidenceSequence(
            [group_of[picture] for picture in pictures],
            half_width=points / 100,
            largest=int(sizes.max()),
            corrected=corrected,
        )
        self._waiting: dict[int, tuple[float, float]] = {}
        self._next = 0
        self._sums = (0.0, 0.0)
        self._taken: int | None = None

    def items(self) -> Iterator[tuple[int, Sample]]:
        """Position and sample, in the order of asking, until enough are judged."""
        for position in self._order:
            if self._taken is not None:
                return
            yield position, self._samples[position]

    def judged(self, position: int, judgement: Judgement) -> None:
        """Take a judgement, in whatever order they come."""
        self._waiting[self._place[position]] = self._worth(self._samples[position], judgement)
        while self._taken is None and (worth := self._waiting.pop(self._next, None)) is not None:
            self._sums = self._sums[0] + worth[0], self._sums[1] + worth[1]
            self._next += 1
            if self._next == len(self._order) or not self._same_picture():
                self._sequence.add(*self._sums)
                self._sums = (0.0, 0.0)
                low, high = self._sequence.interval()
                if (high - low) / 2 <= self.points / 100 or self._next == len(self._order):
                    self._taken = self._next

    def _same_picture(self) -> bool:
        last, coming = self._order[self._next - 1], self._order[self._next]
        return self._samples[last].cluster == self._samples[coming].cluster

    def _worth(self, sample: Sample, judgement: Judgement) -> tuple[float, float]:
        """What a sample adds to the sums above and below the line of the headline; (0, 0) where it is unscored."""
        tally = self._judge.tally()
        tally.add(sample, judgement)
        one = next(one for one in tally.series() if one.name == self._judge.headline)
        chance = one.chance[0] if one.chance is not None else 0.0
        gain, room = one.numerator[0] - chance * one.denominator[0], one.denominator[0] * (1 - chance)
        return (float(gain), float(room)) if np.isfinite(gain) else (0.0, 0.0)

    @property
    def taken(self) -> frozenset[int]:
        """The positions of the samples that count."""
        return frozenset(self._order[: self._taken])

    def to_json(self) -> dict[str, Any]:
        """The entry `until` of summary.json; its interval is for the score over all samples of the task."""
        low, high = self._sequence.interval()
        return {
            "points": self.points,
            "low": low,
            "high": high,
            "taken": self._taken,
            "of": len(self._order),
            "interval": SOURCE,
        }


def first_taken(samples: Sequence[Sample], taken: int, seed: int) -> frozenset[int]:
    """The positions of the samples that a run took before it stopped."""
    order = stratified_order([one.emotion for one in samples], [one.cluster for one in samples], seed)
    return frozenset(order[:taken])
