"""PPI++ against ppi-python, against the classical t interval, by hand, and on simulated judges with a planted truth."""

from __future__ import annotations

import math

import numpy as np
import ppi_py
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.stats.ppi import corrected_mean, mean

NAN = math.nan
SCORES = st.floats(0, 1)


def apart(n):
    """Each answer about a picture of its own."""
    return [f"picture {i}" for i in range(n)]


def answers(generator, n, true=0.8, false=0.37):
    """Shares of the triggers that n answers name, and that a judge with these error rates finds in them."""
    triggers = generator.integers(2, 11, n)
    named = generator.binomial(triggers, generator.beta(1.5, 1.5, n))
    found = generator.binomial(named, true) + generator.binomial(triggers - named, false)
    return named / triggers, found / triggers


def only(values, chosen):
    return np.where(np.isin(np.arange(len(values)), chosen), values, NAN)


# --- a mean


@given(st.lists(SCORES, min_size=2, max_size=30).filter(lambda values: np.ptp(values) > 1e-6))
def test_without_clusters_it_is_the_t_interval(values):
    found = mean(np.array(values), apart(len(values)))
    n, spread = len(values), np.std(values, ddof=1)
    ends = scipy.stats.t.interval(0.95, n - 1, np.mean(values), spread / math.sqrt(n))
    assert (found.low, found.high) == pytest.approx(ends, abs=1e-12)
    assert found.value == pytest.approx(np.mean(values), abs=1e-15)
    assert (found.n, found.why) == (n, "")


def test_clusters_as_statsmodels_has_them():
    generator = np.random.default_rng(4)
    codes = generator.integers(0, 12, 60)
    values = generator.random(60) + codes / 5
    fit = sm.OLS(values, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": codes, "use_correction": False})
    found = mean(values, [str(code) for code in codes])
    assert found.error == pytest.approx(fit.bse[0] * math.sqrt(12 / 11), rel=1e-12)
    assert found.high - found.value == pytest.approx(scipy.stats.t.ppf(0.975, 11) * found.error, rel=1e-9)
    assert found.error > 2 * mean(values, apart(60)).error


def test_a_mean_held_within_its_span():
    found = mean(np.array([0.0, 1, 1]), apart(3), (0.0, 1.0))
    assert (found.low, found.high) == (0, 1)
    assert found.error == pytest.approx(1 / 3)  # the interval is cut, not the error


@pytest.mark.parametrize(
    ("values", "clusters", "why"),
    [
        ([], [], "undefined (no answer)"),
        ([0.5], ["a"], "no interval (only one answer)"),
        ([0.3, 0.3, 0.3], ["a", "b", "c"], "no interval (all are the same)"),
        ([0.3, 0.4], ["a", "a"], "no interval (all of one picture)"),
    ],
)
def test_no_interval(values, clusters, why):
    found = mean(np.array(values), clusters)
    assert (found.low, found.high, found.error, found.why) == (None, None, None, why)
    assert found.value == (pytest.approx(np.mean(values)) if values else None)
    assert found.to_json()["why"] == why
    assert "why" not in mean(np.array([0.0, 1]), ["a", "b"]).to_json()


@pytest.mark.parametrize("values", [np.array([0.5, NAN]), np.array([0.5, math.inf]), np.zeros((2, 1)), np.zeros(3)])
def test_what_cannot_be_averaged(values):
    with pytest.raises(ValueError, match="expected finite values of shape"):
        mean(values, ["a", "b"])


# --- the corrected mean


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [60, 400])
def test_ppi_python_gives_the_same(seed, n):
    generator = np.random.default_rng(seed)
    people, judge = answers(generator, 1200, *generator.uniform([0.6, 0.05], [0.95, 0.4]))
    found = corrected_mean(only(people, np.arange(n)), judge, apart(1200))
    oracle = ppi_py.ppi_mean_pointestimate(people[:n], judge[:n], judge[n:])[0]
    low, high = ppi_py.ppi_mean_ci(people[:n], judge[:n], judge[n:], alpha=0.05)
    assert found.estimate.value == pytest.approx(oracle, abs=2e-4)
    # theirs takes variances over n and normal quantiles; for n it is ours to the difference that makes
    error = (high[0] - low[0]) / 2 / scipy.stats.norm.ppf(0.975)
    assert found.estimate.error == pytest.approx(error, rel=0.6 / n)
    if n == 400:
        assert (found.estimate.low, found.estimate.high) == pytest.approx((low[0], high[0]), abs=2e-4)
    assert 0 < found.trust < 1


