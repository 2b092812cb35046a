"""Shares and their ratio against statsmodels, the bootstrap written out, and exact arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from whyfeel.errors import UserError
from whyfeel.records import rng
from whyfeel.stats.bootstrap import Interval
from whyfeel.stats.choices import CHOICES, check_claim, counted, voted

PUBLISHED = {"A": 223, "B": 91, "both good": 47, "both bad": 11}
COUNTS = st.tuples(*[st.integers(0, 400)] * 4)


def ends(one: Interval) -> tuple:
    return one.low, one.high


def drawn(seed: int, n: int, pictures: int) -> tuple[list, list]:
    """Votes that resemble each other within a picture."""
    generator = np.random.default_rng(seed)
    leaning = generator.dirichlet([2, 1, 0.6, 0.4], pictures)
    places = generator.integers(0, pictures, n)
    return [str(generator.choice(CHOICES, p=leaning[i])) for i in places], [f"p{i}" for i in places]


def test_the_published_socratis_counts():
    found = counted(PUBLISHED)
    assert found.n == 372
    assert [f"{100 * one.value:.1f}" for one in found.shares.values()] == ["59.9", "24.5", "12.6", "3.0"]
    for choice, one in found.shares.items():
        assert ends(one.wilson) == pytest.approx(proportion_confint(PUBLISHED[choice], 372, method="wilson"))
    assert round(found.ratio.value, 2) == 2.45
    assert [round(end, 2) for end in ends(found.ratio.wilson)] == [1.92, 3.13]
    assert found.ratio.clustered == Interval(None, None, "the votes were counted without their pictures")


@given(COUNTS)
@settings(deadline=None)
def test_what_holds_of_any_counts(numbers):
    found = counted(dict(zip(CHOICES, numbers, strict=True)))
    a, b, *_ = numbers
    if not sum(numbers):
        assert {one.why for one in found.shares.values()} == {"nothing was counted"}
        assert found.ratio.why == "nothing was decided"
        return
    assert sum(one.value for one in found.shares.values()) == pytest.approx(1)
    if not b:
        assert (found.ratio.value, found.ratio.why) == (None, "B was never chosen" if a else "nothing was decided")
        return
    low, high = ends(found.ratio.wilson)
    assert low <= found.ratio.value == a / b <= high
    if a:  # turned round, everything is its reciprocal; and the ends lie equally far off, in logarithms
        other = counted({"A": b, "B": a}).ratio
        assert (other.value, *ends(other.wilson)) == pytest.approx((b / a, 1 / high, 1 / low))
        assert low * high == pytest.approx((a / b) ** 2)


def test_the_ratio_is_near_what_the_delta_method_gives():
    low, high = (math.log(end / (223 / 91)) for end in ends(counted(PUBLISHED).ratio.wilson))
    error = math.sqrt(1 / 223 + 1 / 91)
    assert (low, high) == pytest.approx((-1.96 * error, 1.96 * error), rel=0.01)


def test_the_clustered_intervals_are_those_of_a_bootstrap_written_out():
    votes, pictures = drawn(1, 120, 30)
    found = voted(votes, pictures, seed=3, resamples=60)
    members = [
        [vote for vote, here in zip(votes, pictures, strict=True) if here == one] for one in sorted(set(pictures))
    ]
    draws = rng(3, "intervals").integers(0, len(members), (60, len(members)))
    samples = [[vote for place in draw for vote in members[place]] for draw in draws]
    for choice, one in found.shares.items():
        shares = [sample.count(choice) / len(sample) for sample in samples]
        assert ends(one.clustered) == pytest.approx(np.quantile(shares, (0.025, 0.975)))
        assert one.value == votes.count(choice) / 120
    decided = [sample.count("A") / (sample.count("A") + sample.count("B")) for sample in samples]
    low, high = np.quantile(decided, (0.025, 0.975))
    assert ends(found.ratio.clustered) == pytest.approx((low / (1 - low), high / (1 - high)))
    assert found.shares["A"].wilson == counted(found.counts).shares["A"].wilson


def test_votes_that_repeat_a_picture_tell_nothing_new():
    votes, _ = drawn(2, 150, 150)
    once = voted(votes, [str(i) for i in range(150)], seed=0, resamples=800).ratio
    often = voted(votes * 4, [str(i) for i in range(150)] * 4, seed=0, resamples=800).ratio
    assert ends(often.clustered) == pytest.approx(ends(once.clustered))
    assert often.wilson.high - often.wilson.low < 0.6 * (once.wilson.high - once.wilson.low)


@pytest.mark.parametrize(
    ("votes", "pictures", "why"),
    [
        ([], "", "nothing was counted"),
        (["A", "B"], "aa", "fewer than two pictures"),
        (["A", "A", "A"], "abc", "all resamples are alike"),
    ],
)
def test_no_clustered_interval(votes, pictures, why):
    found = voted(votes, list(pictures), seed=0, resamples=20)
    assert found.shares["A"].clustered == Interval(None, None, why)
    assert found.to_json()["shares"]["A"]["clustered"] == {"low": None, "high": None, "why": why}


def test_a_ratio_without_an_upper_end():
    found = voted(["A", "A", "A", "B"], list("abcd"), seed=0, resamples=200).ratio
    assert (found.value, found.clustered.high) == (3, None)
    assert found.clustered.low == pytest.approx(1 / 3)
    assert found.clustered.why == "no upper end: B is missing in too many resamples"


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"expected choices of .*, got 'C'"):
        counted({"C": 1})
    with pytest.raises(ValueError, match="counts of at least 0"):
        counted({"A": -1})
    with pytest.raises(ValueError, match="got 'a'"):
        voted(["a"], ["p"], seed=0)
    for more in ({"votes": ["A"], "clusters": []}, {"votes": ["A"], "clusters": ["p"], "resamples": 0}):
        with pytest.raises(ValueError, match="expected a picture a vote and at least 1 resample"):
            voted(**more, seed=0)


@pytest.mark.parametrize(
    ("text", "values", "follows"),
    [
        ("over 2 times", [2.45055], [True]),
        ("over 2.5 times", [2.45055], [False]),
        ("2.45 times as often", [2.45055], [True]),
        ("2.5x", [2.45055], [True]),
        ("1.5 times", [2.45055], [False]),
        ("1.5 times more often", [2.45055, 1.45055], [False, True]),
        ("-156 %", [-59.19283, -145.05495, -35.48387], [False, False, False]),
        ("\u2212145 %", [-59.19283, -145.05495, -35.48387], [False, True, False]),
        ("-59.19 percent", [-59.19283, -145.05495, -35.48387], [True, False, False]),
        ("60 %", [145.05495, 59.94624, 35.48387], [False, True, False]),
        ("+145%", [145.05495, 59.94624, 35.48387], [True, False, False]),
    ],
)
def test_claims_about_the_published_counts(text, values, follows):
    found = check_claim(text, PUBLISHED)
    assert [one.value for one in found.readings] == pytest.approx(values, abs=1e-5)
    assert [one.follows for one in found.readings] == follows
    assert (found.follows, found.text) == (follows[0], text)


def test_a_claim_is_rounded_exactly():
    for text, wanted in (("1.25 times", True), ("1.3 times", True), ("1.2 times", True), ("1.26 times", False)):
        assert check_claim(text, {"A": 5, "B": 4}).follows is wanted
    assert [one.value for one in check_claim("2 times more", {"A": 5}).readings] == [None, None]
    assert not check_claim("2 times", {"A": 5}).follows


@pytest.mark.parametrize(
    "text", ["", "often", "1.5", "times 2", "1e5 times", "1.5.2 times", "٢ times", "9" * 400 + "x"]
)
def test_what_is_no_claim(text):
    with pytest.raises(UserError, match=r"expected a claim such as '1\.5 times' or '-156 %', got"):
        check_claim(text, PUBLISHED)
