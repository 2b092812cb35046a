"""Chat completions: what OpenAI defined and most servers speak, each with its own quirks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from whyfeel.engine import Reply, Request
from whyfeel.errors import RATE_LIMITED, CallFailed
from whyfeel.media import Loaded
from whyfeel.models.dialects import reading
from whyfeel.models.dialects.base import SCHEMA, Adaptation, Refused, excerpt
from whyfeel.models.dialects.errors import read_error
from whyfeel.models.dialects.schemas import strict
from whyfeel.models.dialects.writing import as_json, merged, words
from whyfeel.records import Ask, Media, Message, Picture

# In a reply without choices: a filter took them away (Gemini's blockReason, Azure's content_filter_results).
BLOCKED = re.compile(rb'block_?reason"\s*:\s*"|"filtered"\s*:\s*true|content_filter"', re.IGNORECASE)
THOUGHTS = ("thinking", "reasoning")  # kinds of parts that are no part of the answer


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """The protocol with one server's quirks.

    Attributes:
        limit: what the server calls max_tokens.
        seed: what the server calls seed.
        schema: how it takes a schema: the schema itself, only that JSON is wanted, or not at all.
        tells_cost: whether its `usage.cost` is what the call cost in US dollars.
    """

    limit: str = "max_tokens"
    seed: str = "seed"
    schema: Literal["json_schema", "json_object"] | None = "json_schema"
    tells_cost: bool = False

    @property
    def path(self) -> str:
        """Where requests go."""
        return "/chat/completions"

    def headers(self, key: str | None) -> dict[str, str]:
        """The key as a bearer token."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def encode(self, model: str, request: Request, adapted: Adaptation) -> list[bytes]:
        """The body of a request, in pieces to be sent one after the other; pictures are pieces of their own."""
        ask = request.ask
        pieces: list[bytes] = [b'{"model":', as_json(model), b',"messages":[']
        for index, message in enumerate(ask.messages):
            pieces += [b"," if index else b"", b'{"role":', as_json(message.speaker), b',"content":']
            pieces += [*_content(message, request.pictures), b"}"]
        pieces.append(b"]")
        settings = self._settings(ask, adapted)
        pieces += [b",", as_json(settings)[1:]] if settings else [b"}"]
        return merged(pieces)

    def _settings(self, ask: Ask, adapted: Adaptation) -> dict[str, Any]:
        names = {"max_tokens": self.limit, "seed": self.seed, **adapted.renamed}
        settings = {names[name]: value for name, value in ask.gen.items() if name in names}
        # what the user gives under the server's own name stands over what is translated
        settings |= {name: value for name, value in ask.gen.items() if name not in names}
        if ask.schema is not None and self.schema is not None:
            settings.setdefault(SCHEMA, self._response_format(ask.role, ask.schema))
        for name in adapted.left_out:
            settings.pop(names.get(name, name), None)
        return settings

    def _response_format(self, role: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self.schema == "json_object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": role, "schema": strict(schema), "strict": True}}

    def decode(self, body: bytes) -> Reply:
        """The reply in a body that came with status 200.

        Raises:
            CallFailed: "bad reply": it is no chat completion; or what an error object in it says.
        """
        data: Any = reading.parse(body)
        choices = data.get("choices") if isinstance(data, dict) else None
        if not isinstance(choices, list):
            return self._without_choices(data, body)
        choice = choices[0] if choices and isinstance(choices[0], dict) else {}
        if choice.get("error") or choice.get("finish_reason") == "error":
            return _failed_within(choice.get("error"), body)
        if not choices and BLOCKED.search(body):
            choice = {"finish_reason": "content_filter"}
        return self._reply(data, choice)

    def _without_choices(self, data: object, body: bytes) -> Reply:
        error = data.get("error") if isinstance(data, dict) else None
        if error:
            return _failed_within(error, body)
        raise CallFailed("bad reply", f"expected a chat completion with choices, got {excerpt(body)}")

    def _reply(self, data: Mapping[str, Any], choice: Mapping[str, Any]) -> Reply:
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        text, thoughts, refusal = _text(message)
        finish = reading.name(choice.get("finish_reason"))
        usage = data.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        tokens_in, tokens_out = _tokens(usage)
        return Reply(
            text=text,
            outcome=reading.outcome(text, finish, refused=refusal),
            finish=finish,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            served=reading.name(data.get("model")),
            reasoning=thoughts,
            cost=reading.dollars(usage.get("cost")) if self.tells_cost else None,
        )

    def refused(self, status: int, body: bytes) -> Refused:
        """What an error reply says, its setting by the ask's name for it."""
        return read_error(status, body, {self.limit: "max_tokens", self.seed: "seed"})

    def decode_names(self, body: bytes) -> list[str]:
        """The model names in the reply to GET /models.

        Raises:
            CallFailed: "bad reply": it is no list of models.
        """
        return reading.names(body)


