"""A judge's model that reads the prompt as any model would and answers truthfully, by exact text match."""

from __future__ import annotations

import json
import re

from whyfeel.records import Answer, Ask, Asking, Failure, Judgement, Text

PROMPT = re.compile(
    r"all:\n(?P<triggers>.*?)\n\n.*?\nBEGIN ANSWER (?P<nonce>[0-9a-f]+)\n(?P<answer>.*)\nEND ANSWER (?P=nonce)\n",
    re.DOTALL,
)
NUMBER = re.compile(r"^\s*\d+\. ", re.MULTILINE)


def prompt(ask: Ask) -> dict[str, str]:
    """The parts of the first prompt of a conversation."""
    found = PROMPT.search(said(ask, 1))
    assert found is not None
    return found.groupdict()


def said(ask: Ask, turn: int) -> str:
    return "".join(part.text for part in ask.messages[turn].parts if isinstance(part, Text))


def asks_to_look(ask: Ask) -> bool:
    return '"seen"' in said(ask, 1)


def reply(ask: Ask, verdicts, claims=(), **changed) -> str:
    """A well-formed reply: (verdict, quote) for each trigger, quotes of claims, or (quote, seen)."""
    block = {
        "nonce": prompt(ask)["nonce"],
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
    return json.dumps(block | changed)


def perfect(ask: Ask) -> str:
    """What a truthful judge replies that knows a cause by its very words."""
    parts = prompt(ask)
    triggers = NUMBER.sub("", parts["triggers"]).split("\n")
    lines = [NUMBER.sub("", line) for line in parts["answer"].splitlines()]
    verdicts = [("supported", one) if one in parts["answer"] else ("absent", "") for one in triggers]
    claims = [line for line in lines if line.strip() and line not in triggers]
    return reply(ask, verdicts, [(one, "unclear") for one in claims] if asks_to_look(ask) else claims)


def converse(judging: Asking[Judgement], *replies) -> tuple[Judgement, list[Ask]]:
    """Run a judge on replies written to its asks, the last writer for ever: the judgement and the asks, in order.

    Of asks side by side each gets the reply of the same round. A writer may return a Failure.
    """
    asks: list[Ask] = []
    script = list(replies)
    try:
        step = next(judging)
        while True:
            write = script.pop(0) if len(script) > 1 else script[0]
            answers = []
            for ask in step if isinstance(step, list) else [step]:
                asks.append(ask)
                said = write(ask)
                answers.append(said if isinstance(said, Failure) else Answer(f"key{len(asks)}", said))
            step = judging.send(answers if isinstance(step, list) else answers[0])
    except StopIteration as stop:
        return stop.value, asks
