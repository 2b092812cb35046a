"""Anthropic's Messages API: what is sent, and what is made of what comes back."""

from __future__ import annotations

import base64
import io
import json
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from whyfeel.engine import Reply, Request
from whyfeel.errors import CallFailed
from whyfeel.media import Loaded
from whyfeel.models.dialects import Adaptation, Messages
from whyfeel.records import Ask, Media, Message, Picture, Text, user_turn

OUT = io.BytesIO()
Image.frombytes("RGB", (100, 100), os.urandom(30_000)).save(OUT, "PNG")
ONE = Media("1.png")
LOADED = Loaded(OUT.getvalue())
SHOWN = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(OUT.getvalue()).decode()},
}
CLAUDE, NOTHING = Messages(), Adaptation()
SCHEMA = {"type": "object", "properties": {"why": {"type": "string"}}}
FORMAT = {"type": "json_schema", "schema": {**SCHEMA, "required": ["why"], "additionalProperties": False}}


def pieces(*messages: Message, adapted: Adaptation = NOTHING, **more: Any) -> list[bytes]:
    return CLAUDE.encode("m", Request("k", Ask("judge", messages, **more), pictures={ONE: LOADED}), adapted)


def sent(*messages: Message, **more: Any) -> Any:
    """The body that the server would read."""
    return json.loads(b"".join(pieces(*messages, **more)))


def extras(**more: Any) -> dict[str, Any]:
    """What stands beside the model and the messages."""
    body = sent(*user_turn(Text("x")), **more)
    return {name: value for name, value in body.items() if name not in {"model", "messages"}}


