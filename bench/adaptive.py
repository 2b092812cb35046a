"""Simulate runs that stop early, on scores whose truth is known, and print the tables of docs/adaptive.md.

python bench/adaptive.py [EIBENCH] > tables.md       EIBENCH holds EI_Basic/; without it only made-up scores are used
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whyfeel.judging.foils import Foils
from whyfeel.judging.overlap import OverlapJudge
from whyfeel.records import Judgement, Response, Sample, rng
from whyfeel.stats.sequence import ConfidenceSequence, stratified_order
from whyfeel.tasks.eibench import EIBenchBasic

Floats = NDArray[np.float64]
POINTS = (0.02, 0.03, 0.05)
RUNS, LONG_RUNS = 30, 200
EMOTIONS = ("happy",) * 91 + ("angry",) * 342 + ("sad",) * 462 + ("excited",) * 720
Z, ALPHA, FIRST_LOOK = 1.959964, 0.05, 30


@dataclass(frozen=True)
class Population:
    """What all samples would score, one picture each: gain and room, the group, and whether it is kF1."""

    name: str
    gain: Floats
    room: Floats
    groups: tuple[str, ...]
    corrected: bool = False

    @property
    def truth(self) -> float:
        """The score over all samples."""
        return float(self.gain.sum() / self.room.sum())

    @property
    def sd(self) -> float:
        """The standard deviation that an interval of the score starts from."""
        return float(np.std(self.gain - self.truth * self.room) / self.room.mean())


def made_up() -> Iterator[Population]:
    """Shapes of scores that judges give, and one with groups as different as can be."""
    draw = rng(0, "populations")
    n = len(EMOTIONS)
    shift = np.array([{"happy": 0.15, "angry": -0.1, "sad": 0.0, "excited": 0.05}[one] for one in EMOTIONS])
    ones = np.ones(n)
    fifths = np.asarray(draw.binomial(5, np.clip(draw.beta(2, 2.5, n) + shift, 0, 1)) / 5, np.float64)
    yield Population("recall in fifths", fifths, ones, EMOTIONS)
    yield Population("U-shaped", draw.beta(0.3, 0.4, n), ones, EMOTIONS)
    zeros = np.where(draw.random(n) < 0.6, 0.0, draw.beta(2, 2, n))
    yield Population("60% zeros", zeros, ones, EMOTIONS)
    yield Population("rare, 3% ones", (draw.random(n) < 0.03).astype(float), ones, EMOTIONS)
    apart = np.array([one in {"happy", "excited"} for one in EMOTIONS])
    yield Population(
        "groups at 0.1 and 0.9", (draw.random(n) < np.where(apart, 0.9, 0.1)).astype(float), ones, EMOTIONS
    )
    f1, foil = np.clip(draw.beta(4, 4, n) + shift, 0, 1), np.clip(draw.normal(0.31, 0.06, n), 0, 1)
    yield Population("kF1, made up", f1 - foil, 1 - foil, EMOTIONS, corrected=True)


def measured(folder: Path) -> Iterator[Population]:
    """The offline judge's scores of answers made of the real annotations: half of them right, or a neighbour's."""
    samples = list(EIBenchBasic(folder, folder))
    judge = OverlapJudge(samples, Foils(samples, "emotion", 20, 0))
    groups = tuple(sample.emotion for sample in samples)
    others: dict[str, list[Sample]] = {}
    for sample in samples:
        others.setdefault(sample.emotion, []).append(sample)
    for name, share in (("half right", 2), ("another picture's", 10**9)):
        judged = []
        for sample in samples:
            pool = others[sample.emotion]
            other = pool[int(rng(0, "other", sample.id).integers(len(pool)))]
            kept = math.ceil(len(sample.triggers) / share) if share == 2 else 0
            lines = [
                trigger.text for trigger in (*sample.triggers[:kept], *other.triggers[: len(sample.triggers) - kept])
            ]
            judged.append(verdict(judge, sample, "\n".join(f"- {line}" for line in lines)))
        f1 = np.array([one.counts["f1"] for one in judged])
        foil = np.array([one.counts["chance"] for one in judged])
        yield Population(f"EIBench, {name}: f1", f1, np.ones(len(f1)), groups)
        yield Population(f"EIBench, {name}: kF1", f1 - foil, 1 - foil, groups, corrected=True)


def verdict(judge: OverlapJudge, sample: Sample, text: str) -> Judgement:
    """What a judge that asks nothing says of an answer."""
    try:
        next(judge.judge(sample, Response(sample.id, text)))
    except StopIteration as done:
        found: Judgement = done.value
        return found
    raise AssertionError("this judge asks nothing")


def order_of(population: Population, seed: int, *, stratified: bool = True) -> list[int]:
    """Positions in the order drawn: stratified as a run's, or plainly at random."""
    groups = population.groups if stratified else ("all",) * len(population.groups)
    return stratified_order(groups, [str(i) for i in range(len(groups))], seed)


