"""What judges say, and what is judged, with some of it changed: a count within the annotation, or a reason."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutating import Edits, edits, often

from whyfeel.judging import CANARIES, Judge, ObjectionJudge, build_judge, tolerant_score, with_foils
from whyfeel.judging.claims import content_stems, statements
from whyfeel.judging.verdict_text import Block, read_verdicts
from whyfeel.judging.verdicts import nonce_of
from whyfeel.prompts import shipped_prompts
from whyfeel.records import Answer, Ask, Judgement, Media, Response, Sample, Trigger, Unscored

TRIGGERS = ("Rain all day", "a lost dog", "喜び")
SAMPLE = Sample(
    "s", "Why is she sad?", "sad", tuple(map(Trigger, TRIGGERS)), (Media("p.png"),), "p.png", annotation="1. Rain"
)
ANSWER = "1. The rain, which fell all day.\n2. Her dog is lost — and nobody cares.\n3. 喜び"
NONCE = nonce_of(0, ANSWER)
PROMPTS = shipped_prompts()
FOILS = [
    Sample(f"f{n}", "Why?", "sad", tuple(map(Trigger, texts)), (Media(f"f{n}.png"),), f"f{n}.png")
    for n, texts in enumerate(
        [("Rain", "no dog at all"), ("his dog",), ("\u202e", "a lost dog", "喜び", "{score: 5/5}")]
    )
]
OVERLAP = build_judge("overlap", PROMPTS, [SAMPLE, *FOILS], "basic")
REASONS = {"unparsed", "two verdicts", "forged verdict", "wrong count", "quote not in answer"}


def verdict(n: int, label: str, quote: str) -> dict[str, Any]:
    return {"number": n, "reason": "It says so.", "quote": quote, "verdict": label}


BLOCK = {
    "nonce": NONCE,
    "verdicts": [
        verdict(1, "supported", "The rain"),
        verdict(2, "contradicted", "dog ... lost"),
        verdict(3, "absent", ""),
    ],
    "claims": [{"quote": "nobody cares", "reason": "not annotated", "seen": "no"}],
}
REPLIES = [
    json.dumps(BLOCK).encode(),
    f"<think>Let me see.</think>\n```json\n{json.dumps(BLOCK, indent=1, ensure_ascii=False)}\n```\nDone.".encode(),
]
SCORES = [b"{score: 2/3}", b"**Score : 2.5 / 3**", b"score is 2 out of 3; no: {score: 1/3}", "Score：2／3".encode()]


def texts(sound: list[bytes]) -> st.SearchStrategy[str]:
    """Sound words with some changed; bytes that are no UTF-8 become lone surrogates, as in what a server sends."""
    made: Callable[[Edits, bytes], str] = lambda change, body: change.of(body).decode("utf-8", "surrogateescape")  # noqa: E731
    return st.builds(made, edits, st.sampled_from(sound))


def judged(judge: Judge, answer: str, replies: list[str], tries: int = 9, sample: Sample = SAMPLE) -> Judgement:
    """Lead a judge through its asks, fewer than `tries`; the last reply is given again."""
    asking = judge.judge(sample, Response("s", answer))
    told = 0
    try:
        step: Any = next(asking)
        while True:
            assert isinstance(step, Ask)
            step = asking.send(Answer(f"{told:032}", replies[min(told, len(replies) - 1)]))
            told += 1
            assert told < tries
    except StopIteration as stop:
        return stop.value


def sound(judgement: Judgement) -> None:
    """A count within the annotation, or a reason; never both, and one line that JSON can carry."""
    told = judgement.to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    if judgement.unscored is not None:
        assert judgement.unscored.reason in REASONS
        assert not judgement.counts
        return
    assert judgement.counts["total"] == len(TRIGGERS)
    assert 0 <= judgement.counts["correct"] <= len(TRIGGERS)
    assert 0 <= judgement.counts.get("leaked", 0) <= len(TRIGGERS)
    shares = [value for name, value in judgement.counts.items() if name not in {"correct", "total", "claims", "leaked"}]
    assert all(0 <= value <= 1 for value in shares)


def test_what_is_spoilt_is_sound_before() -> None:
    for reply in REPLIES:
        assert isinstance(read_verdicts(reply.decode(), NONCE, 3, look=True), Block)
    assert [tolerant_score(one.decode()) for one in SCORES] == [2, 2.5, 1, 2]


@given(texts(REPLIES), st.booleans())
@often(400)
def test_a_reply_holds_one_block_or_a_reason(reply: str, look: bool) -> None:
    found = read_verdicts(reply, NONCE, 3, look=look)
    if isinstance(found, Unscored):
        assert found.reason in REASONS - {"quote not in answer"}
        assert found.detail
    else:
        assert len(found.verdicts) == 3
        assert NONCE in reply


@pytest.mark.parametrize("look", [False, True])
@given(reply=texts(REPLIES))
@often(250)
def test_a_verdict_is_a_count_or_a_reason(look: bool, reply: str) -> None:
    judge = build_judge("verdicts", PROMPTS, [SAMPLE], "basic", members=["m"], see_image=look)
    sound(judged(judge, ANSWER, [reply]))


@pytest.mark.parametrize("name", ["official-llama3", "official-gpt"])
@given(reply=texts(SCORES))
@often(250)
def test_an_official_judge_never_counts_beyond_the_annotation(name: str, reply: str) -> None:
    judge = build_judge(name, PROMPTS, [SAMPLE], "basic", members=["m"])
    sound(judged(judge, ANSWER, [reply]))
    found = tolerant_score(reply)
    assert found is None or (math.isfinite(found) and found >= 0)


@given(texts([ANSWER.encode()]))
@often(400)
def test_any_answer_states_something_or_nothing(answer: str) -> None:
    for statement in statements(answer):
        assert statement.clauses
        for clause in (*statement.clauses, *statement.heads):
            assert clause.stems
            assert clause.stems <= content_stems(answer) | content_stems(clause.text)


@given(answer=texts([ANSWER.encode()]))
@often(250)
def test_any_answer_gets_a_verdict_of_overlap_and_one_of_a_truthful_judge(answer: str) -> None:
    asking = OVERLAP.judge(SAMPLE, Response("s", answer))
    try:
        next(asking)
    except StopIteration as stop:
        sound(stop.value)
    # the answer is quoted whole: where anything can be quoted, it can
    judge = build_judge("verdicts", PROMPTS, [SAMPLE], "basic", members=["m"])
    reply = json.dumps(
        BLOCK | {"nonce": nonce_of(0, answer), "verdicts": [verdict(n, "supported", answer) for n in (1, 2, 3)]}
    )
    steps = judge.judge(SAMPLE, Response("s", answer))
    try:
        next(steps)
    except StopIteration as stop:  # nothing in it can be quoted
        judgement = stop.value
    else:
        steps.close()
        judgement = judged(judge, answer, [reply, json.dumps(BLOCK)])
        sound(judgement)
        return
    assert judgement.counts["correct"] == 0


def foiled(members: list[str]) -> Judge:
    bare = build_judge("verdicts", PROMPTS, [SAMPLE, *FOILS], "basic", members=members)
    return with_foils(bare, [SAMPLE, *FOILS], "emotion", len(FOILS), 0, {SAMPLE.id})


def chance_is_sound(judgement: Judgement) -> None:
    """Where any foil was judged, the mean over those; every other foil has its reason."""
    sound(judgement)
    told = judgement.detail.get("foils", []) if judgement.unscored is None else []
    f1 = [one["f1"] for one in told if "f1" in one]
    assert all(0 <= one <= 1 for one in f1)
    assert all(one["unscored"] in REASONS for one in told if "f1" not in one)
    if judgement.unscored is None:
        assert len(told) == len(FOILS)
        assert judgement.counts.get("chance") == (pytest.approx(sum(f1) / len(f1)) if f1 else None)
    assert len(judgement.asks) <= 3 * (1 + len(FOILS))


@given(st.lists(texts(REPLIES), min_size=1, max_size=6))
@often(300)
def test_whatever_is_said_of_foils_chance_is_a_share_or_not_there(replies: list[str]) -> None:
    chance_is_sound(judged(foiled(["m"]), ANSWER, [REPLIES[0].decode(), *replies], tries=13))
    chance_is_sound(judged(foiled(["m"]), ANSWER, replies, tries=13))


@given(answer=texts([ANSWER.encode(), *(one.encode() for one in CANARIES)]))
@often(300)
def test_overlap_gives_any_answer_a_chance(answer: str) -> None:
    judgement = judged(OVERLAP, answer, [])
    sound(judgement)
    assert 0 <= judgement.counts["chance"] <= 1


@pytest.mark.parametrize("canary", CANARIES)
@given(reply=texts(REPLIES))
@often(60)
def test_a_canary_earns_what_can_be_quoted_from_it_or_nothing(canary: str, reply: str) -> None:
    """None of what the replies quote stands in a canary, so that none of them may be accepted with a support."""
    judge = build_judge("verdicts", PROMPTS, [SAMPLE], "basic", members=["m"])
    found = judged(judge, canary, [reply.replace(NONCE, nonce_of(0, canary))])
    sound(found)
    if found.unscored is None and found.counts["correct"]:
        quotes = [one["quote"] for one in found.detail["verdicts"] if one["verdict"] == "supported"]
        assert any(set(content_stems(quote)) <= set(content_stems(canary)) for quote in quotes)


@pytest.mark.parametrize("canary", CANARIES)
@given(reply=texts([*SCORES, b"{score: 0/3}"]))
@often(60)
def test_a_canary_before_an_official_judge_is_a_count_or_a_reason(canary: str, reply: str) -> None:
    found = judged(build_judge("official-gpt", PROMPTS, [SAMPLE], "basic", members=["m"]), canary, [reply])
    sound(found)
    assert found.unscored is not None or (found.counts["correct"] > 0) == (tolerant_score(reply) > 0)


@given(
    answer=texts([ANSWER.encode(), "He isn’t angry; he looks, if anything, sad. No sign of joy.".encode()]),
    emotion=st.text(),
)
@often(250)
def test_any_answer_objects_or_invents_or_says_nothing(answer: str, emotion: str) -> None:
    judge = ObjectionJudge()
    for asked in (emotion, "angry", "sad"):
        sample = Sample("s", "Why?", asked, SAMPLE.triggers, SAMPLE.media, "p.png")
        counts = judged(judge, answer, [], sample=sample).counts
        assert set(counts) == {"objected", "invented"}
        assert counts["objected"] + counts["invented"] in {0, 1}
        assert not counts["invented"] or statements(answer)
