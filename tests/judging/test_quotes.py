from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging.quotes import AnswerText, normal, quotable

ANSWER = """**She's** smiling — a well-known sign – at her “best friend”.
2.\tA birthday\n   cake, balloons ... and the naïve Straße; I❤️NY; 彼は笑っている。 الفتاة سعيدة"""


@pytest.mark.parametrize(
    "quote",
    [
        "smiling",
        "SMILING - a well known sign",
        "She’s smiling",
        "She´s smiling",
        "I ❤ NY",
        '"best friend"',
        "a birthday cake",
        "balloons … and",
        "balloons ... and the",
        "NAI\u0308VE STRASSE",
        "ｃａｋｅ",
        "笑って",
        "笑",
        "سعيدة",
        "\u202eالفتاة\u202c",
        "smil\u200bing",
        "smiling ... cake",
        "smiling[...]cake.",
        "...smiling...",
        "cake,\nballoons!",
    ],
)
def test_the_words_decide_and_not_how_they_are_set(quote):
    assert AnswerText(ANSWER).find(quote).times == 1


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "...",
        "2",
        "a",
        "—",
        "🎉",
        "smile",
        "mil",
        "smilin",
        "birth",
        "cake ... smiling",
        "smiling ... birthday ... balloons",
        "sign ... a",
        "smiling ... 2",
        "balloons cake",
        "泣",
        "\ud800",
        "\x00",
    ],
)
def test_what_is_not_there_or_shows_nothing_is_not_found(quote):
    assert AnswerText(ANSWER).find(quote).times == 0


@pytest.mark.parametrize(
    ("quote", "answer", "times"),
    [
        ("smiling", "1. Smiling\n2. smiling friends\n3. unsmiling", 2),
        ("ha ha", "ha ha ha ha ha", 2),
        ("ha", "ha ha ha", 3),
        ("cake ... friends", "cake and friends, cake and friends; friends and cake", 2),
        ("哈", "哈哈哈", 3),
        ("no ... no", "no no no", 1),
    ],
)
def test_a_quote_occurs_so_often(quote, answer, times):
    assert AnswerText(answer).find(quote).times == times


def test_equal_words_are_one_quote():
    text = AnswerText("A birthday-cake")
    assert text.find("“birthday cake”").words == text.find("BIRTHDAY–CAKE.").words == " birthday  cake "


def test_words_with_signs_between_their_letters_can_be_quoted():
    assert quotable(normal("मेरी"))
    assert AnswerText("यह मेरी किताब है").find("मेरी किताब").times == 1
    assert AnswerText("यह मेरा किताब है").find("मेरी किताब").times == 0


@given(st.text(), st.text(), st.text())
def test_what_stands_between_blanks_is_found(before, quote, after):
    found = AnswerText(f"{before} {quote} {after}").find(quote)
    assert (found.times > 0) == quotable(normal(quote)) or "..." in quote or "…" in quote


@given(st.text(max_size=60))
def test_the_normal_form_is_final(text):
    assert normal(normal(text)) == normal(text)
    assert normal(text + " " + text) == normal(text) * 2


@pytest.mark.parametrize("unit", ["ab ", "a", "ab", "... ", "ab...", "\u200b", "笑", "\u0301", "*", "ﷺ"])
def test_long_hostile_text_is_searched(unit):
    text = AnswerText(unit * 100_000 + " the end")
    assert text.find("the end").times == 1
    assert text.find(unit * 30_000 + " the begin").times == 0
    assert text.find(unit * 30_000 + "... begin").times == 0
