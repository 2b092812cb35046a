"""The chat-completions protocol: from an ask to the bytes of a request, and from a reply's JSON to a Reply."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from whyfeel.engine import Reply, Request
from whyfeel.errors import CallFailed
from whyfeel.media import Loaded
from whyfeel.records import Media, Message, Outcome, Picture

# How models decline in so many words. Matched only at the start of a short reply, so that an answer that mentions
# an inability in passing is not counted as a refusal.
DECLINES = re.compile(
    r"\W*(?:i['’]m sorry|i am sorry|sorry|i apologi[sz]e)?\W*(?:but\W+)?"
    r"i(?: (?:cannot|can['’]?t|can not|won['’]?t|will not)|['’]m (?:unable|not able)| am (?:unable|not able))"
    r" (?:to )?(?:help(?! but\b| noticing| feeling| thinking)|assist|comply|provide|fulfill?|identify|determine|discuss"
    r"|answer|do that|process|analy[sz]e)",
    re.IGNORECASE,
)
SHORT = 400  # characters
MOST_TOKENS = 10**12
LARGE = 8192  # bytes; what is smaller is cheaper to copy than to send apart
EXCERPT = 500  # characters of an unusable reply that are kept for the message


def encode(model: str, request: Request) -> list[bytes]:
    """The body of a chat-completions request, in pieces to be sent one after the other.

    Pictures are pieces of their own, as they were encoded once: they pass through no JSON encoder and are not copied.
    """
    ask = request.ask
    pieces: list[bytes] = [b'{"model":', _json(model), b',"messages":[']
    for index, message in enumerate(ask.messages):
        pieces += [b"," if index else b"", b'{"role":', _json(message.speaker), b',"content":']
        pieces += [*_content(message, request.pictures), b"}"]
    pieces.append(b"]")
    settings = dict(ask.gen)
    if ask.schema is not None:
        settings["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": ask.role, "schema": ask.schema, "strict": True},
        }
    pieces += [b",", _json(settings)[1:]] if settings else [b"}"]
    return _merged(pieces)


def _merged(pieces: list[bytes]) -> list[bytes]:
    """The same bytes in few pieces: all but the large ones joined with their neighbours."""
    merged: list[bytes] = []
    small: list[bytes] = []
    for piece in pieces:
        if len(piece) < LARGE:
            small.append(piece)
        else:
            merged += [b"".join(small), piece]
            small = []
    return [*merged, b"".join(small)]


def _content(message: Message, pictures: Mapping[Media, Loaded]) -> list[bytes]:
    """A message of words alone goes as a plain string, which every server understands."""
    if not any(isinstance(part, Picture) for part in message.parts):
        return [_json("\n\n".join(part.text for part in message.parts if not isinstance(part, Picture)))]
    pieces: list[bytes] = [b"["]
    for index, part in enumerate(message.parts):
        pieces.append(b"," if index else b"")
        if isinstance(part, Picture):
            loaded = pictures[part.media]
            head = b'{"type":"image_url","image_url":{"url":"data:%s;base64,' % loaded.header.mime.encode()
            pieces += [head, loaded.base64, b'"}}']
        else:
            pieces += [b'{"type":"text","text":', _json(part.text), b"}"]
    return [*pieces, b"]"]


_ENCODE = json.JSONEncoder(separators=(",", ":")).encode  # built once: json.dumps would build one a call


def _json(value: object) -> bytes:
    return _ENCODE(value).encode()


def decode(body: bytes) -> Reply:
    """The reply in a body that came with status 200.

    An empty, refused or cut-off reply is a reply. What is not a chat completion at all is a failed call.

    Raises:
        CallFailed: "bad reply": HTML, broken JSON, an error object, or no `choices`.
    """
    try:
        data: Any = _parse(body)
    except (ValueError, RecursionError):
        raise CallFailed("bad reply", f"expected JSON, got {excerpt(body)}") from None
    choices = data.get("choices") if isinstance(data, dict) else None
    if not isinstance(choices, list):
        raise CallFailed("bad reply", f"expected a chat completion with choices, got {excerpt(body)}")
    choice = choices[0] if choices and isinstance(choices[0], dict) else {}
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    text = _text(message.get("content"))
    finish = _name(choice.get("finish_reason"))
    refusal = message.get("refusal")
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        text=text,
        outcome=_outcome(text, finish, refused=isinstance(refusal, str) and bool(refusal)),
        finish=finish,
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
        served=_name(data.get("model")),
    )


def _parse(body: bytes) -> object:
    """JSON, also where a few bytes of it are no UTF-8: they do not unsay an answer, and become lone surrogates."""
    try:
        return json.loads(body)
    except UnicodeDecodeError:
        return json.loads(body.decode("utf-8", "surrogateescape"))


def decode_names(body: bytes) -> list[str]:
    """The model names in the reply to GET /models.

    Raises:
        CallFailed: "bad reply": it is no list of models.
    """
    try:
        models = json.loads(body)["data"]
        return [str(model["id"]) for model in models]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise CallFailed("bad reply", f"expected a list of models, got {excerpt(body)}") from None


def _text(content: object) -> str:
    """Content as a string, or as a list of parts of which the texts count."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return ""


def _outcome(text: str, finish: str | None, *, refused: bool) -> Outcome:
    if refused or finish == "content_filter":
        return "refused"
    if finish == "length":
        return "truncated"
    if not text.strip():
        return "empty"
    return "refused" if len(text) <= SHORT and DECLINES.match(text) else "ok"


def _name(value: object) -> str | None:
    """A name a server gives, in characters that every file can hold."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else None


def _count(value: object) -> int | None:
    """A number of tokens; one that no reply could hold is as good as none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None


def excerpt(body: bytes) -> str:
    """The start of an unusable body, printable and on one line."""
    text = " ".join(body[: EXCERPT * 4].decode("utf-8", "replace").split())[:EXCERPT]
    return repr(text) if text else "an empty body"
