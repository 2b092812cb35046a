"""An interval that may be looked at after every picture, and the order to ask in. docs/adaptive.md has the proofs."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from whyfeel.records import rng
from whyfeel.stats.series import Floats

_Score = TypeVar("_Score", float, Floats)

STEP = 1 / 4096  # between the scores that are tested; they are exact in binary
PLANNED, RISKED = 0.8, 0.95  # of its capital a bet may lose: as the block is planned, and where a group has to catch up
EAGER = 1.2  # an interval gets soonest to its half width with bets for one that is narrower, simulations show
PRIOR = 8  # pictures that the mean of all weighs when a group's mean is guessed
GUESS = (0.5, 1.0)  # gain and room of a sample, before one was seen
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
        seed: of the order within groups, each of which is permuted by its own name and size.

    Returns:
        The positions of the samples; those of one picture are adjacent and in the order given.

    Source: Baruah et al., Proportionate progress: a notion of fairness in resource allocation (Algorithmica 1996).

    >>> stratified_order(["sad", "sad", "happy", "sad", "sad"], ["a", "b", "c", "a", "d"], seed=1)
    [1, 4, 2, 0, 3]
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
    order within each group; how the groups alternate is free. A mean has gain = value and room = 1 a sample; kF1 has
    gain = f1 - foil and room = 1 - foil. A picture adds the sums of its samples. One that is unscored adds (0, 0),
    which leaves it out of both sums.

    For a score theta, the numbers gain - theta room of all pictures add up to 0 if theta is the truth, and to less
    if theta is too high. Capital is bet against that on each side, and theta is rejected for good where a stake of 1
    has grown to 2 / (1 - level), or where what is left to draw could not make it true. Scores are tested in steps of
    1/4096; each end is the last one rejected, so that the grid costs no coverage.

    Args:
        groups: the group of each picture, in the order drawn, those included that may turn out unscored.
        half_width: what the interval should get down to, above 0: bets are such that it gets there soonest.
        largest: the most samples that one picture has.
        corrected: whether room varies and gain may be negative (kF1), down to room - samples; if not, gain is at
            least 0. A corrected score below -1 is taken for -1.
        level: the probability that every interval of the sequence holds the score, above 0 and below 1.

    Raises:
        ValueError: an argument is out of its range.

    Source: Waudby-Smith and Ramdas, Confidence sequences for sampling without replacement (NeurIPS 2020), and
    Estimating means of bounded random variables by betting (JRSS-B 2024); the extension to groups is ours.

    >>> sequence = ConfidenceSequence(["sad", "sad"], half_width=0.02)
    >>> for value in (0.25, 1.0):
    ...     sequence.add(value, 1.0)
    ...     sequence.interval()
    (0.124755859375, 0.625244140625)
    (0.625, 0.625)
    """

    def __init__(
        self,
        groups: Sequence[str],
        *,
        half_width: float,
        largest: int = 1,
        corrected: bool = False,
        level: float = 0.95,
    ) -> None:
        if not groups or largest < 1:
            raise ValueError(f"expected at least 1 picture and 1 sample a picture, got {len(groups)} and {largest}")
        if not (0 < half_width < math.inf and 0 < level < 1):
            raise ValueError(f"expected a half width above 0 and a level in (0, 1), got {half_width} and {level}")
        names = {name: index for index, name in enumerate(dict.fromkeys(groups))}
        self._groups = [names[name] for name in groups]
        self._left: Floats = np.bincount(self._groups).astype(np.float64)  # pictures not yet drawn, a group
        self._block = max(1, math.ceil(min(len(groups) / self._left.min(), 1 / half_width)))
        self._turns = _turns(self._groups, self._block)
        self._sums = [(0, 0.0, 0.0)] * len(names)  # of pictures drawn, gain and room, a group
        self._drawn, self._gain, self._room = 0, 0.0, 0.0  # the same of all
        self._half_width, self._largest, self._corrected = half_width, largest, corrected
        self._needed = math.log(2 / (1 - level))
        self._low, self._high = -1.0 if corrected else 0.0, 1.0
        self._tested: Floats = np.arange(self._low / STEP, 1 / STEP + 1) * np.float64(STEP)
        self._capital = np.zeros((2, len(self._tested)))  # logarithms: that the score is higher, that it is lower
        self._known = (0.0, 0.0)  # what else the bets have won, of gain and room
        self._pace = 0.0  # what the bets on each group should come to, a picture left, at the end of the block
        self._paces = np.zeros(len(names))
        self._squares = (largest**2 / 4, 0.0, 0.0)  # sums over surprises in gain and room: gain^2, gain room, room^2

    @property
    def drawn(self) -> int:
        """How many pictures were added."""
        return self._drawn

    @property
    def estimate(self) -> float | None:
        """The score so far, moved into the interval where it lies outside; None where no picture has room."""
        return min(max(self._gain / self._room, self._low), self._high) if self._room > 0 else None

    def interval(self) -> tuple[float, float]:
        """Both ends, at least -1 (a corrected score) or 0 and at most 1; a single point once all pictures are drawn.

        It never widens. If no picture has room, the score is undefined and the interval stays as wide as it may be.
        """
        return self._low, self._high

    def add(self, gain: float, room: float) -> None:
        """Add the next picture, in the order drawn: the sums over its samples, (0, 0) where it is unscored.

        Raises:
            ValueError: no picture is left, or the numbers are not within the bounds given above.
        """
        if self._drawn == len(self._groups):
            raise ValueError(f"expected {self._drawn} pictures, got one more")
        least = room - self._largest if self._corrected else 0.0
        if not (-SLACK <= room <= self._largest + SLACK and least - SLACK <= gain <= room + SLACK):
            raise ValueError(
                f"expected a gain from {least} to the room, at most {self._largest}, got {gain} and {room}"
            )
        group = self._groups[self._drawn]
        self._bet(group, gain, room)
        count, gains, rooms = self._sums[group]
        self._sums[group] = count + 1, gains + gain, rooms + room
        self._left[group] -= 1
        self._drawn, self._gain, self._room = self._drawn + 1, self._gain + gain, self._room + room
        if self._drawn < len(self._groups):
            self._reject()
        elif self._room > 0:
            self._low = self._high = min(max(self._gain / self._room, -1.0), 1.0)

    def _bet(self, group: int, gain: float, room: float) -> None:
        """Decide the bet on a picture, which was placed without knowing it: its group's part of what the block needs.

        A bet on a group is won or lost against the mean of what the group has left, which nobody knows. The paces
        are kept equal because only the sum of what all groups have left is known, so that only equal ones settle.
        """
        seen = 1 + self._drawn
        mean_gain = (self._largest * GUESS[0] + self._gain) / seen
        mean_room = (self._largest * GUESS[1] + self._room) / seen
        if self._drawn % self._block == 0:
            rest = len(self._groups) - self._drawn
            self._pace += self._planned(mean_gain, mean_room) * min(self._block, rest) / rest
        count, gains, rooms = self._sums[group]
        gain_guess = (PRIOR * mean_gain + gains) / (PRIOR + count)
        room_guess = (PRIOR * mean_room + rooms) / (PRIOR + count)
        left, pace = float(self._left[group]), float(self._paces[group])
        bet = min(left * (self._pace - pace) / self._turns[self._drawn], RISKED / self._worst(gain_guess, room_guess))
        pace += bet / left
        self._paces[group] = pace
        more_gain, more_room = gain - gain_guess, room - room_guess
        won = bet * (more_gain - more_room * self._tested)
        self._capital += np.log1p([won, -won])
        self._known = (
            self._known[0] + bet * gain_guess - pace * gain,
            self._known[1] + bet * room_guess - pace * room,
        )
        square, product, other = self._squares
        self._squares = square + more_gain**2, product + more_gain * more_room, other + more_room**2

    def _planned(self, gain: float, room: float) -> float:
        """The bet by which capital grows fastest for a score that is off by the half width, given the means so far."""
        score, (square, product, other) = gain / room, self._squares
        variance = (square - 2 * score * product + score**2 * other) / (1 + self._drawn)
        drift = EAGER * self._half_width * room * len(self._groups) / (len(self._groups) - self._drawn)
        return min(drift / (variance + drift**2), PLANNED / self._worst(gain, room))

    def _worst(self, gain: float, room: float) -> float:
        """How far a picture can be from a guess, on either side and for any score still tested."""
        farthest = 0.0
        for score in (float(self._tested[0]), float(self._tested[-1])):
            least, most = self._bounds(score)
            farthest = max(farthest, gain - room * score - least, most - gain + room * score)
        return farthest

    def _reject(self) -> None:
        """Narrow the interval by the scores that the bets, or what is left to draw, rule out from its ends inwards."""
        left, scores = self._left.sum(), self._tested
        pace = self._paces @ self._left / left
        apart = np.abs(self._paces - pace) @ self._left / 2
        least, most = self._bounds(scores)
        won = self._known[0] + pace * self._gain - (self._known[1] + pace * self._room) * scores
        capital = self._capital + np.array([won, -won]) - apart * (most - least)
        above = self._gain - self._room * scores
        rich = capital >= self._needed
        too_low = rich[0] | (above + left * least > SLACK * len(self._groups))
        too_high = rich[1] | (above + left * most < -SLACK * len(self._groups))
        first, last = _leading(too_low), len(scores) - _leading(too_high[::-1])
        if first >= last:
            return  # what would leave nothing over is not believed
        self._low = float(scores[first - 1]) if first else self._low
        self._high = float(scores[last]) if last < len(scores) else self._high
        self._tested, self._capital = scores[first:last], self._capital[:, first:last]

    def _bounds(self, score: _Score) -> tuple[_Score | float, _Score]:
        """The least and the greatest value that gain - score * room of a picture can have."""
        return -float(self._largest) if self._corrected else -self._largest * score, self._largest * (1 - score)


def _leading(flags: NDArray[np.bool_]) -> int:
    """How many are true before the first that is not."""
    return len(flags) if flags.all() else int(flags.argmin())


def _turns(groups: Sequence[int], block: int) -> list[int]:
    """How many pictures of its own group each place has in its block of places, from itself on."""
    turns = []
    for place in range(len(groups)):
        end = place - place % block + block
        turns.append(groups[place:end].count(groups[place]))
    return turns
