"""Power against statsmodels, the figures of the literature, simulations with a planted truth, and textbook formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from whyfeel.stats import Series, estimate
from whyfeel.stats.paired import differences
from whyfeel.stats.power import Spread, assumed, design_effect, detectable, measured, needed, power_of

NAN = math.nan

spreads = st.builds(Spread, st.just(0.3), st.just(0.5), st.floats(0.05, 0.7), design=st.floats(0.5, 4), n=st.just(100))


def series(numerator, denominator=None, **more) -> Series:
    numerator = np.array(numerator, float)
    return Series(
        "s", numerator, np.ones(len(numerator)) if denominator is None else np.array(denominator, float), **more
    )


@pytest.mark.parametrize(("n", "points"), [(50, 12), (200, 5.9), (1615, 2.1)])
def test_the_smallest_differences_of_eibenchs_sizes(n, points):
    digits = 0 if points == 12 else 1
    assert round(100 * detectable(assumed(0.3, 0.5), n), digits) == points


@given(st.floats(0.02, 0.6), st.integers(5, 5000), st.floats(0.001, 0.2), st.floats(0.3, 0.99))
@settings(deadline=None)
def test_agrees_with_statsmodels(sd, n, alpha, power):
    """A two-sided test's own side is a one-sided test at half the level."""
    spread = Spread(sd, None, sd)
    theirs = NormalIndPower(ddof=0)
    ours = detectable(spread, n, alpha=alpha, power=power)
    assert theirs.power(ours / sd, n, alpha / 2, ratio=0, alternative="larger") == pytest.approx(power, abs=1e-9)
    assert power_of(spread, n, 0.7 * ours, alpha=alpha) == pytest.approx(
        theirs.power(0.7 * ours / sd, n, alpha / 2, ratio=0, alternative="larger"), abs=1e-9
    )


@given(spreads, st.floats(0.005, 0.3), st.floats(0.01, 0.1), st.floats(0.2, 0.95))
@settings(deadline=None)
def test_what_is_needed_is_just_enough(spread, difference, alpha, power):
    n = needed(spread, difference, alpha=alpha, power=power)
    assert detectable(spread, n, alpha=alpha, power=power) <= difference * (1 + 1e-9)
    if n > 1:
        assert detectable(spread, n - 1, alpha=alpha, power=power) > difference * (1 - 1e-9)


@given(spreads, st.integers(2, 2000))
@settings(deadline=None)
def test_more_samples_and_less_asked_find_less(spread, n):
    usual = detectable(spread, n)
    assert detectable(spread, 4 * n) == pytest.approx(usual / 2)
    assert detectable(spread, n, alpha=0.01) > usual
    assert detectable(spread, n, power=0.9) > usual


def test_correlation_narrows_a_difference():
    assert assumed(0.3, 0).sd_difference == pytest.approx(0.3 * math.sqrt(2))
    assert assumed(0.3, -1).sd_difference == pytest.approx(0.6)
    assert assumed(0.2, 0.875).sd_difference == pytest.approx(0.1)


def test_the_promised_power_is_kept():
    """400 comparisons on 60 samples with a difference planted at what is promised to be found 8 times in 10."""
    draw = np.random.default_rng(2)
    spread = assumed(0.2, 0.5)
    gap = detectable(spread, 60)
    found = 0
    for _ in range(400):
        pairs = draw.multivariate_normal([gap + 2, 2], [[0.04, 0.02], [0.02, 0.04]], 60)
        systems = [series(pairs[:, 0], np.full(60, 4.0)), series(pairs[:, 1], np.full(60, 4.0))]
        names = [str(i) for i in range(60)]
        entry = differences(systems, ["g"] * 60, names, order=["g"], macro=False, seed=0, resamples=99)[0, 1]
        found += entry["overall"].p <= 0.05
    assert found / 400 == pytest.approx(0.8, abs=0.06)


# --- measured


def test_the_spread_of_means_is_the_textbooks():
    draw = np.random.default_rng(0)
    one, other = draw.random((2, 80))
    one = (one + other) / 2
    found = measured(series(one), series(other), [str(i) for i in range(80)])
    assert found.sd_difference == pytest.approx((one - other).std(ddof=1))
    assert found.rho == pytest.approx(np.corrcoef(one, other)[0, 1])
    assert found.sd == pytest.approx(math.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2))
    assert (found.design, found.n) == (pytest.approx(1), 80)


