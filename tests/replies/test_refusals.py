"""Refusals and questions known by their words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.replies import is_refusal, question_flags
from whyfeel.replies.refusals import REFUSALS


@pytest.mark.parametrize(
    ("question", "flags"),
    [
        ("Why is he sad?", []),
        ("Why is the kids' teacher sad?", []),
        ("Why is he sad?'", ["question ends in a stray quote"]),
        ("Why did the kid's father cry?'", ["question ends in a stray quote"]),
        ('Why is he sad?"', ["question ends in a stray quote"]),
        ("Why is he sad?\N{RIGHT DOUBLE QUOTATION MARK}", ["question ends in a stray quote"]),
        ("Why does he say 'go?'", []),
        ('"Why is he sad?"', []),
        ("\N{LEFT SINGLE QUOTATION MARK}Why?\N{RIGHT SINGLE QUOTATION MARK}", []),
        ("Tell me.", ['question has no "?"']),
        ("Tell me'", ['question has no "?"', "question ends in a stray quote"]),
        ("I'm unable to tell. Why?", ["question is a refusal"]),
        ("I\N{RIGHT SINGLE QUOTATION MARK}m sorry, no.", ["question is a refusal"]),
        ("I cannot help with that.", ["question is a refusal"]),
        ("Why does he say I cannot help?", []),
    ],
)
def test_what_is_wrong_with_a_question(question: str, flags: list[str]) -> None:
    assert question_flags(question) == flags


@pytest.mark.parametrize("opening", REFUSALS)
def test_every_opening_is_known_in_any_case_and_with_either_apostrophe(opening: str) -> None:
    curly = opening.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    for text in (opening, opening.upper(), f" \n{curly.capitalize()} do that."):
        assert is_refusal(text)
        assert question_flags(f"{text} Why?") == ["question is a refusal"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "Sorry sight, is it?", "I can tell.", "Is he sorry, I can't tell?", "He is unable", "I\u00b4m sorry"],
)
def test_a_refusal_opens_with_the_words(text: str) -> None:
    assert not is_refusal(text)


KNOWN = {"question is a refusal", 'question has no "?"', "question ends in a stray quote"}


@settings(deadline=None)
@given(st.text(st.characters() | st.sampled_from("?'\"\u2018\u2019\u201c\u201d I'm sorry"), max_size=30))
def test_any_text_is_flagged_in_known_words(text: str) -> None:
    flags = question_flags(text)
    assert KNOWN.issuperset(flags)
    assert ("question is a refusal" in flags) == is_refusal(text)
    assert ('question has no "?"' in flags) == ("?" not in text and not is_refusal(text))
