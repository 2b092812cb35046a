"""Replies of servers with some bytes changed: a reply or a failed call, a kind of error and one line, nothing else."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutating import Edits, edits, often, tried

from whyfeel.errors import CallFailed
from whyfeel.models.dialects.base import Dialect
from whyfeel.models.dialects.chat import ChatCompletions
from whyfeel.models.dialects.messages import Messages

CHAT, CLAUDE = ChatCompletions(tells_cost=True), Messages()
KINDS = {"key", "credit", "rate", "server", "setting", "content", "rejected"}


def choice(finish: str = "stop", **message: Any) -> dict[str, Any]:
    return {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}


def completion(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 950, "cost": 0.002}
    return {"id": "c-1", "model": "m-2024", "choices": list(choices), "usage": usage, **more}


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "1. Rain"}]
CHATS = [
    completion(choice(content="1. Rain\n2. 喜び")),
    completion(choice(content=PARTS, reasoning_details=[{"text": "Hm.", "summary": "S"}])),
    completion(choice("length", content="<think>Rain?</think>1. Rain", reasoning_content="Hm.")),
    completion(choice("content_filter", content=None, refusal="I cannot")),
    completion(promptFeedback={"blockReason": "SAFETY"}),
    {"error": {"code": 429, "message": "Slow down", "metadata": {"raw": '{"error": {"message": "busy"}}'}}},
    completion(
        {"finish_reason": "error", "error": {"code": 502, "message": "bad gateway"}, "message": {"content": ""}}
    ),
]
TOKENS = {"input_tokens": 900, "cache_read_input_tokens": 5, "output_tokens": 20}
CLAUDES = [
    {"type": "message", "model": "m", "stop_reason": "end_turn", "content": PARTS[1:], "usage": TOKENS},
    {"type": "message", "model": "m", "stop_reason": "max_tokens", "content": [{"type": "thinking", "thinking": "H"}]},
    {"type": "message", "model": "m", "stop_reason": "refusal", "content": [], "usage": TOKENS},
]
ERRORS = [
    {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "param": "x"}},
    {"error": {"message": "`temperature` and `top_p` cannot both be specified", "type": "invalid_request_error"}},
    {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]},
    [{"error": {"code": 400, "message": "API key not valid", "status": "INVALID_ARGUMENT", "details": [{"a": 1}]}}],
    {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": '{"detail": "no such model"}'}}},
    {"error": {"code": "content_filter", "message": "The response was filtered", "innererror": {"a": {"b": True}}}},
    {"error": "insufficient_quota: you exceeded your current quota"},
]
NAMES = {"object": "list", "data": [{"id": "m-1"}, {"id": "m-2", "owned_by": "me"}]}


def as_bytes(bodies: list[Any]) -> list[bytes]:
    return [json.dumps(body, ensure_ascii=False).encode() for body in bodies]


@pytest.mark.parametrize(("dialect", "bodies"), [(CHAT, as_bytes(CHATS)), (CLAUDE, as_bytes(CLAUDES))])
@given(data=st.data())
@often(700)
def test_a_reply_is_a_reply_or_a_failed_call(dialect: Dialect, bodies: list[bytes], data: st.DataObject) -> None:
    body = data.draw(edits).of(data.draw(st.sampled_from(bodies)))
    reply = tried(lambda: dialect.decode(body), CallFailed)
    if isinstance(reply, CallFailed):
        assert reply.reason in {"bad reply", "rejected", "rate limited"}
        assert "\n" not in reply.detail
        assert len(reply.detail) < 700
        return
    assert reply.outcome in {"ok", "empty", "refused", "truncated"}
    assert reply.text.strip() or reply.outcome != "ok"
    assert isinstance(reply.reasoning, str)
    for name in (reply.finish, reply.served):
        assert name is None or name.encode() is not None  # every file can hold it
    for tokens in (reply.tokens_in, reply.tokens_out):
        assert tokens is None or 0 <= tokens < 1 << 62
    assert reply.cost is None or (math.isfinite(reply.cost) and reply.cost >= 0)


def test_what_is_spoilt_is_sound_before() -> None:
    """Else nothing here would reach further than the first check."""
    read = [CHAT.decode(body) for body in as_bytes(CHATS[:5])] + [CLAUDE.decode(body) for body in as_bytes(CLAUDES)]
    assert {one.outcome for one in read} == {"ok", "truncated", "refused"}
    kinds = [CHAT.refused(400, body).kind for body in as_bytes(ERRORS)]
    assert {"setting", "key", "content", "credit", "rejected"} == set(kinds)


@pytest.mark.parametrize("dialect", [CHAT, CLAUDE])
@given(
    change=edits,
    status=st.sampled_from([300, 400, 401, 403, 404, 413, 422, 429, 500, 529, 599]),
    which=st.integers(),
)
@often(400)
def test_an_error_has_a_kind_and_one_line(dialect: Dialect, change: Edits, status: int, which: int) -> None:
    bodies = as_bytes(ERRORS)
    refused = dialect.refused(status, change.of(bodies[which % len(bodies)]))
    assert refused.kind in KINDS
    assert refused.message.isprintable()
    assert 0 < len(refused.message) <= 320
    assert (refused.setting is not None) == (refused.kind == "setting")
    assert refused.instead is None or refused.instead != refused.setting
    # no word of a server's turns a fault that may pass into one that ends a run
    if status >= 500:
        assert refused.kind == "server"
    if status == 429:
        assert refused.kind in {"rate", "credit"}


@given(edits)
@often(250)
def test_a_list_of_models_is_one_or_a_failed_call(change: Edits) -> None:
    names = tried(lambda: CHAT.decode_names(change.of(json.dumps(NAMES).encode())), CallFailed)
    if isinstance(names, CallFailed):
        assert names.reason == "bad reply"
    else:
        assert all(isinstance(name, str) for name in names)
