"""The chat-completions protocol: what is sent, and what is made of what comes back."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from whyfeel.engine import Reply, Request
from whyfeel.errors import CallFailed
from whyfeel.media import Loaded
from whyfeel.models.wire import decode, decode_names, encode, excerpt
from whyfeel.records import Ask, Media, Message, Picture, Text, user_turn

ONE, TWO = Media("1.gif"), Media("2.png")


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(out, kind)
    return out.getvalue()


BYTES = {ONE: picture("GIF"), TWO: picture("PNG")}
PICTURES = {media: Loaded(data) for media, data in BYTES.items()}
URLS = {
    media: f"data:image/{kind};base64,{base64.b64encode(BYTES[media]).decode()}"
    for media, kind in ((ONE, "gif"), (TWO, "png"))
}


def sent(*messages: Message, model: str = "m", role: str = "answer", **more: Any) -> Any:
    """The body that a server would read."""
    return json.loads(b"".join(encode(model, Request("k", Ask(role, messages, **more), pictures=PICTURES))))


def shown(media: Media) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": URLS[media]}}


odd_texts = st.text(st.characters() | st.sampled_from('"\\\x00\u2028'))


class TestEncode:
    def test_words_alone_go_as_a_plain_string(self) -> None:
        assert sent(*user_turn(Text("Why?"))) == {"model": "m", "messages": [{"role": "user", "content": "Why?"}]}
        assert sent(*user_turn(Text("a"), Text("b")))["messages"] == [{"role": "user", "content": "a\n\nb"}]
        assert sent(Message("user", ()))["messages"] == [{"role": "user", "content": ""}]

    def test_a_conversation_keeps_its_speakers_and_its_order(self) -> None:
        messages = (
            Message("system", (Text("Be brief."),)),
            Message("user", (Text("x"),)),
            Message("assistant", (Text("y"),)),
        )
        assert sent(*messages)["messages"] == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "y"},
        ]

    def test_pictures_go_in_their_places(self) -> None:
        messages = (
            Message("system", (Text("Look."),)),
            Message("user", (Picture(ONE), Text("or"), Picture(TWO), Picture(ONE), Text("?"))),
        )
        assert sent(*messages)["messages"] == [
            {"role": "system", "content": "Look."},
            {
                "role": "user",
                "content": [
                    shown(ONE),
                    {"type": "text", "text": "or"},
                    shown(TWO),
                    shown(ONE),
                    {"type": "text", "text": "?"},
                ],
            },
        ]
        assert sent(*user_turn(Picture(TWO)))["messages"] == [{"role": "user", "content": [shown(TWO)]}]

    def test_settings_go_as_they_are(self) -> None:
        gen = {"temperature": 0.0, "max_tokens": 9, "stop": ["\n", "”"], "extra": {"a": [None, True]}}
        body = sent(*user_turn(Text("x")), gen=gen)
        assert {name: body[name] for name in gen} == gen
        assert set(body) == {"model", "messages", *gen}

    def test_a_schema_asks_for_structured_output(self) -> None:
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        assert sent(*user_turn(Text("x")), role="judge", schema=schema, gen={"seed": 1}) == {
            "model": "m",
            "messages": [{"role": "user", "content": "x"}],
            "seed": 1,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "judge", "schema": schema, "strict": True},
            },
        }

    @settings(deadline=None)
    @given(odd_texts)
    @example('"}],"model":"other')
    @example("\ud800")
    def test_no_character_gets_out_of_its_string(self, text: str) -> None:
        """Whatever a question holds, the server reads that, in UTF-8; half a character pair stays half."""
        body = b"".join(encode(text, Request("k", Ask("answer", user_turn(Text(text))))))
        expected = json.loads(json.dumps(text))
        assert json.loads(body.decode()) == {"model": expected, "messages": [{"role": "user", "content": expected}]}

    @settings(deadline=None)
    @given(odd_texts)
    def test_no_character_beside_a_picture_gets_out_of_its_string(self, text: str) -> None:
        content = sent(*user_turn(Picture(ONE), Text(text)))["messages"][0]["content"]
        assert content == [shown(ONE), {"type": "text", "text": json.loads(json.dumps(text))}]


def completion(content: object = "Rain.", finish: object = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion as servers send it."""
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    return {"id": "x", "model": "m-2", "choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


USAGE = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}

