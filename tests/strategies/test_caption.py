"""Captions asked for and given, with the picture and without, and what is done where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import AskFailed, DataError
from whyfeel.prompts import Prompts, shipped_prompts
from whyfeel.records import Answer, Ask, Media, Message, Picture, Response, Sample, Text, Trigger, ask_key
from whyfeel.strategies import build_strategy, captions_from
from whyfeel.strategies.caption import Caption

PROMPTS = Prompts(
    {
        "direct": {"user": "Look. $question"},
        "caption": {
            "ask": "Describe for $$1.",
            "user": "Seen: $caption\n$direct",
            "text_only": "Told: $caption\n$question ($question_lower)",
            "missing": "(none)",
        },
    },
    {},
)
SAMPLE = Sample("s1", "Why $5, ANNE?", "sad", (Trigger("rain"),), (Media("a.png"),), "a.png")
DOG = Answer("k1", " A wet $dog.\n")


def finish(strategy: Caption, *answers: Answer, sample: Sample = SAMPLE) -> tuple[list[Ask], Response]:
    """Drive a conversation with scripted answers; returns the asks and the response."""
    conversation = strategy.respond(sample)
    asks = [next(conversation)]
    try:
        for answer in answers:
            asks.append(conversation.send(answer))
    except StopIteration as stop:
        return asks, stop.value
    raise AssertionError("the conversation did not end")


def turn(*parts: Picture | Text) -> tuple[Message, ...]:
    return (Message("user", parts),)


PICTURE = Picture(Media("a.png"))
ASKED = Ask("caption", turn(PICTURE, Text("Describe for $1.")), gen={"temperature": 0, "max_tokens": 256})
GEN = {"temperature": 0, "max_tokens": 512}


# --- what is sent


def test_a_caption_is_asked_for_and_stands_before_the_question():
    asks, response = finish(Caption(PROMPTS), DOG, Answer("k2", "rain", "truncated"))
    seen = Text("Seen: A wet $dog.\nLook. Why $5, ANNE?")
    assert asks == [ASKED, Ask("answer", turn(PICTURE, seen), gen=GEN)]
    assert response == Response("s1", "rain", "truncated", ("k1", "k2"))


def test_text_only_shows_the_caption_and_no_picture():
    asks, response = finish(Caption(PROMPTS, text_only=True), DOG, Answer("k2", "rain"))
    assert asks == [ASKED, Ask("answer", turn(Text("Told: A wet $dog.\nWhy $5, ANNE? (why $5, anne?)")), gen=GEN)]
    assert response == Response("s1", "rain", "ok", ("k1", "k2"))


def test_given_captions_are_not_asked_for():
    given_ = {"a.png": "A cat.", "b.png": "A fish."}
    asks, response = finish(Caption(PROMPTS, given_), Answer("k2", "rain"))
    assert asks == [Ask("answer", turn(PICTURE, Text("Seen: A cat.\nLook. Why $5, ANNE?")), gen=GEN)]
    assert response.asks == ("k2",)
    asks, _ = finish(Caption(PROMPTS, given_, text_only=True), Answer("k2", "rain"))
    assert [ask.pictures for ask in asks] == [()]


def test_each_picture_has_its_caption():
    both = Sample("s2", "Why?", "sad", (), (Media("a.png"), Media("b.png")), "a.png")
    asks, response = finish(Caption(PROMPTS), DOG, Answer("k2", "A cat."), Answer("k3", "rain"), sample=both)
    assert [ask.pictures for ask in asks] == [(Media("a.png"),), (Media("b.png"),), both.media]
    assert asks[2].messages[0].parts[-1] == Text("Seen: A wet $dog.\n\nA cat.\nLook. Why?")
    assert response.asks == ("k1", "k2", "k3")


def test_the_questions_about_one_picture_share_one_ask():
    other = Sample("s9", "Why is he angry?", "angry", (), SAMPLE.media, "a.png")
    keys = {
        ask_key(next(Caption(PROMPTS).respond(one)).canonical("m", {Media("a.png"): "hash"})) for one in (SAMPLE, other)
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("captions", "text_only", "roles", "name", "prompts"),
    [
        (None, False, {"caption": True, "answer": True}, "caption", ("caption", "direct")),
        (None, True, {"caption": True, "answer": False}, "caption(text-only)", ("caption",)),
        ({}, False, {"answer": True}, "caption", ("caption", "direct")),
        ({}, True, {"answer": False}, "caption(text-only)", ("caption",)),
    ],
)
def test_what_it_says_of_itself_is_what_it_does(captions, text_only, roles, name, prompts):
    strategy = Caption(PROMPTS, captions, text_only=text_only)
    assert (strategy.roles, strategy.name, strategy.prompts) == (roles, name, prompts)
    given_ = None if captions is None else {"a.png": "A cat."}
    answers = [DOG, Answer("k2", "x")] if given_ is None else [Answer("k2", "x")]
    asks, _ = finish(Caption(PROMPTS, given_, text_only), *answers)
    assert {ask.role: bool(ask.pictures) for ask in asks} == roles


def test_the_shipped_texts_hold_caption_and_question():
    for spec in ("caption", "caption(text-only)"):
        asks, _ = finish(build_strategy(spec, shipped_prompts()), DOG, Answer("k2", "x"))
        (text,) = [part.text for part in asks[1].messages[0].parts if isinstance(part, Text)]
        assert text.index("A wet $dog.") < text.index(SAMPLE.question)
    direct = shipped_prompts().fill("direct", "user", question=SAMPLE.question)
    with_picture, _ = finish(build_strategy("caption", shipped_prompts()), DOG, Answer("k2", "x"))
    assert with_picture[1].messages[0].parts[1].text.endswith(direct)


# --- where there is no caption


@pytest.mark.parametrize("text_only", [False, True])
@pytest.mark.parametrize(
    "caption", [Answer("k1", "", "empty"), Answer("k1", " \n"), Answer("k1", "I can't.", "refused")]
)
def test_a_captioner_that_declines_costs_the_caption_and_not_the_sample(caption, text_only):
    asks, response = finish(Caption(PROMPTS, None, text_only), caption, Answer("k2", "rain"))
    assert asks[1].messages[0].parts[-1].text.splitlines()[0].endswith(": (none)")
    assert response == Response("s1", "rain", "ok", ("k1", "k2"))


def test_a_caption_that_was_cut_off_is_used():
    asks, response = finish(Caption(PROMPTS), Answer("k1", "A wet", "truncated"), Answer("k2", "rain"))
    assert asks[1].messages[0].parts[-1] == Text("Seen: A wet\nLook. Why $5, ANNE?")
    assert response.outcome == "ok"


def failure(strategy: Caption, sample: Sample = SAMPLE) -> AskFailed:
    with pytest.raises(AskFailed) as failed:
        next(strategy.respond(sample))
    return failed.value


def test_a_picture_without_a_given_caption_is_left_out_with_that_reason():
    failed = failure(Caption(PROMPTS, {"A.PNG": "A cat."}))
    assert (failed.reason, failed.detail) == ("no caption", "--captions has none for 'a.png'")


@pytest.mark.parametrize("captions", [None, {"a.png": "A cat."}])
def test_a_record_without_a_picture_is_left_out_with_that_reason(captions):
    failed = failure(Caption(PROMPTS, captions), Sample("t1", "Why?", "sad", (), (), "t1"))
    assert (failed.reason, "'t1'" in failed.detail) == ("no picture", True)


def test_a_failed_caption_ends_the_conversation():
    conversation = Caption(PROMPTS).respond(SAMPLE)
    next(conversation)
    with pytest.raises(AskFailed, match="timeout"):
        conversation.throw(AskFailed("timeout", "60 s"))


# --- the file of captions


def test_captions_are_read_from_any_number_of_keys_a_line():
    lines = [(1, {"a.png": "A dog. ", "b/ü.png": "A cat."}), (3, {}), (4, {"a.png": "A dog."})]
    assert captions_from(iter(lines), "c.jsonl") == {"a.png": "A dog.", "b/ü.png": "A cat."}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([(1, {"a": "x"}), (2, {"b": "z"}), (7, {"a": "y"})], "7: image 'a' has another caption than in record 1"),
        ([(1, {"a": "x"}), (2, {"a": "x"}), (7, {"a": "y"})], "7: image 'a' has another caption than in record 1"),
        ([(2, {"a": " "})], "record 2: image 'a' needs a caption, a text that is not blank; got ' '"),
        ([(2, {"a\nb": None})], r"record 2: image 'a\nb' needs a caption, a text that is not blank; got None"),
        ([(2, {"a": ["x" * 999]})], "needs a caption, a text that is not blank; got ['xxx"),
        ([], "holds no caption"),
        ([(1, {})], "holds no caption"),
    ],
)
def test_a_bad_line_is_named(lines, says):
    with pytest.raises(DataError, match=r"\A'c\.jsonl' [^\n]{1,200}\Z") as refused:
        captions_from(lines, "c.jsonl")
    assert says in str(refused.value)


values = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2)


@given(st.lists(st.dictionaries(st.text(max_size=2), values, max_size=3), max_size=6))
def test_any_objects_are_captions_or_a_mistake_in_one_line(objects):
    pairs = [pair for one in objects for pair in one.items()]
    sound = pairs and all(isinstance(text, str) and text.strip() for _, text in pairs)
    one_each = sound and len({(image, text.strip()) for image, text in pairs}) == len(dict(pairs))
    try:
        captions = captions_from(enumerate(objects, 1), "c.jsonl")
    except DataError as mistake:
        assert not one_each
        assert "\n" not in str(mistake)  # noqa: PT017
    else:
        assert one_each
        assert captions == {image: text.strip() for image, text in pairs}
