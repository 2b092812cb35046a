from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from drawn_ratings import drawn, percentiles
from hypothesis import given, settings
from hypothesis import strategies as st
from irrCAC.raw import CAC
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from whyfeel.stats.kappa import WEIGHTS, gwet_ac2, weighted_kappa
from whyfeel.stats.resampling import Bootstrap

_ = math.nan
PAIRS = st.lists(st.tuples(*[st.sampled_from([0, 1, 2, 4, 5, _])] * 2), min_size=2, max_size=12)


def kappa_by_package(ratings, weights, labels=None):
    whole = ratings[~np.isnan(ratings).any(axis=1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is undefined
        return cohen_kappa_score(*whole.T, weights=weights, labels=labels)


def ac2_by_package(ratings, points):
    table = CAC(pd.DataFrame(ratings), weights="quadratic", categories=list(range(points)), digits=15)
    return table.gwet()["est"]["coefficient_value"]


def test_by_hand():
    # pairs (1, 1), (2, 3), (3, 3): observed 1/3; expected over all nine pairs of a first and a second rating
    ratings = np.array([[1, 1], [2, 3], [3, 3.0]])
    assert weighted_kappa(ratings, "linear").value == pytest.approx(1 - (1 / 3) / ((0 + 2 + 2 + 1 + 1 + 1 + 2) / 9))
    squared = (0 + 4 + 4 + 1 + 1 + 1 + 4) / 9
    assert weighted_kappa(ratings, "quadratic").value == pytest.approx(1 - (1 / 3) / squared)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("seed", range(6))
def test_kappa_as_sklearn_and_statsmodels_have_it(seed, weights):
    ratings = drawn(seed, items=20 + seed, raters=2, points=3 + seed, gaps=0.1 * (seed % 3))
    ratings[ratings == 1] = 0  # a category that nobody uses
    whole = ratings[~np.isnan(ratings).any(axis=1)]
    assert weighted_kappa(ratings, weights).value == pytest.approx(kappa_by_package(ratings, weights), abs=1e-12)
    points = 3 + seed
    table = np.zeros((points, points))
    np.add.at(table, tuple(whole.astype(int).T), 1)
    wanted = cohens_kappa(table, wt=weights, return_results=False)
    assert weighted_kappa(ratings, weights, (0, points - 1)).value == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_kappas_interval_is_that_of_a_bootstrap_written_out(weights):
    ratings = drawn(1, items=30, raters=2, gaps=0.15)
    labels = sorted(set(ratings[~np.isnan(ratings).any(axis=1)].ravel()))
    found = weighted_kappa(ratings, weights, None, Bootstrap(7, 50))
    wanted = percentiles(ratings, lambda r: kappa_by_package(r, weights, labels), 7, 50)
    assert [found.low, found.high] == pytest.approx(wanted)


def test_values_that_are_not_one_step_apart():
    # 2 and 5 are neighbours where nothing between them occurs, and three steps apart on a declared scale
    ratings = np.array([[1, 2], [2, 2], [5, 5], [5, 1.0]])
    assert weighted_kappa(ratings, "quadratic").value == pytest.approx(kappa_by_package(ratings, "quadratic"))
    wanted = kappa_by_package(ratings, "quadratic", [1, 2, 3, 4, 5])
    assert weighted_kappa(ratings, "quadratic", (1, 5)).value == pytest.approx(wanted)
    assert weighted_kappa(ratings, "quadratic", (-10, 99)).value == pytest.approx(wanted)
    assert abs(wanted - kappa_by_package(ratings, "quadratic")) > 0.1


@settings(deadline=None)
@given(PAIRS)
def test_what_kappa_does_not_depend_on(rows):
    ratings = np.array(rows, dtype=float)
    for weights in WEIGHTS:
        found = weighted_kappa(ratings, weights)
        assert found.value is None or found.value <= 1
        for other in (ratings[::-1], ratings[:, ::-1], -ratings, np.vstack([ratings, [[3, _]]])):
            assert weighted_kappa(other, weights).value == pytest.approx(found.value, abs=1e-9)
        assert weighted_kappa(np.cbrt(ratings), weights).value == pytest.approx(found.value, abs=1e-9)
        alike = weighted_kappa(np.repeat(ratings[:, :1], 2, axis=1), weights).value
        assert alike in (None, 1)


def test_ac2_by_hand():
    ratings = np.array([[0, 0], [0, 1], [2, 2], [0, 0], [0, 2.0]])
    # weights 1, 0.75, 0: p_a = (1 + 0.75 + 1 + 1 + 0) / 5; shares 0.6, 0.1, 0.3; sum of weights 3 + 4 * 0.75
    chance = 6 / (3 * 2) * (0.6 * 0.4 + 0.1 * 0.9 + 0.3 * 0.7)
    assert gwet_ac2(ratings, (0, 2)).value == pytest.approx((0.75 - chance) / (1 - chance))
    assert gwet_ac2(ratings + 4, (4, 6)).value == pytest.approx((0.75 - chance) / (1 - chance))


@pytest.mark.parametrize("seed", range(6))
def test_ac2_as_irrcac_has_it(seed):
    points = 3 + seed
    ratings = drawn(seed, items=25, raters=2 + seed % 3, points=points, gaps=0.12 * (seed % 3))
    ratings[ratings == 1] = 0
    assert gwet_ac2(ratings, (0, points - 1)).value == pytest.approx(ac2_by_package(ratings, points), abs=1e-9)


def test_ac2s_interval_is_that_of_a_bootstrap_written_out():
    ratings = drawn(2, items=20, gaps=0.2)
    found = gwet_ac2(ratings, (0, 5), Bootstrap(1, 25))
    assert [found.low, found.high] == pytest.approx(percentiles(ratings, lambda r: ac2_by_package(r, 6), 1, 25))


def test_ac2_stays_high_where_all_say_the_same_and_kappa_does_not():
    ratings = np.array([[5, 5]] * 45 + [[5, 4]] * 3 + [[4, 5]] * 2, dtype=float)
    assert gwet_ac2(ratings, (0, 5)).value > 0.98
    assert weighted_kappa(ratings, "quadratic").value < 0


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from([0, 1, 2, 5, _]), min_size=3, max_size=3), min_size=2, max_size=9))
def test_what_ac2_does_not_depend_on(rows):
    ratings = np.array(rows, dtype=float)
    found = gwet_ac2(ratings, (0, 5)).value
    assert found is None or found <= 1
    for other in (ratings[::-1], ratings[:, ::-1], 5 - ratings, np.vstack([ratings, [[_] * 3]])):
        assert gwet_ac2(other, (0, 5)).value == pytest.approx(found, abs=1e-9)
    # twice the raters, none of them new: the shares stay, but a rater agrees with their double
    if found is not None and not np.isnan(ratings).any():
        assert gwet_ac2(np.hstack([ratings, ratings]), (0, 5)).value >= found - 1e-9


