"""A judge's model that reads the prompt of `pairwise` as any model would, and replies what a test has it prefer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

PROMPT = re.compile(
    r"BEGIN ANSWER A (?P<nonce>[0-9a-f]{16})\n(?P<a>.*)\nEND ANSWER A (?P=nonce)\n\n"
    r"BEGIN ANSWER B (?P=nonce)\n(?P<b>.*)\nEND ANSWER B (?P=nonce)\n",
    re.DOTALL,
)


def pair(prompt: str) -> dict[str, str]:
    """The nonce and the answers A and B of the first prompt of a conversation."""
    found = PROMPT.search(prompt)
    assert found is not None
    return found.groupdict()


def preference(prompt: str, verdict: str, **changed: str) -> str:
    """A well-formed reply."""
    return json.dumps({"nonce": pair(prompt)["nonce"], "reason": "because", "verdict": verdict} | changed)


def preferring(worth: Callable[[str], float], *, tie: str = "both good") -> Callable[[str], str]:
    """A model that prefers the answer of more worth, wherever it stands."""

    def reply(prompt: str) -> str:
        told = pair(prompt)
        a, b = worth(told["a"]), worth(told["b"])
        return preference(prompt, tie if a == b else "A" if a > b else "B")

    return reply
