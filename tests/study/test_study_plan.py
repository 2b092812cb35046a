"""How many items a study takes: against worked values, against exact tests, and against simulated correlated votes."""

from __future__ import annotations

import doctest
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.cli.study_plan import plan as command
from whyfeel.errors import UserError
from whyfeel.study import plan as module
from whyfeel.study.plan import (
    Assumed,
    difference_for_items,
    items_for_difference,
    items_for_share,
    plan_study,
    power_of_share,
    share_for_items,
)

Z975, Z80 = 1.959964, 0.841621


def test_the_examples_in_the_docstrings() -> None:
    done = doctest.testmod(module)
    assert (done.failed, done.attempted > 0) == (0, True)


def test_independent_votes_by_hand() -> None:
    # (z / 2 + z' sqrt(p q))^2 / (p - 1/2)^2
    by_hand = math.ceil(((Z975 / 2 + Z80 * math.sqrt(0.6 * 0.4)) / 0.1) ** 2)
    assert items_for_share(0.6, Assumed(ratings=1)) == by_hand == 194
    # three votes of an item, a fifth of them ties: 2.4 decided ones, each with 1.6 beside it that correlate by 0.25
    assumed = Assumed(ratings=3, ties=0.2, agreement=0.25)
    assert assumed.effect == pytest.approx(1 + 2 * 0.8 * 0.25)
    assert items_for_share(0.6, assumed) == math.ceil(193.9 * 1.4 / 2.4)
    # votes of an item that all agree are one vote
    assert items_for_share(0.6, Assumed(ratings=7, agreement=1.0)) == by_hand
    # 2 sd^2 (z + z')^2 / d^2 independent ratings each
    assert items_for_difference(0.5, 1.0, Assumed(ratings=1)) == math.ceil(2 * (Z975 + Z80) ** 2 / 0.25) == 63
    assert items_for_difference(0.5, 1.0, Assumed(ratings=4, agreement=0.2)) == math.ceil(62.79 * 1.6 / 4)


def found(share: float, items: int, assumed: Assumed, times: int, seed: int) -> float:
    """How often Wilson's interval of beta-binomial votes, as many as they are worth, lies above one half."""
    rng = np.random.default_rng(seed)
    decided = rng.binomial(assumed.ratings, 1 - assumed.ties, (times, items))
    size = (1 - assumed.agreement) / assumed.agreement
    won = rng.binomial(decided, rng.beta(share * size, (1 - share) * size, (times, items))).sum(1)
    n = decided.sum(1) / assumed.effect
    p = won / decided.sum(1)
    low = (p + Z975**2 / (2 * n) - Z975 * np.sqrt(p * (1 - p) / n + Z975**2 / (4 * n * n))) / (1 + Z975**2 / n)
    return float((low > 0.5).mean())


