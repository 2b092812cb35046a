"""One ask of a chain, tried again where its reply is not what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from whyfeel.errors import AskFailed
from whyfeel.records import Answer, Ask, Asking, Failure, Message, Step, Text, with_last_text
from whyfeel.strategies.self_ask.readers import Unusable

T = TypeVar("T")

LONGEST_TURN = 20_000  # characters of a reply that is sent back; after a longer one the model is asked afresh


def usable(
    ask: Ask, question: str, read: Callable[[Answer], T], again: Callable[[str], str]
) -> Asking[tuple[T | None, tuple[Step, ...]]]:
    """Ask, and once more where the reply cannot be used.

    Args:
        question: what the steps say was asked.
        read: what the reply holds, or Unusable.
        again: the second request, which tells the model what was wrong.

    Returns:
        what was read, None where the second reply could not be used either; and a step for each reply.
    """
    answer: Answer = yield ask
    steps: tuple[Step, ...] = (step(ask, answer, question),)
    try:
        return read(answer), steps
    except Unusable as fault:
        ask = _asked_again(ask, answer.text, again(str(fault)))
    answer = yield ask
    steps = (*steps, step(ask, answer, question))
    try:
        return read(answer), steps
    except Unusable:
        return None, steps


def step(ask: Ask, answer: Answer, question: str, label: str = "") -> Step:
    """What is kept of an ask and its answer."""
    return Step(ask.role, label, question, answer.text, answer.ask_id)


def all_answered(answers: Sequence[Answer | Failure]) -> list[Answer]:
    """The answers to a list of asks.

    Raises:
        AskFailed: one of them failed; those of the others are in the ledger, and the same command asks for it anew.
    """
    for answer in answers:
        if isinstance(answer, Failure):
            raise AskFailed(answer.reason, answer.detail)
    return [answer for answer in answers if not isinstance(answer, Failure)]


def _asked_again(ask: Ask, reply: str, request: str) -> Ask:
    """The conversation so far and the second request; without the reply where it says nothing or is too long."""
    if not reply.strip() or len(reply) > LONGEST_TURN:
        return replace(ask, messages=with_last_text(ask.messages, f"\n\n{request}"))
    turns = (Message("assistant", (Text(reply),)), Message("user", (Text(request),)))
    return replace(ask, messages=(*ask.messages, *turns))
