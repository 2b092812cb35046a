"""What a model would reply to an ask of a chain, for a dry run: in its form, and of the usual size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from whyfeel.records import Ask, Text
from whyfeel.strategies.self_ask.settings import (
    DUPLICATE,
    GROUNDED,
    PARSE,
    REBUILD,
    RELEVANT,
    SCENARIO,
    SUMMARY,
)

TRIGGERS = 5  # EIBench's mean is 4.6 a picture
SCENES = 12  # as many questions as anybody may set; the chain takes those it asked for
_NUMBERED = re.compile(r"^([0-9]+)\. ", re.MULTILINE)
_LABELLED = re.compile(r"^G1\. ", re.MULTILINE)  # the chain's own mark: prompts may be in the user's words


def stand_in(ask: Ask, own: str) -> str | None:
    """A reply that lets the chain go on, None for an ask that is none of a chain's.

    Args:
        own: words that no other ask's reply has.
    """
    said = "\n".join(part.text for message in ask.messages for part in message.parts if isinstance(part, Text))
    replies: Mapping[str, Callable[[], str]] = {
        PARSE: lambda: json.dumps({"person": "", "emotion": "", "task": own}),
        REBUILD: lambda: f"{own}?",
        SCENARIO: lambda: _questions(said, own),
        SUMMARY: lambda: _summary(own),
        DUPLICATE: lambda: json.dumps({"same": []}),
        GROUNDED: lambda: "seen",
        RELEVANT: lambda: _bearings(said),
    }
    return replies[ask.role]() if ask.role in replies else None


def _questions(said: str, own: str) -> str:
    """The questions about the scene, or the answer to one."""
    if not _LABELLED.search(said):
        return own
    return "\n".join(f"{number}. {own} {number}?" for number in range(1, SCENES + 1))


def _summary(own: str) -> str:
    one = {"kind": "social", "explicit": True, "confidence": 50, "from": ["G1"]}
    return json.dumps({"triggers": [{"trigger": f"{own} {number}", **one} for number in range(1, TRIGGERS + 1)]})


def _bearings(said: str) -> str:
    count = max(map(int, _NUMBERED.findall(said)), default=0)  # a query may hold a list of its own
    return json.dumps({"verdicts": [{"number": number, "bears": "yes"} for number in range(1, count + 1)]})
