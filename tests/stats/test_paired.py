"""Differences and their tests against scipy, loops in plain Python, and what must not matter."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.records import rng
from whyfeel.stats import Series, estimate, ratios
from whyfeel.stats.paired import Difference, differences

NAN = math.nan


def series(numerator, denominator=None, **more) -> Series:
    numerator = np.array(numerator, float)
    return Series(
        "s", numerator, np.ones(len(numerator)) if denominator is None else np.array(denominator, float), **more
    )


def names(n: int) -> list[str]:
    return [f"p{i:04}" for i in range(n)]


def overall(one: Series, other: Series, clusters=None, seed=0, resamples=10_000) -> Difference:
    n = len(one.numerator)
    found = differences(
        *([one, other], ["a"] * n, clusters or names(n)), order=["a"], macro=False, seed=seed, resamples=resamples
    )
    assert list(found) == [(0, 1)]
    assert list(found[0, 1]) == ["overall", "a"]
    assert replace(found[0, 1]["overall"], bca=found[0, 1]["a"].bca) == found[0, 1]["a"], "one group is all samples"
    return found[0, 1]["overall"]


def score(rows) -> float:
    """The score of (numerator, denominator, chance) rows, in plain Python; NaN where it is undefined."""
    below = sum(row[1] for row in rows)
    if not below:
        return NAN
    ratio = sum(row[0] for row in rows) / below
    if rows[0][2] is None:
        return ratio
    known = [row for row in rows if not math.isnan(row[2])]
    weight = sum(row[1] for row in known)
    if not weight:
        return NAN
    chance = sum(row[2] * row[1] for row in known) / weight
    return (ratio - chance) / (1 - chance) if chance < 1 else NAN


def rows_of(one: Series) -> list[tuple]:
    chance = [None] * len(one.numerator) if one.chance is None else one.chance.tolist()
    return list(zip(one.numerator.tolist(), one.denominator.tolist(), chance, strict=True))


def kf1s(n=40, seed=0, gap=0.0):
    draw = np.random.default_rng(seed)
    chance = draw.random(n) / 3
    chance[::3] = NAN
    hard = draw.random(n)
    return [series(np.clip(0.6 * hard + 0.4 * draw.random(n) + more, 0, 1), chance=chance) for more in (gap, 0)]


# --- the interval


def test_the_interval_is_that_of_paired_resamples_by_hand():
    one, other = kf1s(24)
    one.numerator[5] = NAN
    other.numerator[11] = NAN
    clusters = [f"p{i // 2:02}" for i in range(24)]
    found = overall(one, other, clusters, seed=3, resamples=300)
    sides = rows_of(one), rows_of(other)
    drawn = []
    for row in rng(3, "intervals").integers(0, 12, (300, 12)):
        samples = [i for d in row for i in (2 * d, 2 * d + 1) if i not in (5, 11)]
        drawn.append(score([sides[0][i] for i in samples]) - score([sides[1][i] for i in samples]))
    kept = [i for i in range(24) if i not in (5, 11)]
    value = score([sides[0][i] for i in kept]) - score([sides[1][i] for i in kept])
    assert found.value == pytest.approx(value, abs=1e-12)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=1e-9)
    assert (found.n, found.left_out) == (22, 2)


def test_the_interval_agrees_with_scipy_on_paired_means():
    draw = np.random.default_rng(4)
    other = draw.random(150)
    one = np.clip(other + draw.normal(0.03, 0.1, 150), 0, 1)

    def gap(x, y, axis=-1):
        return x.mean(axis=axis) - y.mean(axis=axis)

    found = overall(series(one), series(other), resamples=20_000)
    for method, ends in (("percentile", found), ("BCa", found.bca)):
        theirs = scipy.stats.bootstrap(
            (one, other), gap, paired=True, n_resamples=20_000, method=method, rng=np.random.default_rng(1)
        )
        spread = 0.08 * theirs.standard_error
        assert ends.low == pytest.approx(theirs.confidence_interval.low, abs=spread)
        assert ends.high == pytest.approx(theirs.confidence_interval.high, abs=spread)
    assert found.value == pytest.approx(one.mean() - other.mean(), abs=1e-14)


def test_the_pairing_is_used():
    """Two systems that go up and down together are told apart far better than their own intervals do."""
    one, other = kf1s(200, gap=0.05)
    alone = estimate([one], ["a"] * 200, names(200), order=["a"], macro=False, seed=0)["s"]["overall"]
    found = overall(one, other)
    assert found.high - found.low < 0.6 * math.sqrt(2) * (alone.high - alone.low)


def test_the_systems_share_the_resamples_of_their_own_intervals():
    one = series(np.random.default_rng(0).random(30))
    nothing = series([0] * 30)
    alone = estimate([one], ["a"] * 30, names(30), order=["a"], macro=False, seed=8)["s"]["overall"]
    found = overall(one, nothing, seed=8)
    assert (found.value, found.low, found.high) == (alone.value, alone.low, alone.high)


# --- the test


@pytest.mark.parametrize("seed", range(5))
def test_p_over_every_rearrangement_agrees_with_scipy(seed):
    draw = np.random.default_rng(seed)
    one, other = draw.random(9), draw.random(9)
    theirs = scipy.stats.permutation_test(
        (one, other), lambda x, y, axis=-1: x.mean(axis) - y.mean(axis), permutation_type="samples", n_resamples=np.inf
    )
    assert overall(series(one), series(other)).p == pytest.approx(theirs.pvalue, abs=1e-12)


def test_p_of_drawn_rearrangements_agrees_with_scipy():
    draw = np.random.default_rng(3)
    one, other = draw.random(120), draw.random(120)
    other -= (other - one).mean() + 0.07
    theirs = scipy.stats.permutation_test(
        (one, other),
        lambda x, y, axis=-1: x.mean(axis) - y.mean(axis),
        *(),
        permutation_type="samples",
        n_resamples=40_000,
        rng=np.random.default_rng(0),
    )
    found = overall(series(one), series(np.clip(other, 0, None)), resamples=40_000)
    assert 0.01 < theirs.pvalue < 0.2
    assert found.p == pytest.approx(theirs.pvalue, abs=0.015)


@pytest.mark.parametrize("corrected", [False, True])
def test_p_of_a_ratio_over_every_rearrangement_by_hand(corrected):
    """Six pictures of two samples, weights from 1 to 4: all 64 choices of sides."""
    draw = np.random.default_rng(4)
    sides = []
    for _ in range(2):
        below = draw.integers(1, 5, 12).astype(float)
        chance = draw.random(12) / 2 if corrected else None
        sides.append(series(below * draw.random(12), below, chance=chance))
    rows = [rows_of(one) for one in sides]
    gaps = []
    for sides_of in product((0, 1), repeat=6):
        first = [rows[sides_of[i // 2]][i] for i in range(12)]
        second = [rows[1 - sides_of[i // 2]][i] for i in range(12)]
        gaps.append(abs(score(first) - score(second)))
    by_hand = sum(gap >= gaps[0] - 1e-9 for gap in gaps) / 64
    clusters = [f"p{i // 2}" for i in range(12)]
    found = overall(*sides, clusters)
    assert found.p == by_hand
    assert 0 < found.p < 1
    drawn = overall(*sides, clusters, resamples=63)  # one fewer than there are: now they are drawn
    assert drawn.p * 64 == pytest.approx(round(drawn.p * 64), abs=1e-9)


def test_drawn_rearrangements_are_the_coins_of_the_seed():
    one, other = kf1s(70, gap=0.04)
    bits = rng(6, "flips").integers(0, 2**64, (99, 2), dtype=np.uint64)
    rows = rows_of(one), rows_of(other)
    observed = abs(score(rows[0]) - score(rows[1]))
    extreme = 0
    for first, second in bits.tolist():
        number = first | second << 64
        # numpy unpacks the bits of each byte from the highest on
        coins = [number >> (8 * (i // 8) + 7 - i % 8) & 1 for i in range(70)]
        sides = [[rows[coin ^ side][i] for i, coin in enumerate(coins)] for side in (0, 1)]
        extreme += abs(score(sides[0]) - score(sides[1])) >= observed - 1e-9
    assert overall(one, other, seed=6, resamples=99).p == (1 + extreme) / 100


def test_p_is_uniform_where_nothing_differs_and_small_where_something_does():
    draw = np.random.default_rng(5)
    found = []
    for _ in range(200):
        shared = draw.random(60)
        found.append(overall(series(shared * draw.random(60)), series(shared * draw.random(60)), resamples=199).p)
    assert scipy.stats.kstest(found, "uniform").pvalue > 0.01
    assert 0 < sum(p <= 0.05 for p in found) < 22
    planted = overall(*kf1s(300, seed=1, gap=0.1))
    assert planted.p == 1 / 10_001, "never 0"
    assert planted.low > 0


def test_questions_of_one_picture_change_sides_together():
    """Five pictures that all speak for one system, with 20 samples each: p cannot be below 2 / 2^5."""
    one, other = series([0.9] * 100), series([0.5] * 100)
    assert overall(one, other, [f"p{i // 20}" for i in range(100)]).p == 2 / 32
    assert overall(one, other).p == 1 / 10_001


def test_an_undefined_rearrangement_speaks_against_a_small_p():
    """Chance is known on one picture of each system: a swap of one of them leaves a system without any."""
    one = series([0.9, 0.9, 0.9], chance=np.array([0.1, NAN, NAN]))
    other = series([0.1, 0.1, 0.1], chance=np.array([NAN, 0.1, NAN]))
    # sides (000) and (111) as large; 0 and 1 swapped leave the third: smaller; else one side has no chance: undefined
    large = [sides for sides in product((0, 1), repeat=3) if sides[0] != sides[1] or sides in {(0, 0, 0), (1, 1, 1)}]
    assert overall(one, other).p == len(large) / 8 == 6 / 8


# --- what must not matter


@st.composite
def data_sets(draw):
    n = draw(st.integers(2, 14))
    below = [draw(st.integers(1, 4)) for _ in range(n)]
    sides = [[draw(st.one_of(st.just(NAN), st.integers(0, 4 * d).map(lambda k: k / 4))) for d in below] for _ in "ab"]
    groups = [draw(st.sampled_from(["sad", "happy"])) for _ in range(n)]
    clusters = [draw(st.sampled_from("abcdef")) for _ in range(n)]
    return sides, below, groups, clusters


def compared(data, resamples=64):
    sides, below, groups, clusters = data
    systems = [series(side, below) for side in sides]
    return differences(systems, groups, clusters, order=["happy", "sad"], macro=True, seed=1, resamples=resamples)[0, 1]


@given(data_sets())
@settings(deadline=None, max_examples=50)
def test_the_other_way_round_is_the_negative(data):
    (one, other), *rest = data
    there, back = compared(data), compared(((other, one), *rest))
    assert list(there) == list(back)
    for name in there:
        a, b = there[name], back[name]
        assert (a.p, a.n, a.left_out, a.why) == (b.p, b.n, b.left_out, b.why)
        assert (a.value, a.low, a.high) == tuple(
            None if x is None else pytest.approx(-x) for x in (b.value, b.high, b.low)
        )


@given(data_sets(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_the_order_of_samples_changes_nothing(data, random):
    (one, other), *rest = data
    rows = list(zip(one, other, *rest, strict=True))
    random.shuffle(rows)
    one, other, *rest = map(list, zip(*rows, strict=True))
    assert compared(((one, other), *rest)) == compared(data)


@given(data_sets())
@settings(deadline=None, max_examples=50)
def test_what_is_not_scored_on_both_sides_has_no_say(data):
    (one, other), below, groups, clusters = data
    changed = [NAN if math.isnan(b) else a for a, b in zip(one, other, strict=True)]
    assert compared(([changed, other], below, groups, clusters)) == compared(data)
    for name, entry in compared(data).items():
        members = [i for i, group in enumerate(groups) if name in ("overall", "macro", group)]
        assert entry.n + entry.left_out == len(members)


@given(data_sets())
@settings(deadline=None, max_examples=50)
def test_numbers_are_there_or_a_reason_is(data):
    for entry in compared(data).values():
        assert (entry.low is None) == (entry.high is None) == (entry.p is None) == bool(entry.why)
        if entry.value is None:
            assert entry.why
        if entry.p is not None:
            assert 0 < entry.p <= 1
            assert entry.low <= entry.high
        assert (entry.bca.low is None) == bool(entry.bca.why)
        json.dumps(asdict(entry), allow_nan=False)


@pytest.mark.parametrize("chunk", [1, 100, 10**9])
def test_chunk_size_does_not_matter(monkeypatch, chunk):
    one, other = kf1s(70, gap=0.04)
    usual = overall(one, other, resamples=200)
    small = [series(values) for values in np.random.default_rng(0).random((2, 7))]
    exact = overall(*small, resamples=200)
    monkeypatch.setattr(ratios, "CHUNK", chunk)
    monkeypatch.setattr("whyfeel.stats.permutation.CHUNK", chunk)
    assert overall(one, other, resamples=200) == usual
    assert overall(*small, resamples=200) == exact


def test_other_systems_change_nothing():
    """Four systems that leave different samples out: each pair is as if the others were not there."""
    systems = [*kf1s(30, 0), *kf1s(30, 1)]
    for place, system in enumerate(systems[1:], 1):
        system.numerator[place * 3] = NAN
    labels, clusters = ["x", "y", "z"] * 10, [f"p{i % 13}" for i in range(30)]
    settings_of = {"order": ["x", "y", "z"], "macro": True, "seed": 2, "resamples": 100}
    together = differences(systems, labels, clusters, **settings_of)
    assert list(together) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    for (i, j), found in together.items():
        assert found == differences([systems[i], systems[j]], labels, clusters, **settings_of)[0, 1]
        assert found["overall"].left_out == (1 if i == 0 else 2)


def test_groups_are_what_they_are_alone_and_macro_is_their_mean():
    one, other = kf1s(40, gap=0.05)
    labels = ["x"] * 15 + ["y"] * 25
    found = differences([one, other], labels, names(40), order=["y", "x"], macro=True, seed=0)[0, 1]
    assert list(found) == ["overall", "macro", "y", "x"]
    parts = {
        "x": [series(s.numerator[:15], chance=s.chance[:15]) for s in (one, other)],
        "y": [series(s.numerator[15:], chance=s.chance[15:]) for s in (one, other)],
    }
    alone = {name: overall(*pair) for name, pair in parts.items()}
    for name in "xy":
        assert found[name].value == pytest.approx(alone[name].value, abs=1e-12)
        assert found[name].p == pytest.approx(alone[name].p, abs=0.03)
    assert found["macro"].value == pytest.approx((alone["x"].value + alone["y"].value) / 2, abs=1e-12)
    assert found["macro"].low < found["macro"].value < found["macro"].high


# --- degenerate


def test_systems_that_never_differ():
    one = kf1s()[0]
    found = overall(one, replace(one, numerator=one.numerator.copy()))
    assert (found.value, found.low, found.high, found.p, found.why) == (0, 0, 0, 1, "")


def test_a_constant_difference_has_no_width():
    found = overall(series([0.7] * 9), series([0.3] * 9))
    assert found.low == found.value == found.high == 0.7 - 0.3
    assert found.p == 2 / 2**9


@pytest.mark.parametrize(
    ("one", "other", "clusters", "value", "why"),
    [
        (series([NAN, 1]), series([1, NAN]), "ab", None, "nothing was scored"),
        (series([]), series([]), "", None, "nothing was scored"),
        (series([0.5, 1]), series([0.25, 0.25]), "aa", 0.5, "fewer than two pictures"),
        (series([0.5, 1, 1]), series([0.25, 0.25, NAN]), "aab", 0.5, "fewer than two pictures"),
        (series([0, 0], [0, 0]), series([0, 1]), "ab", None, "every denominator is 0"),
        (series([0, 1]), series([1, 1], chance=np.array([1.0, 1])), "ab", None, "chance gives full marks"),
        (series([1, 1], chance=np.array([NAN, NAN])), series([0, 1]), "ab", None, "what chance gives is not known"),
        (series([0, 1], why="it raises"), series([0, 1]), "ab", None, "it raises"),
    ],
)
def test_what_is_undefined_says_why(one, other, clusters, value, why):
    found = differences([one, other], ["g"] * len(clusters), list(clusters), order=["g"], macro=False, seed=0)[0, 1]
    entry = found["overall"]
    assert (entry.value, entry.low, entry.high, entry.p, entry.why) == (value, None, None, None, why)
    assert entry.bca.low is None


def test_fewer_than_two_systems_have_no_differences():
    for systems in ([], [series([0, 1])]):
        assert differences(systems, ["g"] * 2, ["a", "b"], order=["g"], macro=True, seed=0) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"systems": [series([0, 1]), series([1])]}, r"shape \(2,\)"),
        ({"groups": ["g", "h"]}, "'h' is not in the order"),
        ({"clusters": ["a"]}, "got 2 and 1"),
        ({"resamples": 0}, "at least 1 resample"),
    ],
)
def test_mistakes_are_named(change, said):
    usual = {
        "systems": [series([0, 1]), series([1, 1])], "groups": ["g", "g"], "clusters": ["a", "b"],
        "order": ["g"], "macro": False, "seed": 0,
    }  # fmt: skip
    with pytest.raises(ValueError, match=said):
        differences(**(usual | change))
