"""Servers that are as particular as the providers: they refuse and reply in each provider's documented shape.

The bodies are ours. What they repeat is named at each: the documentation, or users' reports where that is silent.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "sk-of-the-provider-0123456789"
ANSWER = '{"why": "Rain."}'
THOUGHT = "She looks at the sky."

Said = tuple[int, Any]


@dataclass
class Provider:
    """One provider.

    Attributes:
        name: its preset.
        path: where it takes requests, below its base URL.
        reply: from a request's body to status and body.
        header: the header of its key and what stands before it there.
        seen: the bodies of the requests, in order.
    """

    name: str
    reply: Callable[[dict[str, Any]], Said]
    path: str = "/chat/completions"
    header: tuple[str, str] = ("Authorization", "Bearer ")
    needs_key: bool = True
    models: Any = field(default_factory=lambda: {"object": "list", "data": [{"id": "m"}]})
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        name, before = self.header
        if self.needs_key and request.headers.get(name) != before + KEY:
            return web.json_response({"error": {"message": "no key"}}, status=401)
        if request.method == "GET" and request.path == "/v1/models":
            return web.json_response(self.models)
        if (request.method, request.path) != ("POST", f"/v1{self.path}"):
            return web.json_response({"error": {"message": "no such path"}}, status=404)
        if self.name == "anthropic" and request.headers.get("anthropic-version") != "2023-06-01":
            return web.json_response({"error": {"message": "anthropic-version: header is required"}}, status=400)
        body = json.loads(await request.read())
        self.seen.append(body)
        status, data = self.reply(body)
        return web.json_response(data, status=status)


def picture_in(body: dict[str, Any]) -> bytes:
    """The picture of a request in either protocol."""
    part = body["messages"][-1]["content"][0]
    if part["type"] == "image":
        return base64.b64decode(part["source"]["data"], validate=True)
    head, _, data = part["image_url"]["url"].partition(",")
    assert head.startswith("data:image/")
    assert head.endswith(";base64")
    return base64.b64decode(data, validate=True)


def completion(message: dict[str, Any], finish: str = "stop", **usage: Any) -> Said:
    """A chat completion: https://platform.openai.com/docs/api-reference/chat/object."""
    told = {"role": "assistant", "content": ANSWER, **message}
    counts = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, **usage}
    choice = {"index": 0, "message": told, "logprobs": None, "finish_reason": finish}
    return 200, {"id": "c", "object": "chat.completion", "model": "m-served", "choices": [choice], "usage": counts}


def is_strict(schema: Any) -> bool:
    """Whether every object is closed and all its properties are required."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False or set(schema["required"]) != set(schema["properties"])
    ):
        return False
    return all(map(is_strict, schema.values()))


def openai(body: dict[str, Any]) -> Said:
    """A reasoning model: https://platform.openai.com/docs/guides/reasoning and …/guides/structured-outputs."""

    def no(message: str, code: str, param: str) -> Said:
        return 400, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}

    if "max_tokens" in body:
        said = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return no(said, "unsupported_parameter", "max_tokens")
    if body.get("temperature", 1) != 1:
        said = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is supported."
        return no(said, "unsupported_value", "temperature")
    form = body.get("response_format")
    if form and not (form["json_schema"]["strict"] and is_strict(form["json_schema"]["schema"])):
        return no("Invalid schema for response_format: 'additionalProperties' is required", "x", "response_format")
    return completion({"refusal": None}, completion_tokens_details={"reasoning_tokens": 12})


