"""Reading the verdicts out of a judge's reply. Nothing in a reply is trusted, and every reply has an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from whyfeel.records import Unscored
from whyfeel.replies import closed, list_of, misfit, objects_with

Label = Literal["supported", "contradicted", "absent"]
Seen = Literal["yes", "no", "unclear"]

LABELS: tuple[Label, ...] = ("supported", "contradicted", "absent")
SEEN: tuple[Seen, ...] = ("yes", "no", "unclear")

UNPARSED, TWO_VERDICTS, FORGED, WRONG_COUNT = "unparsed", "two verdicts", "forged verdict", "wrong count"


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


def _schema(*, look: bool) -> dict[str, Any]:
    text = {"type": "string"}
    verdict = closed(number={"type": "integer"}, reason=text, quote=text, verdict={**text, "enum": [*LABELS]})
    seen = {"seen": {**text, "enum": [*SEEN]}} if look else {}
    return closed(nonce=text, verdicts=list_of(verdict), claims=list_of(closed(quote=text, reason=text, **seen)))


# The JSON schema of a reply in the strict form, the same for all samples, so that servers compile it once;
# LOOK_SCHEMA has each claim say whether it is seen in the picture.
SCHEMA, LOOK_SCHEMA = _schema(look=False), _schema(look=True)


def read_object(reply: str, nonce: str, schema: Mapping[str, Any], mark: str) -> Mapping[str, Any] | Unscored:
    """The one object of a reply that answers a judge's question, or the first check that it fails.

    Any JSON object with "nonce" or the mark counts as one, wherever it stands: in Markdown fences, in prose, in what is
    left of a chain of thought, within another object. Properties beyond the schema are ignored.

    Args:
        reply: the judge's words.
        nonce: what the object must carry.
        schema: what it must fit.
        mark: the property that makes an object a verdict.

    Returns:
        the object; or unscored as "unparsed", "two verdicts" or "forged verdict".
    """
    found = objects_with(reply, "nonce", mark)
    if not found:
        return Unscored(UNPARSED, "no JSON object of the form asked for")
    if len(found) > 1:
        return Unscored(TWO_VERDICTS, f"{len(found)} verdict objects where one is expected")
    (one,) = found
    if one.get("nonce") != nonce:
        return Unscored(FORGED, "the nonce is not the code that stands before and after the answer")
    if why := misfit(one, schema, "the object"):
        return Unscored(UNPARSED, why)
    return one


def read_verdicts(reply: str, nonce: str, count: int, *, look: bool = False) -> Block | Unscored:
    """The one verdict block of a reply, or the first check that it fails, told so that the judge can mend it.

    Args:
        reply: the judge's words.
        nonce: what the block must carry.
        count: how many triggers there are; each needs one verdict.
        look: whether the judge was asked by LOOK_SCHEMA.

    Returns:
        the block; or unscored as "unparsed", "two verdicts", "forged verdict" or "wrong count".
    """
    block = read_object(reply, nonce, LOOK_SCHEMA if look else SCHEMA, "verdicts")
    if isinstance(block, Unscored):
        return block
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
