from __future__ import annotations

import math
from itertools import permutations

import krippendorff as oracle
import numpy as np
import pytest
from drawn_ratings import drawn, percentiles
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.stats.agreement import LEVELS, agreement_within, exact_agreement, krippendorff
from whyfeel.stats.resampling import Bootstrap

_ = math.nan
# The example with four observers, twelve units and gaps of Krippendorff's "Computing Krippendorff's Alpha-Reliability".
FOUR = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T

ROWS = st.integers(2, 4).flatmap(
    lambda m: st.lists(st.lists(st.sampled_from([0, 1, 2, 5, _]), min_size=m, max_size=m), min_size=1)
)


def letters(*raters):
    return np.array([[float(ord(c)) for c in rater] for rater in raters]).T


def by_package(ratings, level):
    return oracle.alpha(reliability_data=ratings.T, level_of_measurement=level)


def test_krippendorffs_own_examples():
    assert round(krippendorff(FOUR).value, 6) == 0.743421
    assert round(krippendorff(FOUR, "ordinal").value, 6) == 0.815388
    assert round(krippendorff(FOUR, "interval").value, 6) == 0.849107
    assert round(krippendorff(letters("0100000010", "1110010000")).value, 3) == 0.095
    assert round(krippendorff(letters("aabbdcccedda", "babbbccceddd")).value, 3) == 0.692


def test_by_hand():
    # o = [[2, 1], [1, 2]], n_c = 3, n = 6: D_o = 2/6, D_e = 18/30
    assert krippendorff(letters("112", "122")).value == pytest.approx(1 - (2 / 6) / (18 / 30))
    # two raters who never agree: o = [[0, 2], [2, 0]], n = 4: D_o = 1, D_e = 8/12
    assert krippendorff(letters("12", "21")).value == pytest.approx(-0.5)
    assert krippendorff(letters("12", "12")).value == 1
    # values 1, 2, 4 twice each; pairs (1, 1), (2, 4), (4, 2): D_o = 4 * 4/6; squares between all: 8 (1 + 9 + 4) / 30
    assert krippendorff(letters("124", "142"), "interval").value == pytest.approx(1 - (16 / 6) / (112 / 30))
    # mid-ranks 1.5, 3.5, 5.5: the same with distances 2, 4, 2
    assert krippendorff(letters("124", "142"), "ordinal").value == pytest.approx(1 - (16 / 6) / (8 * (4 + 16 + 4) / 30))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(8))
def test_as_the_krippendorff_package_has_it(seed, level):
    ratings = drawn(seed, items=15 + seed, raters=2 + seed % 4, points=2 + seed, gaps=0.1 * (seed % 4))
    assert krippendorff(ratings, level).value == pytest.approx(by_package(ratings, level), abs=1e-12)
    uneven = np.array([0, 0.1, 0.7, 3, 8.25, 20, 21, 30, 31])[np.nan_to_num(ratings, nan=0).astype(int)]
    uneven[np.isnan(ratings)] = _
    assert krippendorff(uneven, level).value == pytest.approx(by_package(uneven, level), abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_the_interval_is_that_of_a_bootstrap_written_out(level):
    ratings = drawn(3, items=25, gaps=0.2)
    found = krippendorff(ratings, level, Bootstrap(seed=5, resamples=60))
    assert [found.low, found.high] == pytest.approx(percentiles(ratings, lambda r: by_package(r, level), 5, 60))
    assert found.low < found.value < found.high
    clusters = [f"c{place // 3}" for place in range(25)]
    found = krippendorff(ratings, level, Bootstrap(5, 60, clusters))
    wanted = percentiles(ratings, lambda r: by_package(r, level), 5, 60, clusters)
    assert [found.low, found.high] == pytest.approx(wanted)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("ratings", "why"),
    [
        (np.zeros((0, 2)), "undefined (no item was rated twice)"),
        (np.full((3, 2), _), "undefined (no item was rated twice)"),
        (np.array([[1, _], [_, 2]]), "undefined (no item was rated twice)"),
        (np.array([[1.0, 2], [_, 2]]), "undefined (only one item was rated twice)"),
        (np.zeros((0, 0)), "undefined (fewer than two raters)"),
        (np.array([[1.0], [2]]), "undefined (fewer than two raters)"),
        (np.array([[1, 1, _], [1, _, 1], [2, _, _]]), "undefined (no variation)"),
        (np.full((7, 3), 0.1), "undefined (no variation)"),
    ],
)
def test_what_is_undefined(ratings, why, level):
    found = krippendorff(ratings, level, Bootstrap(resamples=9))
    assert found.to_json() == {"value": None, "low": None, "high": None, "why": why}