def anthropic(body: dict[str, Any]) -> Said:
    """https://docs.claude.com/en/api/messages, …/errors and …/build-with-claude/structured-outputs."""

    def no(message: str) -> Said:
        return 400, {"type": "error", "error": {"type": "invalid_request_error", "message": message}, "request_id": "r"}

    if not isinstance(body.get("max_tokens"), int):
        return no("max_tokens: Field required")
    for name in sorted(
        set(body) - {"model", "messages", "max_tokens", "system", "temperature", "top_p", "output_config"}
    ):
        return no(f"{name}: Extra inputs are not permitted")
    if "temperature" in body and "top_p" in body:
        return no("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if any(message["role"] == "system" for message in body["messages"]):
        return no('messages: Unexpected role "system".')
    form = body.get("output_config", {}).get("format")
    if form and not (form["type"] == "json_schema" and is_strict(form["schema"])):
        return no(
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
        )
    content = [
        {"type": "thinking", "thinking": THOUGHT, "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": ANSWER},
    ]
    usage = {"input_tokens": 10, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 60, "output_tokens": 20}
    told = {"content": content, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
    return 200, {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-served", **told}


def gemini(body: dict[str, Any]) -> Said:
    """https://ai.google.dev/gemini-api/docs/openai; errors are a list, and thinking stands in the total alone."""
    for name in ("seed", "top_k"):
        if name in body:
            said = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            return 400, [{"error": {"code": 400, "message": said, "status": "INVALID_ARGUMENT", "details": []}}]
    return completion({}, completion_tokens=8, total_tokens=120)


def openrouter(_: dict[str, Any]) -> Said:
    """https://openrouter.ai/docs/use-cases/usage-accounting and …/reasoning-tokens."""
    details = [{"type": "reasoning.text", "text": THOUGHT, "format": "x", "index": 0}]
    return completion({"reasoning": THOUGHT, "reasoning_details": details, "refusal": None}, cost=0.00125)


def dashscope(body: dict[str, Any]) -> Said:
    """https://www.alibabacloud.com/help/en/model-studio/json-mode: JSON only where the prompt speaks of it."""
    form = body.get("response_format")
    if form and form["type"] == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        said = (
            "<400> InternalError.Algo.InvalidParameter: 'messages' must contain the word 'json' in some form, to use "
        )
        said += "'response_format' of type 'json_object'."
        error = {"code": "invalid_parameter_error", "param": None, "message": said, "type": "invalid_request_error"}
        return 400, {"error": error, "request_id": "r"}
    assert form is None or form == {"type": "json_object"}
    return completion({"reasoning_content": THOUGHT})


def together(_: dict[str, Any]) -> Said:
    """https://docs.together.ai/reference/chat-completions-1: DeepSeek-like models think within the text."""
    return completion({"content": f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}", "tool_calls": []}, "eos")


def mistral(body: dict[str, Any]) -> Said:
    """https://docs.mistral.ai/api and …/capabilities/reasoning: thinking in chunks; nothing extra is taken."""
    taken = {"model", "messages", "temperature", "top_p", "max_tokens", "stop", "random_seed", "response_format"}
    faults = [
        {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 1}
        for name in sorted(set(body) - taken)
    ]
    if faults:
        rest = {"type": "invalid_request_error", "param": None, "code": None}
        return 422, {"object": "error", "message": {"detail": faults}, **rest}
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}], "closed": True}
    return completion({"content": [thinking, {"type": "text", "text": ANSWER}]})


def ollama(_: dict[str, Any]) -> Said:
    """https://docs.ollama.com/api/openai-compatibility: takes anything; thinking as `reasoning`."""
    return completion({"reasoning": THOUGHT})


def vllm(body: dict[str, Any]) -> Said:
    """https://docs.vllm.ai/en/latest/features/reasoning_outputs.html; pydantic's list in its error's message."""
    if "best_of" in body:
        said = "[{'type': 'extra_forbidden', 'loc': ('body', 'best_of'), 'msg': 'Extra inputs are not permitted'}]"
        return 400, {"error": {"message": said, "type": "Bad Request", "param": None, "code": 400}}
    return completion({"reasoning_content": THOUGHT, "tool_calls": []}, prompt_tokens_details=None)


def lmstudio(body: dict[str, Any]) -> Said:
    """https://lmstudio.ai/docs/advanced/structured-output: schemas, but not bare JSON; errors are strings."""
    if body.get("response_format", {}).get("type", "text") not in {"json_schema", "text"}:
        return 400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}
    return completion({"tool_calls": []}, "stop")


def providers() -> dict[str, Provider]:
    """All of them, as new."""
    return {
        provider.name: provider
        for provider in (
            Provider("openai", openai),
            Provider("anthropic", anthropic, "/messages", ("x-api-key", "")),
            Provider("gemini", gemini),
            Provider("openrouter", openrouter),
            Provider("dashscope", dashscope),
            Provider("together", together, models=[{"id": "m"}]),  # a bare list
            Provider("mistral", mistral),
            Provider("ollama", ollama, needs_key=False),
            Provider("vllm", vllm, needs_key=False),
            Provider("lmstudio", lmstudio, needs_key=False),
        )
    }
