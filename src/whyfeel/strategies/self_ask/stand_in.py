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
_NUMBERED = re.compile(r"^[0-9]+\. ", re.MULTILINE)
_COUNT = re.compile(r"Write ([0-9]+) questions")


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
    if (wanted := _COUNT.search(said)) is None:
        return own
    return "\n".join(f"{number}. {own} {number}?" for number in range(1, int(wanted[1]) + 1))


def _summary(own: str) -> str:
    one = {"kind": "social", "explicit": True, "confidence": 50, "from": ["G1"]}
    return json.dumps({"triggers": [{"trigger": f"{own} {number}", **one} for number in range(1, TRIGGERS + 1)]})


def _bearings(said: str) -> str:
    count = len(_NUMBERED.findall(said))
    return json.dumps({"verdicts": [{"number": number, "bears": "yes"} for number in range(1, count + 1)]})
