"""The key of an ask: what decides the answer, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.records import Ask, Media, Message, Picture, Text, ask_key, user_turn, with_last_text

PICTURE = Media("Happy/1.png")
OTHER = Media("Sad/2.png")
TOKENS = {PICTURE: "ab12:as-is/1", OTHER: "cd34:as-is/1"}
MESSAGES = (
    Message("system", (Text("Be brief."),)),
    Message("user", (Picture(PICTURE), Text("Why is she “happy”?\n"))),
)
ASK = Ask("answer", MESSAGES, {"temperature": 0.0, "max_tokens": 512}, {"type": "object"}, 2)
GOLDEN = "2999abfd600ddd0b645b151c5358e353"


def key(ask: Ask = ASK, model: str = "gpt-4o", tokens: Mapping[Media, str] = TOKENS) -> str:
    return ask_key(ask.canonical(model, tokens))


def test_the_key_is_pinned() -> None:
    """Whoever changes the format of the key makes every ledger ever written worthless: it must be on purpose."""
    by_hand = (
        '{"gen":{"max_tokens":512,"temperature":0.0},'
        '"messages":[["system",["Be brief."]],'
        '["user",[{"picture":"ab12:as-is/1"},"Why is she \\u201chappy\\u201d?\\n"]]],'
        '"model":"gpt-4o","repeat":2,"role":"answer","schema":{"type":"object"},"v":1}'
    )
    assert ASK.canonical("gpt-4o", TOKENS) == by_hand
    assert hashlib.sha256(by_hand.encode()).hexdigest()[:32] == GOLDEN
    assert key() == GOLDEN


def _with_parts(*parts: Text | Picture) -> Ask:
    return replace(ASK, messages=(MESSAGES[0], Message("user", parts)))


CHANGES: dict[str, str] = {
    "model": key(model="gpt-4o-mini"),
    "role": key(replace(ASK, role="judge")),
    "text": key(_with_parts(Picture(PICTURE), Text("Why is she “happy”? "))),
    "text split in two": key(_with_parts(Picture(PICTURE), Text("Why is she "), Text("“happy”?\n"))),
    "order of parts": key(_with_parts(Text("Why is she “happy”?\n"), Picture(PICTURE))),
    "picture": key(_with_parts(Picture(OTHER), Text("Why is she “happy”?\n"))),
    "picture twice": key(_with_parts(Picture(PICTURE), Picture(PICTURE), Text("Why is she “happy”?\n"))),
    "no picture": key(_with_parts(Text("Why is she “happy”?\n"))),
    "bytes of the picture": key(tokens={PICTURE: "ab13:as-is/1"}),
    "conversion of the picture": key(tokens={PICTURE: "ab12:shrunk/1"}),
    "token as text": key(_with_parts(Text('{"picture":"ab12:as-is/1"}'), Text("Why is she “happy”?\n"))),
    "speaker": key(replace(ASK, messages=(Message("user", MESSAGES[0].parts), MESSAGES[1]))),
    "order of messages": key(replace(ASK, messages=MESSAGES[::-1])),
    "message left out": key(replace(ASK, messages=MESSAGES[1:])),
    "setting": key(replace(ASK, gen={"temperature": 0.1, "max_tokens": 512})),
    "setting left out": key(replace(ASK, gen={"temperature": 0.0})),
    "setting of nothing": key(replace(ASK, gen={"temperature": 0.0, "max_tokens": None})),
    "schema": key(replace(ASK, schema={"type": "array"})),
    "no schema": key(replace(ASK, schema=None)),
    "repeat": key(replace(ASK, repeat=3)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_decides_the_answer_changes_the_key(change: str) -> None:
    assert CHANGES[change] != GOLDEN


def test_no_two_changes_share_a_key() -> None:
    assert len({GOLDEN, *CHANGES.values()}) == len(CHANGES) + 1


@pytest.mark.parametrize(
    ("ask", "tokens"),
    [
        (replace(ASK, gen={"max_tokens": 512, "temperature": 0.0}), TOKENS),
        (replace(ASK, gen=MappingProxyType({"temperature": 0.0, "max_tokens": 512})), TOKENS),
        (replace(ASK, schema=MappingProxyType({"type": "object"})), TOKENS),
        (ASK, {PICTURE: TOKENS[PICTURE]}),
        (_with_parts(Picture(Media("moved/1.png")), MESSAGES[1].parts[1]), {Media("moved/1.png"): TOKENS[PICTURE]}),
    ],
    ids=["order of settings", "frozen settings", "frozen schema", "pictures of other asks", "where the picture lies"],
)
def test_what_does_not_decide_the_answer_leaves_the_key_alone(ask: Ask, tokens: Mapping[Media, str]) -> None:
    assert key(ask, tokens=tokens) == GOLDEN


words = st.text(st.sampled_from('ab"\\\n’\ud800'), max_size=3)
parts = st.one_of(words.map(Text), st.sampled_from([Picture(PICTURE), Picture(OTHER)]))
turns = st.builds(Message, st.sampled_from(["system", "user"]), st.lists(parts, max_size=2).map(tuple))
asks = st.builds(
    Ask,
    st.sampled_from(["answer", "judge"]),
    st.lists(turns, max_size=2).map(tuple),
    st.dictionaries(words, st.integers(0, 1), max_size=2),
    st.none() | st.dictionaries(words, words, max_size=1),
    st.integers(0, 1),
)


@settings(deadline=None)
@given(asks, asks)
def test_keys_are_equal_exactly_where_asks_are(one: Ask, other: Ask) -> None:
    assert (key(one) == key(other)) == (one == other)


@settings(deadline=None)
@given(asks)
def test_the_kept_text_tells_the_whole_ask(ask: Ask) -> None:
    """The ledger keeps the canonical text: an auditor must be able to read the ask back from it."""
    kept: dict[str, Any] = json.loads(ask.canonical("m", TOKENS))
    spoken = [
        (speaker, [part if isinstance(part, str) else part["picture"] for part in said])
        for speaker, said in kept["messages"]
    ]
    assert spoken == [
        (m.speaker, [p.text if isinstance(p, Text) else TOKENS[p.media] for p in m.parts]) for m in ask.messages
    ]
    assert (kept["role"], kept["gen"], kept["schema"], kept["repeat"]) == (ask.role, ask.gen, ask.schema, ask.repeat)


def test_a_picture_without_a_token_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        ASK.canonical("m", {})


def test_a_setting_that_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        key(replace(ASK, gen={"temperature": float("nan")}))


def test_pictures_are_listed_in_order_and_as_often_as_they_are_shown() -> None:
    ask = Ask("answer", (*user_turn(Picture(OTHER), Text("x")), *user_turn(Picture(PICTURE), Picture(OTHER))))
    assert ask.pictures == (OTHER, PICTURE, OTHER)


def test_a_suffix_goes_behind_the_last_text_of_the_last_turn() -> None:
    messages = (*user_turn(Text("first")), *user_turn(Text("a"), Text("b"), Picture(PICTURE)))
    assert with_last_text(messages, " c") == (
        *user_turn(Text("first")),
        *user_turn(Text("a"), Text("b c"), Picture(PICTURE)),
    )
    assert with_last_text(user_turn(Picture(PICTURE)), " c") == user_turn(Picture(PICTURE), Text("c"))
