"""Chat completions: what is sent, what is made of what comes back, and the quirks of servers."""

from __future__ import annotations

import base64
import io
import json
import os
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from whyfeel.engine import Reply, Request
from whyfeel.errors import CallFailed
from whyfeel.media import Loaded
from whyfeel.models.dialects import Adaptation, ChatCompletions, excerpt
from whyfeel.records import Ask, Media, Message, Picture, Text, user_turn

ONE, TWO = Media("1.gif"), Media("2.png")
PLAIN, NOTHING = ChatCompletions(), Adaptation()
decode, decode_names = PLAIN.decode, PLAIN.decode_names


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


def sent(
    *messages: Message,
    dialect: ChatCompletions = PLAIN,
    adapted: Adaptation = NOTHING,
    role: str = "answer",
    **more: Any,
) -> Any:
    """The body that a server would read."""
    request = Request("k", Ask(role, messages, **more), pictures=PICTURES)
    return json.loads(b"".join(dialect.encode("m", request, adapted)))


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

    def test_a_picture_is_not_copied(self) -> None:
        out = io.BytesIO()
        Image.frombytes("RGB", (100, 100), os.urandom(30_000)).save(out, "PNG")
        loaded = Loaded(out.getvalue())
        request = Request("k", Ask("answer", user_turn(Picture(TWO), Text("x"))), pictures={TWO: loaded})
        pieces = PLAIN.encode("m", request, NOTHING)
        assert [piece is loaded.base64 for piece in pieces] == [False, True, False]

    @settings(deadline=None)
    @given(odd_texts)
    @example('"}],"model":"other')
    @example("\ud800")
    def test_no_character_gets_out_of_its_string(self, text: str) -> None:
        """Whatever a question holds, the server reads that, in UTF-8; half a character pair stays half."""
        body = b"".join(PLAIN.encode(text, Request("k", Ask("answer", user_turn(Text(text)))), NOTHING))
        expected = json.loads(json.dumps(text))
        assert json.loads(body.decode()) == {"model": expected, "messages": [{"role": "user", "content": expected}]}

    @settings(deadline=None)
    @given(odd_texts)
    def test_no_character_beside_a_picture_gets_out_of_its_string(self, text: str) -> None:
        content = sent(*user_turn(Picture(ONE), Text(text)))["messages"][0]["content"]
        assert content == [shown(ONE), {"type": "text", "text": json.loads(json.dumps(text))}]


SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "properties": {"type": "array", "items": {"type": "object", "properties": {"q": {"type": "string"}}}},
        "any": {"anyOf": [{"type": "object", "properties": {}}, {"type": "null"}]},
    },
    "required": ["n"],
}
STRICT = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "properties": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"q": {"type": "string"}},
                "required": ["q"],
                "additionalProperties": False,
            },
        },
        "any": {
            "anyOf": [
                {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
                {"type": "null"},
            ]
        },
    },
    "required": ["n", "properties", "any"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "judge", "schema": STRICT, "strict": True}}
OPENAI = ChatCompletions(limit="max_completion_tokens")
MISTRAL = ChatCompletions(seed="random_seed")
LIMIT = {"max_tokens": 9, "temperature": 0}


def extras(**more: Any) -> dict[str, Any]:
    """What stands beside the model and the messages."""
    body = sent(*user_turn(Text("x")), role="judge", **more)
    return {name: value for name, value in body.items() if name not in {"model", "messages"}}


