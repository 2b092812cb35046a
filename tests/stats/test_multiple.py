"""Corrected p values against statsmodels, and letters against every pair."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from whyfeel.stats.multiple import benjamini_hochberg, holm, letters

ps = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.05, 1.0])), min_size=1, max_size=12)
METHODS = [(holm, "holm"), (benjamini_hochberg, "fdr_bh")]


@pytest.mark.parametrize(("ours", "theirs"), METHODS)
@given(tested=ps)
@settings(deadline=None, max_examples=20)  # theirs takes a quarter of a second
def test_agrees_with_statsmodels(ours, theirs, tested):
    assert ours(tested) == pytest.approx(multipletests(tested, method=theirs)[1].tolist(), abs=1e-15)


@pytest.mark.parametrize("ours", [holm, benjamini_hochberg])
@given(tested=ps)
@settings(deadline=None)
def test_never_below_p_and_in_its_order(ours, tested):
    found = ours(tested)
    assert all(p <= corrected <= 1 for p, corrected in zip(tested, found, strict=True))
    ranked = [corrected for _, corrected in sorted(zip(tested, found, strict=True))]
    assert ranked == sorted(ranked)


@pytest.mark.parametrize("ours", [holm, benjamini_hochberg])
def test_one_comparison_needs_no_correction_and_none_is_none(ours):
    assert ours([0.03]) == [0.03]
    assert ours([]) == []
    assert ours([None, 0.03, None]) == [None, 0.03, None]


def test_by_hand():
    """Four tests: 4 x .005, 3 x .011, 2 x .02, 1 x .04; and .005 x 4/1, .011 x 4/2, .02 x 4/3, .04 x 4/4."""
    assert holm([0.011, 0.02, 0.005, 0.04]) == pytest.approx([0.033, 0.04, 0.02, 0.04])
    assert benjamini_hochberg([0.011, 0.02, 0.005, 0.04]) == pytest.approx([0.022, 0.08 / 3, 0.02, 0.04])


@pytest.mark.parametrize("ours", [holm, benjamini_hochberg])
@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_what_is_no_p_is_refused(ours, wrong):
    with pytest.raises(ValueError, match=r"from 0 to 1, got .* at place 1"):
        ours([0.5, wrong])


# --- letters


def parts(text: str) -> set[str]:
    """The letters of one thing: each a letter with the digits that follow it."""
    found: list[str] = []
    for one in text:
        if one.isdigit():
            found[-1] += one
        else:
            found.append(one)
    assert len(set(found)) == len(found)
    return set(found)


graphs = st.integers(1, 7).flatmap(
    lambda n: st.tuples(
        st.just(n), st.sets(st.sampled_from(pairs)) if (pairs := list(combinations(range(n), 2))) else st.just(set())
    )
)


@given(graphs)
@settings(deadline=None)
def test_two_share_a_letter_if_and_only_if_they_are_not_different(graph):
    n, different = graph
    found = [parts(one) for one in letters(n, different)]
    assert len(found) == n
    assert all(found)
    for i, j in combinations(range(n), 2):
        assert bool(found[i] & found[j]) == ((i, j) not in different), (i, j)


@given(graphs)
@settings(deadline=None)
def test_no_letter_is_idle(graph):
    """No letter's things are among those of another: it would say nothing."""
    n, different = graph
    found = [parts(one) for one in letters(n, different)]
    holders = [{i for i in range(n) if one in found[i]} for one in set().union(*found)]
    assert not any(one < other for one in holders for other in holders)
    assert min(found[0]) == "a", "letters are given out from the top"


def test_letters_by_hand():
    assert letters(3, set()) == ["a", "a", "a"]
    assert letters(3, {(0, 1), (0, 2), (1, 2)}) == ["a", "b", "c"]
    assert letters(4, {(0, 2), (0, 3), (1, 3)}) == ["a", "ab", "bc", "c"]
    assert letters(1, set()) == ["a"]


def test_more_systems_than_letters():
    found = letters(60, set(combinations(range(60), 2)))
    assert (found[0], found[25], found[26], found[59]) == ("a", "z", "a1", "h2")
