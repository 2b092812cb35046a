"""Strengths by hand, against statsmodels' conditional logit, a grid, and the bootstrap written out."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.discrete.conditional_models import ConditionalLogit

from whyfeel.records import rng
from whyfeel.stats import bradley_terry as module
from whyfeel.stats.bradley_terry import PRIOR, Strengths, bradley_terry
from whyfeel.stats.choices import WINNERS, Comparison

TURNED = {"left": "right", "right": "left", "tie": "tie"}
SEPARABLE = "votes alone would put a number at infinity: only the prior keeps it finite"


def turned(vote: Comparison) -> Comparison:
    return Comparison(vote.right, vote.left, TURNED[vote.winner], vote.picture)


def written(text: str) -> list[Comparison]:
    """Votes such as "x>y" (x on the left, preferred), "x<y", "x=y"; each about a picture of its own."""
    winners = {">": "left", "<": "right", "=": "tie"}
    return [Comparison(one[0], one[2], winners[one[1]], f"p{i:03}") for i, one in enumerate(text.split())]


def drawn(seed: int, n: int, strengths: list[float], side: float, tie: float, pictures: int) -> list[Comparison]:
    generator, votes = np.random.default_rng(seed), []
    for _ in range(n):
        i, j = (int(one) for one in generator.choice(len(strengths), 2, replace=False))
        apart = (strengths[i] - strengths[j] + side) / 2
        odds = np.array([math.exp(apart), math.exp(-apart), tie])
        winner = WINNERS[int(generator.choice(3, p=odds / odds.sum()))]
        votes.append(Comparison(f"s{i}", f"s{j}", winner, f"p{generator.integers(pictures)}"))
    return votes


def point(votes: list[Comparison]) -> Strengths:
    return bradley_terry(votes, seed=0, resamples=1)


def values(found: Strengths) -> list[float]:
    return [*(one.value for one in found.strengths.values()), found.side.value, found.tie.value]


@pytest.fixture
def no_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PRIOR", 1e-9)


def test_two_systems_by_hand(no_prior):
    found = point(written("x>y x>y x>y x<y y<x y<x y<x y>x x=y x=y y=x y=x"))
    # on both sides alike, 3 : 1 with 2 ties: exp(d) = 3, tie = 2 / sqrt(3 * 1)
    assert found.differences["x", "y"].value == pytest.approx(math.log(3))
    assert values(found) == pytest.approx([math.log(3) / 2, -math.log(3) / 2, 0, 2 / math.sqrt(3)], abs=1e-7)
    # x wins 4 : 1 on the left and 1 : 1 on the right: exp(d + side) = 4, exp(d - side) = 1
    found = point(written("x>y x>y x>y x>y x<y y>x y<x"))
    assert found.differences["x", "y"].value == pytest.approx(math.log(4) / 2)
    assert found.side.value == pytest.approx(math.log(4) / 2)
    assert (found.tie.value, found.tie.why, found.notes) == (0, "no vote is a tie", ())


@pytest.mark.parametrize("tie", [0.6, 0])
def test_as_a_conditional_logit_has_it(no_prior, tie):
    """Each vote is a choice among three, whose scores are linear: what economists fit."""
    votes = drawn(1, 300, [-0.8, 0.1, 0.3, 0.9], 0.4, tie, 40)
    chosen, rows, of = [], [], []
    for place, vote in enumerate(votes):
        apart = np.zeros(5)
        apart[int(vote.left[1])], apart[int(vote.right[1])], apart[4] = 0.5, -0.5, 0.5
        for winner, row in zip(WINNERS, (apart, -apart, np.zeros(5)), strict=True):
            if tie or winner != "tie":
                rows.append([*row[1:], winner == "tie"][: 5 if tie else 4])  # the first system is held at 0
                chosen.append(vote.winner == winner)
                of.append(place)
    wanted = (
        ConditionalLogit(np.array(chosen, float), np.array(rows, float), groups=np.array(of)).fit(disp=False).params
    )
    strengths = np.array([0, *wanted[:3]])
    wanted = [*(strengths - strengths.mean()), wanted[3], math.exp(wanted[4]) if tie else 0]
    assert values(point(votes)) == pytest.approx(wanted, abs=2e-4)


def test_nothing_on_a_grid_is_likelier():
    """The model written out, with its prior, on votes so few that the prior counts."""
    votes = written("x>y x>y y>x y=x")

    def loss(s, side, log_tie):
        total = PRIOR / 2 * (2 * s**2 + side**2 + log_tie**2)
        for one, is_x in (("left", True), ("left", True), ("left", False), ("tie", False)):
            apart = (2 * s if is_x else -2 * s) + side
            odds = {"left": math.exp(apart / 2), "right": math.exp(-apart / 2), "tie": math.exp(log_tie)}
            total -= math.log(odds[one] / sum(odds.values()))
        return total

    found = point(votes)
    best = found.strengths["x"].value, found.side.value, math.log(found.tie.value)
    least = loss(*best)
    for scale in (1, 0.1, 0.003):
        for shift in product((-2, -1, 0, 1, 2), repeat=3):
            assert loss(*(one + scale * far for one, far in zip(best, shift, strict=True))) >= least - 1e-12
    assert best[1] > 1
    assert found.notes == (SEPARABLE,)  # whoever stood on the right never won


def test_it_recovers_a_planted_truth_within_its_intervals():
    truth = [-0.9, 0.0, 0.2, 0.7]
    found = bradley_terry(drawn(5, 3000, truth, 0.3, 0.5, 600), seed=0, resamples=300)
    wanted = {**dict(zip(("s0", "s1", "s2", "s3"), truth, strict=True))}
    for (one, other), term in found.differences.items():
        assert abs(term.value - (wanted[one] - wanted[other])) < 1.5 * (term.high - term.low) / 2
        assert 0.2 < term.high - term.low < 0.6
    assert found.side.low < 0.3 < found.side.high
    assert found.tie.low < 0.5 < found.tie.high
    assert sum(one.value for one in found.strengths.values()) == pytest.approx(0, abs=1e-9)


def test_the_intervals_are_those_of_a_bootstrap_written_out():
    votes = drawn(2, 60, [0, 0.5, 1], 0.2, 0.5, 12)
    found = bradley_terry(votes, seed=4, resamples=15)
    pictures = sorted({vote.picture for vote in votes})
    draws = rng(4, "intervals").integers(0, len(pictures), (15, len(pictures)))
    fits = [point([vote for place in draw for vote in votes if vote.picture == pictures[place]]) for draw in draws]
    wanted = np.quantile([values(one) for one in fits], (0.025, 0.975), axis=0).T
    terms = [*found.strengths.values(), found.side, found.tie]
    assert [(one.low, one.high) for one in terms] == [pytest.approx(tuple(row), abs=1e-6) for row in wanted]
    apart = np.quantile([one.differences["s0", "s2"].value for one in fits], (0.025, 0.975))
    assert (found.differences["s0", "s2"].low, found.differences["s0", "s2"].high) == pytest.approx(
        tuple(apart), abs=1e-6
    )


def test_wherever_it_starts_it_ends_at_the_same_place():
    """From a system that always won to votes that are even: Newton's whole steps would leap to and fro for ever."""
    design, _ = module._designed(written("x>y y>x x<y y<x x=y z>x y<z"), 1)
    counts = np.array([[[3.0, 2, 1]] * len(design.pairs)])
    near = module._fitted(counts, design, np.zeros((1, 5)))
    far = module._fitted(counts, design, np.array([[30.0, -30, 5, 8, -9]]))
    assert far == pytest.approx(near, abs=1e-7)


