"""The table of `whyfeel annotate plan`: eighty columns, every figure, hostile words as words."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from printed import check, plain, shown

from whyfeel.annotate.questions import QuestionPlan, Topic, frequent_questions
from whyfeel.report.plan_table import plan_table
from whyfeel.stats.bootstrap import Interval


def topic(question: str, pictures: int, *wordings: str, of: int = 1234) -> Topic:
    return Topic(question, pictures, pictures / of, Interval(0.871, 0.912), pictures, wordings)


def test_each_question_stands_with_its_pictures_share_and_interval() -> None:
    chosen = (topic("Who is there?", 1111, "Who can be seen?", "Who is it?"), topic("Where is it?", 617))
    long = " ".join(f"long{number}" for number in range(40))
    plan = QuestionPlan(chosen, (topic("Why now?", 12), topic(long, 11)), 1034, 1234, 9876, 3, 1500, 2)
    lines = shown(*plan_table(plan))
    check(lines)
    assert all(any(word in line.split() for line in lines) for word in long.split())
    cells = [" ".join(line.split()) for line in lines]
    for expected in (
        "1 Who is there? 1,111 0.90 [0.87, 0.91]",
        "2 Where is it? 617 0.50 [0.87, 0.91]",
        "not chosen, and 1,034 more",
        "3 Why now? 12 0.01 [0.87, 0.91]",
        "9,876 questions about 1,234 pictures",
        "pictures without a usable question: 3",
        "pictures left out by lot, there being too many questions to compare: 1,500",
        "1. also: Who can be seen? · Who is it?",
    ):
        assert cells.count(expected) == 1, expected
    assert sum("also:" in line for line in lines) == 1
    assert "too many about one picture: 2" in " ".join(cells)


def test_what_there_is_none_of_is_not_told() -> None:
    text = "\n".join(shown(*plan_table(QuestionPlan((topic("Who?", 5, of=5),), (), 0, 5, 5, 0, 0, 0))))
    assert "5 questions about 5 pictures" in text
    assert not [word for word in ("not chosen", "without", "lot", "too long", "also") if word in text]
    none = shown(*plan_table(frequent_questions({"a": []})))
    check(none)
    assert "pictures without a usable question: 1" in none
    assert not [line for line in none if "95%" in line]


def test_hostile_words_are_shown_as_words() -> None:
    hostile = topic("[bold]Who\x1b[2J\u202e?[/]", 5, "[link=x]y?", "z\x07?", of=5)
    text = "\n".join(shown(*plan_table(QuestionPlan((hostile,), (hostile,), 0, 5, 5, 0, 0, 0))))
    assert text.count("[bold]Who\\x1b[2J\\u202e?[/]") == 2
    assert "1. also: [link=x]y? · z\\x07?" in text
    assert "\x1b" not in text


@settings(max_examples=25, deadline=None)
@given(st.lists(plain, min_size=1, max_size=3), st.integers(1, 10**6))
def test_any_words_keep_to_the_page(texts: list[str], pictures: int) -> None:
    topics = tuple(topic(text, pictures, *texts, of=10**6) for text in texts)
    check(shown(*plan_table(QuestionPlan(topics, topics, 10**6, 10**6, 10**7, 1, 1, 1))))
