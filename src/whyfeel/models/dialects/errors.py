"""Error replies: in whatever shape a provider says it, what is wrong and whether anything can be done."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from whyfeel.models.dialects.base import SCHEMA, Kind, Refused

LONGEST = 300  # characters of a message
READ = 4000  # characters of it that are searched

CONTENT = re.compile(
    r"content_filter|content[ _]policy|data_?inspection_?failed|content management policy|content filtering policy"
    r"|inappropriate content|requires moderation|safety system|prohibited_content|usage polic(?:y|ies)"
    r"|input was flagged",
    re.IGNORECASE,
)
CREDIT = re.compile(
    r"insufficient_quota|insufficient[ _](?:credits?|balance)|credit balance is too low|arrearage"
    r"|billing_(?:error|hard)|bill_?overdue|freetieronly|key limit exceeded",
    re.IGNORECASE,
)
KEY = re.compile(
    r"api[ _]?key[ _](?:not valid|invalid|expired)|(?:invalid|incorrect)[ _]api[ _]?key|authorization header"
    r"|location is not supported",
    re.IGNORECASE,
)
UNWILLING = re.compile(
    r"unsupported|(?:not|n['’]t) (?:yet |currently )?(?:support|permit|allow|accept|enabled|available|implemented)"
    r"|un(?:recogni[sz]ed|known|expected)|extra inputs|deprecated|cannot (?:both|find|unmarshal)|must|should"
    r"|invalid|only",
    re.IGNORECASE,
)
SCHEMA_NAMES = re.compile(
    r"response_format|json_schema|json_object|structured[ _]outputs?|output_config|output_format|json[ _]mode"
    r"|guided_json|response_schema|additional_?properties",
    re.IGNORECASE,
)
# Where a message's grammar says that a word is a setting's name.
NAMED = re.compile(
    r"(?:parameter|argument|unknown (?:field|name)|property|option)s?(?: supplied)?(?:: *['\"`]?| +['\"`])"
    r"(?P<after>[a-z]\w*)"
    r"|(?:^|\n)(?P<line>[a-z]\w*): extra inputs"
    r"|'loc': \('body', '(?P<loc>\w+)'"
    r"|['\"`](?P<before>[a-z]\w*)['\"`] (?:parameter|is (?:not|un|deprecated|invalid)|does not|cannot)",
    re.IGNORECASE,
)
KNOWN = re.compile(
    r"\b(temperature|top_p|top_k|min_p|seed|random_seed|stop_sequences|max_tokens|max_completion_tokens|logprobs"
    r"|top_logprobs|logit_bias|(?:presence|frequency|repetition)_penalty|reasoning_effort)\b"
    r"|['\"`](stop|n)['\"`]"
)
INSTEAD = re.compile(r"use (?:['\"`](\w+)['\"`]|(\w+_\w+)) instead", re.IGNORECASE)
NO_SETTINGS = {"messages", "model", "input", "contents", "content", "body"}
LIMITS = {"max_tokens", "max_completion_tokens"}
# A limit that is too high for one request says nothing of the next: it is not left out for that.
TOO_MUCH = re.compile(
    r"too (?:large|high|long|many)|maximum|context|at (?:most|least)|exceed|range|(?:less|greater) than|reached|[<>]",
    re.IGNORECASE,
)
MISSING = re.compile(r"not (?:be )?found|not exist|no such|unknown|no endpoints", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Said:
    """What an error body holds: the message in words, its labels (code, type), and the parameter it names."""

    message: str
    labels: str = ""
    param: str | None = None


def read_error(status: int, body: bytes, names: Mapping[str, str]) -> Refused:
    """What an error reply says.

    Args:
        status: of the reply.
        body: anything.
        names: from the server's name of a setting to the ask's, where they differ.
    """
    said = _said(body)
    message = _one_line(said.message) or "an empty body"
    kind = _kind(status, f"{said.labels} {said.message[:READ]}")
    setting = _setting(said) if kind == "rejected" and status in {400, 422} else None
    if setting is not None:
        found = INSTEAD.search(said.message)
        instead = (found[1] or found[2]) if found else None
        return Refused("setting", message, names.get(setting, setting), instead if instead != setting else None)
    if status == 404 and not MISSING.search(message):
        message = f"not found: {message}"
    return Refused(kind, message)


def _kind(status: int, said: str) -> Kind:
    if status < 500 and status not in {401, 402, 404, 429} and CONTENT.search(said):
        return "content"
    if status == 402 or (status < 500 and CREDIT.search(said)):
        return "credit"
    if status == 429:
        return "rate"
    if status == 408 or status >= 500:
        return "server"
    return "key" if status in {401, 403} or (status == 400 and KEY.search(said)) else "rejected"


def _setting(said: _Said) -> str | None:
    """Which setting is refused, by the server's name; None where it is something else."""
    message = said.message[:READ]
    if SCHEMA_NAMES.search(f"{said.param} {message}") and UNWILLING.search(f"{said.labels} {message}"):
        return SCHEMA
    if said.param is not None:
        setting: str | None = re.split(r"[.\[]", said.param)[0]
    elif UNWILLING.search(message):
        setting = _named(message)
    else:
        return None
    if not setting or setting in NO_SETTINGS or (setting in LIMITS and TOO_MUCH.search(message)):
        return None
    return setting


