"""Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from whyfeel.engine import Reply, Request
from whyfeel.errors import CallFailed
from whyfeel.media import Loaded
from whyfeel.models.dialects import reading
from whyfeel.models.dialects.base import SCHEMA, Adaptation, Refused, excerpt
from whyfeel.models.dialects.errors import read_error
from whyfeel.models.dialects.schemas import strict
from whyfeel.models.dialects.writing import as_json, merged, words
from whyfeel.records import Ask, Media, Message, Picture

VERSION = "2023-06-01"
MOST = 1024  # tokens out where an ask sets no limit: the API demands one, and the budget reserves as many
NAMES = {"max_completion_tokens": "max_tokens", "stop": "stop_sequences"}
ASKED_AS = {"stop_sequences": "stop", "output_config": SCHEMA, "output_format": SCHEMA}


@dataclass(frozen=True, slots=True)
class Messages:
    """The protocol: system texts apart, pictures as base64 sources, a limit on every request."""

    @property
    def path(self) -> str:
        """Where requests go."""
        return "/messages"

    def headers(self, key: str | None) -> dict[str, str]:
        """The protocol's version, and the key in a header of its own."""
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}

    def encode(self, model: str, request: Request, adapted: Adaptation) -> list[bytes]:
        """The body of a request, in pieces to be sent one after the other; pictures are pieces of their own."""
        ask = request.ask
        pieces: list[bytes] = [b'{"model":', as_json(model), b',"messages":[']
        before = b""
        for message in ask.messages:
            if message.speaker != "system":
                pieces += [before, b'{"role":', as_json(message.speaker), b',"content":']
                pieces += [*_content(message, request.pictures), b"}"]
                before = b","
        pieces += [b"],", as_json(_settings(ask, adapted))[1:]]
        return merged(pieces)

    def decode(self, body: bytes) -> Reply:
        """The reply in a body that came with status 200.

        Raises:
            CallFailed: "bad reply": it is no message.
        """
        data: Any = reading.parse(body)
        content = data.get("content") if isinstance(data, dict) else None
        if not isinstance(content, list):
            raise CallFailed("bad reply", f"expected a message with content, got {excerpt(body)}")
        blocks = [block for block in content if isinstance(block, dict)]
        text = reading.texts(block.get("text") for block in blocks if block.get("type") == "text")
        finish = reading.name(data.get("stop_reason"))
        usage = data.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return Reply(
            text=text,
            outcome=reading.outcome(text, finish),
            finish=finish,
            tokens_in=_tokens_in(usage),
            tokens_out=reading.count(usage.get("output_tokens")),
            served=reading.name(data.get("model")),
            reasoning=reading.texts(block.get("thinking") for block in blocks),
        )

    def refused(self, status: int, body: bytes) -> Refused:
        """What an error reply says, its setting by the ask's name for it."""
        return read_error(status, body, ASKED_AS)

    def decode_names(self, body: bytes) -> list[str]:
        """The model names in the reply to GET /models.

        Raises:
            CallFailed: "bad reply": it is no list of models.
        """
        return reading.names(body)


def _settings(ask: Ask, adapted: Adaptation) -> dict[str, Any]:
    """What stands beside the messages; never empty, since a limit is always sent."""
    names = {**NAMES, **adapted.renamed}
    gen = {name: value for name, value in ask.gen.items() if name not in adapted.left_out and name != SCHEMA}
    settings = {name: value for name, value in gen.items() if name not in names}
    settings |= {names[name]: value for name, value in gen.items() if name in names}
    settings.setdefault("max_tokens", MOST)
    stop = settings.get("stop_sequences")
    if isinstance(stop, str):
        settings["stop_sequences"] = [stop]
    system = [words(message.parts) for message in ask.messages if message.speaker == "system"]
    if system:
        settings["system"] = "\n\n".join(system)
    if ask.schema is not None and SCHEMA not in adapted.left_out:
        own = settings.get("output_config")
        form = {"type": "json_schema", "schema": strict(ask.schema)}
        settings["output_config"] = {**(own if isinstance(own, dict) else {}), "format": form}
    return settings


def _content(message: Message, pictures: Mapping[Media, Loaded]) -> Iterator[bytes]:
    """A message's blocks, words alone as a plain string; the API takes no block of empty text."""
    if not any(isinstance(part, Picture) for part in message.parts):
        yield as_json(words(message.parts))
        return
    before = b"["
    for part in message.parts:
        if isinstance(part, Picture):
            loaded = pictures[part.media]
            mime = loaded.header.mime.encode()
            yield before + b'{"type":"image","source":{"type":"base64","media_type":"%s","data":"' % mime
            yield loaded.base64
            yield b'"}}'
        elif part.text:
            yield before + b'{"type":"text","text":%s}' % as_json(part.text)
        else:
            continue
        before = b","
    yield b"]"


def _tokens_in(usage: Mapping[str, Any]) -> int | None:
    """All that was read, whether the cache held it or not; input_tokens alone leaves the cached part out."""
    fresh = reading.count(usage.get("input_tokens"))
    if fresh is None:
        return None
    cached = (usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens"))
    return fresh + sum(reading.count(value) or 0 for value in cached)
