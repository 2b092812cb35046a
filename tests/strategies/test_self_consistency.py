"""The same question several times over: how the tries are told apart, the vote, and tries that fail."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import AskFailed, UserError
from whyfeel.prompts import Prompts
from whyfeel.records import Answer, Ask, Failure, Media, Response, Sample, Trigger
from whyfeel.strategies import build_strategy
from whyfeel.strategies.self_ask.settings import MOST_TRIGGERS
from whyfeel.strategies.self_consistency import items, vote

PROMPTS = Prompts(
    {
        "direct": {"user": "Look. $question"},
        "cot": {"suffix": "Think."},
        "reason": {"user": "$caption $emotion", "no_caption": "$emotion", "no_image": "$caption $emotion"},
        "caption": {"ask": "Describe.", "user": "$caption / $direct", "missing": "none"},
    },
    {},
)
SAMPLE = Sample("s1", "Why?", "sad", (Trigger("rain"),), (Media("a.png"),), "a.png")


def asked(spec: str, *rounds: list[Answer | Failure]) -> tuple[list[list[Ask]], Response]:
    """All that is asked, and the response to what comes back."""
    conversation = build_strategy(spec, PROMPTS).respond(SAMPLE)
    steps = [next(conversation)]
    try:
        for replies in rounds:
            steps.append(conversation.send(replies))
    except StopIteration as stop:
        assert all(isinstance(step, list) for step in steps)
        return steps, stop.value
    raise AssertionError("the conversation did not end")


def answers(*texts: str, outcome: str = "ok") -> list[Answer]:
    return [Answer(f"k{number}", text, outcome) for number, text in enumerate(texts)]


def test_tries_differ_in_their_number_and_are_sampled_warm() -> None:
    ((asks,), response) = asked("self-consistency(3)+cot", answers("1. Rain.", "1. the rain\n2. wind", "- sun"))
    assert [ask.repeat for ask in asks] == [0, 1, 2]
    assert {ask.gen["temperature"] for ask in asks} == {0.7}
    assert {ask.gen["max_tokens"] for ask in asks} == {512}
    assert {ask.messages[0].parts[-1].text for ask in asks} == {"Look. Why? Think."}
    assert response == Response("s1", "1. Rain.", "ok", ("k0", "k1", "k2"))


def test_a_caption_is_asked_for_once_and_not_sampled() -> None:
    captions = answers("A dog.", "A dog.", "A dog.")
    (first, second), _ = asked("caption+self-consistency(3)", captions, answers("1. rain", "1. rain", ""))
    assert len({ask.canonical("m", {Media("a.png"): "a"}) for ask in first}) == 1
    assert (first[0].role, first[0].gen["temperature"], first[0].repeat) == ("caption", 0, 0)
    assert [(ask.role, ask.repeat) for ask in second] == [("answer", 0), ("answer", 1), ("answer", 2)]


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        ([["rain"], ["rain"], ["sun"]], ["rain"]),
        ([["rain"], ["Rain."], ["sun"], ["sun"]], ["rain", "sun"]),  # half is enough
        ([["rain"], ["sun"], ["wind"]], []),
        ([["sun", "rain"], ["rain"], ["rain", "sun"]], ["rain", "sun"]),  # the oftenest first
        ([["rain", "the rain", "rain!"], ["sun"], ["sun"]], ["sun"]),  # a vote an answer, however often it says so
        ([["the man is smiling"], ["the woman is smiling"], []], []),
        ([["two friends are smiling at her"], ["Her two friends smile"], []], ["two friends are smiling at her"]),
        ([["two friends not smiling"], ["two friends smiling"], ["sun"]], []),
        ([["two friends not smiling"], ["two friends aren't smiling"], []], ["two friends not smiling"]),
        ([["a kite"], ["a red kite"], []], []),  # half of the words are not more than half
        ([["Cake: it stands on a table"], ["The cake: somebody baked it"], []], ["Cake: it stands on a table"]),
        ([["\u96e8"], ["\u96e8"], ["\u98a8"]], ["\u96e8"]),
        ([["the"], ["the"], ["of"]], ["the"]),  # nothing but function words: compared as they are
        ([["!:rain"], ["!:rain"], []], ["!:rain"]),
        ([[], [], []], []),
        ([], []),
    ],
)
def test_what_half_of_the_answers_name_stays(tries: list[list[str]], expected: list[str]) -> None:
    assert vote(tries) == expected


@given(st.lists(st.lists(st.sampled_from(["rain", "a cake", "no rain", "old friends", "she lost"])), max_size=7))
def test_of_triggers_that_differ_in_all_words_the_vote_is_a_count(tries: list[list[str]]) -> None:
    counted = {text: sum(text in one for one in tries) for one in tries for text in one}
    found = vote(tries)
    assert set(found) == {text for text, votes in counted.items() if 2 * votes >= len(tries)}
    assert all(counted[one] >= counted[other] for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They may be:\n1. **A fist**\n2) The crowd\nThat is all.", ["A fist", "The crowd"]),
        ("- rain\n\u2022 wind", ["rain", "wind"]),
        ('{"triggers": ["rain", "wind"]}', ["rain", "wind"]),
        ("It rains. It is cold!\nHe lost", ["It rains.", "It is cold!", "He lost"]),
        ("...\n\n--", []),
        ("", []),
        ("\n".join(f"{n}. cause {n}" for n in range(1, 100)), [f"cause {n}" for n in range(1, MOST_TRIGGERS + 1)]),
    ],
)
def test_an_answer_names_the_items_of_its_list_or_else_its_sentences(text: str, expected: list[str]) -> None:
    assert list(items(text)) == expected


def test_hostile_answers_take_no_longer_than_long_ones() -> None:
    long = ". ".join(f"{chr(97 + n % 26)}{n}" for n in range(50_000))
    assert len(vote([list(items(long))] * 20)) == MOST_TRIGGERS


def test_those_that_came_vote_where_some_failed() -> None:
    lost = Failure("timeout", "60 s")
    replies = [*answers("1. rain", "1. rain\n2. sun"), lost, Answer("k3", "1. sun"), lost]
    assert asked("self-consistency", replies)[1] == Response("s1", "1. rain\n2. sun", "ok", ("k0", "k1", "k3"))


def test_where_fewer_than_half_came_there_is_no_answer() -> None:
    lost = [Failure("timeout", f"{n} s") for n in range(3)]
    assert asked("self-consistency(4)", [*lost[:2], *answers("rain", "rain")])[1].text == "1. rain"
    with pytest.raises(AskFailed, match=r"^timeout: 1 of 4 tries came, fewer than half: 0 s$"):
        asked("self-consistency(4)", [*lost, *answers("rain")])


@pytest.mark.parametrize(
    ("replies", "outcome", "text"),
    [
        ([*answers("I cannot help.", "I cannot help.", outcome="refused"), Answer("k2", "1. rain")], "refused", ""),
        ([*answers("no", outcome="refused"), *answers("1. rain", "1. rain")], "ok", "1. rain"),
        (answers("1. rain", "1. rain", "1. ra", outcome="truncated"), "truncated", "1. rain"),
        (answers("", "", "rain", outcome="empty"), "empty", ""),
        (answers("rain", "sun", "wind"), "empty", ""),
    ],
)
def test_it_ends_as_half_of_the_tries_did(replies: list[Answer], outcome: str, text: str) -> None:
    response = asked("self-consistency(3)", replies)[1]
    assert (response.outcome, response.text) == (outcome, text)


@pytest.mark.parametrize("count", ["0", "1", "2", "21", "x"])
def test_any_other_number_is_a_mistake(count: str) -> None:
    with pytest.raises(UserError, match=r"choose one of: self-consistency, self-consistency\(3\), .*\(20\)$"):
        build_strategy(f"self-consistency({count})", PROMPTS)


def test_what_is_no_list_is_not_voted_on() -> None:
    with pytest.raises(UserError, match="'self-consistency' votes on lists of triggers, and 'reason' asks for none"):
        build_strategy("reason+self-consistency", PROMPTS)
    with pytest.raises(UserError, match="'self-ask' asks questions of its own"):
        build_strategy("self-ask+self-consistency", PROMPTS)