@pytest.mark.parametrize(
    ("share", "assumed"),
    [
        (0.6, Assumed(ratings=3, ties=0.15)),
        (0.6, Assumed(ratings=8, ties=0.5, agreement=0.5)),
        (0.55, Assumed(ratings=5, ties=0.0, agreement=0.05, power=0.9)),
        (0.7, Assumed(ratings=3, ties=0.3, agreement=0.3, alpha=0.05)),
    ],
)
def test_simulated_votes_are_found_as_often_as_planned(share: float, assumed: Assumed) -> None:
    items = items_for_share(share, assumed)
    times = 4000
    # four standard errors of the simulation, and two hundredths for the normal approximation of a few hundred votes
    slack = 4 * math.sqrt(assumed.power * (1 - assumed.power) / times) + 0.02
    assert found(share, items, assumed, times, 1) == pytest.approx(assumed.power, abs=slack)
    # with half the items it is found as often as power_of_share says
    fewer = power_of_share(share, items // 2, assumed)
    assert fewer < assumed.power - 0.2
    assert found(share, items // 2, assumed, times, 2) == pytest.approx(fewer, abs=slack)
    # nothing is found where there is nothing, but for alpha / 2 on this side
    chance = found(0.5, items, assumed, times, 3)
    assert chance == pytest.approx(0.025, abs=4 * math.sqrt(0.025 * 0.975 / times) + 0.005)


def test_simulated_ratings_differ_as_often_as_planned() -> None:
    assumed = Assumed(ratings=4, agreement=0.3)
    items, times, sd = items_for_difference(0.4, 1.3, assumed), 4000, 1.3
    rng = np.random.default_rng(0)
    shared = rng.normal(0, sd * math.sqrt(0.3), (times, 2, items, 1))
    ratings = shared + rng.normal(0, sd * math.sqrt(0.7), (times, 2, items, 4))
    ratings[:, 1] += 0.4
    means = ratings.mean(3)
    difference = means[:, 1].mean(1) - means[:, 0].mean(1)
    error = np.sqrt(means.var(2, ddof=1).sum(1) / items)
    slack = 4 * math.sqrt(0.8 * 0.2 / times) + 0.01
    assert (difference / error > Z975).mean() == pytest.approx(0.8, abs=slack)


assumptions = st.builds(
    Assumed,
    ratings=st.integers(1, 50),
    agreement=st.floats(0, 1),
    ties=st.floats(0, 0.95),
    alpha=st.floats(0.001, 0.2),
    power=st.floats(0.5, 0.99),
)


@given(assumptions, st.floats(0.505, 0.99), st.floats(0.05, 3))
def test_the_two_directions_agree(assumed: Assumed, share: float, sd: float) -> None:
    items = items_for_share(share, assumed)
    assert power_of_share(share, items, assumed) >= assumed.power - 1e-9
    assert items == 1 or power_of_share(share, items - 1, assumed) < assumed.power + 1e-9
    shown = share_for_items(items, assumed)
    assert shown is not None
    assert shown <= share + 1e-6
    each = items_for_difference(0.3, sd, assumed)
    assert difference_for_items(each, sd, assumed) <= 0.3 + 1e-9
    assert each == 1 or difference_for_items(each - 1, sd, assumed) > 0.3 - 1e-9


def test_too_few_items_show_nothing() -> None:
    # unanimous votes reach p 0.05 from z^2 = 3.84 independent ones on
    assert share_for_items(3, Assumed(ratings=1)) is None
    assert share_for_items(4, Assumed(ratings=1)) is not None


def test_the_document() -> None:
    told = plan_study("pairwise", share=0.6, ratings=3, items_each=20)
    assert (told["kind"], told["asked"], told["items"], told["share"]) == ("pairwise", "share", 102, 0.6)
    assert (told["texts"], told["votes"], told["raters"]) == (102, 306, math.ceil(306 / 20))
    assert told["assumed"] == {"ratings": 3, "agreement": 0.2, "ties": 0.15, "alpha": 0.05, "power": 0.8}
    assert [one["items"] for one in told["sizes"]] == [25, 50, 100, 200, 400]
    assert plan_study("pairwise", items=102)["share"] == pytest.approx(0.6, abs=0.001)
    # nobody judges an item twice: five items of seven votes each take seven raters
    assert plan_study("pairwise", items=5, ratings=7)["raters"] == 7
    told = plan_study("rating", difference=0.5, sd=1.0, ratings=3, items_each=10)
    assert (told["asked"], told["items"], told["texts"]) == ("difference", 30, 60)
    assert (told["votes"], told["raters"]) == (180, 18)
    json.dumps(told, allow_nan=False)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("pairwise", share=0.6, json=True) == 0
    assert json.loads(capsys.readouterr().out) == plan_study("pairwise", share=0.6)
    assert command("rating", items=30) == 0
    assert "30 items a system" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "asked", "said"),
    [
        ("both", {}, "--kind"),
        ("pairwise", {"sd": 1.0}, "--sd is for --kind rating"),
        ("rating", {"ties": 0.1}, "--ties is for --kind pairwise"),
        ("pairwise", {"share": 0.6, "items": 5}, "either --share or --items"),
        ("rating", {"difference": 0.6, "items": 5}, "either --difference or --items"),
        ("pairwise", {"share": 0.5}, "share from 0.501"),
        ("pairwise", {"share": math.nan}, "share from"),
        ("pairwise", {"share": 1.0}, "share from"),
        ("pairwise", {"ties": 1.0}, "ties from 0"),
        ("pairwise", {"items": 0}, "1 to 10,000,000 items"),
        ("pairwise", {"items": 10**400}, "1 to 10,000,000 items"),
        ("pairwise", {"ratings": 0}, "a rating or more"),
        ("pairwise", {"items_each": 0}, "item or more each"),
        ("pairwise", {"agreement": 1.1}, "agreement from 0 to 1"),
        ("pairwise", {"agreement": math.nan}, "agreement from 0 to 1"),
        ("pairwise", {"alpha": 0.0}, "0 < alpha"),
        ("pairwise", {"power": 1.0}, "power < 1"),
        ("pairwise", {"power": 0.4}, "0.5 <= power"),
        ("rating", {"difference": 0.0}, "above 0"),
        ("rating", {"difference": 1e-9}, "of like size"),
        ("rating", {"sd": math.inf}, "above 0"),
        ("rating", {"items": 5, "sd": -1.0}, "sd above 0"),
    ],
)
def test_mistakes_are_one_line(kind: Any, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        plan_study(kind, **asked)
    assert len(str(raised.value).splitlines()) == 1
    assert len(str(raised.value)) < 1000
