"""Questions about one picture for a plan: what each model is told, what is asked again, and what is flagged."""

from __future__ import annotations

import pytest

from whyfeel.errors import AskFailed
from whyfeel.prompts import Prompts, shipped_prompts
from whyfeel.records import Answer, Ask, Media, Message, Picture, Sample, Step, Text, Trigger
from whyfeel.strategies.self_ask.questioning import Questioned, Questioning

PROMPTS = Prompts(
    {
        "self-ask": {"opening": "Look."},
        "self-ask-plan": {
            "describe": "Describe for $$1.",
            "describe_again": "No: $fault.",
            "question": "Q: $query / D: $description / N: $count",
            "question_again": "$count, please.",
        },
    },
    {},
)
SAMPLE = Sample("s1", "Why $5, ANNE?", "sad", (Trigger("rain"),), (Media("a.png"),), "a.png", person="the vicar")
SHOWN = (Picture(Media("a.png")), Text("Look.\n\nDescribe for $1."))
DESCRIBE = Ask("describe", (Message("user", SHOWN),), {"temperature": 0, "max_tokens": 256})
DOG = Answer("k1", " A wet $dog.\nIt sits. ")
TWO = Answer("k2", "Here:\n1. Who is there?\n2) What do they do?\n3. Who is there?")
FOUND = ("Who is there?", "What do they do?")


def finish(*answers: Answer, count: int = 8, sample: Sample = SAMPLE) -> tuple[list[Ask], Questioned]:
    """Drive a conversation with scripted answers; returns the asks and what it comes to."""
    conversation = Questioning(PROMPTS, count).question(sample)
    asks = [next(conversation)]
    for answer in answers:
        try:
            asks.append(conversation.send(answer))
        except StopIteration as stop:
            assert len(asks) == len(answers)
            return asks, stop.value
    raise AssertionError("the conversation did not end")


def turns(ask: Ask) -> list[str]:
    """The texts of a conversation, one a turn."""
    return ["".join(part.text for part in message.parts if isinstance(part, Text)) for message in ask.messages]


def test_one_model_sees_the_picture_and_the_other_query_and_description() -> None:
    asks, questioned = finish(DOG, TWO)
    said = Text("Q: Why $5, ANNE? / D: A wet $dog. It sits. / N: 8")
    assert asks == [DESCRIBE, Ask("question", (Message("user", (said,)),), {"temperature": 0, "max_tokens": 512})]
    steps = (Step("describe", "", "", DOG.text, "k1"), Step("question", "", "", TWO.text, "k2"))
    assert questioned == Questioned("s1", "A wet $dog. It sits.", FOUND, steps)


def test_there_are_no_more_questions_than_asked_for() -> None:
    asks, questioned = finish(DOG, TWO, count=1)
    assert questioned.questions == FOUND[:1]
    assert asks[1].gen["max_tokens"] == 64


@pytest.mark.parametrize(
    "bad", [Answer("k0", "", "empty"), Answer("k0", "I'm sorry, no."), Answer("k0", "x", "refused")]
)
def test_a_picture_that_is_not_described_is_asked_for_once_more(bad: Answer) -> None:
    asks, questioned = finish(bad, DOG, TWO)
    assert asks[1].pictures == SAMPLE.media
    assert turns(asks[1])[-1].endswith("No: it declines, or says nothing.")
    assert (questioned.questions, questioned.flags) == (FOUND, ())
    assert [step.ask for step in questioned.steps] == ["k0", "k1", "k2"]


def test_without_a_description_no_questions_are_made_up() -> None:
    asks, questioned = finish(Answer("k0", "I cannot."), Answer("k1", " "))
    assert [ask.role for ask in asks] == ["describe"] * 2
    assert (questioned.description, questioned.questions) == ("", ())
    assert questioned.flags == ("picture not described",)
    assert [step.ask for step in questioned.steps] == ["k0", "k1"]


def test_a_description_that_was_cut_off_is_used() -> None:
    _, questioned = finish(Answer("k1", "A wet", "truncated"), TWO)
    assert (questioned.description, questioned.flags) == ("A wet", ())


def test_a_reply_without_questions_is_told_so_and_flagged_at_last() -> None:
    asks, questioned = finish(DOG, Answer("k2", "The dog is wet."), Answer("k3", "I cannot ask: who is there?"))
    assert turns(asks[2])[1:] == ["The dog is wet.", "8, please."]
    assert (questioned.questions, questioned.flags) == ((), ("no questions written",))
    assert questioned.description == "A wet $dog. It sits."
    _, mended = finish(DOG, Answer("k2", "The dog is wet."), TWO)
    assert (mended.questions, mended.flags, len(mended.steps)) == (FOUND, (), 3)


def test_a_failed_ask_and_a_missing_picture_are_thrown() -> None:
    conversation = Questioning(PROMPTS).question(SAMPLE)
    next(conversation)
    with pytest.raises(AskFailed, match="timeout"):
        conversation.throw(AskFailed("timeout", "60 s"))
    with pytest.raises(AskFailed, match="'t1' has no picture"):
        next(Questioning(PROMPTS).question(Sample("t1", "Why?", "sad", (), (), "t1")))


def test_what_it_says_of_itself_is_what_it_does() -> None:
    used = set()

    class Watched(Prompts):
        def fill(self, prompt: str, field: str, **values: str) -> str:
            used.add(prompt)
            return super().fill(prompt, field, **values)

    writer = Questioning(Watched(PROMPTS.texts, {}))
    conversation = writer.question(SAMPLE)
    asks = [next(conversation), conversation.send(DOG)]
    assert {ask.role: bool(ask.pictures) for ask in asks} == writer.roles
    assert used == {*writer.prompts}


def test_the_shipped_texts_tell_nothing_but_query_and_description() -> None:
    conversation = Questioning(shipped_prompts(), 5).question(SAMPLE)
    first, second = next(conversation), conversation.send(DOG)
    assert isinstance(first.messages[0].parts[0], Picture)
    (seen,), (told,) = turns(first), turns(second)
    assert seen.startswith(shipped_prompts().fill("self-ask", "opening"))
    assert "A wet $dog. It sits." in told
    assert "Why $5, ANNE?" in told
    assert "Write 5 questions" in told
    assert not any(secret in seen + told for secret in ("sad", "rain", "vicar", "a.png"))
    assert "ANNE" not in seen