REPLIES: list[tuple[str, Any, Reply]] = [
    ("plain", completion(usage=USAGE), Reply("Rain.", "ok", "stop", 10, 20, "m-2")),
    ("no usage", completion(), Reply("Rain.", "ok", "stop", None, None, "m-2")),
    ("parts", completion([{"type": "text", "text": "Ra"}, {"type": "x"}, {"text": "in."}]), Reply("Rain.", "ok")),
    ("empty text", completion(""), Reply("", "empty")),
    ("blanks", completion(" \n\t"), Reply(" \n\t", "empty")),
    ("null text", completion(None), Reply("", "empty")),
    ("no parts", completion([]), Reply("", "empty")),
    ("odd parts", completion(["a", None, {"text": None}, {"text": 3}]), Reply("", "empty")),
    ("a number as text", completion(3), Reply("", "empty")),
    ("cut off", completion("1. The ra", "length"), Reply("1. The ra", "truncated", "length")),
    ("cut off while thinking", completion("", "length"), Reply("", "truncated", "length")),
    ("filtered", completion("", "content_filter"), Reply("", "refused", "content_filter")),
    ("filtered halfway", completion("He is", "content_filter"), Reply("He is", "refused", "content_filter")),
    ("refusal", completion(None, message={"refusal": "I can't."}), Reply("", "refused")),
    ("empty refusal", completion("Rain.", message={"refusal": ""}), Reply("Rain.", "ok")),
    ("null refusal", completion("Rain.", message={"refusal": None}), Reply("Rain.", "ok")),
    ("declined in words", completion("I can't help with that."), Reply("I can't help with that.", "refused")),
    ("no finish", completion(finish=None), Reply("Rain.", "ok", None)),
    ("odd finish", completion(finish=["stop"]), Reply("Rain.", "ok", None)),
    ("no choices", {"choices": []}, Reply("", "empty", None, served=None)),
    ("odd choice", {"choices": ["x"]}, Reply("", "empty", None, served=None)),
    ("no message", {"choices": [{"message": None}]}, Reply("", "empty", None, served=None)),
    ("odd usage", completion(usage={"prompt_tokens": True, "completion_tokens": -1}), Reply("Rain.", "ok")),
    ("odd usage too", completion(usage={"prompt_tokens": "10", "completion_tokens": 1.5}), Reply("Rain.", "ok")),
    ("usage of a list", completion(usage=[1, 2]), Reply("Rain.", "ok")),
    ("more choices", {"choices": [{"message": {"content": text}} for text in "ab"]}, Reply("a", "ok")),
]


class TestDecode:
    @pytest.mark.parametrize(("data", "expected"), [row[1:] for row in REPLIES], ids=[row[0] for row in REPLIES])
    def test_every_shape_of_reply_is_an_answer(self, data: Any, expected: Reply) -> None:
        reply = decode(json.dumps(data).encode())
        assert (reply.text, reply.outcome) == (expected.text, expected.outcome)
        assert (reply.tokens_in, reply.tokens_out) == (expected.tokens_in, expected.tokens_out)
        assert reply.source is None

    def test_finish_and_served_model_are_kept(self) -> None:
        assert decode(json.dumps(completion(usage=USAGE)).encode()) == Reply("Rain.", "ok", "stop", 10, 20, "m-2")
        assert decode(json.dumps(completion(finish=7, model=None)).encode()) == Reply("Rain.")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html><body>502 Bad Gateway</body></html>",
            b'{"choices": [',
            b'data: {"choices": []}\n\n',
            b"null",
            b"[]",
            b'"choices"',
            b"{}",
            b'{"error": {"message": "overloaded"}}',
            b'{"choices": null, "error": "x"}',
            b'{"choices": {"0": {}}}',
            b"[" * 100_000,
            b"\xff\xfe\x00\x00",
            b"9" * 5000,
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_what_is_no_chat_completion_is_a_failed_call(self, body: bytes) -> None:
        with pytest.raises(CallFailed, match=r"\Abad reply: expected [^\n]+\Z") as failed:
            decode(body)
        assert (failed.value.reason, failed.value.again) == ("bad reply", True)
        assert len(failed.value.detail) < 700

    def test_tokens_that_nobody_can_count_are_unknown(self) -> None:
        """A ledger holds 63 bits and a price is a float: a server's nonsense must not stop the run."""
        reply = decode(json.dumps(completion(usage={"prompt_tokens": 10**30, "completion_tokens": 2**63})).encode())
        assert (reply.tokens_in, reply.tokens_out) == (None, None)

    def test_names_can_be_stored(self) -> None:
        reply = decode(json.dumps(completion(finish="st\ud800p", model="m\udfff")).encode())
        for name in (reply.finish, reply.served):
            assert name is None or name.encode()

    def test_half_a_character_in_an_answer_is_kept(self) -> None:
        assert decode(b'{"choices":[{"message":{"content":"a\\ud800b"}}]}').text == "a\ud800b"

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=60) | st.binary(max_size=30).map(lambda noise: b'{"choices":' + noise))
    def test_random_bytes_are_a_reply_or_a_failed_call(self, body: bytes) -> None:
        read(body)

    @settings(deadline=None, max_examples=300)
    @given(st.data())
    def test_random_values_anywhere_are_a_reply_or_a_failed_call(self, data: st.DataObject) -> None:
        body = completion(usage=dict(USAGE), message={"refusal": None})
        choice = body["choices"][0]
        holders = [body, choice, choice["message"], body["usage"], {"x": body}]
        for holder in data.draw(st.lists(st.sampled_from(holders), min_size=1, max_size=3)):
            holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(anything)
        read(json.dumps(data.draw(st.sampled_from([body, [body], body["choices"]]))).encode())


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "content", "message", "refusal", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def read(body: bytes) -> None:
    """Anything but a sound Reply or CallFailed is an error of the test."""
    try:
        reply = decode(body)
    except CallFailed:
        return
    assert isinstance(reply.text, str)
    assert reply.outcome in {"ok", "empty", "refused", "truncated"}
    assert (reply.outcome == "empty") <= (not reply.text.strip())
    for tokens in (reply.tokens_in, reply.tokens_out):
        assert tokens is None or 0 <= tokens < 2**63
    for name in (reply.finish, reply.served):
        assert name is None or name.encode() is not None


