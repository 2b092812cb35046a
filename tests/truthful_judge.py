"""A judge's model that reads the prompt of `verdicts` as any model would and tells the truth, by exact text match."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

PROMPT = re.compile(
    r"all:\n(?P<triggers>.*?)\n\n.*?\nBEGIN ANSWER (?P<nonce>[0-9a-f]+)\n(?P<answer>.*)\nEND ANSWER (?P=nonce)\n",
    re.DOTALL,
)
NUMBER = re.compile(r"^\s*\d+\. ", re.MULTILINE)
WORD = re.compile(r"[^\W\d_]{2}")  # a line without one states nothing that could be quoted


def parts(prompt: str) -> dict[str, str]:
    """The triggers, the nonce and the answer of the first prompt of a conversation."""
    found = PROMPT.search(prompt)
    assert found is not None
    return found.groupdict()


def looks(prompt: str) -> bool:
    return '"seen"' in prompt


def block(
    prompt: str, verdicts: Iterable[tuple[str, str]], claims: Sequence[str | tuple[str, str]] = (), **changed: Any
) -> str:
    """A well-formed reply: (verdict, quote) for each trigger, quotes of claims, or (quote, seen)."""
    reply = {
        "nonce": parts(prompt)["nonce"],
        "verdicts": [
            {"number": n, "reason": "because", "quote": quote, "verdict": verdict}
            for n, (verdict, quote) in enumerate(verdicts, 1)
        ],
        "claims": [
            {"quote": claim, "reason": "because"}
            if isinstance(claim, str)
            else {"quote": claim[0], "reason": "because", "seen": claim[1]}
            for claim in claims
        ],
    }
    return json.dumps(reply | changed)


def truthful(prompt: str) -> str:
    """What a truthful judge replies that knows a cause by its very words."""
    told = parts(prompt)
    triggers = NUMBER.sub("", told["triggers"]).split("\n")
    lines = [NUMBER.sub("", line) for line in told["answer"].splitlines()]
    verdicts = [("supported", one) if one in told["answer"] else ("absent", "") for one in triggers]
    claims = [line for line in lines if WORD.search(line) and line not in triggers]
    return block(prompt, verdicts, [(one, "unclear") for one in claims] if looks(prompt) else claims)
