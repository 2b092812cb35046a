"""Several conversations as one: their asks go out side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from whyfeel.errors import AskFailed
from whyfeel.records import Ask, Asking, Failure

T = TypeVar("T")


def alongside(conversations: Sequence[Asking[T]]) -> Asking[list[T]]:
    """Drive conversations that do not depend on each other, a step of each at a time.

    Returns:
        what they return, in their order.

    Raises:
        AskFailed: an ask of one of them failed and it did not catch it; the others are ended.
    """
    results: dict[int, T] = {}
    steps: dict[int, Ask | list[Ask]] = {}
    replies: dict[int, Any] = dict.fromkeys(range(len(conversations)))
    try:
        while True:
            for number, reply in replies.items():
                try:
                    steps[number] = _resume(conversations[number], reply)
                except StopIteration as stop:
                    results[number] = stop.value
            if not steps:
                return [results[number] for number in range(len(conversations))]
            asks = [ask for step in steps.values() for ask in (step if isinstance(step, list) else [step])]
            said = iter((yield asks))
            replies = {
                number: [next(said) for _ in step] if isinstance(step, list) else next(said)
                for number, step in steps.items()
            }
            steps = {}
    finally:
        for conversation in conversations:
            conversation.close()


def _resume(conversation: Asking[T], reply: object) -> Ask | list[Ask]:
    """The next step; the failure of a single ask is thrown in, as the engine would."""
    if isinstance(reply, Failure):
        return conversation.throw(AskFailed(reply.reason, reply.detail))
    return conversation.send(reply)
