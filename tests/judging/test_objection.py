"""Does an answer object to the emotion that it was asked about?"""

from __future__ import annotations

import pytest

from whyfeel.judging.objection import ObjectionJudge, objects
from whyfeel.records import Response, Sample, Trigger


@pytest.mark.parametrize(
    ("answer", "emotion"),
    [
        ("The woman does not look angry; she smiles.", "angry"),
        ("She isn't angry at all.", "angry"),
        ("She isn\u2019t showing any anger.", "angry"),
        ("There is no sign of that in the picture.", "sad"),
        ("Nothing here suggests sadness.", "sad"),
        ("He seems joyful rather than furious.", "angry"),
        ("Instead of fear I see joy.", "afraid"),
        ("1. A cake\n2. He is not excited", "excited"),
        ("I cannot see any indication of it.", "happy"),
        ("She is not wistful.", "wistful"),
    ],
)
def test_objections(answer: str, emotion: str) -> None:
    assert objects(answer, emotion)


@pytest.mark.parametrize(
    ("answer", "emotion"),
    [
        ("He is angry because nobody listens.", "angry"),
        ("She is not smiling, which shows her anger.", "angry"),
        ("No friends came to the party.", "sad"),
        ("The woman is sad. She does not smile.", "sad"),
        ("1. Lost keys\n2. No money", "angry"),
        ("She is angry and not amused", "angry"),
        ("", "angry"),
        ("She does not look sad.", "angry"),
        ("not " + "very " * 20 + "angry", "angry"),
    ],
)
def test_no_objections(answer: str, emotion: str) -> None:
    assert not objects(answer, emotion)


def judged(answer: str) -> dict[str, float]:
    sample = Sample("s", "Why does this person feel angry?", "angry", (Trigger("cake"),), (), "p")
    asking = ObjectionJudge().judge(sample, Response("s", answer))
    with pytest.raises(StopIteration) as ended:
        next(asking)
    return dict(ended.value.value.counts)


def test_an_answer_objects_or_invents_or_says_nothing() -> None:
    assert judged("She is not angry, she laughs.") == {"objected": 1, "invented": 0}
    assert judged("Somebody broke her vase.") == {"objected": 0, "invented": 1}
    assert judged("I am sorry.") == {"objected": 0, "invented": 0}
    assert judged("") == {"objected": 0, "invented": 0}


def test_shares_by_hand() -> None:
    judge, sample = ObjectionJudge(), Sample("s", "", "angry", (), (), "p")
    tally = judge.tally()
    for answer in ("Not angry.", "A broken vase.", "A lost dog.", "..."):
        asking = judge.judge(sample, Response("s", answer))
        with pytest.raises(StopIteration) as ended:
            next(asking)
        tally.add(sample, ended.value.value)
    assert {one.name: one.numerator.mean() for one in tally.series()} == {"invented": 0.5, "objected": 0.25}
