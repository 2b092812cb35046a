"""Wilson's interval against statsmodels, its defining equation, and its edges."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from whyfeel.stats.bootstrap import Interval
from whyfeel.stats.proportions import wilson

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.floats(0.5, 0.999))
@settings(deadline=None)
def test_agrees_with_statsmodels(count, level):
    hits, n = count
    found = wilson(hits, n, level)
    assert (found.low, found.high) == pytest.approx(proportion_confint(hits, n, 1 - level, method="wilson"), abs=1e-12)


@given(counts)
@settings(deadline=None)
def test_holds_the_share_within_nothing_and_all(count):
    hits, n = count
    found = wilson(hits, n)
    assert 0 <= found.low <= hits / n <= found.high <= 1
    assert found.low < found.high
    mirrored = wilson(n - hits, n)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-12)


def test_an_end_is_where_the_score_test_just_rejects():
    """(share - p)^2 = z^2 p (1 - p) / n, Wilson's own equation."""
    found = wilson(8, 20)
    for end in (found.low, found.high):
        assert (0.4 - end) ** 2 == pytest.approx(1.959963985**2 * end * (1 - end) / 20, abs=1e-9)


def test_all_or_none_have_one_exact_end():
    assert (wilson(0, 7).low, wilson(7, 7).high) == (0.0, 1.0)
    assert wilson(0, 7).high == pytest.approx(1 - wilson(7, 7).low)


def test_nothing_was_counted():
    assert wilson(0, 0) == Interval(None, None, "nothing was counted")


@pytest.mark.parametrize(
    ("hits", "n", "level"), [(-1, 3, 0.95), (4, 3, 0.95), (0, -1, 0.9), (1, 2, 1), (1, 2, math.nan)]
)
def test_mistakes_are_named(hits, n, level):
    with pytest.raises(ValueError, match="expected hits from 0 to n and a level"):
        wilson(hits, n, level)