def test_newton_needs_few_steps(monkeypatch):
    votes = drawn(6, 200, [-1.5, 0.1, 1.4], 0.8, 0.7, 20)
    settled = values(point(votes))
    monkeypatch.setattr(module, "STEPS", 6)
    assert values(point(votes)) == pytest.approx(settled, abs=1e-9)


def test_pictures_are_drawn_whole():
    votes = drawn(3, 80, [0, 1], 0, 0.3, 80)
    votes = [Comparison(vote.left, vote.right, vote.winner, f"{i}") for i, vote in enumerate(votes)]
    once, often = (bradley_terry(votes * k, seed=0, resamples=200).side for k in (1, 5))
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.02)


VOTES = st.lists(
    st.tuples(st.sampled_from(["xy", "yx", "xz", "zx", "yz", "zy"]), st.sampled_from(WINNERS)), min_size=1, max_size=12
)


@settings(deadline=None, max_examples=25)
@given(VOTES)
def test_names_and_sides_are_only_names(rows):
    votes = [Comparison(*pair, winner, "p") for pair, winner in rows]
    found = point(votes)
    assert found.n == len(votes)
    if found.tie.value is None:
        return
    assert all(math.isfinite(one.value) for one in found.strengths.values())
    other = point([turned(vote) for vote in votes])
    assert other.side.value == (None if found.side.value is None else pytest.approx(-found.side.value, abs=1e-6))
    names = {"x": "y", "y": "z", "z": "x"}
    moved = point([Comparison(names[vote.left], names[vote.right], vote.winner, "p") for vote in votes[::-1]])
    for name, term in found.strengths.items():
        assert other.strengths[name].value == pytest.approx(term.value, abs=1e-6)
        assert moved.strengths[names[name]].value == pytest.approx(term.value, abs=1e-6)
    assert (other.notes, other.groups) == (found.notes, found.groups)


