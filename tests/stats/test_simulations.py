"""Runs that stop early, simulated on scores whose truth is known: whom may one believe?

Rates are held against what a method that covers exactly 95% would show in as many runs, once in a thousand times.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import scipy.stats

from whyfeel.stats.sequence import ConfidenceSequence, stratified_order

N, RUNS = 240, 120
SHARES = {"happy": 0.056, "angry": 0.212, "sad": 0.286, "excited": 0.446}  # of EIBench basic
MOST_MISSED = scipy.stats.binom.ppf(0.999, RUNS, 0.05)


def groups_of(total):
    named = [name for name, share in SHARES.items() for _ in range(round(share * total))]
    return (named + ["excited"] * total)[:total]


@cache
def population(name, total):
    """Gain, room, group of each sample, and whether the score is corrected for chance."""
    draw = np.random.default_rng(8)
    groups = groups_of(total)
    shift = np.array([{"happy": 0.15, "angry": -0.1, "sad": 0.0, "excited": 0.05}[one] for one in groups])
    ones, corrected = np.ones(total), name == "kf1"
    if name == "fifths":
        gain = draw.binomial(5, np.clip(draw.beta(2, 2.5, total) + shift, 0, 1)) / 5
    elif name == "u-shaped":
        gain = draw.beta(0.3, 0.4, total)
    elif name == "zeros":
        gain = np.where(draw.random(total) < 0.6, 0, draw.beta(2, 2, total))
    elif name == "rare":
        gain = np.arange(total) % 40 == 0
    elif name == "groups apart":  # the small group decides: all ones in it, none elsewhere
        gain = np.array(groups) == "happy"
    elif name == "halves apart":
        gain = draw.random(total) < np.where(np.isin(groups, ["happy", "excited"]), 0.95, 0.05)
    else:
        foil = np.clip(draw.normal(0.31, 0.1, total) - shift, 0, 1)
        return np.clip(draw.beta(4, 4, total) + shift, 0, 1) - foil, 1 - foil, groups, corrected
    return gain.astype(float), ones, groups, corrected


NAMES = ("fifths", "u-shaped", "zeros", "rare", "groups apart", "halves apart", "kf1")


def runs(name, total, half_width, count, *, to_the_end):
    """The interval where each of some runs stops: where it is narrow enough, or at the last picture but one."""
    gain, room, groups, corrected = population(name, total)
    pictures = [str(position) for position in range(total)]
    for seed in range(count):
        order = stratified_order(groups, pictures, seed)
        sequence = ConfidenceSequence([groups[i] for i in order], half_width=half_width, corrected=corrected)
        for i in order[:-1]:
            sequence.add(float(gain[i]), float(room[i]))
            low, high = sequence.interval()
            if not to_the_end and high - low <= 2 * half_width:
                break
        yield sequence.drawn, *sequence.interval()


def naive(name, total, seed):
    """The textbook's 95% interval after each picture: mean, standard error, correction for a finite population."""
    gain, room, groups, _ = population(name, total)
    order = stratified_order(groups, [str(position) for position in range(total)], seed)
    n, above, below = np.arange(1, total + 1), gain[order], room[order]
    score = np.cumsum(above) / np.cumsum(below)
    squares = np.cumsum(above**2) - 2 * score * np.cumsum(above * below) + score**2 * np.cumsum(below**2)
    variance = np.maximum(squares, 0) / np.maximum(n - 1, 1)
    error = np.sqrt(variance / n * (1 - n / total)) / (np.cumsum(below) / n)
    return n[:-1], (score - 1.96 * error)[:-1], (score + 1.96 * error)[:-1]


def truth_of(name, total):
    gain, room, _, _ = population(name, total)
    return gain.sum() / room.sum()


@pytest.mark.parametrize("name", NAMES)
def test_covers_at_every_look(name):
    """Who stops in malice, the first time that the truth is out, finds no such time in 95% of all runs.

    An interval only narrows until the last picture but one, so that one tells of all before it.
    """
    truth = truth_of(name, N)
    missed = sum(not low <= truth <= high for _, low, high in runs(name, N, 0.05, RUNS, to_the_end=True))
    assert missed <= MOST_MISSED


@pytest.mark.parametrize("half_width", [0.02, 0.03])
@pytest.mark.parametrize("name", ["fifths", "kf1"])
def test_covers_where_a_run_stops(name, half_width):
    truth = truth_of(name, N)
    missed = sum(not low <= truth <= high for _, low, high in runs(name, N, half_width, RUNS // 2, to_the_end=False))
    assert missed <= scipy.stats.binom.ppf(0.999, RUNS // 2, 0.05)


@pytest.mark.parametrize("name", ["fifths", "zeros", "kf1"])
def test_the_naive_interval_fails_when_it_is_looked_at(name):
    """Looked at after every picture from the 30th on, it leaves the truth at some time in far more than 5% of runs."""
    truth = truth_of(name, N)
    missed = 0
    for seed in range(RUNS):
        n, low, high = naive(name, N, seed)
        missed += ((truth < low) | (truth > high))[n >= 30].any()
    assert missed > scipy.stats.binom.ppf(0.999, RUNS, 0.15)


def test_the_naive_interval_fails_where_a_run_stops():
    """Rare successes: it is narrow where none was seen yet, and then it is wrong."""
    truth = truth_of("rare", N)
    missed = 0
    for seed in range(RUNS):
        n, low, high = naive("rare", N, seed)
        at = np.flatnonzero((n >= 30) & (high - low <= 0.1))[0]
        missed += not low[at] <= truth <= high[at]
    assert missed > scipy.stats.binom.ppf(0.999, RUNS, 0.15)


@pytest.mark.parametrize(
    ("name", "half_width", "most"),
    [("fifths", 0.02, 0.55), ("fifths", 0.05, 0.18), ("zeros", 0.03, 0.35), ("kf1", 0.02, 0.50), ("rare", 0.02, 0.40)],
)
def test_saves_calls(name, half_width, most):
    """The share of EIBench basic's 1,615 samples that is asked; docs/adaptive.md has the figures."""
    asked = [drawn for drawn, _, _ in runs(name, 1615, half_width, 4, to_the_end=False)]
    assert np.mean(asked) < most * 1615