def _content(message: Message, pictures: Mapping[Media, Loaded]) -> Iterator[bytes]:
    """A message of words alone goes as a plain string, which every server understands."""
    if not any(isinstance(part, Picture) for part in message.parts):
        yield as_json(words(message.parts))
        return
    before = b"["
    for part in message.parts:
        yield before
        if isinstance(part, Picture):
            loaded = pictures[part.media]
            yield b'{"type":"image_url","image_url":{"url":"data:%s;base64,' % loaded.header.mime.encode()
            yield loaded.base64
            yield b'"}}'
        else:
            yield b'{"type":"text","text":%s}' % as_json(part.text)
        before = b","
    yield b"]"


def _failed_within(error: object, body: bytes) -> Reply:
    """What an error that came with status 200 amounts to: a refusal by the provider is a reply."""
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code <= 599 else 500
    refused = read_error(status, body, {})
    if refused.kind == "content":
        return Reply("", "refused", "content_filter")
    said = f"expected a chat completion, got an error: {excerpt(body)}"  # as it came: what escapes hide stays hidden
    if refused.kind == "server":
        raise CallFailed("bad reply", said)
    if refused.kind == "rate":
        raise CallFailed(RATE_LIMITED, said)
    raise CallFailed("rejected", said, again=False)


def _text(message: Mapping[str, Any]) -> tuple[str, str, bool]:
    """(answer, reasoning, whether it was refused) of a message."""
    content = message.get("content")
    refusal = message.get("refusal")
    refused = isinstance(refusal, str) and bool(refusal)
    if isinstance(content, str):
        text, thoughts = reading.without_thoughts(content)
    elif isinstance(content, list):
        text, thoughts = _parts(content)
        refused = refused or any(isinstance(part, dict) and part.get("type") == "refusal" for part in content)
    else:
        text, thoughts = "", ""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(told := message.get(name), str) and told:
            return text, told, refused
    details = message.get("reasoning_details")
    if isinstance(details, list):
        kept = [part for part in details if isinstance(part, dict)]
        told = reading.texts(value for part in kept for value in (part.get("text"), part.get("summary")))
        thoughts = told or thoughts
    return text, thoughts, refused


def _parts(content: list[Any]) -> tuple[str, str]:
    """Content in parts: the texts are the answer; thinking may itself be a list of texts."""
    parts = [part for part in content if isinstance(part, dict)]
    text = reading.texts(part.get("text") for part in parts if part.get("type") not in THOUGHTS)
    told: list[object] = []
    for part in parts:
        if part.get("type") in THOUGHTS:
            for value in (part.get("thinking"), part.get("text")):
                inner = value if isinstance(value, list) else [{"text": value}]
                told += [item.get("text") for item in inner if isinstance(item, dict)]
    answer, thoughts = reading.without_thoughts(text)
    return answer, reading.texts(told) or thoughts


def _tokens(usage: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """(in, out); where the total is more than both together, the rest was thinking, which is paid as output."""
    tokens_in, tokens_out = reading.count(usage.get("prompt_tokens")), reading.count(usage.get("completion_tokens"))
    total = reading.count(usage.get("total_tokens"))
    if tokens_in is not None and tokens_out is not None and total is not None and total > tokens_in + tokens_out:
        tokens_out = total - tokens_in
    return tokens_in, tokens_out