@pytest.mark.parametrize(
    ("votes", "separable"),
    [
        ("x>y y<x x>y", True),
        ("x>y y>x", True),  # the left one always wins
        ("x>y y<x x<y", True),  # x on the right always wins
        ("x>y y<x x<y y>x", False),
        ("x>y y<x x=y y=x", True),  # y never wins: x and ties grow together
        ("x>y y>x x=y y=x x<y", False),
        ("x>y y<x y>z z<y x>z z<x", True),
        ("x>y y<x y>z z<y z>x x<z", False),  # in a circle, on both sides
        ("x>y y>z z>x", True),
    ],
)
def test_what_the_votes_alone_would_put_at_infinity(votes, separable):
    found = point(written(votes))
    assert (SEPARABLE in found.notes) is separable
    assert all(abs(one.value) < 20 for one in found.strengths.values())


def test_systems_that_no_vote_links():
    found = bradley_terry(written("x>y x<y y>x b<a a<b a>b a>b b>a"), seed=0, resamples=50)
    assert found.groups == (("a", "b"), ("x", "y"))
    assert found.notes[0] == "the systems fall into 2 groups that no vote links"
    assert found.differences["a", "x"].why == "no vote links the two"
    for one, other in found.groups:
        assert found.strengths[one].value == pytest.approx(-found.strengths[other].value)
        assert found.differences[one, other].value == pytest.approx(2 * found.strengths[one].value)


def test_resamples_that_lose_a_system_are_left_out():
    """z stands in one picture: about (1 - 1/5)^5 of the resamples are without it, and would have it at 0."""
    votes = [*written("x>y x<y y>x y<x"), Comparison("x", "z", "left", "q"), Comparison("z", "y", "left", "q")]
    found = bradley_terry(votes, seed=0, resamples=400)
    gone = int(Counter(found.notes).most_common()[0][0].split()[0])
    assert gone == pytest.approx(400 * 0.8**5, abs=30)
    assert found.notes == (f"{gone} of 400 resamples are left out: in them fewer systems are linked",)


def test_a_system_that_keeps_to_one_side():
    found = bradley_terry(written("x>y x>y x<y z=y x=y"), seed=0, resamples=20)
    assert found.side.why == "the side cannot be told from the strengths: systems kept to one"
    assert found.side.value is None
    assert found.strengths["x"].value > 0


def test_a_single_picture_has_no_interval():
    votes = [Comparison(vote.left, vote.right, vote.winner, "p") for vote in written("x>y y>x x<y")]
    found = bradley_terry(votes, seed=0)
    assert found.side.low is None
    assert found.to_json()["side"]["why"] == "no interval (too few pictures link the systems)"


def test_ties_alone_say_nothing():
    found = point(written("x=y z=y"))
    assert (found.strengths["x"].value, found.side.why, found.notes) == (
        None,
        "every vote is a tie",
        ("every vote is a tie",),
    )
    assert [one["of"] for one in found.to_json()["differences"]] == [["x", "y"], ["x", "z"], ["y", "z"]]
    assert found.groups == (("x", "y", "z"),)


@pytest.mark.parametrize("votes", [[], [Comparison("x", "x", "left", "p")], [Comparison("x", "y", "A", "p")]])
def test_mistakes_are_named(votes):
    with pytest.raises(ValueError, match="expected"):
        bradley_terry(votes, seed=0)
    with pytest.raises(ValueError, match="at least 1 vote and 1 resample"):
        bradley_terry(written("x>y"), seed=0, resamples=0)
