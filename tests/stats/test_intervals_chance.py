"""Scores corrected for chance: value, bounds, macro and interval against plain loops, and what is undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.records import rng
from whyfeel.stats import Estimate, Series, estimate

NAN = math.nan


def kappa(ratio: float, chance: float) -> float:
    return (ratio - chance) / (1 - chance)


def series(numerator, denominator, chance, name="kf1") -> Series:
    return Series(name, *(np.array(one, float) for one in (numerator, denominator)), chance=np.array(chance, float))


def overall(numerator, chance, denominator=None, clusters=None, **more) -> Estimate:
    n = len(numerator)
    one = series(numerator, [1] * n if denominator is None else denominator, chance)
    labels = [f"p{i:03}" for i in range(n)] if clusters is None else list(clusters)
    return estimate([one], ["g"] * n, labels, order=["g"], macro=False, seed=0, **more)["kf1"]["overall"]


# --- by hand


def test_value_and_bounds_by_hand():
    """Mean F1 (.8 + .6 + .4) / 3 = .6; chance (.1 + .3) / 2 = .2; so (.6 - .2) / .8 = .5."""
    found = overall([0.8, 0.6, 0.4, NAN], [0.1, 0.3, NAN, NAN])
    assert found.value == pytest.approx(0.5)
    # with the unscored one as nothing 1.8 / 4, as full marks 2.8 / 4; chance stays as it was measured
    assert found.bounds == pytest.approx((kappa(0.45, 0.2), kappa(0.7, 0.2)))
    assert found.n == 3
    assert found.why == ""


def test_chance_is_weighted_by_the_denominators():
    found = overall([2, 3], [0.5, 0.1], denominator=[4, 6])
    assert found.value == pytest.approx(kappa(5 / 10, (0.5 * 4 + 0.1 * 6) / 10))


def test_chance_that_is_known_of_an_unscored_sample_does_not_count():
    assert overall([0.8, 0.6, NAN], [0.1, 0.3, 0.9]).value == pytest.approx(kappa(0.7, 0.2))


def test_full_marks_are_one_and_chance_itself_is_nothing():
    assert overall([1, 1, 1], [0.2, 0.4, 0.1]).value == 1
    assert overall([0.2, 0.4, 0.3], [0.2, 0.4, 0.3]).value == pytest.approx(0, abs=1e-15)
    worse = overall([0, 0, 0], [0.5, 0.5, 0.5])
    assert worse.value == -1, "below nothing: worse than chance"


def test_no_chance_at_all_changes_nothing():
    values = np.random.default_rng(0).random(40)
    names = [f"p{i}" for i in range(40)]
    plain = Series("f1", values, np.ones(40))
    corrected = series(values, np.ones(40), np.zeros(40))
    found = estimate([plain, corrected], ["g"] * 40, names, order=["g"], macro=True, seed=0)
    assert found["f1"] == found["kf1"]


# --- against loops


def data(n=30, seed=0):
    draw = np.random.default_rng(seed)
    below = draw.integers(1, 5, n).astype(float)
    above = np.round(8 * below * draw.random(n)) / 8
    chance = np.round(8 * draw.random(n)) / 32
    above[::7], chance[::4] = NAN, NAN
    return above, below, chance


def score(rows) -> float:
    """(numerator, denominator, chance) rows of scored samples, in plain Python."""
    known = [row for row in rows if not math.isnan(row[2])]
    weight = sum(row[1] for row in known)
    if not weight:
        return NAN
    ratio = sum(row[0] for row in rows) / sum(row[1] for row in rows)
    return kappa(ratio, sum(row[1] * row[2] for row in known) / weight)


def test_intervals_of_all_groups_agree_with_brute_force():
    above, below, chance = data()
    groups, clusters = [("sad", "happy")[i % 2] for i in range(30)], [f"p{i // 3:02}" for i in range(30)]
    one = series(above, below, chance)
    found = estimate([one], groups, clusters, order=["happy", "sad"], macro=True, seed=5, resamples=300)["kf1"]
    drawn = {name: [] for name in found}
    for row in rng(5, "intervals").integers(0, 10, (300, 10)).tolist():
        taken = [i for d in row for i in range(3 * d, 3 * d + 3) if not math.isnan(above[i])]
        by = {
            name: score([(above[i], below[i], chance[i]) for i in taken if name in ("overall", groups[i])])
            for name in ("overall", "happy", "sad")
        }
        for name, value in (by | {"macro": (by["happy"] + by["sad"]) / 2}).items():
            drawn[name] += [value] if not math.isnan(value) else []
    rows = [(above[i], below[i], chance[i], groups[i]) for i in range(30) if not math.isnan(above[i])]
    values = {name: score([row for row in rows if name in ("overall", row[3])]) for name in ("overall", "happy", "sad")}
    values["macro"] = (values["happy"] + values["sad"]) / 2
    for name, entry in found.items():
        assert entry.value == pytest.approx(values[name], abs=1e-12), name
        ends = np.quantile(drawn[name], [0.025, 0.975])
        assert (entry.low, entry.high) == pytest.approx(tuple(ends), abs=1e-9), name
        assert entry.low < entry.value < entry.high


def test_the_corrections_own_uncertainty_widens_the_interval():
    """Chance measured on few samples is uncertain: with it known on all the interval is narrower."""
    draw = np.random.default_rng(3)
    values, chance = 0.5 + 0.1 * draw.random(400), draw.random(400) * 0.8
    few = np.where(np.arange(400) % 20 == 0, chance, NAN)
    certain, uncertain = overall(values, chance), overall(values, few)
    assert uncertain.high - uncertain.low > 2 * (certain.high - certain.low)


def test_resamples_in_which_chance_is_not_known_or_is_full_marks_are_left_out():
    """Chance is known of one picture of three: resamples without it are undefined, and there are many."""
    found = overall([0.5, 0.75, 1], [0.5, NAN, NAN], resamples=400)
    # with it drawn, the mean is between (.5 + .5 + .5) / 3 and (.5 + 1 + 1) / 3
    assert 0 <= found.low <= found.high <= kappa(2.5 / 3, 0.5) + 1e-9
    assert found.value == kappa(0.75, 0.5)
    high = overall([0.5, 0.75, 1], [1, 0, 0], resamples=400)
    assert math.isfinite(high.low)
    assert high.high <= 1


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.one_of(st.none(), st.integers(0, 8)), st.sampled_from("abcdef")),
        min_size=1,
        max_size=10,
    ),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_invariants(rows, random):
    def found(rows):
        values = [a / 8 for a, _, _ in rows]
        chance = [NAN if c is None else c / 8 for _, c, _ in rows]
        return overall(values, chance, clusters=[p for _, _, p in rows], resamples=40)

    entry = found(rows)
    random.shuffle(rows)
    assert found(rows) == entry
    if entry.value is None:
        assert entry.low is entry.high is entry.bounds is None
        assert entry.why
        return
    assert entry.value <= 1
    assert entry.bounds == pytest.approx((entry.value, entry.value))
    assert (entry.low is None) == bool(entry.why)
    if entry.low is not None:
        assert entry.low <= entry.high <= 1


# --- degenerate


@pytest.mark.parametrize(
    ("numerator", "chance", "why"),
    [
        ([0.5, 1], [NAN, NAN], "what chance gives is not known"),
        ([0.5, NAN], [NAN, 0.3], "what chance gives is not known"),
        ([0.5, 1], [1, 1], "chance gives full marks"),
        ([0.5, 1], [1, NAN], "chance gives full marks"),
        ([NAN, NAN], [0.5, 0.5], "nothing was scored"),
        ([], [], "nothing was scored"),
    ],
)
def test_what_is_undefined_says_why(numerator, chance, why):
    found = overall(numerator, chance)
    assert (found.value, found.low, found.high, found.why) == (None, None, None, why)


def test_no_sample_with_a_denominator():
    found = overall([0, 0], [0.5, 0.5], denominator=[0, 0])
    assert (found.value, found.n, found.why) == (None, 0, "every denominator is 0")


def test_one_picture_has_a_value_and_no_interval():
    found = overall([0.5, 1], [0.5, 0.5], clusters="aa")
    assert (found.value, found.low, found.high, found.why) == (0.5, None, None, "fewer than two pictures")


def test_macro_is_undefined_where_chance_is_not_known_in_a_group():
    one = series([0.5, 0.5, 1, 1], [1] * 4, [0.2, 0.2, NAN, NAN])
    found = estimate([one], list("xxyy"), list("abcd"), order=["x", "y"], macro=True, seed=0)["kf1"]
    assert found["x"].value == pytest.approx(kappa(0.5, 0.2))
    assert found["y"].why == "what chance gives is not known"
    assert found["macro"].value is None
    assert "'y'" in found["macro"].why
    assert found["overall"].value == pytest.approx(kappa(0.75, 0.2)), "known for a part is enough"


def test_a_plain_score_beside_it_is_untouched():
    above, below, chance = data(20)
    plain = Series("f1", above, below)
    corrected = series(above, below, chance)
    names, labels = [f"p{i}" for i in range(20)], ["g"] * 20
    given_both = estimate([corrected, plain], labels, names, order=["g"], macro=True, seed=0, resamples=100)
    for one in (plain, corrected):
        alone = estimate([one], labels, names, order=["g"], macro=True, seed=0, resamples=100)
        assert alone[one.name] == given_both[one.name]


@pytest.mark.parametrize("wrong", [[0.5], [1.5, 0], [-math.inf, 0], [math.inf, 0]])
def test_a_chance_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="chance must have the shape"):
        overall([0.5, 1], wrong)
