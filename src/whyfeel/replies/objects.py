"""JSON in a model's words: found wherever it stands, read strictly, in linear time. Nothing in a reply is trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 1 << 17  # characters; a longer reply is no answer to what was asked, and reading it would take time
# The search for JSON reads each character so often at most, besides a hundred tries; a failed try has a price of its
# own and counts for so many characters at least. So hostile text takes no longer than long text does.
_PATIENCE, _TRIES, _TRY = 4, 100, 64
_START = re.compile(r'\{\s*"')


def closed(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of an object with these properties and no others, in the strict form that servers compile."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def list_of(items: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of a list."""
    return {"type": "array", "items": items}


class _Twice(dict[str, Any]):
    """An object in which a key stands twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice(found)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=lambda _: None,  # NaN and Infinity are no JSON
    parse_int=lambda digits: int(digits) if len(digits) < 10 else None,  # Python refuses very long ones
    strict=False,  # line breaks within texts are a frequent slip and no ambiguity
)


def objects_with(reply: str, *marks: str) -> list[dict[str, Any]]:
    """All JSON objects of a reply that hold one of these keys, at any depth, in the order in which they begin.

    They are found in Markdown fences, in prose, in what is left of a chain of thought, within other objects. A reply
    that is too long (LONGEST) or too tangled to be read holds none.
    """
    if len(reply) > LONGEST:
        return []
    wanted = frozenset(marks)
    try:
        return [one for value in _objects(reply) for one in _within(value, wanted)]
    except RecursionError:
        return []


def _objects(reply: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects of a text."""
    left = _PATIENCE * len(reply) + _TRIES * _TRY
    start = _START.search(reply)
    while start is not None and left > 0:
        begin = start.start()
        try:
            value, end = _DECODER.raw_decode(reply, begin)
        except json.JSONDecodeError as error:
            left -= max(error.pos - begin, _TRY)
            start = _START.search(reply, begin + 1)
        else:
            left -= end - begin
            start = _START.search(reply, end)
            yield value


def _within(value: object, wanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += reversed(one)
        elif isinstance(one, dict):
            waiting += reversed(one.values())
            if not wanted.isdisjoint(one):
                yield one


_KINDS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "object": (dict, "an object"),
    "array": (list, "a list"),
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": (bool, "true or false"),
}


def misfit(value: object, schema: Mapping[str, Any], name: str) -> str:
    """Where a value departs from a schema, told so that a model can mend it; "" where it does not.

    Properties beyond the schema are ignored.

    >>> misfit({"n": "1"}, closed(n={"type": "integer"}), "the object")
    "'n' of the object must be a whole number"
    """
    kind, called = _KINDS[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return f"{name} must be {called}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{name} must be one of {', '.join(map(repr, schema['enum']))}"
    if isinstance(value, _Twice):
        return f"{name} has a key twice"
    if isinstance(value, list):
        items = schema["items"]
        return next((why for n, one in enumerate(value, 1) if (why := misfit(one, items, f"{name}, item {n}"))), "")
    if isinstance(value, dict):
        for key, part in schema["properties"].items():
            if why := misfit(value.get(key), part, f"{key!r} of {name}"):
                return why
    return ""