class TestEncode:
    def test_words_alone_go_as_a_plain_string(self) -> None:
        turn = {"role": "user", "content": "a\n\nb"}
        assert sent(*user_turn(Text("a"), Text("b"))) == {"model": "m", "messages": [turn], "max_tokens": 1024}

    def test_system_texts_stand_apart(self) -> None:
        said = [("system", "A"), ("user", "B"), ("assistant", "C"), ("system", "D"), ("user", "E")]
        body = sent(*(Message(speaker, (Text(text),)) for speaker, text in said))
        assert body["system"] == "A\n\nD"
        assert [(turn["role"], turn["content"]) for turn in body["messages"]] == [said[1], said[2], said[4]]

    def test_pictures_go_in_their_places_and_empty_texts_do_not(self) -> None:
        parts = (Text(""), Picture(ONE), Text(""), Text("or"), Picture(ONE), Text(""))
        content = sent(*user_turn(*parts))["messages"][0]["content"]
        assert content == [SHOWN, {"type": "text", "text": "or"}, SHOWN]

    def test_a_picture_is_not_copied(self) -> None:
        parts = pieces(*user_turn(Picture(ONE), Text("x")))
        assert [part is LOADED.base64 for part in parts] == [False, True, False]

    @settings(deadline=None)
    @given(st.text(st.characters() | st.sampled_from('"\\\x00\u2028'), min_size=1))
    def test_no_character_gets_out_of_its_string(self, text: str) -> None:
        body = sent(Message("system", (Text(text),)), Message("user", (Picture(ONE), Text(text))))
        expected = json.loads(json.dumps(text))
        assert body["system"] == expected
        assert body["messages"][0]["content"] == [SHOWN, {"type": "text", "text": expected}]

    @pytest.mark.parametrize(
        ("gen", "expected"),
        [
            ({}, {"max_tokens": 1024}),
            ({"max_tokens": 5, "temperature": 0, "top_k": 3}, {"max_tokens": 5, "temperature": 0, "top_k": 3}),
            ({"max_completion_tokens": 7}, {"max_tokens": 7}),
            ({"max_completion_tokens": 7, "max_tokens": 5}, {"max_tokens": 7}),
            ({"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 7}),
            ({"stop": "."}, {"stop_sequences": ["."], "max_tokens": 1024}),
            ({"stop": [".", "!"]}, {"stop_sequences": [".", "!"], "max_tokens": 1024}),
            ({"thinking": {"type": "enabled"}}, {"thinking": {"type": "enabled"}, "max_tokens": 1024}),
        ],
    )
    def test_settings_go_by_the_apis_names(self, gen: dict[str, Any], expected: dict[str, Any]) -> None:
        assert extras(gen=gen) == expected

    def test_a_schema_goes_into_the_output_config(self) -> None:
        assert extras(schema=SCHEMA) == {"max_tokens": 1024, "output_config": {"format": FORMAT}}
        own = {"output_config": {"effort": "low"}}
        assert extras(schema=SCHEMA, gen=own)["output_config"] == {"effort": "low", "format": FORMAT}

    def test_what_the_server_would_not_take_is_not_sent(self) -> None:
        gen = {"temperature": 0, "stop": ".", "max_tokens": 5}
        adapted = Adaptation(frozenset({"temperature", "stop", "response_format"}), {"top_k": "k"})
        assert extras(gen=gen, schema=SCHEMA, adapted=adapted) == {"max_tokens": 5}
        assert extras(gen={"top_k": 3}, adapted=adapted) == {"k": 3, "max_tokens": 1024}
        # a limit is never left out: the API demands one
        assert extras(gen=gen, adapted=Adaptation(frozenset({"max_tokens"})))["max_tokens"] == 1024

    def test_the_key_and_the_version_are_headers(self) -> None:
        assert CLAUDE.headers("k") == {"anthropic-version": "2023-06-01", "x-api-key": "k"}
        assert CLAUDE.headers(None) == {"anthropic-version": "2023-06-01"}
        assert CLAUDE.path == "/messages"


def told(*blocks: Any, stop: object = "end_turn", **more: Any) -> dict[str, Any]:
    """A message as the API sends it."""
    return {
        "type": "message",
        "role": "assistant",
        "model": "m-2",
        "content": list(blocks),
        "stop_reason": stop,
        **more,
    }


def text(words: object) -> dict[str, Any]:
    return {"type": "text", "text": words}


REPLIES: list[tuple[str, Any, Reply]] = [
    ("plain", told(text("Rain.")), Reply("Rain.", "ok", "end_turn", served="m-2")),
    ("blocks", told(text("Ra"), text("in.")), Reply("Rain.", "ok", "end_turn", served="m-2")),
    (
        "thinking",
        told(
            {"type": "thinking", "thinking": "Hm.", "text": "x"}, {"type": "redacted_thinking", "data": "x"}, text("R")
        ),
        Reply("R", "ok", "end_turn", served="m-2", reasoning="Hm."),
    ),
    ("stop sequence", told(text("R"), stop="stop_sequence"), Reply("R", "ok", "stop_sequence", served="m-2")),
    ("cut off", told(text("R"), stop="max_tokens"), Reply("R", "truncated", "max_tokens", served="m-2")),
    ("cut off in thought", told(stop="max_tokens"), Reply("", "truncated", "max_tokens", served="m-2")),
    (
        "full",
        told(text("R"), stop="model_context_window_exceeded"),
        Reply("R", "truncated", "model_context_window_exceeded", served="m-2"),
    ),
    ("refused", told(text("He"), stop="refusal"), Reply("He", "refused", "refusal", served="m-2")),
    (
        "declined",
        told(text("I can't help with that.")),
        Reply("I can't help with that.", "refused", "end_turn", served="m-2"),
    ),
    ("empty", told(), Reply("", "empty", "end_turn", served="m-2")),
    ("odd", told(3, None, text(4), {"text": "x"}, stop=5, model=6), Reply("", "empty")),
    (
        "usage",
        told(text("R"), usage={"input_tokens": 10, "output_tokens": 20}),
        Reply("R", "ok", "end_turn", 10, 20, "m-2"),
    ),
    (
        "cached",
        told(
            text("R"),
            usage={
                "input_tokens": 10,
                "cache_creation_input_tokens": 30,
                "cache_read_input_tokens": 60,
                "output_tokens": 20,
            },
        ),
        Reply("R", "ok", "end_turn", 100, 20, "m-2"),
    ),
    (
        "odd usage",
        told(text("R"), usage={"input_tokens": 10, "cache_read_input_tokens": None, "output_tokens": -1}),
        Reply("R", "ok", "end_turn", 10, None, "m-2"),
    ),
    (
        "no input",
        told(text("R"), usage={"cache_read_input_tokens": 5}),
        Reply("R", "ok", "end_turn", None, None, "m-2"),
    ),
]


class TestDecode:
    @pytest.mark.parametrize(("data", "expected"), [row[1:] for row in REPLIES], ids=[row[0] for row in REPLIES])
    def test_every_shape_of_message_is_an_answer(self, data: Any, expected: Reply) -> None:
        assert CLAUDE.decode(json.dumps(data).encode()) == expected

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"null", b"[]", b"{}", b'{"content":"x"}', b'{"choices":[]}', b"[" * 99_999]
    )
    def test_what_is_no_message_is_a_failed_call(self, body: bytes) -> None:
        with pytest.raises(CallFailed, match=r"\Abad reply: expected [^\n]+\Z") as failed:
            CLAUDE.decode(body)
        assert (failed.value.reason, failed.value.again) == ("bad reply", True)

    @settings(deadline=None, max_examples=200)
    @given(st.data())
    def test_random_values_anywhere_are_a_reply_or_a_failed_call(self, data: st.DataObject) -> None:
        body = told(text("R"), {"type": "thinking", "thinking": "Hm."}, usage={"input_tokens": 1, "output_tokens": 2})
        for holder in data.draw(st.lists(st.sampled_from([body, *body["content"], body["usage"]]), max_size=3)):
            holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(anything)
        try:
            reply = CLAUDE.decode(json.dumps(body).encode())
        except CallFailed:
            return
        assert isinstance(reply.text, str)
        assert isinstance(reply.reasoning, str)
        assert reply.outcome in {"ok", "empty", "refused", "truncated"}
        for tokens in (reply.tokens_in, reply.tokens_out):
            assert tokens is None or 0 <= tokens < 2**63

    def test_the_models_are_listed(self) -> None:
        assert CLAUDE.decode_names(b'{"data":[{"id":"a","type":"model"}],"has_more":false}') == ["a"]
        with pytest.raises(CallFailed, match="expected a list of models"):
            CLAUDE.decode_names(b"{}")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text"]), inner, max_size=2),
    max_leaves=5,
)