def ours(
    population: Population, order: list[int], half_width: float, *, stratified: bool = True
) -> Iterator[tuple[float, float]]:
    """The confidence sequence's interval after each picture."""
    groups = [population.groups[i] if stratified else "all" for i in order]
    sequence = ConfidenceSequence(groups, half_width=half_width, corrected=population.corrected)
    for i in order:
        sequence.add(float(population.gain[i]), float(population.room[i]))
        yield sequence.interval()


def naive(population: Population, order: list[int]) -> tuple[Floats, Floats]:
    """The textbook's interval for n of N, computed anew after each picture: both ends, from the second on."""
    gain, room = population.gain[order], population.room[order]
    n = np.arange(1, len(order) + 1)
    sums = [np.cumsum(column) for column in (gain, room, gain * gain, gain * room, room * room)]
    score = sums[0] / sums[1]
    variance = np.maximum(sums[2] - 2 * score * sums[3] + score**2 * sums[4], 0) / np.maximum(n - 1, 1)
    half = Z * np.sqrt(variance / n * (1 - n / len(order))) / (sums[1] / n)
    return score - half, score + half


def published_betting(values: Floats, half_width: float) -> int:
    """Where the hedged betting interval with the published plug-in bets, without replacement, gets narrow enough."""
    total, scores = len(values), np.linspace(0, 1, 2001)
    bets = plug_in(values, math.log(2 / ALPHA))
    higher, lower, summed = np.zeros_like(scores), np.zeros_like(scores), 0.0
    alive = np.ones(len(scores), bool)
    for t, (value, bet) in enumerate(zip(values.tolist(), bets.tolist(), strict=True)):
        left = (total * scores - summed) / (total - t)
        alive &= (left >= 0) & (left <= 1)
        inside = np.clip(left, 1e-9, 1 - 1e-9)
        higher += np.log1p(np.minimum(bet, 0.5 / inside) * (value - inside))
        lower += np.log1p(-np.minimum(bet, 0.5 / (1 - inside)) * (value - inside))
        alive &= np.maximum(higher, lower) < math.log(2 / ALPHA)
        summed += value
        kept = np.flatnonzero(alive)
        if not len(kept) or scores[kept[-1]] - scores[kept[0]] <= 2 * half_width:
            return t + 1
    return total


def published_bernstein(values: Floats, half_width: float) -> int:
    """The same for the empirical Bernstein interval without replacement."""
    total, t = len(values), np.arange(len(values))
    bets = np.minimum(plug_in(values, math.log(2 / ALPHA)), 0.5)
    before = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    guess = (0.5 + before) / (t + 1)
    weight = np.cumsum(bets * (1 + t / (total - t)))
    centre = np.cumsum(bets * (values + before / (total - t))) / weight
    spent = np.cumsum((values - guess) ** 2 * (-np.log1p(-bets) - bets))
    half = (math.log(2 / ALPHA) + spent) / weight
    low, high = np.maximum.accumulate(centre - half), np.minimum.accumulate(centre + half)
    narrow = np.append(high - low <= 2 * half_width, [True])
    return min(int(narrow.argmax()) + 1, total)


