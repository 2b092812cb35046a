"""Modifiers change the messages of an ask: pure functions from messages to messages."""

from __future__ import annotations

from collections.abc import Callable

from whyfeel.prompts import Prompts
from whyfeel.records import Message, with_first_text, with_last_text

Messages = tuple[Message, ...]
Modifier = Callable[[Messages], Messages]

NOBODY = "none"
PERSONAS = (NOBODY, "assistant", "architect", "emotion-expert")


def cot(prompts: Prompts) -> Modifier:
    """Chain of thought: the text "cot.suffix" after the last text, set off by a blank."""
    return _behind(prompts.fill("cot", "suffix"))


def emotion_prompt(prompts: Prompts, number: str) -> Modifier:
    """A sentence that appeals to the model: the text "emotion-prompt.NUMBER" after the last text, set off by a blank.

    Source: Li et al. 2023, "Large Language Models Understand and Can Be Enhanced by Emotional Stimuli"
    (arXiv 2307.11760), EP01 to EP11; the wording is ours.

    Args:
        number: "1" to "11".
    """
    return _behind(prompts.fill("emotion-prompt", number))


def persona(prompts: Prompts, who: str) -> Modifier | None:
    """Who the model shall be: the text "persona.WHO" before the first text, set off by a blank.

    Args:
        who: one of PERSONAS, those of EIBench's comparison; "none" changes nothing, and is None.
    """
    if who == NOBODY:
        return None
    prefix = prompts.fill("persona", who)
    if prefix and not prefix[-1].isspace():
        prefix += " "

    def pose(messages: Messages) -> Messages:
        return with_first_text(messages, prefix)

    return pose


def _behind(suffix: str) -> Modifier:
    """Puts a text after the last text, set off by a blank."""
    if suffix and not suffix[0].isspace():
        suffix = " " + suffix

    def add(messages: Messages) -> Messages:
        return with_last_text(messages, suffix)

    return add
