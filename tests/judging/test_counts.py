from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging.counts import CountsTally, match_counts, weight
from whyfeel.records import Judgement, Trigger, Unscored


def test_a_whole_weight_is_written_as_a_whole_number():
    assert repr(weight([Trigger("a"), Trigger("b")])) == "2"
    assert repr(weight([Trigger("a", 0.5), Trigger("b", 1.5), Trigger("c", 0.1)])) == "2.1"
    assert weight([]) == 0


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_without_weights_f1_is_that_of_the_numbers(found, missed, others):
    total, claims = found + missed, found + others
    if not total:
        return
    counts = match_counts(found, total, found, claims)
    assert counts["f1"] == 2 * found / (total + claims)  # to the last digit
    assert counts["recall"] == found / total
    assert counts["precision"] == (found / claims if claims else 0)


def test_tally_by_hand(make_sample):
    tally = CountsTally(("f1", "recall"))
    heavy = make_sample("a", "b")
    tally.add(heavy, Judgement(heavy.id, {"f1": 0.25, "recall": 0.5, "correct": 1, "claims": 9}))
    tally.add(heavy, Judgement(heavy.id, {"f1": 1.0, "recall": 1.0, "correct": 2}, unscored=Unscored("timeout")))
    tally.add(heavy, Judgement(heavy.id, {"recall": 0.0, "correct": 0}))
    tally.add(make_sample(), Judgement("x", unscored=Unscored("no triggers")))
    f1, recall, micro = tally.series()
    assert (f1.name, recall.name, micro.name) == ("f1", "recall", "trigger_recall")
    np.testing.assert_array_equal(f1.numerator, [0.25, math.nan, math.nan, math.nan])
    np.testing.assert_array_equal(recall.numerator, [0.5, math.nan, 0, math.nan])
    np.testing.assert_array_equal(micro.numerator, [1, math.nan, 0, math.nan])
    np.testing.assert_array_equal(recall.denominator, [1, 1, 1, 1])
    np.testing.assert_array_equal(micro.denominator, [2, 2, 2, 1])
    assert tally.facts() == {}


def test_an_empty_tally_has_its_names():
    assert [(s.name, s.numerator.shape) for s in CountsTally(("f1",)).series()] == [
        ("f1", (0,)),
        ("trigger_recall", (0,)),
    ]


@pytest.mark.parametrize(("claims", "precision"), [(0, 0), (3, 0)])
def test_nothing_found(claims, precision):
    assert match_counts(0, 2.5, 0, claims) == {
        "correct": 0,
        "total": 2.5,
        "claims": claims,
        "precision": precision,
        "recall": 0,
        "f1": 0,
    }
