"""Frequent questions: planted topics are found in their order, every count is right, and nothing breaks it."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.annotate import questions
from whyfeel.annotate.options import PlanOptions
from whyfeel.annotate.questions import QuestionPlan, frequent_questions, plan_from

# topic, in how many of 60 pictures it is asked, and the words for it
PLANTED = {
    "number": (
        54,
        ["How many people are there?", "How many people can be seen?", "Are there many individuals, and how many?"],
    ),
    "face": (
        45,
        [
            "What facial expression does the person have?",
            "How would you describe the facial expressions?",
            "What does the person's facial expression suggest?",
            "Which facial cues stand out?",
        ],
    ),
    "body": (
        36,
        [
            "What is the person's posture?",
            "What posture and gestures can be noticed?",
            "What gestures does the person make?",
            "What do gestures and posture tell?",
        ],
    ),
    "place": (
        27,
        [
            "What is the setting, and which surroundings does it have?",
            "What surroundings can be seen?",
            "In what setting is the person?",
            "How would you describe the surroundings of the setting?",
        ],
    ),
    "clothes": (
        18,
        ["What clothing is worn?", "What kind of clothing does the person have on?", "Which clothing can be seen?"],
    ),
}
NOISE = ["banner", "goalkeeper", "gingerbread", "violin", "syringe", "lantern", "anchor", "parrot", "trophy", "ladder"]

FILLING = {str(number): [f"Why word{number}?"] for number in range(90)}  # so that other words are rare, and so weigh


def mixture() -> dict[str, list[str]]:
    """60 pictures: each topic in its share of them, in turn in each of its words, and noise particular to a picture."""
    asked: dict[str, list[str]] = {f"p{number:02}": [] for number in range(60)}
    for shift, (pictures, wordings) in enumerate(PLANTED.values()):
        for number in range(pictures):
            sample = f"p{(7 * number + 11 * shift) % 60:02}"  # 7 and 60 have no common factor: all different
            asked[sample].append(wordings[number % len(wordings)])
    for number, questions_ in enumerate(asked.values()):
        questions_ += [f"Why is the {NOISE[number % 10]} number{number} {word}?" for word in ("red", "gone")]
    return asked


def all_topics(plan: QuestionPlan) -> list[questions.Topic]:
    return [*plan.topics, *plan.others]


# --- what is found


def test_planted_topics_are_found_in_order_of_their_frequency() -> None:
    plan = frequent_questions(mixture(), 4)
    found = [next(name for name, (_, words) in PLANTED.items() if q in words) for q in plan.questions]
    assert found == ["number", "face", "body", "place"]
    every = all_topics(plan)[:5]
    assert [topic.pictures for topic in every] == [54, 45, 36, 27, 18]
    assert [topic.asked for topic in every] == [54, 45, 36, 27, 18]
    for topic, (_, wordings) in zip(every, PLANTED.values(), strict=True):
        assert {topic.question, *topic.wordings} == {*wordings}
    assert (plan.pictures, plan.asked, plan.silent, plan.unusable, plan.passed_over) == (60, 300, 0, 0, 0)
    assert (len(plan.others), plan.others[1].pictures <= 6, plan.further > 0) == (8, True, True)


def test_shares_have_wilsons_interval() -> None:
    plan = frequent_questions(mixture() | {"silent": []})
    assert plan.silent == 1
    first = plan.topics[0]
    # 54 of 60, z = 1.959964: centre (0.9 + z2 / 120) / (1 + z2 / 60), as worked by hand
    assert first.share == 0.9
    assert (round(first.interval.low or 0, 4), round(first.interval.high or 0, 4)) == (0.7985, 0.9534)


def test_neither_the_order_of_pictures_nor_that_of_questions_matters() -> None:
    asked = mixture()
    turned = {sample: some[::-1] for sample, some in reversed(asked.items())}
    assert frequent_questions(turned, 12) == frequent_questions(asked, 12)
    # the middle one is as near to the first as to the last, and only one of them can be joined with it
    tie = ["Cake, lamp, rain?", "Rain, dog?", "Dog, ship, drum?"]
    plans = [frequent_questions({"a": some, "b": some} | FILLING, 2) for some in (tie, tie[::-1])]
    assert plans[0] == plans[1]
    assert [topic.asked for topic in plans[0].topics] == [4, 2]


def test_the_options_of_the_command_decide() -> None:
    options = PlanOptions(source="x", vlm="y", out=Path("run"), questions=2)
    assert plan_from(mixture(), options) == frequent_questions(mixture(), 2, 0)


def test_what_is_said_of_a_plan_is_what_it_holds() -> None:
    plan = frequent_questions(mixture(), 2)
    value = plan.to_json()
    assert [topic["question"] for topic in value["chosen"]] == [*plan.questions]
    assert value["chosen"][1] == {
        "question": plan.topics[1].question,
        "pictures": 45,
        "share": 0.75,
        "low": plan.topics[1].interval.low,
        "high": plan.topics[1].interval.high,
        "asked": 45,
        "wordings": [*plan.topics[1].wordings],
    }
    assert len(value["not_chosen"]) == 8
    assert (value["pictures"], value["asked"], value["further"]) == (60, 300, plan.further)


# --- how


def test_a_question_counts_once_a_picture() -> None:
    asked = {"a": ["What rain?", "What RAIN?", "What is the rain?"], "b": ["Which dog?"], "c": ["Which dog?"]}
    dog, rain = frequent_questions(asked).topics
    assert (dog.question, dog.pictures, dog.asked) == ("Which dog?", 2, 2)
    assert (rain.pictures, rain.asked, rain.wordings) == (1, 3, ("What is the rain?",))


def test_words_particular_to_a_picture_neither_part_questions_nor_are_chosen() -> None:
    particular = "What is the man doing near the fountain with three swans?"
    asked = {"a": [particular, particular], "b": ["What is the man at this moment doing?"], "c": ["Who wins?"]}
    topic, alone = frequent_questions(asked).topics
    assert (topic.question, topic.pictures) == ("What is the man at this moment doing?", 2)
    assert topic.wordings == (particular,)
    assert alone.question == "Who wins?"


def test_the_representative_is_the_medoid() -> None:
    # "cake" alone shares all it has with each of the others; they share one word of two with each other
    asked = {name: ["Cake and rain?", "Cake and dog?", "Is there cake?", "Cake and ship?"] for name in "ab"}
    topic = frequent_questions(asked | FILLING).topics[0]
    assert (topic.question, topic.asked, len(topic.wordings)) == ("Is there cake?", 8, 3)
    # each counts as often as there are pictures it was asked about
    asked |= {name: ["Cake and rain?"] for name in "cdefgh"}
    assert frequent_questions(asked | FILLING).questions[0] == "Cake and rain?"


def test_questions_are_not_alike_by_words_for_anybody() -> None:
    asked = {name: ["What is the person wearing?", "What is the person holding?"] for name in "ab"} | FILLING
    assert [topic.asked for topic in frequent_questions(asked, 2).topics] == [2, 2]


WORDS = ["cake", "rain", "dog", "ship", "lamp", "drum"]
TEXTS = st.sets(st.sets(st.sampled_from(WORDS), min_size=1, max_size=3).map(frozenset), min_size=2, max_size=6)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_clusters_are_joined_from_a_mean_cosine_of_a_fifth_on(texts: set[frozenset[str]]) -> None:
    """Held against the definitions, computed the long way round; each question is asked about both pictures."""
    wordings = {" ".join(sorted(words)) + "?": words for words in texts}
    plan = frequent_questions({"a": [*wordings], "b": [*wordings]}, 12)
    df = {word: 2 * sum(word in words for words in texts) for word in WORDS}
    weight = {word: math.log((2 * len(texts) + 1) / (df[word] + 0.5)) for word in WORDS}

    def norm(words: frozenset[str]) -> float:
        return math.sqrt(sum(weight[word] ** 2 for word in words))

    def cosine(one: str, other: str) -> float:
        common = wordings[one] & wordings[other]
        return norm(common) ** 2 / norm(wordings[one]) / norm(wordings[other])

    def mean(some: list[str], others: list[str]) -> float:
        return sum(cosine(a, b) for a in some for b in others) / len(some) / len(others)

    clusters = [[topic.question, *topic.wordings] for topic in plan.topics]
    assert sorted(text for cluster in clusters for text in cluster) == sorted(wordings)
    assert all(mean(one, other) < 0.2 + 1e-9 for one, other in combinations(clusters, 2))
    for cluster in clusters:
        if len(cluster) == 2:
            assert cosine(*cluster) > 0.2 - 1e-9
        nearness = [sum(cosine(text, other) for other in cluster) for text in cluster]
        assert nearness[0] > max(nearness) - 1e-6
    assert all((topic.pictures, topic.asked) == (2, 2 * len(topic.wordings) + 2) for topic in plan.topics)


# --- what comes of odd input


def test_nothing_asked_is_a_plan_without_questions() -> None:
    for asked in ({}, {"a": [], "b": []}):
        plan = frequent_questions(asked)
        assert (plan.questions, plan.others, plan.pictures, plan.silent) == ((), (), 0, len(asked))


def test_one_picture_and_fewer_questions_than_wanted() -> None:
    plan = frequent_questions({"a": ["Who is there?", "What rain?", "Who is there?"]}, 4)
    assert plan.questions == ("Who is there?", "What rain?")
    assert [topic.share for topic in plan.topics] == [1, 1]


def test_equal_questions_are_one() -> None:
    plan = frequent_questions({str(n): ["What do the people do?"] * 8 for n in range(30)})
    assert plan.questions == ("What do the people do?",)
    assert (plan.topics[0].pictures, plan.topics[0].asked, plan.topics[0].wordings) == (30, 240, ())
    assert round(plan.topics[0].interval.low or 0, 4) == round(30 / (30 + 1.959964**2), 4)


@pytest.mark.parametrize(
    "text",
    ["Tell me who is there.", "", "???", " ?\U0001f600? ", "x" * 400 + "?", "rain\ud800"],
    ids=["no question mark", "empty", "no word", "emoji", "too long", "surrogate"],
)
def test_what_is_no_question_is_counted_and_left_out(text: str) -> None:
    plan = frequent_questions({"a": [text, "Who is there?"], "b": [text]})
    assert (plan.questions, plan.unusable, plan.silent, plan.pictures) == (("Who is there?",), 2, 1, 1)


def test_hostile_text_is_one_clean_line() -> None:
    asked = ["- **What\x1b[2J rain\n<b>there</b>?**", "\u202eWhy \ud83d rain?", "\u4ec0\u4e48?", "Что видно?"]
    plan = frequent_questions({"a": asked, "b": asked}, 12)
    assert (plan.unusable, plan.asked) == (0, 8)
    texts = [text for topic in plan.topics for text in (topic.question, *topic.wordings)]
    assert {"What [2J rain <b>there</b>?", "\u4ec0\u4e48?", "Что видно?"} < {*texts}
    assert all(len(text.splitlines()) == 1 and "\x1b" not in text and text.encode() for text in texts)


def test_ten_thousand_questions_are_drawn_from_and_it_is_said() -> None:
    asked = {f"p{n}": [f"What is word{8 * n + k} near lamp{(8 * n + k) % 97}?" for k in range(8)] for n in range(1250)}
    plan = frequent_questions(asked)
    # every question has a word of its own, so that 2,000 of them, 250 pictures, are all there is room for
    assert (plan.pictures, plan.passed_over, plan.asked, plan.unusable) == (250, 1000, 2000, 0)
    assert plan.topics[0].share == plan.topics[0].pictures / 250


def test_the_draw_is_by_seed_and_by_whole_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MOST", 20)
    asked = {f"p{n}": [f"What is word{n}?", f"Where is word{n}?", "Who won?"] for n in range(60)}
    plans = [frequent_questions(asked, 1, seed) for seed in (0, 0, 1)]
    # pictures bring two questions in new words each, and one that all have: 1 + 2 * 9 = 19
    assert all((plan.pictures, plan.passed_over, plan.topics[0].pictures) == (9, 51, 9) for plan in plans)
    assert plans[0] == plans[1] == frequent_questions(dict(reversed(asked.items())), 1)
    assert plans[0].others != plans[2].others


def test_one_picture_has_forty_questions_at_most() -> None:
    plan = frequent_questions({"a": [f"What is word{n}?" for n in range(10_000)]})
    assert (plan.asked, plan.unusable) == (40, 9960)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text(max_size=2), st.lists(st.text(max_size=12) | st.text("ab ?'\n", max_size=8), max_size=6))
)
def test_any_text_makes_a_plan_whose_counts_add_up(asked: dict[str, list[str]]) -> None:
    plan = frequent_questions(asked, 3)
    assert plan.pictures + plan.silent == len(asked)
    assert plan.asked + plan.unusable == sum(map(len, asked.values()))
    topics = all_topics(plan)
    assert [t.pictures for t in topics] == sorted((t.pictures for t in topics), reverse=True)
    assert len(plan.topics) == min(3, len(topics))
    if not plan.further:
        assert sum(topic.asked for topic in topics) == plan.asked
    for topic in topics:
        assert 1 <= topic.pictures <= min(plan.pictures, topic.asked)
        assert "?" in topic.question
        assert topic.question not in topic.wordings
