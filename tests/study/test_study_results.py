"""The figures of a study, against a truth that is known, numbers worked out by hand, and other packages."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from simulated import (
    SHARES,
    answered,
    collect,
    displayed,
    make_design,
    simulate,
    simulate_ratings,
    unblinded,
    voted,
)
from statsmodels.stats.proportion import proportion_confint

from whyfeel.errors import UserError
from whyfeel.runs.agree import agreement
from whyfeel.runs.ratings import Ratings
from whyfeel.stats.resampling import Bootstrap
from whyfeel.study.collected import Collected, Trial
from whyfeel.study.compared import preferences
from whyfeel.study.design import SKIP, Design
from whyfeel.study.exclusions import votes_of
from whyfeel.study.figures import Draws, share
from whyfeel.study.groups import NOT_TOLD, By, _withheld
from whyfeel.study.results import results

FEW = 200
PUBLISHED = {"A": 223, "B": 91, "both good": 47, "both bad": 11}


def told(design: Design, collected: Collected, **more: Any) -> dict[str, Any]:
    """The results, which must be JSON whatever the study."""
    document = results(design, collected, more.pop("names", None), **{"resamples": FEW} | more)
    json.dumps(document, allow_nan=False)
    return document


def test_the_published_counts_entered_as_votes() -> None:
    design, collected = voted(PUBLISHED)
    assert {trial.answer for trial in collected.trials} == {"left", "right", "both good", "both bad"}
    [pair] = told(design, collected)["pairwise"]["pairs"]
    assert pair["n"] == 372
    assert {name: one["count"] for name, one in pair["shares"].items()} == PUBLISHED
    assert [round(100 * one["value"], 1) for one in pair["shares"].values()] == [59.9, 24.5, 12.6, 3.0]
    assert round(pair["ratio"]["value"], 2) == 2.45
    for choice, n in PUBLISHED.items():
        ends = proportion_confint(n, 372, method="wilson")
        assert tuple(pair["shares"][choice]["wilson"].values()) == pytest.approx(ends)
    low, high = proportion_confint(223, 314, method="wilson")
    assert tuple(pair["ratio"]["wilson"].values()) == pytest.approx((low / (1 - low), high / (1 - high)))
    assert pair["ratio"]["clustered"]["low"] < 223 / 91 < pair["ratio"]["clustered"]["high"]


def test_a_small_study_by_hand() -> None:
    design = make_design(items=4, votes=3)
    said = {"i0000": ("A", "A", "B"), "i0001": ("A", "A", "A"), "i0002": ("B", "both good", "both bad")}
    trials = [
        answered(rater, place, item, displayed(design.by_id[item], choice, swapped=rater == 2), swapped=rater == 2)
        for place, (item, choices) in enumerate(said.items(), 1)
        for rater, choice in enumerate(choices, 1)
    ]
    document = told(design, collect(trials))
    [pair] = document["pairwise"]["pairs"]
    assert {name: one["count"] for name, one in pair["shares"].items()} == dict(PUBLISHED) | {
        "A": 5, "B": 2, "both good": 1, "both bad": 1
    }  # fmt: skip
    assert pair["ratio"]["value"] == 2.5
    assert pair["majorities"] == {"A": 2, "B": 0, "both good": 0, "both bad": 0, "none": 1}
    # 1 of 3 pairs of votes, 3 of 3, 0 of 3
    assert pair["agreement"]["same"] == pytest.approx({"value": 4 / 9, "low": 1 / 9, "high": 1.0, "n": 3})
    codes = [["A", "B", "both good", "both bad"].index(one) for of in said.values() for one in of]
    by_rater = np.array(codes, float).reshape(3, 3).T
    wanted = krippendorff.alpha(by_rater, level_of_measurement="nominal")
    assert pair["agreement"]["alpha"]["value"] == pytest.approx(wanted)
    assert document["items"] == {"all": 4, "voted": 3, "complete": 3, "votes_each": 3}
    decided = [trial.answer for trial in trials if trial.answer in ("left", "right")]
    assert document["pairwise"]["left"]["n"] == 7
    assert document["pairwise"]["left"]["value"] == decided.count("left") / 7


def test_a_share_without_exceptions_has_no_interval_by_resampling() -> None:
    found = share([True] * 5, list("abcde"), Draws(0, 9), "")
    assert (found["value"], found["n"]) == (1.0, 5)
    assert found["clustered"] == {"low": None, "high": None, "why": "all resamples are alike"}
    assert tuple(found["wilson"].values()) == pytest.approx(proportion_confint(5, 5, method="wilson"))


def test_half_of_the_votes_are_no_majority() -> None:
    design = make_design(items=2)
    trials = [
        answered(rater, 1, "i0000", displayed(design.items[0], "AB"[rater - 1], swapped=False)) for rater in (1, 2)
    ]
    [pair] = told(design, collect(trials))["pairwise"]["pairs"]
    assert pair["majorities"] == {"A": 0, "B": 0, "both good": 0, "both bad": 0, "none": 1}


def test_shares_are_recovered_in_nearly_all_of_many_studies() -> None:
    design = make_design(items=60, votes=3)
    held = Counter[str]()
    for seed in range(200):
        votes = votes_of(design, simulate(design, seed, spread=0.5), {})
        [pair] = preferences(design, votes, Draws(seed, FEW))
        for choice, truth in zip(pair["shares"], SHARES, strict=True):
            ends = pair["shares"][choice]
            held[choice] += ends["clustered"]["low"] <= truth <= ends["clustered"]["high"]
            held[f"Wilson, {choice}"] += ends["wilson"]["low"] <= truth <= ends["wilson"]["high"]
    # of an interval that covers in 93 of 100, 200 studies give fewer than 173 once in a thousand times
    few = int(binom.ppf(0.001, 200, 0.93))
    assert all(held[choice] >= few for choice in ("A", "B", "both good", "both bad"))
    # votes of one item are alike, which Wilson's interval does not know
    assert sum(held[f"Wilson, {choice}"] for choice in PUBLISHED) < sum(held[choice] for choice in PUBLISHED) - 40


def test_what_stands_on_the_left_is_told_apart_from_what_is_better() -> None:
    design = make_design(items=150, votes=4)
    figures = told(design, simulate(design, 3, left=0.4))["pairwise"]
    # 0.4 take the left, the others one of two sides that are balanced
    assert figures["left"]["clustered"]["low"] < 0.4 + 0.6 / 2 < figures["left"]["clustered"]["high"]
    assert figures["strengths"]["side"]["low"] > 0.5
    fair = told(design, simulate(design, 3))["pairwise"]
    assert fair["left"]["clustered"]["low"] < 0.5 < fair["left"]["clustered"]["high"]
    assert fair["strengths"]["side"]["low"] < 0 < fair["strengths"]["side"]["high"]
    assert fair["strengths"]["differences"][0]["of"] == [1, 2]
    assert fair["strengths"]["differences"][0]["low"] > 0


def test_exchanging_all_sides_changes_the_share_of_the_left_alone() -> None:
    design = make_design(items=30, systems=3)
    collected = simulate(design, 5, left=0.3)
    mirror = {"left": "right", "right": "left"}
    exchanged = tuple(
        replace(one, swapped=not one.swapped, answer=mirror.get(one.answer, one.answer)) for one in collected.trials
    )
    one, other = told(design, collected), told(design, replace(collected, trials=exchanged))
    assert one["pairwise"]["pairs"] == other["pairwise"]["pairs"]
    assert one["pairwise"]["left"]["value"] == pytest.approx(1 - other["pairwise"]["left"]["value"])
    side, mirrored = (document["pairwise"]["strengths"]["side"]["value"] for document in (one, other))
    assert side == pytest.approx(-mirrored)


def test_more_than_nine_systems_keep_their_order() -> None:
    design = make_design(items=66, systems=12, votes=2)
    document = told(design, simulate(design, 1), resamples=5)
    pairs = [(one["a"], one["b"]) for one in document["pairwise"]["pairs"]]
    assert pairs == sorted(pairs)
    assert len(pairs) == 66
    assert [one["of"] for one in document["pairwise"]["strengths"]["differences"]] == [list(pair) for pair in pairs]
    assert list(document["systems"].values())[-1] == "system 12"


def test_ratings_against_direct_sums_and_the_agreement_of_files() -> None:
    design = make_design("rating", items=10, systems=2, votes=3)
    collected = simulate_ratings(design, 2, {1: 3.5, 2: 2.0})
    figures = told(design, collected)["rating"]
    ratings = {(trial.item, trial.rater): int(trial.answer) for trial in collected.trials}
    assert len(ratings) == 60  # 3 raters, who rated everything
    items = sorted({item for item, _ in ratings})
    table = np.array([[ratings[item, rater] for rater in (1, 2, 3)] for item in items], np.float64)
    for place, one in enumerate(figures["systems"]):
        mine = table[[item.endswith(str(place + 1)) for item in items]]
        assert one["value"] == pytest.approx(mine.mean())
        assert (one["n"], one["votes"]) == (10, 30)
        assert one["low"] < one["value"] < one["high"]
        assert list(one["points"].values()) == [int((mine == point).sum()) for point in range(6)]
        assert one["below_middle"]["value"] == (mine < 2.5).mean()
    [difference] = figures["differences"]
    apart = table[0::2].mean(axis=1) - table[1::2].mean(axis=1)
    assert difference["value"] == pytest.approx(apart.mean())
    assert (difference["a"], difference["b"], difference["n"]) == (1, 2, 10)
    assert difference["low"] > 0
    filed = agreement(Ratings(tuple(items), ("1", "2", "3"), ("",), table[:, :, None], scale=(0, 5)), Bootstrap(0, 9))
    mine = figures["agreement"]
    for level in ("nominal", "ordinal", "interval"):
        assert mine["alpha"][level]["value"] == pytest.approx(filed["alpha"][level]["value"])
        wanted = krippendorff.alpha(table.T, level_of_measurement=level)
        assert mine["alpha"][level]["value"] == pytest.approx(wanted)
    assert mine["ac2"]["value"] == pytest.approx(filed["ac2"]["value"])
    assert mine["icc"]["value"] == pytest.approx(filed["icc"]["a1"]["value"])
    pairs = [(0, 1), (0, 2), (1, 2)]
    assert mine["same"]["value"] == pytest.approx(np.mean([table[:, i] == table[:, j] for i, j in pairs]))
    near = np.mean([abs(table[:, i] - table[:, j]) <= 1 for i, j in pairs])
    assert mine["within_one"]["value"] == pytest.approx(near)


def test_ratings_with_gaps_count_every_item_once() -> None:
    design = make_design("rating", items=2, systems=1, votes=3)
    said = [(1, "i0000-1", "5"), (2, "i0000-1", "5"), (3, "i0000-1", "5"), (1, "i0001-1", "1")]
    figures = told(design, collect([answered(rater, k, item, a) for k, (rater, item, a) in enumerate(said)]))["rating"]
    assert figures["systems"][0]["value"] == 3.0  # of 5 and 1, not the 4 of four votes
    assert figures["agreement"]["icc"]["why"] == "undefined (only one item was rated twice)"
    assert figures["agreement"]["same"]["n"] == 1
    assert figures["differences"] == []


def test_repeats_are_held_against_the_first_answer_whatever_the_sides() -> None:
    design = make_design(items=6)
    first, second, third, skipped, alone = (f"i{k:04}" for k in range(5))

    def both(item: str, once: str, again: str, place: int) -> list[Trial]:
        one, other = (
            displayed(design.by_id[item], said, swapped=flip) for said, flip in ((once, False), (again, True))
        )
        return [
            answered(1, place, item, one),
            answered(1, place + 10, item, other, swapped=True, role="repeat"),
        ]

    trials = [*both(first, "A", "A", 1), *both(second, "A", "B", 2), *both(third, "both bad", "both bad", 3)]
    trials += [answered(1, 4, skipped, SKIP), answered(1, 14, skipped, "left", role="repeat")]
    trials += [answered(1, 15, alone, "left", role="repeat")]
    document = told(design, collect(trials))
    same = document["repeats"]["same"]
    assert (same["n"], same["value"]) == (3, pytest.approx(2 / 3))
    assert tuple(same["wilson"].values()) == pytest.approx(proportion_confint(2, 3, method="wilson"))
    assert same["clustered"]["why"] == "all of one picture or rater: no interval"
    assert document["per_rater"][0]["repeats"] == {"answered": 3, "same": 2}
    assert document["votes"] == 3
    ratings = make_design("rating", items=2, systems=1)
    again = [answered(1, k, f"i000{k}-1", "4") for k in (0, 1)]
    again += [answered(1, 9 + k, f"i000{k}-1", said, role="repeat") for k, said in enumerate(("4", "1"))]
    repeats = told(ratings, collect(again))["repeats"]
    assert (repeats["same"]["value"], repeats["apart"]["value"]) == (0.5, 1.5)


def test_seconds_and_skips() -> None:
    design = make_design(items=6)
    trials = [answered(1, k, f"i{k:04}", "left", took=float(took)) for k, took in enumerate((1, 2, 3, 4, 100))]
    trials += [answered(rater, 9, "i0005", SKIP) for rater in (1, 2, 3)] + [answered(2, 8, "i0001", SKIP)]
    document = told(design, collect(trials, {3: "withdrawn"}))
    assert document["seconds"] == {"n": 5, "median": 3.0, "quartiles": [2.0, 4.0]}
    assert document["skips"] == {
        "n": 3,
        "items": 2,
        "most": [{"item": "i0005", "sample": "s0005", "skips": 2}, {"item": "i0001", "sample": "s0001", "skips": 1}],
    }
    assert [one.get("skips") for one in document["per_rater"]] == [1, 2, None]


def numbers_of(document: Any) -> list[Any]:
    """Every "value" in a document."""
    if isinstance(document, dict):
        mine = [document["value"]] if "value" in document else []
        return mine + [found for one in document.values() for found in numbers_of(one)]
    return [found for one in document for found in numbers_of(one)] if isinstance(document, list) else []


def reasons_missing(document: Any) -> list[Any]:
    """The entries that lack a value and do not say why."""
    if isinstance(document, dict):
        mine = [document] if "value" in document and document["value"] is None and not document.get("why") else []
        return mine + [found for one in document.values() for found in reasons_missing(one)]
    return [found for one in document for found in reasons_missing(one)] if isinstance(document, list) else []


@pytest.mark.parametrize("kind", ["pairwise", "rating"])
@pytest.mark.parametrize("what", ["nobody", "skips", "repeats", "withdrawn"])
def test_a_study_without_votes_is_undefined_and_says_why(kind: Any, what: str) -> None:
    design = make_design(kind, items=3)
    item, answer = design.items[0].id, design.answers[0]
    trials = {
        "nobody": [],
        "skips": [answered(1, 1, item, SKIP)],
        "repeats": [answered(1, 1, item, answer, role="repeat")],
        "withdrawn": [answered(1, 1, item, answer)],
    }[what]
    document = told(design, collect(trials, {1: "withdrawn"} if what == "withdrawn" else {}))
    assert document["votes"] == 0
    assert set(numbers_of(document)) <= {None}
    assert reasons_missing(document) == []


@pytest.mark.parametrize("kind", ["pairwise", "rating"])
def test_one_vote_has_no_interval_by_pictures_and_no_agreement(kind: Any) -> None:
    design = make_design(kind, items=3)
    document = told(design, collect([answered(1, 1, design.items[0].id, design.answers[1])]))
    figures = document[kind]
    assert reasons_missing(document) == []
    if kind == "pairwise":
        [pair] = figures["pairs"]
        assert pair["agreement"]["alpha"]["value"] is None
        assert all(one["clustered"]["low"] is None for one in pair["shares"].values())
        assert figures["left"]["value"] == 0.0
        assert figures["left"]["clustered"]["low"] is None
    else:
        assert (figures["systems"][0]["value"], figures["systems"][0]["low"]) == (1.0, None)
        assert figures["agreement"]["alpha"]["ordinal"]["value"] is None


def test_blind_until_asked_and_told_ever_after() -> None:
    design, collected = voted({"A": 6, "B": 4})
    assert told(design, collected)["systems"] == {"1": "system 1", "2": "system 2"}
    assert told(design, collected)["blind"] is True
    seen = unblinded(collected, at=1000.0 + 30 * 5 + 20, votes=5)  # at the moment of the fifth answer
    names = {1: "human", 2: "a model direct"}
    document = told(design, seen, names=names)
    assert document["systems"] == {"1": "human", "2": "a model direct"}
    assert document["blind"] is False
    assert document["unblinded"] == {"at": "1970-01-01T00:19:30+00:00", "votes": 5}
    assert document["warnings"] == ["5 of 10 votes came after somebody had asked whose texts are whose"]
    # also where the names are not asked for this time
    assert (told(design, seen)["blind"], told(design, seen)["warnings"]) == (False, document["warnings"])
    assert told(design, unblinded(collected, 1e6, 10))["warnings"] == []
    twice = told(design, seen, names={1: "same", 2: "same"})["systems"]
    assert twice == {"1": "same (system 1)", "2": "same (system 2)"}


def grouped(sizes: dict[str, int], least: int) -> dict[str, Any]:
    """The groups of a study with so many raters of each answer, one vote each."""
    design = make_design(items=sum(sizes.values()), votes=1)
    answers = [name for name, n in sizes.items() for _ in range(n)]
    trials = [answered(k + 1, 1, item.id, "left") for k, item in enumerate(design.items)]
    said = {k + 1: {"age": name} for k, name in enumerate(answers) if name != NOT_TOLD}
    return told(design, collect(trials, demographics=said), by=By("age", least), resamples=5)["by"]


def test_groups_that_are_too_small_are_withheld_together() -> None:
    by = grouped({"over 40": 12, "18 to 40": 11, "prefer not to say": 6, NOT_TOLD: 4}, 10)
    assert [(one["answer"], one["raters"]) for one in by["groups"]] == [("18 to 40", 11), ("over 40", 12)]
    assert by["withheld"] == {"groups": 2, "raters": 10}
    # the whole less what is shown is the rest, which must not be small either
    by = grouped({"over 40": 12, "18 to 40": 11, "prefer not to say": 4, NOT_TOLD: 3}, 10)
    assert by["withheld"] == {"groups": 3, "raters": 18}
    # one small group alone could be had by subtraction
    by = grouped({"over 40": 12, "18 to 40": 11, NOT_TOLD: 4}, 10)
    assert [one["answer"] for one in by["groups"]] == ["over 40"]
    assert by["withheld"] == {"groups": 2, "raters": 15}
    by = grouped({"over 40": 12, "18 to 40": 10}, 10)
    assert by["withheld"] == {"groups": 0, "raters": 0}
    assert [one["pairs"][0]["n"] for one in by["groups"]] == [10, 12]


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 40), max_size=6), st.integers(5, 20))
def test_no_group_is_small_and_neither_is_the_rest(sizes: dict[str, int], least: int) -> None:
    hidden = _withheld(sizes, least)
    assert all(sizes[name] >= least for name in set(sizes) - hidden)
    assert len(hidden) != 1 or len(sizes) == 1
    assert not hidden or len(hidden) == len(sizes) or sum(sizes[name] for name in hidden) >= least
    assert bool(hidden) == any(n < least for n in sizes.values())


def test_groups_that_cannot_be_asked_for() -> None:
    design, collected = voted({"A": 6, "B": 4})
    with pytest.raises(UserError, match=r"--by: expected one of 'age', got 'gender'"):
        told(design, collected, by=By("gender"))
    with pytest.raises(UserError, match=r"--least: expected 5 raters or more, .* got 4"):
        told(design, collected, by=By("age", 4))
    nothing = replace(design, texts=replace(design.texts, demographics=()))
    with pytest.raises(UserError, match=r"the study asks raters nothing"):
        told(nothing, collected, by=By("age"))


def test_the_same_study_gives_the_same_document() -> None:
    design = make_design(items=20, votes=3, a_picture=2)
    assert told(design, simulate(design, 1)) == told(design, simulate(design, 1))
    other = told(replace(design, seed=9), simulate(design, 1))["pairwise"]["pairs"][0]["shares"]["A"]
    assert other["clustered"] != told(design, simulate(design, 1))["pairwise"]["pairs"][0]["shares"]["A"]["clustered"]