def _named(message: str) -> str | None:
    """The setting that a message names: by its grammar, or as one of those that everyone knows."""
    named = [found[found.lastgroup or 0] for found in NAMED.finditer(message)]
    named += [found[1] or found[2] for found in KNOWN.finditer(message)]
    return next((name for name in named if name.islower() and name not in NO_SETTINGS), None)


def _said(body: bytes) -> _Said:
    """The parts of an error body in any of the shapes that providers send."""
    text = body[: 4 * READ].decode("utf-8", "replace")
    try:
        said = _parts(json.loads(body))
    except (ValueError, RecursionError):
        return _Said(text)
    return said if said.message else replace(said, message=text)


def _parts(data: object) -> _Said:
    """The parts of an error object, which may hold another in a string: what a router's own provider said."""
    data = data[0] if isinstance(data, list) and data else data
    if not isinstance(data, dict):
        return _Said(data if isinstance(data, str) else "")
    inner = data["error"] if isinstance(data.get("error"), dict) else data
    told = _opened(next((inner[name] for name in ("message", "detail", "error", "msg") if inner.get(name)), None))
    metadata = inner["metadata"] if isinstance(inner.get("metadata"), dict) else {}
    cause = _parts(_opened(metadata.get("raw")))
    labels = [part.get(name) for part in (inner, metadata) for name in ("code", "type", "status", "error_type")]
    return _Said(
        "\n".join(filter(None, (_words(told), cause.message))),
        " ".join(label for label in [*labels, cause.labels] if isinstance(label, str)),
        next((name for name in (inner.get("param"), _place(told), cause.param) if isinstance(name, str)), None),
    )


def _opened(value: object) -> object:
    """A value, or the JSON that it holds as a string."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return cast("object", json.loads(value))
        except (ValueError, RecursionError):
            return value
    return value


def _words(told: object, depth: int = 3) -> str:
    """A message as words, also where it is a list of what is wrong with each field."""
    if isinstance(told, str):
        return told
    if depth == 0:
        return ""
    if isinstance(told, list):
        return "\n".join(filter(None, (_words(one, depth - 1) for one in told)))
    if isinstance(told, dict):
        place = _place([told])
        words = next((_words(told[name], depth - 1) for name in ("msg", "message", "detail") if told.get(name)), "")
        return f"{place}: {words}" if place and words else words
    return ""


def _place(told: object) -> str | None:
    """The field that a list of faults names first: `loc` without the word "body"."""
    told = told.get("detail") if isinstance(told, dict) else told
    first = told[0] if isinstance(told, list) and told else None
    where = first.get("loc") if isinstance(first, dict) else None
    names = [part for part in where if isinstance(part, str) and part != "body"] if isinstance(where, list) else []
    return names[0] if names else None


def _one_line(text: str) -> str:
    line = " ".join(text[:READ].split())[:LONGEST]
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
