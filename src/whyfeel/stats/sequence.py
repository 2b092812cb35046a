"""An interval that may be looked at after every picture, and the order to ask in. docs/adaptive.md has the proofs."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whyfeel.records import rng
from whyfeel.stats.series import Floats

STEP = 1 / 4096  # between the scores that are tested; they are exact in binary
STAKE = 0.75  # of its capital a bet may lose at most
GUESS = np.array([0.5, 0.75])  # gain and room of a sample, before one was seen
SLACK = 1e-9  # by which rounded sums may leave their bounds


def strata(groups: Sequence[str], clusters: Sequence[str]) -> dict[str, str]:
    """The group of each picture, in the order of first occurrence: that of its first sample.

    >>> strata(["sad", "happy", "sad"], ["a", "b", "b"])
    {'a': 'sad', 'b': 'happy'}
    """
    found: dict[str, str] = {}
    for group, cluster in zip(groups, clusters, strict=True):
        found.setdefault(cluster, group)
    return found


def stratified_order(groups: Sequence[str], clusters: Sequence[str], seed: int) -> list[int]:
    """An order to ask in: whole pictures, at random within a group, and of each group its share at any time.

    After any number of pictures, each group has its proportional share of them, within one. The j-th of the n
    pictures of a group, of N in all, gets a place from (j - 1) N / n up to j N / n; whoever has to be placed first is.

    Args:
        groups: a label a sample, shape (n,).
        clusters: the picture of each sample, shape (n,); a picture belongs to the group of its first sample.
        seed: of the order within groups, which depends on nothing else but the group's name and its pictures.

    Returns:
        The positions of the samples; those of one picture are adjacent and in the order given.

    Source: Baruah et al., Proportionate progress: a notion of fairness in resource allocation (Algorithmica 1996).

    >>> stratified_order(["sad", "sad", "happy", "sad", "sad"], ["a", "b", "c", "a", "d"], seed=1)
    [1, 0, 3, 2, 4]
    """
    members: dict[str, list[str]] = {}
    for cluster, group in strata(groups, clusters).items():
        members.setdefault(group, []).append(cluster)
    positions: dict[str, list[int]] = {}
    for position, cluster in enumerate(clusters):
        positions.setdefault(cluster, []).append(position)
    shuffled = {
        group: [held[int(i)] for i in rng(seed, "order", group).permutation(len(held))]
        for group, held in sorted(members.items())
    }
    taken = dict.fromkeys(shuffled, 0)
    order: list[int] = []
    for group in _interleaved({group: len(held) for group, held in shuffled.items()}):
        order += positions[shuffled[group][taken[group]]]
        taken[group] += 1
    return order


def _interleaved(counts: Mapping[str, int]) -> list[str]:
    """Each label as often as it counts, evenly: earliest deadline first among those whose time has come."""
    total = sum(counts.values())
    waiting = [(0, label, 1) for label in counts]  # (first place, label, the how-manieth)
    ready: list[tuple[int, str, int]] = []  # the same with the deadline
    heapq.heapify(waiting)
    placed: list[str] = []
    for place in range(total):
        while waiting and waiting[0][0] <= place:
            _, label, number = heapq.heappop(waiting)
            heapq.heappush(ready, (-(-number * total // counts[label]), label, number))
        _, label, number = heapq.heappop(ready)
        placed.append(label)
        if number < counts[label]:
            heapq.heappush(waiting, (number * total // counts[label], label, number + 1))
    return placed


class ConfidenceSequence:
    """An interval for the score over all pictures, from some: it holds at all times at once, with `level`.

    The score is sum(gain) / sum(room) over a fixed set of pictures, which are drawn without replacement, in random
    order within each group; how the groups alternate does not matter for validity. A mean has gain = value and
    room = 1 a sample; kF1 has gain = f1 - foil and room = 1 - foil. A picture adds the sums of its samples. One
    that is unscored adds (0, 0), which leaves it out of both sums.

    For a score theta, the numbers gain - theta room of all pictures add up to 0 if theta is the truth, and to less
    if theta is too high. Capital is bet against that on each side, and theta is rejected for good where a stake of 1
    has grown to 2 / (1 - level), or where what is left to draw could not make it true. Scores are tested in steps of
    1/4096; each end is the last one rejected, so that the grid costs no coverage.

    Args:
        pictures: how many each group has, those included that may turn out unscored.
        half_width: what the interval should get down to, above 0: bets are such that it gets there soonest.
        largest: the most samples that one picture has.
        corrected: whether room varies and gain may be negative (kF1), down to room - samples; if not, gain is at
            least 0. A corrected score below -1 is taken for -1.
        level: the probability that every interval of the sequence holds the score, above 0 and below 1.

    Raises:
        ValueError: an argument is out of its range.

    Source: Waudby-Smith and Ramdas, Confidence sequences for sampling without replacement (NeurIPS 2020), and
    Estimating means of bounded random variables by betting (JRSS-B 2024); the extension to groups is ours.

    >>> sequence = ConfidenceSequence({"sad": 2}, half_width=0.02)
    >>> for value in (0.25, 1.0):
    ...     sequence.add("sad", value, 1.0)
    ...     sequence.interval()
    (0.124755859375, 0.625244140625)
    (0.625, 0.625)
    """

    def __init__(
        self,
        pictures: Mapping[str, int],
        *,
        half_width: float,
        largest: int = 1,
        corrected: bool = False,
        level: float = 0.95,
    ) -> None:
        if not pictures or min(pictures.values()) < 1 or largest < 1:
            raise ValueError(f"expected groups of at least 1 picture and 1 sample, got {dict(pictures)} and {largest}")
        if not (0 < half_width < math.inf and 0 < level < 1):
            raise ValueError(f"expected a half width above 0 and a level in (0, 1), got {half_width} and {level}")
        self._names = {name: index for index, name in enumerate(pictures)}
        self._left = np.array(list(pictures.values()), np.float64)  # pictures not yet drawn, a group
        self._drawn = np.zeros(len(pictures))
        self._sums = np.zeros((2, len(pictures)))  # of gain and room, a group
        self._total = sum(pictures.values())
        self._half_width, self._largest, self._corrected = half_width, largest, corrected
        self._needed = math.log(2 / (1 - level))
        self._low, self._high = -1.0 if corrected else 0.0, 1.0
        self._tested: Floats = np.arange(round(self._low / STEP), round(1 / STEP) + 1) * STEP
        self._capital = np.zeros((2, len(self._tested)))  # logarithms: that the score is higher, that it is lower
        self._known = np.zeros(2)  # what else the bets have won, of gain and room
        self._pace = 0.0  # of betting: what each group's bets should come to by now, per picture left
        self._paces = np.zeros(len(pictures))
        self._squares = np.diag([largest**2 / 4, 0.0])  # sums of products of the surprises in gain and room

    @property
    def drawn(self) -> int:
        """How many pictures were added."""
        return int(self._drawn.sum())

    @property
    def estimate(self) -> float | None:
        """The score so far, moved into the interval where it lies outside; None where no picture has room."""
        gain, room = (float(total) for total in self._sums.sum(axis=1))
        return min(max(gain / room, self._low), self._high) if room > 0 else None

    def interval(self) -> tuple[float, float]:
        """Both ends, at least -1 (a corrected score) or 0 and at most 1; a single point once all pictures are drawn.

        It never widens. If no picture has room, the score is undefined and the interval stays as wide as it may be.
        """
        return self._low, self._high

    def add(self, group: str, gain: float, room: float) -> None:
        """Add the next picture, in the order drawn: the sums over its samples, (0, 0) where it is unscored.

        Raises:
            ValueError: the group has no picture left, or the numbers are not within the bounds given above.
        """
        index = self._names.get(group, -1)
        if index < 0 or not self._left[index]:
            raise ValueError(f"there is no picture left in the group {group!r}")
        least = room - self._largest if self._corrected else 0.0
        if not (-SLACK <= room <= self._largest + SLACK and least - SLACK <= gain <= room + SLACK):
            raise ValueError(
                f"expected a gain from {least} to the room, at most {self._largest}, got {gain} and {room}"
            )
        self._bet(index, np.array([gain, room]))
        self._sums[:, index] += gain, room
        self._left[index] -= 1
        self._drawn[index] += 1
        if self._left.any():
            self._reject()
        elif self._sums[1].sum() > 0:
            above, below = (math.fsum(row) for row in self._sums)
            self._low = self._high = min(max(above / below, -1.0), 1.0)

    def _bet(self, index: int, drawn: Floats) -> None:
        """Let the bets on the next picture of a group be decided; they were placed without knowing it."""
        left, seen = self._left.sum(), 1 + self._drawn.sum()
        mean = (self._largest * GUESS + self._sums.sum(axis=1)) / seen
        guess = (mean + self._sums[:, index]) / (1 + self._drawn[index])
        drift = self._half_width * mean[1] * self._total / left
        tilt = np.array([1.0, -mean[0] / mean[1]])
        ends = self._tested[[0, -1]]
        least, most = self._bounds(ends)
        expected = guess[0] - guess[1] * ends
        limit = STAKE / np.maximum(expected - least, most - expected).max()
        self._pace += min(drift / (tilt @ self._squares @ tilt / seen + drift**2), limit) / left
        bet = min(self._left[index] * (self._pace - self._paces[index]), limit)
        self._paces[index] += bet / self._left[index]
        surprise = drawn - guess
        won = bet * (surprise[0] - surprise[1] * self._tested)
        self._capital += np.log1p([won, -won])
        self._known += bet * guess - self._paces[index] * drawn
        self._squares += np.outer(surprise, surprise)

    def _reject(self) -> None:
        """Narrow the interval by the scores that the bets, or what is left to draw, rule out from its ends inwards."""
        left, scores = self._left.sum(), self._tested
        pace = self._paces @ self._left / left
        apart = np.abs(self._paces - pace) @ self._left / 2
        gain, room = self._sums.sum(axis=1)
        least, most = self._bounds(scores)
        known = self._known + pace * np.array([gain, room])
        won = known[0] - known[1] * scores
        capital = self._capital + np.array([won, -won]) - apart * (most - least)
        above = gain - room * scores
        too_low = (capital[0] >= self._needed) | (above + left * least > SLACK * self._total)
        too_high = (capital[1] >= self._needed) | (above + left * most < -SLACK * self._total)
        first, last = _leading(too_low), len(scores) - _leading(too_high[::-1])
        if first >= last:
            return  # what would leave nothing over is not believed
        self._low = float(scores[first - 1]) if first else self._low
        self._high = float(scores[last]) if last < len(scores) else self._high
        self._tested, self._capital = scores[first:last], self._capital[:, first:last]

    def _bounds(self, scores: Floats) -> tuple[Floats, Floats]:
        """The least and the greatest value that gain - score * room of a picture can have."""
        least = np.ones_like(scores) if self._corrected else scores
        return -self._largest * least, self._largest * (1 - scores)


def _leading(flags: NDArray[np.bool_]) -> int:
    """How many are true before the first that is not."""
    return len(flags) if flags.all() else int(flags.argmin())
