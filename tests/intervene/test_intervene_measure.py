"""The estimate against values worked out by hand, draws made by themselves, and the truth that it should cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.intervene.measure import Pair, Said, differences, share, unscored

NAMES = "drop", "with", "without"


def pair(present, removed, scene="s", kind="object"):
    sides = [tuple(Said(one, "" if one is not None else "timeout") for one in side) for side in (present, removed)]
    return Pair(kind, scene, *sides)


def test_an_example_by_hand():
    """Drops 1, 0, 1/2 (1 less the mean of 1 and 0), -1; the last is of another kind, and one more is not known."""
    pairs = [
        pair([1], [0], "a"),
        pair([1], [1], "a"),
        pair([1], [1, 0], "b"),
        pair([0], [1], "c", "weather"),
        pair([1], [None, 1], "c", "weather"),
    ]
    found = differences(pairs, NAMES, 0)
    drop = found["drop"]
    assert drop["overall"]["value"] == pytest.approx(0.5 / 4)
    assert found["with"]["overall"]["value"] == pytest.approx(3 / 4)
    assert found["without"]["overall"]["value"] == pytest.approx(2.5 / 4)
    assert drop["object"]["value"] == pytest.approx(0.5)
    assert (drop["weather"]["value"], drop["weather"]["n"], drop["overall"]["n"]) == (-1, 1, 4)
    # of the unknown pair: 1 less 1 or 1/2
    assert drop["overall"]["bounds"] == pytest.approx([(0.5 + 0) / 5, (0.5 + 0.5) / 5])
    assert drop["weather"]["why"] == "fewer than two pictures"
    assert unscored(pairs) == {"timeout": 1}
    assert differences([], NAMES, 0) == {}
    assert share(pairs[:4], "x", lambda one: one.drop > 0, 0)["value"] == 0.5


def test_the_interval_is_that_of_whole_scenes_drawn_by_themselves():
    """Twelve scenes of one to four pairs with a drop of their own, so that to draw pairs would give half the width."""
    source = np.random.default_rng(5)
    sizes = [1, 4, 2, 3] * 3
    drops = source.choice([0, 0.25, 1], len(sizes))
    pairs = [
        pair([1], [1 - drop], f"s{n}")
        for n, (size, drop) in enumerate(zip(sizes, drops, strict=True))
        for _ in range(size)
    ]
    one = differences(pairs, NAMES, 0)["drop"]["overall"]
    drawn = source.integers(0, len(sizes), (20_000, len(sizes)))
    weights = np.array(sizes)[drawn]
    means = (weights * drops[drawn]).sum(1) / weights.sum(1)
    assert [one["low"], one["high"]] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.02)


def test_the_interval_covers_the_truth():
    """40 scenes of three pairs that share their luck: 30 intervals of 95 in 100 miss more than 5 once in 300 times."""
    source = np.random.default_rng(11)
    missed = 0
    for round_ in range(30):
        lucky = source.random(40) < 0.5
        pairs = [
            pair([1], [float(source.random() >= (0.9 if luck else 0.1))], f"s{n}")
            for n, luck in enumerate(lucky)
            for _ in range(3)
        ]
        one = differences(pairs, NAMES, round_)["drop"]["overall"]
        missed += not one["low"] <= 0.5 <= one["high"]
    assert missed <= 5


UNIT = st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0]))
PAIRS = st.lists(
    st.tuples(UNIT, st.lists(UNIT, min_size=1, max_size=3), st.sampled_from("abc"), st.sampled_from(["object", "x"])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=20)
@given(PAIRS, st.data())
def test_values_lie_in_their_bounds_and_neither_order_nor_sides_matter(rows, data):
    pairs = [pair([present], removed, scene, kind) for present, removed, scene, kind in rows]
    found = differences(pairs, NAMES, 0)
    assert differences(data.draw(st.permutations(pairs)), NAMES, 0) == found
    turned = [Pair(one.kind, one.cluster, one.removed, one.present) for one in pairs]
    back = differences(turned, NAMES, 0)["drop"]
    for group, one in found["drop"].items():
        low, high = one["bounds"]
        assert -1 <= low <= high <= 1
        if one["value"] is None:
            assert back[group]["value"] is None
            continue
        assert math.isclose(back[group]["value"], -one["value"], abs_tol=1e-12)
        if not unscored(pairs):
            assert one["bounds"] == pytest.approx([one["value"]] * 2)
            sides = found["with"][group]["value"] - found["without"][group]["value"]
            assert sides == pytest.approx(one["value"])
