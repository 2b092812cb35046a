from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import scipy.stats
from drawn_ratings import drawn, percentiles
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.stats import ranks
from whyfeel.stats.ranks import kendall, spearman
from whyfeel.stats.resampling import Bootstrap

_ = math.nan
BOTH = [(spearman, scipy.stats.spearmanr), (kendall, scipy.stats.kendalltau)]
PAIRS = st.lists(st.tuples(*[st.sampled_from([0, 0.1, 2, 4, _])] * 2), min_size=2, max_size=12)


def by_scipy(ratings, of):
    whole = ratings[~np.isnan(ratings).any(axis=1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a constant resample
        return of(*whole.T).statistic


def test_by_hand():
    ratings = np.array([[1, 1], [2, 3], [3, 2.0]])
    # squared differences of ranks 0, 1, 1: 1 - 6 * 2 / (3 * 8); two pairs in the same order, one in the opposite
    assert spearman(ratings).value == pytest.approx(0.5)
    assert kendall(ratings).value == pytest.approx(1 / 3)
    # one pair in order, none against it, one tied in each: 1 / sqrt(2 * 2)
    assert kendall(np.array([[1, 1], [1, 2], [2, 2.0]])).value == pytest.approx(0.5)


@pytest.mark.parametrize(("ours", "theirs"), BOTH)
@pytest.mark.parametrize("seed", range(6))
def test_as_scipy_has_it(seed, ours, theirs):
    ratings = drawn(seed, items=15 + 10 * seed, raters=2, points=2 + seed, gaps=0.1 * (seed % 3))
    assert ours(ratings).value == pytest.approx(by_scipy(ratings, theirs), abs=1e-12)
    untied = ratings + np.random.default_rng(seed).normal(size=ratings.shape)
    assert ours(untied).value == pytest.approx(by_scipy(untied, theirs), abs=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), BOTH)
def test_the_interval_is_that_of_a_bootstrap_written_out(ours, theirs):
    # so few that some resamples are constant
    for ratings in (drawn(6, items=30, raters=2, gaps=0.15), np.array([[1, 1], [1, 2], [2, 2.0]])):
        found = ours(ratings, Bootstrap(3, 70))
        wanted = percentiles(ratings, lambda r: by_scipy(r, theirs), 3, 70)
        assert [found.low, found.high] == pytest.approx(wanted)


def test_many_different_ratings_are_compared_block_by_block(monkeypatch):
    ratings = np.random.default_rng(0).normal(size=(90, 2))
    whole = kendall(ratings, Bootstrap(0, 20))
    monkeypatch.setattr(ranks, "BLOCK", 7)
    assert kendall(ratings, Bootstrap(0, 20)) == whole


@pytest.mark.parametrize("ours", [spearman, kendall])
@pytest.mark.parametrize(
    ("ratings", "why"),
    [
        (np.array([[1.0, 2], [1, 3], [1, 4]]), "undefined (a rater gave every item the same)"),
        (np.array([[1.0, 2], [2, 2], [_, 3]]), "undefined (a rater gave every item the same)"),
        (np.array([[0.1, 0.1], [0.1, 0.1]]), "undefined (a rater gave every item the same)"),
        (np.array([[1.0, 2], [2, _]]), "undefined (only one item was rated twice)"),
        (np.array([[1.0, _], [_, 3]]), "undefined (no item was rated twice)"),
        (np.zeros((0, 2)), "undefined (no item was rated twice)"),
    ],
)
def test_what_is_undefined(ratings, why, ours):
    found = ours(ratings, Bootstrap(resamples=9))
    assert (found.value, found.low, found.why) == (None, None, why)


@pytest.mark.parametrize("ours", [spearman, kendall])
def test_they_take_two_raters(ours):
    with pytest.raises(ValueError, match=r"expected the ratings of two raters, shape \(items, 2\), got \(4, 3\)"):
        ours(np.zeros((4, 3)))


@settings(deadline=None)
@given(PAIRS)
def test_only_the_order_counts(rows):
    ratings = np.array(rows, dtype=float)
    for ours in (spearman, kendall):
        found = ours(ratings).value
        assert found is None or -1 - 1e-9 <= found <= 1
        for other in (ratings[::-1], ratings[:, ::-1], np.exp(ratings), ratings * [2, 3] + [0, 7]):
            assert ours(other).value == pytest.approx(found, abs=1e-9)
        turned = ours(ratings * [1, -1]).value
        assert turned is None if found is None else turned == pytest.approx(-found, abs=1e-9)
        assert ours(np.repeat(ratings[:, :1], 2, axis=1)).value in (None, pytest.approx(1))