def plug_in(values: Floats, needed: float) -> Floats:
    """The published predictable bets: sqrt(2 log(2 / alpha) / (variance so far * t * log(1 + t)))."""
    t = np.arange(1, len(values) + 1)
    mean = (0.5 + np.cumsum(values)) / (t + 1)
    variance = (0.25 + np.cumsum((values - mean) ** 2)) / (t + 1)
    known = np.concatenate([[0.25], variance[:-1]])
    return np.asarray(np.sqrt(2 * needed / (known * t * np.log1p(t))), np.float64)


def stops(half_width: float, intervals: Iterator[tuple[float, float]]) -> tuple[int, float, float]:
    """How many pictures it takes to a half width, and the interval then."""
    for n, (low, high) in enumerate(intervals, 1):
        if high - low <= 2 * half_width:
            return n, low, high
    raise AssertionError("the last interval is a point")


def calls_table(populations: list[Population]) -> None:
    """Mean stopping times, for each population and half width, ours and others'."""
    head = ("scores", "sd", "points", "ours, stratified", "saved", "ours, one group", "betting", "Bernstein", "fixed n")
    print(row(head), row(["---"] * len(head)), sep="\n")
    for population in populations:
        for half_width in POINTS:
            print(calls_row(population, half_width), flush=True)


def calls_row(population: Population, half_width: float) -> str:
    """One population, one half width."""
    total = len(population.gain)
    stratified = [order_of(population, seed) for seed in range(RUNS)]
    plain = [order_of(population, seed, stratified=False) for seed in range(RUNS)]
    grouped = np.mean([stops(half_width, ours(population, one, half_width))[0] for one in stratified])
    single = np.mean([stops(half_width, ours(population, one, half_width, stratified=False))[0] for one in plain])
    others = ["", ""]
    if not population.corrected:
        tried: tuple[Callable[[Floats, float], int], ...] = (published_betting, published_bernstein)
        others = [f"{np.mean([one(population.gain[order], half_width) for order in plain]):.0f}" for one in tried]
    once = (Z * population.sd / half_width) ** 2
    numbers = [f"{grouped:.0f}", f"{1 - grouped / total:.0%}", f"{single:.0f}", *others]
    points = f"±{100 * half_width:.0f}"
    return row([population.name, f"{population.sd:.2f}", points, *numbers, f"{once * total / (once + total):.0f}"])


def coverage_table(populations: list[Population]) -> None:
    """How often an interval holds the truth: when a run stops at a half width, and at every look at it."""
    head = ("scores", *(f"{kind}, {when}" for kind in ("naive", "ours") for when in ("±2", "±3", "±5", "every look")))
    print(row(head), row(["---"] * len(head)), sep="\n")
    for population in populations:
        missed = np.mean([misses(population, order_of(population, seed)) for seed in range(LONG_RUNS)], axis=0)
        print(row([population.name, *(f"{rate:.1%}" for rate in 1 - missed)]), flush=True)


def misses(population: Population, order: list[int]) -> list[bool]:
    """Whether the truth is missed at each stop and at any look, by the naive interval and by ours."""
    low, high = naive(population, order)
    out = ((population.truth < low) | (population.truth > high))[FIRST_LOOK - 1 : -1]
    narrow = (high - low)[FIRST_LOOK - 1 : -1]
    found = [bool(out[np.argmax(narrow <= 2 * half_width)]) for half_width in POINTS] + [bool(out.any())]
    for half_width in POINTS:
        _, least, most = stops(half_width, ours(population, order, half_width))
        found.append(not least <= population.truth <= most)
    *_, (least, most), _ = ours(population, order, POINTS[1])  # it only narrows, but for the last: one tells of all
    return [*found, not least <= population.truth <= most]


def row(cells: Iterable[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> None:
    """Both tables."""
    populations = [*made_up(), *(measured(Path(arguments[0])) if arguments else ())]
    calls_table(populations)
    print()
    coverage_table(populations)


if __name__ == "__main__":
    main(sys.argv[1:])
