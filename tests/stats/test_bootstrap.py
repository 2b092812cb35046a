"""BCa against scipy's own, a loop that leaves pictures out one by one, and hand-derived values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.records import rng
from whyfeel.stats import Series, estimate
from whyfeel.stats.bootstrap import Interval, bca, bca_interval, jackknife, picture_sums, score_of
from whyfeel.stats.ratios import picture_codes

NAN = math.nan


def series(numerator, denominator=None, **more) -> Series:
    numerator = np.array(numerator, float)
    return Series(
        "s", numerator, np.ones(len(numerator)) if denominator is None else np.array(denominator, float), **more
    )


def ratio_of(one: Series, samples) -> float:
    """The score of some samples, each as often as it is named, in plain Python."""
    taken = [i for i in samples if not math.isnan(one.numerator[i])]
    ratio = sum(one.numerator[i] for i in taken) / sum(one.denominator[i] for i in taken)
    if one.chance is None:
        return ratio
    known = [i for i in taken if not math.isnan(one.chance[i])]
    chance = sum(one.chance[i] * one.denominator[i] for i in known) / sum(one.denominator[i] for i in known)
    return (ratio - chance) / (1 - chance)


def skewed(n=60, seed=3) -> np.ndarray:
    return np.random.default_rng(seed).beta(0.6, 4, n)


def test_agrees_with_scipy_on_a_mean():
    values = skewed()
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=40_000, method="BCa", rng=np.random.default_rng(1), vectorized=True
    )
    ours = bca_interval(series(values), [f"{i:02}" for i in range(60)], seed=0, resamples=40_000)
    plain = estimate([series(values)], ["a"] * 60, [f"{i:02}" for i in range(60)], order=["a"], macro=False, seed=0)
    plain = plain["s"]["overall"]
    spread = 0.05 * theirs.standard_error
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=spread)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=spread)
    assert ours.low - plain.low > spread, "the correction is no rounding error"


def test_agrees_with_scipy_on_a_ratio_of_sums():
    draw = np.random.default_rng(8)
    below = draw.integers(1, 9, 40).astype(float)
    above = below * draw.beta(1, 4, 40)

    def ratio(x, y, axis=-1):
        return x.sum(axis=axis) / y.sum(axis=axis)

    theirs = scipy.stats.bootstrap(
        (above, below), ratio, paired=True, n_resamples=40_000, method="BCa", rng=np.random.default_rng(1)
    )
    ours = bca_interval(series(above, below), [f"{i:02}" for i in range(40)], seed=5, resamples=40_000)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.05 * theirs.standard_error)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.05 * theirs.standard_error)


def test_the_same_resamples_give_scipys_formula_to_the_last_digits():
    """z0, a and the percentiles, written out from Efron's (6.6) with scipy's normal distribution."""
    values = skewed(30)
    clusters = [f"p{i % 12:02}" for i in range(30)]
    draws = rng(4, "intervals").integers(0, 12, (500, 12))
    resampled = [ratio_of(series(values), [i for d in row for i in range(30) if i % 12 == d]) for row in draws]
    value = values.mean()
    left = np.array([ratio_of(series(values), [i for i in range(30) if i % 12 != d]) for d in range(12)])
    z0 = scipy.stats.norm.ppf(np.mean([one < value for one in resampled]))
    u = left.mean() - left
    a = (u**3).sum() / (6 * (u**2).sum() ** 1.5)
    at = [scipy.stats.norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z))) for z in scipy.stats.norm.ppf([0.025, 0.975])]
    low, high = np.quantile(resampled, at)
    found = bca_interval(series(values), clusters, seed=4, resamples=500)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-10), pytest.approx(high, abs=1e-10))


@pytest.mark.parametrize("corrected", [False, True])
def test_the_jackknife_leaves_out_whole_pictures(corrected):
    draw = np.random.default_rng(2)
    below = draw.integers(1, 5, 20).astype(float)
    above = below * draw.random(20)
    above[3] = NAN
    chance = draw.random(20) / 2
    chance[5] = NAN
    one = series(above, below, chance=chance if corrected else None)
    codes = picture_codes([f"p{i % 6}" for i in range(20)])
    by_hand = [ratio_of(one, [i for i in range(20) if i % 6 != picture]) for picture in range(6)]
    assert jackknife(one, codes) == pytest.approx(by_hand, abs=1e-10)
    assert float(score_of(picture_sums(one, codes).sum(axis=1))) == pytest.approx(ratio_of(one, range(20)), abs=1e-10)


def test_symmetric_values_need_no_correction():
    """With no skewness and half of the resamples below, BCa is the percentile interval."""
    drawn = np.concatenate([np.arange(1, 101), -np.arange(1, 101)]) / 100
    found = bca(0.0, drawn, np.array([-1.0, 1.0, -2.0, 2.0]))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))


def test_undefined_resamples_are_left_out():
    drawn = np.concatenate([skewed(200), [NAN] * 50])
    assert bca(0.1, drawn, skewed(9)) == bca(0.1, drawn[:200], skewed(9))


def test_a_constant_score_has_no_width():
    found = bca_interval(series([0.25] * 5), list("abcde"), seed=0, resamples=50)
    assert found == Interval(0.25, 0.25)


@pytest.mark.parametrize(
    ("one", "clusters", "why"),
    [
        (series([NAN, NAN]), "ab", "nothing was scored"),
        (series([]), "", "nothing was scored"),
        (series([0.5, 1, NAN]), "aab", "fewer than two pictures"),
        (series([0, 0], [0, 0]), "ab", "undefined"),
        (series([1, 0, 0], [1, 0, 0]), "abc", "undefined without one of the pictures"),
        (series([0.5, 0.5], chance=np.array([1.0, 1.0])), "ab", "undefined"),
        (series([0.5, 0.5], chance=np.array([NAN, NAN])), "ab", "undefined"),
    ],
)
def test_no_interval_has_a_reason(one, clusters, why):
    found = bca_interval(one, list(clusters), seed=0, resamples=50)
    assert (found.low, found.high) == (None, None)
    assert why in found.why


def test_a_value_beyond_all_resamples_and_a_skew_beyond_measure():
    assert "one side" in bca(2.0, np.array([0.0, 1.0]), np.array([0.0, 1.0, 3.0])).why
    one_rules = np.array([0.0] * 500 + [-1.0])  # a is near 1/6, the most there is; z0 is 4.7
    assert "skewed" in bca(999_998.0, np.arange(1e6), one_rules).why
    assert not bca(990_000.0, np.arange(1e6), one_rules).why


@given(st.lists(st.integers(0, 16), min_size=3, max_size=12), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_the_order_of_samples_changes_nothing_and_the_ends_lie_within_the_values(eighths, random):
    rows = [(value / 16, f"p{place // 2}") for place, value in enumerate(eighths)]
    found = bca_interval(series([v for v, _ in rows]), [c for _, c in rows], seed=1, resamples=200)
    random.shuffle(rows)
    assert bca_interval(series([v for v, _ in rows]), [c for _, c in rows], seed=1, resamples=200) == found
    if found.low is not None:
        assert min(eighths) / 16 <= found.low <= found.high <= max(eighths) / 16


def test_coverage_of_a_skewed_mean_is_nearer_to_what_is_said_than_the_percentiles():
    """Thirty log-normal values: known truth, 400 samples of it. Percentiles miss on one side."""
    draw = np.random.default_rng(0)
    truth, hits, above = math.exp(0.5), {"bca": 0, "plain": 0}, {"bca": 0, "plain": 0}
    for _ in range(400):
        values = draw.lognormal(0, 1, 30)
        drawn = values[draw.integers(0, 30, (600, 30))].mean(axis=1)
        left = (values.sum() - values) / 29
        ends = {"bca": bca(values.mean(), drawn, left), "plain": Interval(*np.quantile(drawn, [0.025, 0.975]))}
        for name, one in ends.items():
            hits[name] += one.low <= truth <= one.high
            above[name] += one.high < truth
    assert hits["bca"] >= hits["plain"] + 4
    assert above["bca"] < above["plain"]