DECLINED = [
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "I am sorry, I cannot help with identifying people in images.",
    "Sorry, I can't help with identifying or describing people.",
    "Sorry, but I cannot comply.",
    "I apologize, but I cannot provide that.",
    "I apologise, but I will not discuss this.",
    "I can't help with that.",
    "I cannot assist with this request.",
    "I cant answer that",
    "I can not determine what this person feels.",
    "I won't answer that.",
    "I'm unable to determine the emotions of real people.",
    "I’m not able to help with this image.",
    "I am unable to analyze images of people.",
    "I am not able to identify this person.",
    "I CANNOT FULFILL THIS REQUEST",
    "“I'm sorry, I can't assist with that.”",
    "**I'm sorry**, but I can't do that.",
]
ANSWERED = [
    "1. The rain\n2. The broken umbrella",
    "The man is angry because nobody will help him.",
    "She is sad; I cannot identify the person, but the empty chair suggests a loss.",
    "The picture is dark, so I can't determine every detail. He is happy because of the cake.",
    "He says: I'm sorry, I can't help. That is why she is angry.",
    "He is unable to answer the phone, which makes him angry.",
    "I think she is happy because of the puppy.",
    "I can see a birthday cake.",
    "I cannot help noticing the puppy in her arms: it makes her happy.",
    "I can't help but notice the puppy in her arms: it makes her happy.",
    "Sorry sight: the broken toy makes the boy cry.",
    "I'm sorry for her loss: the funeral makes her sad.",
    "I cannot determine his name. " + "He is happy because of the cake. " * 20,
]


class TestRefusals:
    @pytest.mark.parametrize("text", DECLINED)
    def test_a_reply_that_declines_is_refused(self, text: str) -> None:
        assert decode(json.dumps(completion(text)).encode()).outcome == "refused"

    @pytest.mark.parametrize("text", ANSWERED)
    def test_an_answer_that_mentions_an_inability_is_none(self, text: str) -> None:
        assert decode(json.dumps(completion(text)).encode()).outcome == "ok"

    @settings(deadline=None)
    @given(st.text(st.sampled_from(" .,!-\n*"), max_size=400))
    def test_a_long_run_of_punctuation_costs_no_time(self, noise: str) -> None:
        """Nothing to assert but the end: a pattern that backtracks without bounds would never come to it."""
        decode(json.dumps(completion(f"I'm sorry{noise}")).encode())


class TestNames:
    def test_the_models_of_a_server_are_listed(self) -> None:
        assert decode_names(b'{"data":[{"id":"a"},{"id":"b","x":1}]}') == ["a", "b"]
        assert decode_names(b'{"data":[]}') == []

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b"{}", b'{"data":3}', b'{"data":[1]}', b'{"data":[{}]}', b"[" * 99_999]
    )
    def test_anything_else_is_a_failed_call(self, body: bytes) -> None:
        with pytest.raises(CallFailed, match="expected a list of models"):
            decode_names(body)


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_an_excerpt_is_short_printable_and_on_one_line(body: bytes) -> None:
    text = excerpt(body)
    assert text.isprintable()
    assert 0 < len(text) <= 10 * 500
