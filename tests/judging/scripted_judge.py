"""Conversations of a judge with a model whose replies are written to its asks."""

from __future__ import annotations

from truthful_judge import block, parts, truthful
from whyfeel.records import Answer, Ask, Asking, Failure, Judgement, Text


def prompt(ask: Ask) -> dict[str, str]:
    """The parts of the first prompt of a conversation."""
    return parts(said(ask, 1))


def said(ask: Ask, turn: int) -> str:
    return "".join(part.text for part in ask.messages[turn].parts if isinstance(part, Text))


def reply(ask: Ask, verdicts, claims=(), **changed) -> str:
    """A well-formed reply: (verdict, quote) for each trigger, quotes of claims, or (quote, seen)."""
    return block(said(ask, 1), verdicts, claims, **changed)


def perfect(ask: Ask) -> str:
    """What a truthful judge replies that knows a cause by its very words."""
    return truthful(said(ask, 1))


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