class TestQuirks:
    def test_a_schema_goes_in_its_strict_form_and_stays_as_it_was(self) -> None:
        before = json.dumps(SCHEMA)
        assert extras(schema=SCHEMA, gen={"seed": 1}) == {"seed": 1, "response_format": FORMAT}
        assert json.dumps(SCHEMA) == before

    @pytest.mark.parametrize(("kind", "form"), [("json_object", {"type": "json_object"}), (None, None)])
    def test_a_server_without_schemas_is_asked_for_less(self, kind: Any, form: Any) -> None:
        wanted = {} if form is None else {"response_format": form}
        assert extras(dialect=ChatCompletions(schema=kind), schema=SCHEMA) == wanted

    def test_the_users_own_response_format_wins(self) -> None:
        own = {"type": "text"}
        assert extras(schema=SCHEMA, gen={"response_format": own}) == {"response_format": own}

    def test_settings_go_by_the_servers_names(self) -> None:
        assert extras(dialect=OPENAI, gen=LIMIT) == {"max_completion_tokens": 9, "temperature": 0}
        assert extras(dialect=MISTRAL, gen={"seed": 3}) == {"random_seed": 3}

    @pytest.mark.parametrize("first", [True, False])
    def test_a_setting_given_by_the_servers_name_is_not_overridden(self, first: bool) -> None:
        gen = {"max_completion_tokens": 5, "max_tokens": 9} if first else {"max_tokens": 9, "max_completion_tokens": 5}
        assert extras(dialect=OPENAI, gen=gen) == {"max_completion_tokens": 5}
        assert extras(adapted=Adaptation(renamed={"max_tokens": "max_completion_tokens"}), gen=gen) == {
            "max_completion_tokens": 5
        }

    def test_what_the_server_would_not_take_is_not_sent(self) -> None:
        for name in ("temperature", "max_tokens"):
            adapted = Adaptation(frozenset({name, "never_asked"}))
            assert extras(gen=LIMIT, adapted=adapted) == {key: LIMIT[key] for key in LIMIT if key != name}
        adapted = Adaptation(frozenset({"max_tokens", "seed"}))
        assert extras(dialect=OPENAI, gen=LIMIT, adapted=adapted) == {"temperature": 0}
        assert extras(dialect=MISTRAL, gen={"seed": 3}, adapted=adapted) == {}

    def test_response_format_left_out_is_the_schema_left_out(self) -> None:
        adapted = Adaptation(frozenset({"response_format"}))
        assert extras(schema=SCHEMA, gen=LIMIT, adapted=adapted) == LIMIT
        assert extras(gen={"response_format": {"type": "text"}}, adapted=adapted) == {}

    def test_what_was_learned_renames_also_what_the_dialect_renames(self) -> None:
        """A server behind OPENAI_BASE_URL may know the older name only."""
        adapted = Adaptation(renamed={"max_tokens": "max_tokens", "stop": "stop_words"})
        assert extras(dialect=OPENAI, gen=LIMIT | {"stop": "."}, adapted=adapted) == LIMIT | {"stop_words": "."}

    def test_the_key_is_a_bearer_token(self) -> None:
        assert PLAIN.headers("k") == {"Authorization": "Bearer k"}
        assert PLAIN.headers(None) == PLAIN.headers("") == {}
        assert PLAIN.path == "/chat/completions"