def test_the_spread_of_a_corrected_score_is_that_of_its_interval():
    """sd / sqrt(n) of one system against the width of its bootstrap interval, which knows no linear parts."""
    draw = np.random.default_rng(1)
    values, chance = draw.random(500), draw.random(500) / 2
    chance[::2] = NAN
    one = series(values, chance=chance)
    names = [str(i) for i in range(500)]
    found = measured(one, series(np.zeros(500)), names)
    entry = estimate([one], ["g"] * 500, names, order=["g"], macro=False, seed=0)["s"]["overall"]
    assert found.sd_difference / math.sqrt(500) == pytest.approx((entry.high - entry.low) / 2 / 1.96, rel=0.04)
    assert found.rho is None, "the other one never varies"


def test_the_spread_of_a_ratio_of_sums_is_its_linear_part():
    draw = np.random.default_rng(3)
    below = draw.integers(1, 6, 100).astype(float)
    above = below * draw.random(100)
    ratio = above.sum() / below.sum()
    by_hand = ((above - ratio * below) / below.mean()).std(ddof=1)
    found = measured(series(above, below), series(np.zeros(100), below), [str(i) for i in range(100)])
    assert found.sd_difference == pytest.approx(by_hand)


def test_the_design_effect_is_the_clustered_variance_over_the_naive_one():
    draw = np.random.default_rng(5)
    shared = np.repeat(draw.normal(size=2000), 3)
    values = 5 + math.sqrt(0.4) * shared + math.sqrt(0.6) * draw.normal(size=6000)
    names = [str(i // 3) for i in range(6000)]
    found = measured(series(values, np.full(6000, 10.0)), series(np.zeros(6000), np.full(6000, 10.0)), names)
    assert found.design == pytest.approx(design_effect(3, 0.4), rel=0.05)
    by_picture = (values - values.mean()).reshape(-1, 3).sum(axis=1)
    naive = values.var(ddof=1) * 6000
    assert found.design == pytest.approx(2000 / 1999 * (by_picture**2).sum() / naive)


def test_copies_of_a_sample_are_worth_one():
    draw = np.random.default_rng(6)
    once = draw.random((2, 50))
    names = [str(i) for i in range(50)]
    alone = measured(series(once[0]), series(once[1]), names)
    twice = np.repeat(once, 2, axis=1)
    found = measured(series(twice[0]), series(twice[1]), [name for name in names for _ in "ab"])
    assert found.design == pytest.approx(2, rel=0.03)
    assert detectable(found, 100) == pytest.approx(detectable(alone, 50), rel=0.01)


def test_what_one_side_has_not_scored_has_no_say():
    draw = np.random.default_rng(7)
    one, other = draw.random((2, 12))
    names = [str(i) for i in range(12)]
    usual = measured(series(one[1:]), series(other[1:]), names[1:])
    one[0] = NAN
    assert measured(series(one), series(other), names) == usual
    assert usual.n == 11


@pytest.mark.parametrize(
    ("one", "other", "clusters", "why"),
    [
        (series([]), series([]), "", "fewer than two pictures"),
        (series([1, 0, NAN]), series([0, 1, 1]), "aab", "fewer than two pictures"),
        (series([1, 0.25]), series([1, 0.25]), "ab", "the two never differ"),
        (series([0.5, 0.5]), series([0.25, 0.25]), "ab", "the two never differ"),
        (series([0, 0], [0, 0]), series([0, 1]), "ab", "one of the scores is undefined"),
        (series([0, 1], chance=np.array([1.0, 1])), series([0, 1]), "ab", "one of the scores is undefined"),
        (series([0, 1], chance=np.array([NAN, NAN])), series([0, 1]), "ab", "one of the scores is undefined"),
    ],
)
def test_no_spread_has_a_reason(one, other, clusters, why):
    found = measured(one, other, list(clusters))
    assert isinstance(found, str)
    assert why in found


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: assumed(0, 0.5), "an sd above 0"),
        (lambda: assumed(1.1, 0.5), "up to 1"),
        (lambda: assumed(0.3, 1), "below 1"),
        (lambda: assumed(NAN, NAN), "got nan and nan"),
        (lambda: detectable(assumed(0.3, 0.5), 0), "samples, got 0"),
        (lambda: detectable(assumed(0.3, 0.5), 9, alpha=0.9), "alpha < power"),
        (lambda: detectable(assumed(0.3, 0.5), 9, power=1), "alpha < power"),
        (lambda: detectable(assumed(0.3, 0.5), 10**400), "from 1 to 1,000,000,000,000 samples"),
        (lambda: detectable(assumed(0.3, 0.5), 9, alpha=0), "alpha < power"),
        (lambda: needed(assumed(0.3, 0.5), 0), "difference from 1e-06 to 1"),
        (lambda: needed(assumed(0.3, 0.5), NAN), "difference from 1e-06 to 1"),
        (lambda: design_effect(0.5, 0.2), "size of at least 1"),
        (lambda: design_effect(2, 1.2), "correlation from 0 to 1"),
    ],
)
def test_mistakes_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
