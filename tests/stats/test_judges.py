"""Agreement of two judges against scipy, statsmodels and scikit-learn, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from whyfeel.stats.judges import paired, rates, rogan_gladen

NAN = math.nan
LABELS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def apart(n):
    return [f"picture {i}" for i in range(n)]


def test_differences_by_other_means():
    generator = np.random.default_rng(0)
    people = generator.random(80)
    judge = np.clip(people + generator.normal(0.1, 0.2, 80), 0, 1)
    found = paired(judge, people, apart(80))
    test = scipy.stats.ttest_rel(judge, people).confidence_interval(0.95)
    assert (found.bias.low, found.bias.high) == pytest.approx((test.low, test.high))
    assert found.bias.value == pytest.approx(np.mean(judge) - np.mean(people))
    assert found.absolute.value == pytest.approx(sklearn.metrics.mean_absolute_error(people, judge))
    assert found.spearman.value == pytest.approx(scipy.stats.spearmanr(judge, people).statistic)
    assert found.spearman.low < found.spearman.value < found.spearman.high
    assert found.n == 80


def test_turned_round_only_the_bias_changes_sign():
    judge, people = np.array([0.2, 0.5, 0.9, 0.1]), np.array([0.3, 0.1, 1, 0])
    one, other = paired(judge, people, apart(4)), paired(people, judge, apart(4))
    assert (one.bias.value, one.bias.low) == (pytest.approx(-other.bias.value), pytest.approx(-other.bias.high))
    assert (one.absolute, one.spearman) == (other.absolute, other.spearman)


def test_only_what_both_scored_and_pictures_drawn_whole():
    judge, people = np.array([0.2, NAN, 0.9, 0.1, 0.4]), np.array([0.3, 1, NAN, 0, 0.1])
    kept = [0, 3, 4]
    found = paired(judge, people, list("aabbc"))
    assert found == paired(judge[kept], people[kept], list("abc"))
    assert found.n == 3
    assert paired(judge, people, ["a"] * 5).spearman.why == "no interval (fewer than two clusters of items)"
    twice = paired(np.tile(judge, 2), np.tile(people, 2), list("aabbc") * 2)
    assert twice.bias.value == pytest.approx(found.bias.value)
    assert twice.bias.error == pytest.approx(found.bias.error)  # the same pictures tell nothing new


@pytest.mark.parametrize(
    ("judge", "people", "bias", "rank"),
    [
        ([], [], None, "undefined (no item was rated twice)"),
        ([0.5], [0.25], 0.25, "undefined (only one item was rated twice)"),
        ([0.5, 0.5, 0.5], [0, 0.5, 1], 0, "undefined (a rater gave every item the same)"),
    ],
)
def test_nothing_to_compare(judge, people, bias, rank):
    found = paired(np.array(judge, float), np.array(people, float), apart(len(judge)))
    assert (found.bias.value, found.spearman.value, found.spearman.why) == (bias, None, rank)
    assert found.to_json()["n"] == len(judge)


@given(LABELS)
def test_rates_against_scikit_learn_and_statsmodels(pairs):
    judge, people = np.array(pairs, bool).T
    found = rates(judge, people)
    assert found.accuracy.value == pytest.approx(sklearn.metrics.accuracy_score(people, judge))
    assert found.accuracy.n == len(pairs)
    table = sklearn.metrics.confusion_matrix(people, judge, labels=[False, True])
    for one, (no, yes) in ((found.false_positive, table[0]), (found.true_positive, table[1])):
        assert one.n == no + yes
        if not one.n:
            assert (one.value, one.low, one.high) == (None, None, None)
            assert one.to_json()["why"] == "undefined (nothing to compare)"
            continue
        assert one.value == yes / one.n
        assert (one.low, one.high) == pytest.approx(proportion_confint(yes, one.n, method="wilson"), abs=1e-12)
        assert one.low <= one.value <= one.high
    assert set(found.to_json()) == {"accuracy", "true_positive_rate", "false_positive_rate"}


# --- the corrected rate


def labels(hits, yes, alarms, no):
    """A judge who finds `hits` of `yes` true things and `alarms` of `no` false ones."""
    judge = np.array([True] * hits + [False] * (yes - hits) + [True] * alarms + [False] * (no - alarms))
    return judge, np.array([True] * yes + [False] * no)


def test_the_corrected_rate_by_hand():
    found = rogan_gladen(46, 100, *labels(80, 100, 30, 100))
    assert found.value == pytest.approx((0.46 - 0.3) / (0.8 - 0.3))
    assert found.judged == 0.46
    assert found.low < found.value < found.high
    assert rogan_gladen(46, 100, *labels(10, 10, 0, 10)).value == 0.46  # a judge without errors needs none


def test_the_interval_of_the_corrected_rate_is_as_wide_as_the_errors_are():
    """Few true labels and many false ones, so that each of the three errors has a size of its own."""
    generator = np.random.default_rng(6)
    share, true, false = (generator.binomial(n, p, 50_000) / n for n, p in ((900, 0.46), (60, 0.8), (600, 0.3)))
    found = rogan_gladen(414, 900, *labels(48, 60, 180, 600))
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(np.std((share - false) / (true - false)), rel=0.08)


def test_a_rate_is_held_between_0_and_1():
    low, high = rogan_gladen(1, 100, *labels(80, 100, 30, 100)), rogan_gladen(99, 100, *labels(80, 100, 30, 100))
    assert (low.value, low.low, high.value, high.high) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("found", "of", "counts", "why"),
    [
        (0, 0, (1, 1, 0, 1), "undefined (nothing to compare)"),
        (5, 10, (0, 0, 1, 4), "undefined (nothing to compare)"),
        (5, 10, (3, 4, 0, 0), "undefined (nothing to compare)"),
        (5, 10, (2, 4, 1, 2), "undefined (the judge tells nothing from its opposite)"),
        (5, 10, (1, 4, 2, 4), "undefined (the judge tells nothing from its opposite)"),
    ],
)
def test_no_corrected_rate(found, of, counts, why):
    one = rogan_gladen(found, of, *labels(*counts))
    assert (one.value, one.low, one.high, one.why) == (None, None, None, why)
    assert one.to_json() == {"value": None, "low": None, "high": None, "judged": one.judged, "why": why}
    assert one.judged == (None if not of else 0.5)


def test_hardly_better_than_a_coin():
    one = rogan_gladen(5, 10, *labels(1, 10, 0, 1))  # with counts enlarged, 2/12 against 1/3
    assert (one.value, one.low, one.why) == (1, None, "no interval (too few labels)")


def test_the_corrected_rate_covers_a_planted_truth():
    generator = np.random.default_rng(2)
    covered = naive = 0
    for _ in range(2000):
        truth = generator.random(3000) < 0.4
        judge = generator.random(3000) < np.where(truth, 0.8, 0.25)
        one = rogan_gladen(int(judge.sum()), 3000, judge[:150], truth[:150])
        covered += one.low <= 0.4 <= one.high
        naive += abs(one.judged - 0.4) < 0.04
    assert 0.93 <= covered / 2000 <= 0.98
    assert naive == 0