def test_by_hand():
    labels = np.array([0, 1, 1, 0, NAN, NAN])
    found = corrected_mean(labels, np.array([0.5, 1, 1, 0, 1, 1]), apart(6))
    # cov = 0.75 / 4, var of all six = 0.875 / 5, n / N = 2
    trust = 0.1875 / (3 * 0.175)
    assert found.trust == pytest.approx(trust)
    assert found.estimate.value == pytest.approx(trust * 1 + 0.5 - trust * 0.625)
    # the two unlabelled scores are the same: only the four residuals vary
    residuals = labels[:4] - trust * np.array([0.5, 1, 1, 0])
    error = np.std(residuals, ddof=1) / 2
    assert found.estimate.error == pytest.approx(error)
    assert found.labels.error == pytest.approx(math.sqrt(1 / 3) / 2)
    assert found.worth == pytest.approx((found.labels.error / error) ** 2)
    assert found.to_json()["effective"] == pytest.approx(4 * found.worth)
    assert (found.others, found.labels.value, found.judge.value) == (2, 0.5, 0.75)
    width = scipy.stats.t.ppf(0.975, 3) * error
    assert found.estimate.high == pytest.approx(min(1, found.estimate.value + width))


def test_a_picture_with_a_labelled_and_an_unlabelled_answer_is_one():
    generator = np.random.default_rng(0)
    people, judge = answers(generator, 300)
    twins = np.repeat(judge[:150], 2)
    labels = only(np.repeat(people[:150], 2), np.arange(0, 100, 2))
    found = corrected_mean(labels, twins, [f"{i // 2}" for i in range(300)])
    # the influence of each answer, summed by picture by hand
    labelled = ~np.isnan(labels)
    residuals = (labels - found.trust * twins)[labelled]
    ours = np.zeros(150)
    ours[:50] += (residuals - residuals.mean()) / 50 * math.sqrt(50 / 49)
    for place in np.flatnonzero(~labelled):
        share = found.trust * (twins[place] - twins[~labelled].mean()) / 250
        ours[place // 2] += share * math.sqrt(150 / 149)
    assert found.estimate.error == pytest.approx(math.sqrt((ours**2).sum()), rel=1e-12)
    assert found.estimate.error != pytest.approx(corrected_mean(labels, twins, apart(300)).estimate.error, rel=1e-3)


@pytest.mark.parametrize("n", [100, 200])
def test_the_judge_alone_is_wrong_and_ppi_covers(n):
    """Truth one half by construction; the judge's false positives lift it by .085, as scoring by overlap does."""
    generator = np.random.default_rng(n)
    covered = {"estimate": 0, "labels": 0, "judge": 0}
    widths = dict.fromkeys(covered, 0.0)
    worth, bias = [], []
    for _ in range(700):
        people, judge = answers(generator, 1615)
        labels = only(people, generator.choice(1615, n, replace=False))
        found = corrected_mean(labels, judge, PICTURES)
        for name in covered:
            one = getattr(found, name)
            covered[name] += one.low <= 0.5 <= one.high
            widths[name] += (one.high - one.low) / 700
        worth.append(found.worth)
        bias.append(found.judge.value - 0.5)
    assert np.mean(bias) == pytest.approx(0.085, abs=0.002)
    assert covered["judge"] == 0
    assert 0.93 <= covered["estimate"] / 700 <= 0.97
    assert 0.93 <= covered["labels"] / 700 <= 0.975
    assert widths["estimate"] < 0.87 * widths["labels"]
    assert np.mean(worth) == pytest.approx(1.4, abs=0.05)


PICTURES = apart(1615)


def test_clusters_that_are_left_out_of_account_cover_too_little():
    generator = np.random.default_rng(7)
    covered = np.zeros(2)
    for _ in range(400):
        level = generator.normal(0, 0.15, 80)  # of each picture, four answers each
        people = np.clip(0.5 + np.repeat(level, 4) + generator.normal(0, 0.08, 320), 0, 1)
        judge = np.clip(people + 0.1 + generator.normal(0, 0.1, 320), 0, 1)
        labels = only(people, np.arange(120))  # all answers to 30 pictures
        for place, names in enumerate(([f"{i // 4}" for i in range(320)], apart(320))):
            one = corrected_mean(labels, judge, names).estimate
            covered[place] += one.low <= 0.5 <= one.high
    assert 0.92 <= covered[0] / 400 <= 0.98
    assert covered[1] / 400 < 0.85


# --- what the judge cannot add


@pytest.mark.parametrize(
    ("labels", "judge", "why"),
    [
        ([0, 1, 1, NAN], [0.5, 0.5, 0.5, 0.5], "the judge gives every answer the same score"),
        ([0, 1, 1, 0.5], [0, 1, 0.8, 0.5], "every answer has a label"),
        ([0, 1, 1, NAN], [0, 1, 0.8, NAN], "every answer has a label"),
        ([0, 1, 1, NAN], [0.9, 0.1, 0.2, 0.5], "the judge's scores do not rise with the labels"),
        ([1, 1, 1, NAN], [0.9, 0.1, 0.2, 0.5], "all labels are the same"),
    ],
)
def test_labels_alone(labels, judge, why):
    labels, judge = np.array(labels, float), np.array(judge, float)
    found = corrected_mean(labels, judge, apart(4))
    known = labels[~np.isnan(labels)]
    assert (found.why, found.trust) == (why, 0)
    assert found.estimate == found.labels == mean(known, apart(len(known)), (0, 1))
    assert found.worth == (None if np.ptp(known) == 0 else 1)
    assert found.to_json()["why"] == why


@pytest.mark.parametrize(
    ("labels", "judge", "why"),
    [
        ([], [], "undefined (no answer has both a label and a score)"),
        ([NAN, NAN], [0.2, 0.4], "undefined (no answer has both a label and a score)"),
        ([0.5, NAN], [0.2, 0.4], "undefined (only one answer has both a label and a score)"),
        ([0.5, 0.7], [NAN, 0.4], "undefined (only one answer has both a label and a score)"),
        ([0.5, 0.7], [NAN, NAN], "undefined (no answer has both a label and a score)"),
    ],
)
def test_too_few_labels(labels, judge, why):
    found = corrected_mean(np.array(labels, float), np.array(judge, float), apart(len(labels)))
    assert (found.estimate.value, found.estimate.low, found.estimate.why, found.worth) == (None, None, why, None)


def test_all_labels_on_one_picture():
    found = corrected_mean(np.array([0, 1, NAN, NAN]), np.array([0.1, 0.9, 0.4, 0.2]), ["a", "a", "b", "c"])
    assert found.estimate.value == found.labels.value == 0.5
    assert found.estimate.why == "no interval (all of one picture)"


def test_an_answer_without_the_judges_score_changes_nothing():
    labels, judge = np.array([0, 1, 0.4, NAN, 1]), np.array([0.2, 0.8, 0.4, 0.6, NAN])
    assert corrected_mean(labels, judge, list("abcde")) == corrected_mean(labels[:4], judge[:4], list("abcd"))


@pytest.mark.parametrize(("labels", "judge"), [([0, 1.01], [0, 1]), ([0, 1], [-0.01, 1])])
def test_scores_run_from_0_to_1(labels, judge):
    with pytest.raises(ValueError, match="from 0 to 1"):
        corrected_mean(np.array(labels, float), np.array(judge, float), ["a", "b"])


@settings(max_examples=150)
@given(st.lists(st.tuples(SCORES | st.just(NAN), SCORES | st.just(NAN), st.sampled_from("abcdefgh")), max_size=25))
def test_always_finite_and_in_order(rows):
    labels, judge = (np.array([row[column] for row in rows], float) for column in (0, 1))
    found = corrected_mean(labels, judge, [row[2] for row in rows])
    for one in (found.estimate, found.labels, found.judge):
        numbers = [number for number in (one.low, one.value, one.high) if number is not None]
        assert numbers == sorted(numbers)
        assert all(0 <= number <= 1 for number in numbers)
        assert bool(one.why) == (one.low is None)
    assert 0 <= found.trust <= 1
    assert found.worth is None or 0 < found.worth < math.inf


@given(st.permutations(range(12)))
def test_the_order_of_the_answers_does_not_matter(order):
    generator = np.random.default_rng(3)
    people, judge = answers(generator, 12)
    labels, names = only(people, np.arange(6)), [f"{i // 2}" for i in range(12)]
    one = corrected_mean(labels, judge, names)
    other = corrected_mean(labels[order], judge[order], [names[i] for i in order])
    assert other.estimate.value == pytest.approx(one.estimate.value, abs=1e-12)
    assert other.estimate.high == pytest.approx(one.estimate.high, abs=1e-9)
