"""What a vote is, and who does not count."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulated import answered, collect, make_design

from whyfeel.errors import DataError
from whyfeel.study.collected import Collected, Trial
from whyfeel.study.design import SKIP, Candidate, Design, Rules
from whyfeel.study.exclusions import Vote, excluded, failed_attention, votes_of
from whyfeel.study.results import results

STRICT = Rules(tries=3, attention=1, seconds=5.0, alike=True)


@pytest.fixture
def design() -> Design:
    return make_design(items=12, rules=STRICT)


def work(rater: int, n: int, *, took: float = 20.0, answers: tuple[str, ...] = ("left", "right")) -> list[Trial]:
    return [answered(rater, k + 1, f"i{k:04}", answers[k % len(answers)], took=took) for k in range(n)]


@pytest.mark.parametrize(
    ("systems", "swapped", "answer", "choice", "sides"),
    [
        # the first candidate stands on the left unless sides are exchanged; A is the lower number
        ((1, 2), False, "left", "A", (1, 2)),
        ((1, 2), False, "right", "B", (1, 2)),
        ((1, 2), True, "left", "B", (2, 1)),
        ((1, 2), True, "right", "A", (2, 1)),
        ((7, 3), False, "left", "B", (7, 3)),
        ((7, 3), False, "right", "A", (7, 3)),
        ((7, 3), True, "left", "A", (3, 7)),
        ((7, 3), True, "right", "B", (3, 7)),
        ((7, 3), True, "both good", "both good", (3, 7)),
        ((1, 2), False, "both bad", "both bad", (1, 2)),
    ],
)
def test_what_was_chosen_whatever_side_it_stood_on(
    design: Design, systems: tuple[int, int], swapped: bool, answer: str, choice: str, sides: tuple[int, int]
) -> None:
    candidates = tuple(Candidate(f"c{system}", "a text", system) for system in systems)
    vote = Vote(replace(design.items[0], candidates=candidates), answered(1, 1, "i0000", answer, swapped=swapped))
    assert (vote.choice, vote.sides) == (choice, sides)


def rules_of(design: Design, collected: Collected) -> tuple[str, ...]:
    return excluded(design, collected).get(1, ())


def test_each_rule_where_it_begins(design: Design) -> None:
    checks = [answered(1, 20 + k, str(k), "right", role="attention") for k in range(2)]
    right = answered(1, 21, "1", "left", role="attention")
    assert rules_of(design, collect(work(1, 12))) == ()
    assert rules_of(design, collect([*work(1, 12), *checks])) == ("failed attention checks",)
    assert rules_of(design, collect([*work(1, 12), checks[0], right])) == ()
    assert rules_of(design, collect(work(1, 12, took=4.99))) == ("too fast",)
    assert rules_of(design, collect(work(1, 12, took=5.0))) == ()
    assert rules_of(design, collect(work(1, 10, answers=("both bad",)))) == ("all answers alike",)
    assert rules_of(design, collect(work(1, 9, answers=("both bad",)))) == ()
    assert rules_of(design, collect([], {1: "screened out"})) == ("screened out",)
    assert rules_of(design, collect([], {1: "consented"})) == ()
    every = collect([*work(1, 10, took=1.0, answers=("left",)), *checks])
    assert rules_of(design, every) == ("failed attention checks", "too fast", "all answers alike")
    assert rules_of(design, replace(every, raters=(replace(every.raters[0], status="withdrawn"),))) == ("withdrew",)


def test_the_median_takes_answers_to_items_alone(design: Design) -> None:
    slow = [answered(1, 30 + k, f"i{k:04}", SKIP, took=500.0) for k in range(10)]
    again = [answered(1, 50 + k, f"i{k:04}", "left", role="repeat", took=500.0) for k in range(10)]
    fast = work(1, 2, took=1.0)
    assert rules_of(design, collect([*fast, *slow, *again])) == ("too fast",)
    # 1 s and 9 s: their median is 5 s, which is not less than 5 s
    assert rules_of(design, collect([answered(1, 1, "i0000", "left", took=1.0), *work(1, 1, took=9.0)])) == ()


def test_alike_is_what_was_displayed(design: Design) -> None:
    always_left = [answered(1, k + 1, f"i{k:04}", "left", swapped=k % 2 == 0) for k in range(12)]
    choices = {vote.choice for vote in votes_of(design, collect(always_left), {})}
    assert choices == {"A", "B"}
    assert rules_of(design, collect(always_left)) == ("all answers alike",)
    lenient = replace(design, rules=replace(STRICT, alike=False))
    assert rules_of(lenient, collect(always_left)) == ()


def test_a_skipped_check_is_neither_passed_nor_failed(design: Design) -> None:
    skipped = [answered(1, 20 + k, str(k), SKIP, role="attention") for k in range(2)]
    assert failed_attention(design, skipped) == (0, 0)
    assert failed_attention(design, [*skipped, answered(1, 30, "0", "both bad", role="attention")]) == (1, 1)


def test_votes_are_answers_to_items_of_who_stayed(design: Design) -> None:
    trials = [
        answered(1, 1, "i0000", "left"),
        answered(1, 2, "i0001", SKIP),
        answered(1, 3, "i0000", "right", role="repeat"),
        answered(1, 4, "0", "left", role="attention"),
        Trial(1, 5, "item", "i0002", False),
        answered(2, 1, "i0000", "left"),
        answered(3, 1, "i0000", "right"),
    ]
    collected = collect(trials, {2: "withdrawn", 3: "working"})
    assert [(vote.rater, vote.trial.place) for vote in votes_of(design, collected, {})] == [(1, 1), (3, 1)]
    assert [vote.rater for vote in votes_of(design, collected, {1: ("too fast",)})] == [3]


@pytest.mark.parametrize(
    ("item", "answer"), [("i9999", "left"), ("i0000", "4"), ("i0000", "A\ud800"), ("\0" * 999, "x")]
)
def test_an_answer_that_is_none_of_the_designs(design: Design, item: str, answer: str) -> None:
    with pytest.raises(DataError, match=r"the store holds the answer .* which the design does not have") as told:
        votes_of(design, collect([answered(1, 1, item, answer)]), {})
    assert len(str(told.value)) < 700


@pytest.mark.parametrize(("check", "answer"), [("2", "left"), ("-1", "left"), ("x", "left"), ("0", "5")])
def test_a_check_that_is_none_of_the_designs(design: Design, check: str, answer: str) -> None:
    with pytest.raises(DataError, match="which the design does not have"):
        excluded(design, collect([answered(1, 1, check, answer, role="attention")]))


def test_a_rater_is_counted_once_and_every_rule_told(design: Design) -> None:
    checks = [answered(1, 20 + k, str(k), "right", role="attention") for k in range(2)]
    trials = [
        *[*work(1, 11, took=1.0, answers=("left",)), *checks],  # all three rules
        *work(2, 12, took=1.0),  # too fast
        *work(3, 12),
        *work(4, 7),  # who withdrew
    ]
    document = results(design, collect(trials, {4: "withdrawn", 5: "screened out"}), None, resamples=5)
    told = document["exclusions"]["by_rule"]
    assert {rule: tuple(one.values()) for rule, one in told.items()} == {
        "withdrew": (1, 1, 7),
        "screened out": (1, 1, 0),
        "failed attention checks": (1, 1, 11),
        "too fast": (1, 2, 12),
        "all answers alike": (0, 1, 0),
    }
    assert document["exclusions"]["raters"] == 4
    assert (document["votes"], document["without_exclusions"]["votes"]) == (12, 35)
    excluded_why = {one["rater"]: one["excluded"] for one in document["per_rater"]}
    assert excluded_why["r001"] == ["failed attention checks", "too fast", "all answers alike"]
    assert document["per_rater"][3] == {"rater": "r004", "status": "withdrawn", "excluded": ["withdrew"]}
