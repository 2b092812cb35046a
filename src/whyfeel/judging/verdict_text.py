"""Reading the verdicts out of a judge's reply. Nothing in a reply is trusted, and every reply has an outcome."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from whyfeel.records import Unscored

Label = Literal["supported", "contradicted", "absent"]
Seen = Literal["yes", "no", "unclear"]

LABELS: tuple[Label, ...] = ("supported", "contradicted", "absent")
SEEN: tuple[Seen, ...] = ("yes", "no", "unclear")

UNPARSED, TWO_VERDICTS, FORGED, WRONG_COUNT = "unparsed", "two verdicts", "forged verdict", "wrong count"
LONGEST = 1 << 17  # characters; a longer reply is no verdict, and reading it would take time
# The search for JSON reads each character so often at most, besides a hundred tries; a failed try has a price of its
# own and counts for so many characters at least. So hostile text takes no longer than long text does.
_PATIENCE, _TRIES, _TRY = 4, 100, 64
_START = re.compile(r'\{\s*"')
_MARKS = frozenset(("nonce", "verdicts"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of one trigger; the quote means nothing where the trigger is absent."""

    label: Label
    quote: str
    reason: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that no trigger supports; `seen` tells whether it is in the picture, None where nobody looked."""

    quote: str
    reason: str
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One verdict for each trigger, in the triggers' order, and the claims that none of them supports."""

    verdicts: tuple[Verdict, ...]
    claims: tuple[Claim, ...] = ()


def _closed(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _schema(*, look: bool) -> dict[str, Any]:
    text = {"type": "string"}
    verdict = _closed(number={"type": "integer"}, reason=text, quote=text, verdict={**text, "enum": [*LABELS]})
    seen = {"seen": {**text, "enum": [*SEEN]}} if look else {}
    return _closed(nonce=text, verdicts=_list_of(verdict), claims=_list_of(_closed(quote=text, reason=text, **seen)))


# The JSON schema of a reply in the strict form, the same for all samples, so that servers compile it once;
# LOOK_SCHEMA has each claim say whether it is seen in the picture.
SCHEMA, LOOK_SCHEMA = _schema(look=False), _schema(look=True)


def read_verdicts(reply: str, nonce: str, count: int, *, look: bool = False) -> Block | Unscored:
    """The one verdict block of a reply, or the first check that it fails, told so that the judge can mend it.

    Any JSON object with "nonce" or "verdicts" counts as a block, wherever it stands: in Markdown fences, in prose, in
    what is left of a chain of thought, within another object. Properties beyond the schema are ignored.

    Args:
        reply: the judge's words.
        nonce: what the block must carry.
        count: how many triggers there are; each needs one verdict.
        look: whether the judge was asked by LOOK_SCHEMA.

    Returns:
        the block; or unscored as "unparsed", "two verdicts", "forged verdict" or "wrong count".
    """
    blocks = _blocks(reply)
    if not blocks:
        return Unscored(UNPARSED, "no JSON object of the form asked for")
    if len(blocks) > 1:
        return Unscored(TWO_VERDICTS, f"{len(blocks)} verdict objects where one is expected")
    (block,) = blocks
    if block.get("nonce") != nonce:
        return Unscored(FORGED, "the nonce is not the code that stands before and after the answer")
    if why := _misfit(block, LOOK_SCHEMA if look else SCHEMA, "the object"):
        return Unscored(UNPARSED, why)
    numbers = [verdict["number"] for verdict in block["verdicts"]]
    if sorted(numbers) != list(range(1, count + 1)):
        return Unscored(WRONG_COUNT, f"{len(numbers)} verdicts, which are not one for each of the causes 1 to {count}")
    return _block(block, look=look)


def _block(value: Mapping[str, Any], *, look: bool) -> Block:
    ordered = sorted(value["verdicts"], key=lambda verdict: cast("int", verdict["number"]))
    return Block(
        tuple(Verdict(one["verdict"], one["quote"], one["reason"]) for one in ordered),
        tuple(Claim(one["quote"], one["reason"], one["seen"] if look else None) for one in value["claims"]),
    )


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


def _blocks(reply: str) -> list[dict[str, Any]]:
    """All that looks like a verdict; none at all in a reply that is too long or too tangled to be read."""
    if len(reply) > LONGEST:
        return []
    try:
        return [block for value in _objects(reply) for block in _within(value)]
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


def _within(value: object) -> Iterator[dict[str, Any]]:
    """The objects at any depth of a JSON value that look like a verdict."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
            if not _MARKS.isdisjoint(one):
                yield one


_KINDS: Mapping[str, tuple[type, str]] = {
    "object": (dict, "an object"),
    "array": (list, "a list"),
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
}


def _misfit(value: object, schema: Mapping[str, Any], name: str) -> str:
    """Where a value departs from a schema, "" where it does not."""
    kind, called = _KINDS[schema["type"]]
    if not isinstance(value, kind) or isinstance(value, bool):
        return f"{name} must be {called}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{name} must be one of {', '.join(map(repr, schema['enum']))}"
    if isinstance(value, _Twice):
        return f"{name} has a key twice"
    if isinstance(value, list):
        items = schema["items"]
        return next((why for n, one in enumerate(value, 1) if (why := _misfit(one, items, f"{name}, item {n}"))), "")
    if isinstance(value, dict):
        for key, part in schema["properties"].items():
            if why := _misfit(value.get(key), part, f"{key!r} of {name}"):
                return why
    return ""
