"""Intervals against independent oracles: a resampler in plain Python, scipy's bootstrap, an analytic standard error."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.records import rng
from whyfeel.stats import Estimate, Series, estimate, ratios

NAN = math.nan


def series(numerator, denominator=None, name="f1", **more) -> Series:
    numerator = np.array(numerator, float)
    below = np.ones(len(numerator)) if denominator is None else np.array(denominator, float)
    return Series(name, numerator, below, **more)


def one_group(one: Series, clusters=None, **more) -> Estimate:
    n = len(one.numerator)
    labels = [f"picture {i}" for i in range(n)] if clusters is None else clusters
    return estimate([one], ["sad"] * n, labels, order=["sad"], macro=False, seed=0, **more)[one.name]["overall"]


# --- oracles


def resampled_by_hand(one: Series, groups, clusters, seed, resamples):
    """Every resample of every group, sample by sample, fed with the documented draws."""
    pictures = sorted(set(clusters))
    draws = rng(seed, "intervals").integers(0, len(pictures), (resamples, len(pictures))).tolist()
    names = sorted(set(groups))
    found = {"overall": [], "macro": [], **{name: [] for name in names}}
    for drawn in draws:
        samples = [i for d in drawn for i in range(len(groups)) if clusters[i] == pictures[d]]
        ratios = {}
        for name in ["overall", *names]:
            taken = [i for i in samples if name in ("overall", groups[i]) and not math.isnan(one.numerator[i])]
            below = sum(float(one.denominator[i]) for i in taken)
            ratios[name] = sum(float(one.numerator[i]) for i in taken) / below if below else NAN
        ratios["macro"] = sum(ratios[name] for name in names) / len(names)
        for name, ratio in ratios.items():
            if not math.isnan(ratio):
                found[name].append(ratio)
    return found


def percentile(values, p):
    """Linear interpolation between order statistics."""
    ordered = sorted(values)
    at = p * (len(ordered) - 1)
    lower = int(at)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (at - lower)


# Dyadic numbers: every sum is exact in floating point, so that agreement can be asked for to the last digit.
NUMERATORS = [1, 0.5, NAN, 0.25, 2, 0, 1.5, NAN, 0.75, 3, 1, 0]
DENOMINATORS = [1, 1, 2, 1, 2, 4, 2, 1, 1, 3, 1, 1]
GROUPS = ["sad", "sad", "sad", "sad", "happy", "happy", "happy", "happy", "sad", "happy", "sad", "happy"]
CLUSTERS = ["c", "c", "a", "b", "b", "d", "e", "e", "f", "g", "g", "h"]


def test_agrees_exactly_with_brute_force():
    # 401 resamples: the percentiles are the 11th and the 391st order statistic, without interpolation
    one = series(NUMERATORS * 3, DENOMINATORS * 3)
    groups, clusters = GROUPS * 3, [f"{label}{i}" for i in range(3) for label in CLUSTERS]
    found = estimate([one], groups, clusters, order=["sad", "happy"], macro=True, seed=7, resamples=401)["f1"]
    by_hand = resampled_by_hand(one, groups, clusters, 7, 401)
    assert list(found) == ["overall", "macro", "sad", "happy"]
    for name, entry in found.items():
        assert len(by_hand[name]) == 401
        assert (entry.low, entry.high) == (sorted(by_hand[name])[10], sorted(by_hand[name])[390]), name
    assert found["sad"].value == 3.5 / 5
    assert found["happy"].value == 6.5 / 12
    assert found["overall"].value == 10 / 17
    assert found["macro"].value == pytest.approx((3.5 / 5 + 6.5 / 12) / 2, abs=1e-15)
    assert found["overall"].bounds == (10 / 20, 13 / 20)
    assert found["sad"].bounds == (3.5 / 7, 5.5 / 7)
    assert [found[name].n for name in found] == [30, 30, 15, 15]


def test_undefined_resamples_are_left_out():
    groups = ["sad"] * 3 + ["happy"] * 3
    clusters = list("abcdef")
    one = series([0.5, 0, 1, NAN, 0.25, 1])
    found = estimate([one], groups, clusters, order=["sad", "happy"], macro=True, seed=3, resamples=300)["f1"]
    by_hand = resampled_by_hand(one, groups, clusters, 3, 300)
    for name, entry in found.items():
        assert entry.low == pytest.approx(percentile(by_hand[name], 0.025), abs=1e-12)
        assert entry.high == pytest.approx(percentile(by_hand[name], 0.975), abs=1e-12)
    assert len(by_hand["macro"]) < len(by_hand["happy"]) < 300


def test_agrees_with_scipy_on_a_mean():
    values = np.random.default_rng(5).beta(2, 3, 200)
    found = one_group(series(values), resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(9)
    )
    spread = 5 * theirs.standard_error * 0.027  # 5 times the Monte Carlo error of a difference of two percentiles
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=spread)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=spread)
    assert found.value == pytest.approx(values.mean(), abs=1e-15)


def test_width_is_the_clustered_standard_error():
    draw = np.random.default_rng(11)
    sizes = draw.integers(1, 5, 300)
    clusters = [f"p{i}" for i, size in enumerate(sizes) for _ in range(size)]
    shared = np.repeat(draw.random(300), sizes)
    values = 0.8 * shared + 0.2 * draw.random(len(shared))
    found = one_group(series(values), clusters)
    residual_sums = np.bincount(np.repeat(np.arange(300), sizes), values - values.mean())
    clustered = math.sqrt((residual_sums**2).sum()) / len(values)
    naive = values.std() / math.sqrt(len(values))
    assert (found.high - found.low) / (2 * 1.959964) == pytest.approx(clustered, rel=0.05)
    assert clustered > 1.3 * naive


# --- invariants


@st.composite
def data_sets(draw):
    n = draw(st.integers(1, 12))
    below = [draw(st.integers(1, 8)) for _ in range(n)]
    above = [draw(st.one_of(st.just(NAN), st.integers(0, 8 * d).map(lambda k: k / 8))) for d in below]
    groups = [draw(st.sampled_from(["sad", "happy", "angry"])) for _ in range(n)]
    clusters = [draw(st.sampled_from("abcdef")) for _ in range(n)]
    return above, below, groups, clusters


def estimated(above, below, groups, clusters):
    one = series(above, below)
    return estimate([one], groups, clusters, order=["happy", "angry", "sad"], macro=True, seed=1, resamples=40)["f1"]


@given(data_sets())
@settings(deadline=None)
def test_invariants(data):
    for entry in estimated(*data).values():
        worst, best = entry.bounds
        assert 0 <= worst <= best <= 1
        if entry.value is None:
            assert (entry.low, entry.high) == (None, None)
            assert entry.why
            continue
        assert worst <= entry.value <= best
        if entry.low is None:
            assert entry.why
        else:
            assert not entry.why
            assert 0 <= entry.low <= entry.high <= 1


@given(data_sets(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_samples_changes_nothing(data, random):
    rows = list(zip(*data, strict=True))
    random.shuffle(rows)
    assert estimated(*zip(*rows, strict=True)) == estimated(*data)


@given(data_sets())
@settings(deadline=None)
def test_unscored_is_left_out_never_zero(data):
    rows = [row for row in zip(*data, strict=True) if not math.isnan(row[0])]
    if not rows:
        return
    full, scored = estimated(*data), estimated(*zip(*rows, strict=True))
    for name in set(full) & set(scored) - {"macro"}:
        assert (full[name].value, full[name].n) == (scored[name].value, scored[name].n)
        assert scored[name].bounds == (scored[name].value, scored[name].value)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 0.4, 1.0])
def test_a_constant_score_has_no_width(value):
    found = one_group(series([value] * 7))
    assert (found.value, found.low, found.high, found.bounds) == (value, value, value, (value, value))


def test_order_of_tenths_changes_nothing():
    values = np.random.default_rng(2).random(40).round(1)
    clusters = [f"p{i // 3}" for i in range(40)]
    swapped = np.random.default_rng(3).permutation(40)
    assert one_group(series(values), clusters) == one_group(series(values[swapped]), [clusters[i] for i in swapped])


@pytest.mark.parametrize("chunk", [1, 100, 1000, 10**9])
def test_chunk_size_does_not_matter(monkeypatch, chunk):
    draw = np.random.default_rng(4)
    values, below = draw.random(90) / 3, draw.random(90) + 0.5
    clusters = [f"p{i % 37}" for i in range(90)]
    groups = [("sad", "happy", "angry")[i % 3] for i in range(90)]

    def run():
        one = [series(values, below), series(values, name="mean")]
        return estimate(one, groups, clusters, order=["sad", "happy", "angry"], macro=True, seed=1, resamples=200)

    usual = run()
    monkeypatch.setattr(ratios, "CHUNK", chunk)
    assert run() == usual
    monkeypatch.setattr(ratios, "PIECE", 3000)
    monkeypatch.setattr(ratios, "ROW_PIECE", 20)
    assert run() == usual


def test_other_scores_change_nothing():
    one = series(np.arange(20) / 20)
    clusters, groups = [f"p{i}" for i in range(20)], ["sad"] * 20
    other = series(np.arange(20)[::-1] / 40, np.arange(20) + 1, name="other")
    both = estimate([other, one], groups, clusters, order=["sad"], macro=True, seed=0)
    assert list(both) == ["other", "f1"]
    assert both["f1"]["overall"] == one_group(one)


def test_the_seed_decides_the_interval():
    values = np.arange(30) / 30
    runs = [
        estimate([series(values)], ["sad"] * 30, list(map(str, range(30))), order=["sad"], macro=False, seed=s)
        for s in (1, 1, 2)
    ]
    assert runs[0] == runs[1]
    assert runs[0]["f1"]["overall"].low != runs[2]["f1"]["overall"].low
    assert runs[0]["f1"]["overall"].value == runs[2]["f1"]["overall"].value


def test_memory_stays_below_the_full_weight_matrix():
    n = 3000
    values, clusters = np.arange(n) / n, [f"p{i}" for i in range(n)]
    tracemalloc.start()
    one_group(series(values), clusters, resamples=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6 < n * 1000 * 8


# --- the rules for what is missing


def test_nothing_scored():
    found = one_group(series([NAN, NAN]))
    assert found == Estimate(None, None, None, 0, (0.0, 1.0), "nothing was scored")


def test_no_samples():
    found = estimate([series([])], [], [], order=["sad"], macro=True, seed=0)["f1"]
    assert found == {name: Estimate(None, None, None, 0, None, "nothing was scored") for name in ("overall", "macro")}


def test_a_score_that_is_not_defined_says_its_own_why():
    found = one_group(series([1, NAN], why="the released scorer raises"))
    assert found == Estimate(None, None, None, 1, None, "the released scorer raises")


def test_one_picture_has_no_interval():
    found = one_group(series([0.5, 1, NAN]), ["a", "a", "b"])
    assert found == Estimate(0.75, None, None, 2, (0.5, 2.5 / 3), "fewer than two pictures")


def test_macro_is_undefined_where_a_group_is():
    groups, clusters = ["sad", "sad", "happy"], ["a", "b", "c"]
    found = estimate([series([1, 0, NAN])], groups, clusters, order=["happy", "sad"], macro=True, seed=0)["f1"]
    assert found["macro"] == Estimate(None, None, None, 2, (0.25, 0.75), "nothing was scored in 'happy'")
    assert found["sad"].value == 0.5


def test_macro_needs_two_pictures_in_each_group():
    groups, clusters = ["sad", "sad", "happy"], ["a", "b", "c"]
    found = estimate([series([1, 0, 1])], groups, clusters, order=["happy", "sad"], macro=True, seed=0)["f1"]
    assert found["macro"] == Estimate(0.75, None, None, 3, (0.75, 0.75), "fewer than two pictures in 'happy'")


def test_zero_denominators_are_undefined_not_infinite():
    assert one_group(series([0, 0], [0, 0])) == Estimate(None, None, None, 0, None, "every denominator is 0")
    found = one_group(series([0, 1, 0.5], [0, 1, 1]))
    assert found.value == 0.75
    assert (found.low, found.high) == (0.5, 1)


def test_series_of_one_name_are_merged_in_the_order_of_report():
    groups, clusters = ["sad", "sad", "happy", "happy"], list("abcd")
    parts = [
        series([1, 1, 0, 0], groups=("happy", "sad", "macro")),
        series([0, 1, 1, 1], groups=("overall",)),
    ]
    found = estimate(parts, groups, clusters, order=["happy", "sad"], macro=True, seed=0)["f1"]
    assert {name: entry.value for name, entry in found.items()} == {
        "overall": 0.75, "macro": 0.5, "happy": 0, "sad": 1,
    }  # fmt: skip
    assert list(found) == ["overall", "macro", "happy", "sad"]
    without = estimate(parts, groups, clusters, order=["happy", "sad"], macro=False, seed=0)["f1"]
    assert list(without) == ["overall", "happy", "sad"]


def test_groups_without_samples_are_not_reported():
    found = estimate([series([1, 0])], ["sad", "sad"], ["a", "b"], order=["happy", "sad"], macro=True, seed=0)["f1"]
    assert list(found) == ["overall", "macro", "sad"]
    assert found["macro"].value == found["sad"].value == 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"series": [series([1, 0, 1])]}, r"'f1': expected two arrays of shape \(2,\)"),
        ({"series": [series([1, 0], [1, -1])]}, "every denominator"),
        ({"series": [series([1, 0], [1, NAN])]}, "every denominator"),
        ({"series": [series([1, math.inf])]}, "a numerator must be finite"),
        ({"series": [series([1, 0], groups=("joy",))]}, "no group 'joy'"),
        ({"series": [series([1, 0]), series([1, 0])]}, "two series give the score 'f1' of the group 'overall'"),
        ({"groups": ["sad", "joy"]}, "'joy' is not in the order"),
        ({"clusters": ["a"]}, "got 2 and 1"),
        ({"order": ["sad", "sad"]}, "distinct"),
        ({"order": ["sad", "overall"]}, "neither"),
        ({"resamples": 0}, "at least 1 resample"),
    ],
)
def test_mistakes_are_named(change, said):
    usual = {
        "series": [series([1, 0])], "groups": ["sad", "sad"], "clusters": ["a", "b"],
        "order": ["sad"], "macro": False, "seed": 0,
    }  # fmt: skip
    with pytest.raises(ValueError, match=said):
        estimate(**(usual | change))


def test_json():
    assert Estimate(0.5, 0.25, 0.75, 4, (0.5, 0.5)).to_json() == {
        "value": 0.5, "low": 0.25, "high": 0.75, "n": 4, "bounds": [0.5, 0.5],
    }  # fmt: skip
    missing = one_group(series([NAN], why="it raises")).to_json()
    assert missing["why"] == "it raises"
    assert missing["bounds"] is None
    found = one_group(series([0.5, 1])).to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_scipy_is_not_imported():
    code = "import sys, whyfeel.stats; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