SAME, ONE = np.full((4, 2), 3.0), np.array([[1.0, 2], [1, _]])


@pytest.mark.parametrize(
    ("ratings", "scale", "why"),
    [
        (SAME, (0, 5), "undefined (no variation)"),
        (ONE, (0, 5), "undefined (only one item was rated twice)"),
        (np.full((3, 2), _), (0, 5), "undefined (no item was rated twice)"),
        (np.array([[1.0, 2], [2, 6]]), (0, 5), "undefined (a rating leaves the scale 0 to 5)"),
        (np.array([[0.0, 2], [2, 1]]), (1, 5), "undefined (a rating leaves the scale 1 to 5)"),
    ],
)
def test_what_is_undefined(ratings, scale, why):
    for found in (gwet_ac2(ratings, scale), weighted_kappa(ratings, "linear", scale, Bootstrap())):
        assert (found.value, found.why) == (None, why)


def test_what_only_ac2_cannot_do():
    ratings = np.array([[1, 2.5], [3, 3]])
    assert gwet_ac2(ratings, None).why == "undefined (no scale is declared)"
    assert gwet_ac2(ratings, (1, 5)).why == "undefined (a rating is no whole point of the scale)"
    assert gwet_ac2(ratings[:, :1], (1, 5)).why == "undefined (fewer than two raters)"
    assert weighted_kappa(ratings, "linear", (1, 5)).value is not None


@pytest.mark.parametrize(
    "call",
    [
        lambda: weighted_kappa(np.zeros((3, 3)), "linear"),
        lambda: weighted_kappa(np.zeros((3, 2)), "cubic"),
        lambda: weighted_kappa(np.zeros((3, 2)), "linear", (5, 5)),
        lambda: gwet_ac2(np.zeros((3, 2)), (5, 0)),
    ],
)
def test_what_makes_no_sense(call):
    with pytest.raises(ValueError, match="expected"):
        call()
