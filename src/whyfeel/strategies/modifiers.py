"""Modifiers change the messages of an ask: pure functions from messages to messages."""

from __future__ import annotations

from collections.abc import Callable

from whyfeel.prompts import Prompts
from whyfeel.records import Message, with_last_text

Messages = tuple[Message, ...]
Modifier = Callable[[Messages], Messages]


def cot(prompts: Prompts) -> Modifier:
    """Chain of thought: the text "cot.suffix" after the last text, set off by a blank."""
    suffix = prompts.texts["cot"]["suffix"]
    if suffix and not suffix[0].isspace():
        suffix = " " + suffix

    def think(messages: Messages) -> Messages:
        return with_last_text(messages, suffix)

    return think