def test_differences_so_small_that_their_squares_are_nothing():
    ratings = np.array([[0, 1e-200], [1e-200, 0]])
    assert krippendorff(ratings, "ordinal").value == pytest.approx(-0.5)
    assert krippendorff(ratings, "interval").why == "undefined (no variation)"


@pytest.mark.parametrize(
    ("ratings", "level"), [(np.zeros(3), "nominal"), (np.array([[1, math.inf]]), "nominal"), (FOUR, "ratio")]
)
def test_what_is_no_matrix_or_level(ratings, level):
    with pytest.raises(ValueError, match="expected"):
        krippendorff(ratings, level)


def test_exact_agreement():
    assert exact_agreement(np.array([[1, 1, 1], [1, 1, 2], [2, 2, _], [3, 3, 3]])) == (3, 2 / 3)
    assert exact_agreement(np.array([[1, _]])) == (0, None)
    assert exact_agreement(np.zeros((0, 2))) == (0, None)
    assert agreement_within(np.array([[1, 1, 1], [1, 1, 2], [2, 2, _], [3, 5, 4]]), 1) == (3, 2 / 3)


def pairwise(rows):
    """Alpha from all pairs of ratings, the slow way."""
    rows = [[v for v in row if not math.isnan(v)] for row in rows]
    rows = [row for row in rows if len(row) > 1]
    pool = [v for row in rows for v in row]
    observed = sum(sum(a != b for a, b in permutations(row, 2)) / (len(row) - 1) for row in rows) / len(pool)
    return 1 - observed / (sum(a != b for a, b in permutations(pool, 2)) / (len(pool) * (len(pool) - 1)))


@settings(deadline=None)
@given(ROWS)
def test_alpha_is_that_of_all_pairs(rows):
    ratings = np.array(rows, dtype=float)
    found = krippendorff(ratings)
    if found.value is None:
        assert found.why
        return
    assert found.value <= 1
    assert found.value == pytest.approx(pairwise(rows))
    assert krippendorff(ratings[::-1, ::-1] * -7).value == pytest.approx(found.value)


@settings(deadline=None)
@given(ROWS, st.integers(-3, 3), st.sampled_from([0.5, 2, 3]))
def test_what_alpha_does_not_depend_on(rows, shift, stretch):
    ratings = np.array(rows, dtype=float)
    for level in LEVELS:
        found = krippendorff(ratings, level)
        same = [ratings[::-1], ratings[:, ::-1], ratings * stretch + shift, np.vstack([ratings, ratings[:1] * _])]
        same += [np.cbrt(ratings)] if level == "ordinal" else []
        for other in same:
            assert krippendorff(other, level).value == pytest.approx(found.value, abs=1e-9)


@settings(deadline=None)
@given(ROWS)
def test_items_that_are_agreed_on_never_make_it_worse(rows):
    ratings = np.array(rows, dtype=float)
    found = krippendorff(ratings, "interval").value
    if found is not None:
        agreed = np.vstack([ratings, np.full(ratings.shape[1], 0.0), np.full(ratings.shape[1], 5.0)])
        assert krippendorff(agreed, "interval").value >= found - 1e-9
