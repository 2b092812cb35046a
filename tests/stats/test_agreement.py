from __future__ import annotations

import math
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.stats.agreement import coincidences, exact_agreement, krippendorff

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


def letters(*raters):
    return np.array([[float(ord(c)) for c in rater] for rater in raters]).T


def test_krippendorffs_own_examples():
    assert round(krippendorff(FOUR).value, 3) == 0.743
    assert round(krippendorff(letters("0100000010", "1110010000")).value, 3) == 0.095
    assert round(krippendorff(letters("aabbdcccedda", "babbbccceddd")).value, 3) == 0.692


def test_the_published_coincidences():
    # n_c of the published matrix: 9, 13, 10, 5, 3, of n = 40; the twelfth unit has one rating
    found = coincidences(FOUR)
    assert found.sum(axis=0) == pytest.approx([9, 13, 10, 5, 3])
    assert found == pytest.approx(found.T)
    assert np.diag(found) == pytest.approx([7, 10, 8, 4, 3])


def test_by_hand():
    # o = [[2, 1], [1, 2]], n_c = 3, n = 6: D_o = 2/6, D_e = 18/30
    assert krippendorff(letters("112", "122")).value == pytest.approx(1 - (2 / 6) / (18 / 30))
    # two raters who never agree: o = [[0, 2], [2, 0]], n = 4: D_o = 1, D_e = 8/12
    assert krippendorff(letters("12", "21")).value == pytest.approx(-0.5)
    assert krippendorff(letters("12", "12")).value == 1


@pytest.mark.parametrize(
    "ratings", [np.zeros((0, 2)), np.zeros((0, 0)), np.array([[1, _], [_, 2]]), np.array([[1.0], [2]])]
)
def test_nothing_rated_twice(ratings):
    assert krippendorff(ratings).value is None
    assert krippendorff(ratings).why == "no item was rated twice"


def test_no_variation_is_undefined():
    found = krippendorff(np.array([[1, 1, _], [1, _, 1], [2, _, _]]))
    assert (found.value, found.why) == (None, "undefined (no variation)")


def test_exact_agreement():
    assert exact_agreement(np.array([[1, 1, 1], [1, 1, 2], [2, 2, _], [3, 3, 3]])) == (3, 2 / 3)
    assert exact_agreement(np.array([[1, _]])) == (0, None)
    assert exact_agreement(np.zeros((0, 2))) == (0, None)


def pairwise(rows):
    """Alpha from all pairs of ratings, the slow way."""
    rows = [[v for v in row if not math.isnan(v)] for row in rows]
    rows = [row for row in rows if len(row) > 1]
    pool = [v for row in rows for v in row]
    observed = sum(sum(a != b for a, b in permutations(row, 2)) / (len(row) - 1) for row in rows) / len(pool)
    counts = Counter(pool)
    expected = sum(counts[a] * counts[b] for a, b in permutations(counts, 2)) / (len(pool) * (len(pool) - 1))
    return 1 - observed / expected


@given(
    st.integers(2, 4).flatmap(
        lambda m: st.lists(st.lists(st.sampled_from([0, 1, 2, _]), min_size=m, max_size=m), min_size=1)
    )
)
def test_alpha_is_that_of_all_pairs(rows):
    found = krippendorff(np.array(rows, dtype=float))
    if found.value is None:
        assert found.why
        return
    assert found.value <= 1
    assert found.value == pytest.approx(pairwise(rows))
    relabelled = np.array(rows, dtype=float)[::-1, ::-1] * -7
    assert krippendorff(relabelled).value == pytest.approx(found.value)
