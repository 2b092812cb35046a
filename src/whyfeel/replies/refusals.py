"""Is a text a question that can be asked, or does a model decline? Known by its words."""

from __future__ import annotations

import re

APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
REFUSALS = (
    *("i'm unable", "i am unable", "i'm not able", "i am not able", "i cannot", "i can't", "i can not"),
    *("i'm sorry", "i am sorry", "sorry,", "i apologize", "i apologise", "as an ai"),
)
OPENING = {  # by the quote that closes
    "'": "'",
    '"': '"',
    APOSTROPHE: "\N{LEFT SINGLE QUOTATION MARK}",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "\N{LEFT DOUBLE QUOTATION MARK}",
}


def is_refusal(text: str) -> bool:
    """Whether a text starts as models decline.

    >>> is_refusal("I'm unable to determine the emotions of people.")
    True
    """
    return text.strip().lower().replace(APOSTROPHE, "'").startswith(REFUSALS)


def question_flags(question: str) -> list[str]:
    """What is wrong with a question as such; a refusal is not blamed for lacking a question mark too.

    >>> question_flags("What led to this?'")
    ['question ends in a stray quote']
    """
    text = question.strip()
    if is_refusal(text):
        return ["question is a refusal"]
    flags = [] if "?" in text else ['question has no "?"']
    return [*flags, "question ends in a stray quote"] if _stray_quote(text) else flags


def _stray_quote(text: str) -> bool:
    """Whether the last character closes a quotation that nothing opened: an opening quote follows no letter."""
    opening = OPENING.get(text[-1:])
    return opening is not None and not re.search(rf"(?:^|[\s(]){re.escape(opening)}", text[:-1])
