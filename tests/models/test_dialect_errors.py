"""Error replies: the documented shape of each provider, and what is made of it.

The bodies are ours, in the shapes that the providers' documentation and users' reports show; the comment beside each
says which.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.models.dialects import ChatCompletions, Dialect, Messages, Refused

CHAT = ChatCompletions()
OPENAI = ChatCompletions(limit="max_completion_tokens")
MISTRAL = ChatCompletions(seed="random_seed")
CLAUDE = Messages()


def openai_error(
    message: str, code: str | None = None, param: str | None = None, kind: str = "invalid_request_error"
) -> Any:
    """https://platform.openai.com/docs/guides/error-codes: {"error": {message, type, param, code}}."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def claude_error(kind: str, message: str) -> Any:
    """https://docs.claude.com/en/api/errors: {"type": "error", "error": {type, message}, "request_id"}."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def gemini_error(status: int, message: str, label: str = "INVALID_ARGUMENT") -> Any:
    """The compatible endpoint of Gemini puts Google's error object into a list."""
    return [{"error": {"code": status, "message": message, "status": label, "details": []}}]


def mistral_error(*path: str | int) -> Any:
    """Mistral, since 2024: pydantic's list under message.detail."""
    fault = {"type": "extra_forbidden", "loc": ["body", *path], "msg": "Extra inputs are not permitted", "input": 1}
    return {
        "object": "error",
        "message": {"detail": [fault]},
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def routed(status: int, message: str, **metadata: Any) -> Any:
    """https://openrouter.ai/docs/api/reference/errors-and-debugging: {"error": {code, message, metadata}}."""
    return {"error": {"code": status, "message": message, "metadata": metadata}}


PYDANTIC = {"detail": [{"type": "missing", "loc": ["body", "frequency"], "msg": "unsupported", "input": 1}]}
VLLM = "[{'type': 'extra_forbidden', 'loc': ('body', 'best_of'), 'msg': 'Extra inputs are not permitted', 'input': 2}]"

SETTINGS: list[tuple[str, Dialect, int, Any, str, str | None]] = [
    # OpenAI, both directions of the renaming, and a value that reasoning models do not take
    (
        *("renamed", CHAT, 400),
        openai_error(
            "Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead.",
            *("unsupported_parameter", "max_tokens"),
        ),
        *("max_tokens", "max_completion_tokens"),
    ),
    (
        *("renamed in words", CHAT, 400),
        openai_error("Unsupported parameter: 'max_tokens'. Please use max_completion_tokens instead."),
        *("max_tokens", "max_completion_tokens"),
    ),
    (
        *("both", CHAT, 400),
        openai_error("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."),
        *("max_tokens", None),
    ),
    (
        *("renamed back", OPENAI, 400),
        openai_error("Unrecognized request argument supplied: max_completion_tokens"),
        *("max_tokens", None),
    ),
    (
        *("value", OPENAI, 400),
        openai_error(
            "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is supported.",
            *("unsupported_value", "temperature"),
        ),
        *("temperature", None),
    ),
    (
        *("value in words", CHAT, 400),
        openai_error("Unsupported value: 'top_p' does not support 0.9 with this model."),
        *("top_p", None),
    ),
    ("param with a path", CHAT, 400, openai_error("Bad", "x", "logit_bias.50256"), "logit_bias", None),
    # Groq
    ("property", CHAT, 400, openai_error("property 'top_k' is unsupported"), "top_k", None),
    # Mistral, its three shapes over the years (mistralai/platform-docs-public issue 7; partITech/php-mistral issue 76)
    ("mistral", MISTRAL, 422, mistral_error("frequency_penalty"), "frequency_penalty", None),
    ("mistral's seed", MISTRAL, 422, mistral_error("random_seed"), "seed", None),
    (
        *("mistral's string", MISTRAL, 422),
        {"object": "error", "message": json.dumps(mistral_error("logprobs")["message"]), "code": "1000", "param": None},
        *("logprobs", None),
    ),
    (
        *("mistral's list", MISTRAL, 422),
        {"object": "Error", "message": mistral_error("n")["message"]["detail"], "code": 3001},
        *("n", None),
    ),
    # FastAPI servers
    ("detail", CHAT, 422, PYDANTIC, "frequency", None),
    # vLLM, before and after it took OpenAI's envelope
    ("vllm", CHAT, 400, {"object": "error", "message": VLLM, "type": "BadRequestError", "code": 400}, "best_of", None),
    ("vllm now", CHAT, 400, {"error": {"message": VLLM, "type": "Bad Request", "code": 400}}, "best_of", None),
    # Gemini (MinLL/SkyrimNet-GamePlugin issue 77)
    (
        *("gemini", CHAT, 400),
        gemini_error(
            400,
            'Invalid JSON payload received. Unknown name "frequency_penalty": Cannot find field.\n'
            'Invalid JSON payload received. Unknown name "top_k": Cannot find field.',
        ),
        *("frequency_penalty", None),
    ),
    # Ollama, whose Go decoder names the field
    (
        *("ollama", CHAT, 400),
        {
            "error": {
                "message": "json: cannot unmarshal string into Go struct field ChatCompletionRequest.seed of type int"
            }
        },
        *("seed", None),
    ),
    # DashScope
    (
        *("dashscope", CHAT, 400),
        openai_error("<400> InternalError.Algo.InvalidParameter: Range of temperature should be [0, 2)", "invalid_x"),
        *("temperature", None),
    ),
    # Anthropic
    (
        *("claude", CLAUDE, 400),
        claude_error(
            "invalid_request_error",
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        ),
        *("top_p", None),
    ),
    (
        *("claude extra", CLAUDE, 400),
        claude_error("invalid_request_error", "seed: Extra inputs are not permitted"),
        *("seed", None),
    ),
    (
        *("claude's stop", CLAUDE, 400),
        claude_error("invalid_request_error", "stop_sequences: each stop sequence must contain non-whitespace"),
        *("stop", None),
    ),
    (
        *("claude deprecated", CLAUDE, 400),
        claude_error("invalid_request_error", "`temperature` is deprecated for this model."),
        *("temperature", None),
    ),
    # OpenRouter passes its provider's words on in a string
    (
        *("routed", CHAT, 400),
        routed(
            400, "Provider returned error", raw=json.dumps(gemini_error(400, 'Unknown name "seed": Cannot find field.'))
        ),
        *("seed", None),
    ),
    # Schemas, by all their names
    *(
        (f"schema: {words[:20]}", dialect, 400, body, "response_format", None)
        for words, dialect, body in [
            ("openai", OPENAI, openai_error("Invalid schema for response_format 'judge'", None, "response_format")),
            (
                "json word",
                CHAT,
                openai_error(
                    "'messages' must contain the word 'json', to use 'response_format' of type 'json_object'.",
                    param="messages",
                ),
            ),
            ("lmstudio", CHAT, {"error": "'response_format.type' must be 'json_schema' or 'text'"}),
            ("json mode", CHAT, openai_error("JSON mode is not enabled for this model")),
            ("gemini", CHAT, gemini_error(400, "Unknown name \"additionalProperties\" at 'x': Cannot find field.")),
            ("claude", CLAUDE, claude_error("invalid_request_error", "output_config.format: not supported")),
            (
                "claude old",
                CLAUDE,
                claude_error("invalid_request_error", "This model does not support structured outputs."),
            ),
            ("mistral", MISTRAL, mistral_error("response_format")),
        ]
    ),
]


@pytest.mark.parametrize(
    ("dialect", "status", "body", "setting", "instead"), [row[1:] for row in SETTINGS], ids=[row[0] for row in SETTINGS]
)
def test_a_setting_that_is_refused_is_named(
    dialect: Dialect, status: int, body: Any, setting: str, instead: str | None
) -> None:
    refused = dialect.refused(status, json.dumps(body).encode())
    assert (refused.kind, refused.setting, refused.instead) == ("setting", setting, instead)
    assert refused.message


HTML = "<html><body><h1>Gateway</h1></body></html>"

KINDS: list[tuple[str, int, Any, str]] = [
    # keys
    ("openai", 401, openai_error("Incorrect API key provided: sk-x.", "invalid_api_key"), "key"),
    ("openai access", 403, openai_error("Project `p` does not have access to model `m`", "model_not_found"), "key"),
    ("claude", 401, claude_error("authentication_error", "invalid x-api-key"), "key"),
    ("claude access", 403, claude_error("permission_error", "no permission"), "key"),
    ("gemini", 400, gemini_error(400, "API key not valid. Please pass a valid API key."), "key"),
    ("gemini none", 400, gemini_error(400, "Missing or invalid Authorization header."), "key"),
    ("mistral", 401, {"detail": "Unauthorized"}, "key"),
    ("dashscope", 401, openai_error("Incorrect API key provided. ", "invalid_api_key"), "key"),
    ("html", 403, HTML, "key"),
    # credit
    (
        "openai",
        429,
        openai_error("You exceeded your current quota", "insufficient_quota", None, "insufficient_quota"),
        "credit",
    ),
    ("openai limit", 400, openai_error("Billing hard limit has been reached", "billing_hard_limit_reached"), "credit"),
    ("claude", 400, claude_error("invalid_request_error", "Your credit balance is too low to use the API."), "credit"),
    ("openrouter", 402, routed(402, "This request requires more credits, or fewer max_tokens."), "credit"),
    ("dashscope", 400, openai_error("Access denied, check your account.", "Arrearage", None, "Arrearage"), "credit"),
    ("deepseek", 402, openai_error("Insufficient Balance"), "credit"),
    ("nothing but 402", 402, "", "credit"),
    # rates: Gemini says quota for both
    ("openai", 429, openai_error("Rate limit reached for m", "rate_limit_exceeded", None, "tokens"), "rate"),
    (
        "gemini",
        429,
        gemini_error(429, "You exceeded your current quota, check your plan.", "RESOURCE_EXHAUSTED"),
        "rate",
    ),
    ("claude", 429, claude_error("rate_limit_error", "This request would exceed your rate limit."), "rate"),
    ("mistral", 429, {"message": "Requests rate limit exceeded"}, "rate"),
    ("dashscope", 429, openai_error("Requests rate limit exceeded", "limit_requests"), "rate"),
    ("html", 429, HTML, "rate"),
    # servers
    ("overloaded", 529, claude_error("overloaded_error", "Overloaded"), "server"),
    ("gemini", 503, gemini_error(503, "The model is overloaded.", "UNAVAILABLE"), "server"),
    ("openrouter", 502, routed(502, "Provider returned error", raw="upstream"), "server"),
    ("timeout", 408, routed(408, "Request timed out"), "server"),
    ("nothing", 500, "", "server"),
    # a filter's word in a server's fault is no refusal
    ("filter down", 503, openai_error("the content_filter service is down"), "server"),
    # refusals by the provider
    ("openai", 400, openai_error("Rejected by our safety system.", "content_policy_violation"), "content"),
    (
        "azure",
        400,
        openai_error("triggered Azure OpenAI's content management policy", "content_filter", "prompt"),
        "content",
    ),
    ("claude", 400, claude_error("invalid_request_error", "Output blocked by content filtering policy"), "content"),
    (
        "dashscope",
        400,
        openai_error("Input data may contain inappropriate content.", "data_inspection_failed"),
        "content",
    ),
    ("dashscope native", 400, {"code": "DataInspectionFailed", "message": "Output data may be bad."}, "content"),
    (
        *("openrouter", 403),
        routed(403, "m requires moderation on P. Your input was flagged.", reasons=["violence"], flagged_input="x"),
        "content",
    ),
    ("openrouter type", 403, routed(403, "Blocked", error_type="content_policy_violation"), "content"),
    # everything else
    (
        "context",
        400,
        openai_error("maximum context length is 10 tokens", "context_length_exceeded", "messages"),
        "rejected",
    ),
    (
        "claude size",
        400,
        claude_error("invalid_request_error", "messages.0.content.1.image: exceeds 5 MB maximum"),
        "rejected",
    ),
    ("too many", 400, openai_error("max_tokens is too large: 99999", "invalid_value", "max_tokens"), "rejected"),
    (
        "too many claude",
        400,
        claude_error("invalid_request_error", "max_tokens: 9 > 8, the maximum allowed"),
        "rejected",
    ),
    ("too many dashscope", 400, openai_error("Range of max_tokens should be [1, 8192]"), "rejected"),
    ("mistral's message", 422, mistral_error("messages", 0, "user", "name"), "rejected"),
    ("no vision", 400, openai_error("This model does not support images.", None, "messages"), "rejected"),
    ("too large", 413, HTML, "rejected"),
    ("model", 400, openai_error("the requested model 'x' does not exist", "invalid_model", "model"), "rejected"),
    ("redirect", 308, "", "rejected"),
]


def body_of(data: Any) -> bytes:
    return data.encode() if isinstance(data, str) else json.dumps(data).encode()


@pytest.mark.parametrize(
    ("status", "data", "kind"), [row[1:] for row in KINDS], ids=[f"{row[3]}: {row[0]}" for row in KINDS]
)
def test_every_shape_of_error_has_its_kind(status: int, data: Any, kind: str) -> None:
    dialect = CLAUDE if isinstance(data, dict) and data.get("type") == "error" else CHAT
    refused = dialect.refused(status, body_of(data))
    assert (refused.kind, refused.setting, refused.instead) == (kind, None, None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (openai_error("The model `x` does not exist"), "The model `x` does not exist"),
        (
            {"error": {"message": 'model "x" not found, try pulling it first'}},
            'model "x" not found, try pulling it first',
        ),
        ({"error": "no such model: x"}, "no such model: x"),
        (claude_error("not_found_error", "model: claude-x"), "not found: model: claude-x"),
        (gemini_error(404, "models/x is not found for v1"), "models/x is not found for v1"),
        (routed(404, "No endpoints found for x."), "No endpoints found for x."),
        (HTML, f"not found: {HTML}"),
        ("", "not found: an empty body"),
        ({"object": "error", "message": "The model `x` does not exist.", "code": 404}, "The model `x` does not exist."),
    ],
)
def test_a_model_that_is_not_there_is_said_to_be_missing(data: Any, message: str) -> None:
    assert CHAT.refused(404, body_of(data)) == Refused("rejected", message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"error": {"message": "a\n\tb \x00 c"}}, "a b \ufffd c"),
        ({"error": {"message": "half \ud800"}}, "half \ufffd"),
        (PYDANTIC, "frequency: unsupported"),
        ({"detail": "plain"}, "plain"),
        ({"message": {"message": "inner"}}, "inner"),
        (routed(400, "Provider returned error", raw='{"error":{"message":"why"}}'), "Provider returned error why"),
        (routed(400, "Provider returned error", raw="{why"), "Provider returned error {why"),
        ("  plain\ntext ", "plain text"),
        ([], "[]"),
        ({"error": {"code": 5}}, '{"error": {"code": 5}}'),
        ("7", "7"),
    ],
)
def test_the_message_is_the_servers_own_words_on_one_line(data: Any, message: str) -> None:
    assert CHAT.refused(418, body_of(data)).message == message


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "param", "code", "type", "loc", "msg", "metadata", "raw"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=400)
@given(st.integers(300, 599), st.binary(max_size=60) | anything.map(lambda data: json.dumps(data).encode()))
def test_any_body_says_something_in_one_short_printable_line(status: int, body: bytes) -> None:
    for dialect in (CHAT, CLAUDE):
        refused = dialect.refused(status, body)
        assert refused.message.isprintable()
        assert 0 < len(refused.message) <= 320
        assert (refused.kind == "setting") == (refused.setting is not None)


def test_a_body_nested_beyond_reading_is_text() -> None:
    assert CHAT.refused(400, b"[" * 100_000).message.startswith("[[[")
    nested = "x"
    for _ in range(6):
        nested = json.dumps({"error": {"message": "m", "metadata": {"raw": nested}}})
    assert CHAT.refused(400, nested.encode()).kind == "rejected"