def completion(content: object = "Rain.", finish: object = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion as servers send it."""
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    return {"id": "x", "model": "m-2", "choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


CODE = "the code"
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


# (what, message, finish, text, outcome, reasoning): where servers put what a model thinks
THOUGHTS: list[tuple[str, dict[str, Any], str, str, str, str]] = [
    ("deepseek, vllm", {"content": "Rain.", "reasoning_content": "Hm."}, "stop", "Rain.", "ok", "Hm."),
    ("vllm now, ollama", {"content": "Rain.", "reasoning": "Hm."}, "stop", "Rain.", "ok", "Hm."),
    (
        *(
            "openrouter",
            {"content": "Rain.", "reasoning": None, "reasoning_details": [{"text": "Hm"}, {"summary": "."}, 3]},
        ),
        *("stop", "Rain.", "ok", "Hm."),
    ),
    (
        "both",
        {"content": "Rain.", "reasoning": "Hm.", "reasoning_details": [{"text": "Hm."}]},
        "stop",
        "Rain.",
        "ok",
        "Hm.",
    ),
    (
        *(
            "mistral",
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": "Rain."},
                ]
            },
        ),
        *("stop", "Rain.", "ok", "Hm."),
    ),
    (
        "as a string",
        {"content": [{"type": "thinking", "thinking": "Hm."}, {"text": "Rain."}]},
        "stop",
        "Rain.",
        "ok",
        "Hm.",
    ),
    ("of no kind", {"content": [{"type": [], "text": "Rain."}], "reasoning": "Hm."}, "stop", "Rain.", "ok", "Hm."),
    ("as a part", {"content": [{"type": "reasoning", "text": "Hm."}, {"text": "Rain."}]}, "stop", "Rain.", "ok", "Hm."),
    ("in the text", {"content": "<think>\nHm.\n</think>\n\nRain."}, "stop", "Rain.", "ok", "Hm."),
    ("in a part", {"content": [{"type": "text", "text": " <think>Hm.</think>Rain."}]}, "stop", "Rain.", "ok", "Hm."),
    ("opened by the template", {"content": "Hm.\n</think>\nRain."}, "stop", "Rain.", "ok", "Hm."),
    ("nothing thought", {"content": "<think></think>Rain."}, "stop", "Rain.", "ok", ""),
    ("cut off", {"content": "<think>Hm. Or"}, "length", "", "truncated", "Hm. Or"),
    ("never closed", {"content": "<think>Hm."}, "stop", "", "empty", "Hm."),
    ("all of it", {"content": "<think>Hm.</think>"}, "stop", "", "empty", "Hm."),
    ("named later", {"content": "He says <think>so</think>."}, "stop", "He says <think>so</think>.", "ok", ""),
    (
        "refused in thought",
        {"content": "Rain.", "reasoning": "I can't help with that."},
        "stop",
        "Rain.",
        "ok",
        "I can't help with that.",
    ),
    ("nothing said", {"content": None, "reasoning_content": "Hm."}, "length", "", "truncated", "Hm."),
    (
        "odd",
        {"content": "Rain.", "reasoning": 3, "reasoning_details": "x", "reasoning_content": ""},
        "stop",
        "Rain.",
        "ok",
        "",
    ),
]


@pytest.mark.parametrize(
    ("message", "finish", "text", "outcome", "reasoning"),
    [row[1:] for row in THOUGHTS],
    ids=[row[0] for row in THOUGHTS],
)
def test_what_a_model_thinks_is_no_part_of_its_answer(
    message: dict[str, Any], finish: str, text: str, outcome: str, reasoning: str
) -> None:
    reply = decode(json.dumps({"choices": [{"message": message, "finish_reason": finish}]}).encode())
    assert (reply.text, reply.outcome, reply.reasoning) == (text, outcome, reasoning)


@pytest.mark.parametrize(
    ("finish", "outcome"),
    [
        *((name, "ok") for name in ("stop", "end_turn", "eos", "tool_calls", "whatever")),
        *((name, "truncated") for name in ("length", "max_tokens", "MAX_TOKENS", "model_length")),
        *((name, "refused") for name in ("content_filter", "SAFETY", "PROHIBITED_CONTENT", "refusal", "BLOCKLIST")),
        ("content_filter: PROHIBITED_CONTENT", "refused"),
    ],
)
def test_finish_reasons_of_all_servers_are_understood(finish: str, outcome: str) -> None:
    reply = decode(json.dumps(completion(finish=finish)).encode())
    assert (reply.outcome, reply.finish) == (outcome, finish)


@pytest.mark.parametrize(
    "extra",
    [
        {"prompt_feedback": {"block_reason": "SAFETY"}},
        {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
        {"prompt_filter_results": [{"content_filter_results": {"violence": {"filtered": True, "severity": "high"}}}]},
    ],
)
def test_no_choices_with_a_filters_note_is_a_refusal(extra: dict[str, Any]) -> None:
    reply = decode(json.dumps({"choices": [], "model": "m", **extra}).encode())
    assert (reply.text, reply.outcome, reply.finish, reply.served) == ("", "refused", "content_filter", "m")
    unfiltered = {"choices": [], "prompt_filter_results": [{"content_filter_results": {"hate": {"filtered": False}}}]}
    assert decode(json.dumps(unfiltered).encode()).outcome == "empty"


def test_a_filters_word_in_an_answer_refuses_nothing() -> None:
    assert decode(json.dumps(completion('{"block_reason": "x", "filtered": true}')).encode()).outcome == "ok"


def test_a_refusal_among_the_parts_is_one() -> None:
    reply = decode(json.dumps(completion([{"type": "refusal", "refusal": "No."}])).encode())
    assert (reply.text, reply.outcome) == ("", "refused")


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}, (10, 20)),
        ({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 75}, (10, 65)),  # Gemini: thinking in the total
        ({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 5}, (10, 20)),
        ({"prompt_tokens": 10, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 8}}, (10, 20)),
        ({"prompt_tokens": 10, "total_tokens": 30}, (10, None)),
        ({}, (None, None)),
    ],
)
def test_tokens_are_those_that_are_paid(usage: dict[str, Any], tokens: tuple[int | None, int | None]) -> None:
    reply = decode(json.dumps(completion(usage=usage)).encode())
    assert (reply.tokens_in, reply.tokens_out) == tokens


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        (0.0125, 0.0125),
        (0, 0.0),
        (-1, None),
        (True, None),
        ("1", None),
        (1e9, None),
        (None, None),
        (float("nan"), None),
    ],
)
def test_the_cost_is_believed_of_a_server_that_tells_it(told: object, cost: float | None) -> None:
    body = json.dumps(completion(usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": told})).encode()
    assert ChatCompletions(tells_cost=True).decode(body).cost == cost
    assert decode(body).cost is None


class TestErrorsWithStatus200:
    """OpenRouter's answer has begun when its provider fails, so that the status is already sent."""

    @pytest.mark.parametrize(
        "data",
        [
            {"error": {"code": CODE, "message": "Why"}},
            {
                "choices": [
                    {"finish_reason": "error", "error": {"code": CODE, "message": "Why"}, "message": {"content": "R"}}
                ]
            },
        ],
    )
    @pytest.mark.parametrize(
        ("code", "reason", "again"),
        [
            *((code, "bad reply", True) for code in (502, None, "x", 200)),
            (429, "rate limited", True),
            (400, "rejected", False),
            (402, "rejected", False),
        ],
    )
    def test_is_a_failed_call(self, data: Any, code: object, reason: str, again: bool) -> None:
        body = json.dumps(data).replace(json.dumps(CODE), json.dumps(code))
        with pytest.raises(CallFailed, match="Why") as failed:
            decode(body.encode())
        assert (failed.value.reason, failed.value.again) == (reason, again)

    def test_a_filters_is_a_refusal(self) -> None:
        error = {"code": 403, "message": "m requires moderation. Your input was flagged"}
        for data in ({"error": error}, {"choices": [{"error": error, "finish_reason": "error"}]}):
            reply = decode(json.dumps(data).encode())
            assert (reply.text, reply.outcome, reply.finish) == ("", "refused", "content_filter")

    def test_an_ending_in_error_without_a_word_is_one_too(self) -> None:
        with pytest.raises(CallFailed, match="bad reply"):
            decode(json.dumps(completion("half an ans", "error")).encode())


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
        | st.dictionaries(
            st.sampled_from(
                ["text", "content", "message", "refusal", "error", "reasoning", "reasoning_details", "type", "x"]
            ),
            inner,
            max_size=3,
        )
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
        assert decode_names(b'[{"id":"a"}]') == ["a"]  # Together's is a bare list

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[1]", b"{}", b'{"data":3}', b'{"data":[1]}', b'{"data":[{}]}', b"[" * 99_999]
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
