from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging.counts import CountsTally, match_counts, unleaked_counts, weight
from whyfeel.records import Judgement, Trigger, Unscored
from whyfeel.stats import estimate


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


def tallied(samples, *judgements, means=("f1", "recall")):
    tally = CountsTally(means)
    for sample, judgement in zip(samples, judgements, strict=True):
        tally.add(sample, judgement)
    return tally, {one.name: one for one in tally.series()}


def test_tally_by_hand(make_sample):
    heavy = make_sample("a", "b")
    tally, found = tallied(
        [heavy, heavy, heavy, make_sample()],
        Judgement(heavy.id, {"f1": 0.25, "recall": 0.5, "correct": 1, "claims": 9}),
        Judgement(heavy.id, {"f1": 1.0, "recall": 1.0, "correct": 2}, unscored=Unscored("timeout")),
        Judgement(heavy.id, {"recall": 0.0, "correct": 0}),
        Judgement("x", unscored=Unscored("no triggers")),
    )
    assert list(found) == [
        *("kf1", "f1", "recall", "trigger_recall"),
        *("kf1_unleaked", "f1_unleaked", "recall_unleaked", "precision_unleaked"),
    ]
    np.testing.assert_array_equal(found["f1"].numerator, [0.25, math.nan, math.nan, math.nan])
    np.testing.assert_array_equal(found["recall"].numerator, [0.5, math.nan, 0, math.nan])
    np.testing.assert_array_equal(found["trigger_recall"].numerator, [1, math.nan, 0, math.nan])
    np.testing.assert_array_equal(found["recall"].denominator, [1, 1, 1, 1])
    np.testing.assert_array_equal(found["trigger_recall"].denominator, [2, 2, 2, 1])
    assert [one.chance is not None for one in found.values()] == [True, *[False] * 3, True, *[False] * 3]
    assert tally.facts() == {"chance": {"f1": None, "n": 0}, "leaked": {"triggers": 0, "of": 4}}


def test_kf1_is_f1_less_what_chance_gives(make_sample):
    samples = [make_sample("a", "b")] * 3
    tally, found = tallied(
        samples,
        Judgement("x", {"f1": 0.75, "chance": 0.25}),
        Judgement("x", {"f1": 0.25, "chance": 0.5}),
        Judgement("x", {"f1": 0.5}),  # a judge that calls a model holds only some answers against foils
    )
    np.testing.assert_array_equal(found["kf1"].numerator, found["f1"].numerator)
    np.testing.assert_array_equal(found["kf1"].chance, [0.25, 0.5, math.nan])
    chance = 0.375
    value = estimate([found["kf1"]], ["sad"] * 3, list("abc"), order=["sad"], macro=False, seed=0)["kf1"]["overall"]
    assert value.value == pytest.approx((0.5 - chance) / (1 - chance))
    assert tally.facts()["chance"] == {"f1": chance, "n": 2}


def test_what_an_unscored_answer_earned_by_chance_counts_for_nothing(make_sample):
    tally, found = tallied(
        [make_sample("a")] * 2,
        Judgement("x", {"f1": 1.0, "chance": 0.5, "leaked": 1}, unscored=Unscored("timeout")),
        Judgement("x", {"f1": 1.0, "chance": 0.25, "leaked": 1}),
    )
    np.testing.assert_array_equal(found["kf1"].chance, [math.nan, 0.25])
    assert tally.facts() == {"chance": {"f1": 0.25, "n": 1}, "leaked": {"triggers": 1, "of": 1}}


def test_a_sample_whose_triggers_are_all_given_away_has_no_part_in_the_rest(make_sample):
    sample = make_sample("a", "b")
    rest = {"f1_unleaked": 0.5, "recall_unleaked": 1.0, "precision_unleaked": 0.25, "chance_unleaked": 0.125}
    tally, found = tallied(
        [sample, sample, sample, sample],
        Judgement("x", {"f1": 0.5, "chance": 0.1, "leaked": 1, **rest}),
        Judgement("x", {"f1": 1.0, "chance": 0.1, "leaked": 2}),  # all of them
        Judgement("x", unscored=Unscored("timeout")),
        Judgement("x", {"f1": 0.0, "leaked": 0, **dict.fromkeys(rest, 0.0)}),
    )
    for name in ("kf1", "f1", "recall", "precision"):
        one = found[f"{name}_unleaked"]
        np.testing.assert_array_equal(one.denominator, [1, 0, 1, 1])
        np.testing.assert_array_equal(one.numerator, [rest.get(one.name, 0.5), 0, math.nan, 0])
    np.testing.assert_array_equal(found["kf1_unleaked"].chance, [0.125, math.nan, math.nan, 0])
    assert tally.facts()["leaked"] == {"triggers": 3, "of": 6}
    # the left-out sample is neither in n nor in the bounds
    series = [found["recall_unleaked"]]
    value = estimate(series, ["sad"] * 4, list("abcd"), order=["sad"], macro=False, seed=0)["recall_unleaked"]
    assert (value["overall"].value, value["overall"].n, value["overall"].bounds) == (0.5, 2, (1 / 3, 2 / 3))


def test_counts_without_the_triggers_that_are_given_away():
    gold = [Trigger("a"), Trigger("b", 3.0)]
    assert unleaked_counts(gold, gold[1:], 2) == {
        "f1_unleaked": pytest.approx(2 * 0.75 * 0.5 / 1.25),
        "recall_unleaked": 0.75,
        "precision_unleaked": 0.5,
    }
    assert unleaked_counts([], [], 3) == {}
    assert set(unleaked_counts(gold, [], 0).values()) == {0}


def test_an_empty_tally_has_its_names():
    tally, found = tallied([], means=("f1",))
    assert all(one.numerator.shape == (0,) for one in found.values())
    assert list(found)[:3] == ["kf1", "f1", "trigger_recall"]
    assert tally.facts() == {"chance": {"f1": None, "n": 0}, "leaked": {"triggers": 0, "of": 0}}


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
