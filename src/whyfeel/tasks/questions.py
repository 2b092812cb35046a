"""What the question of an EIBench record tells: the emotion it names, and whether something is wrong with it."""

from __future__ import annotations

import re

WORD = re.compile(r"[a-z]+")

# The emotion words of the 50 complex questions and their plain inflections, by the group they are reported in.
LEXICON = {
    "happy": "happy happiness joy joyful enjoy enjoyed enjoying enjoyment pleasure pleased smile smiling",
    "angry": "angry anger annoyed annoyance displeased displeasure",
    "sad": "sad sadness unhappy unhappiness upset",
    "excited": "excited excitement rouse roused",
    "afraid": "afraid fear fearful frightened scared",
    "worried": "worry worries worried",
    "surprised": "surprise surprised",
    "confused": "confused confusion",
}
GROUP_OF = {word: group for group, words in LEXICON.items() for word in words.split()}

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


def emotion_of(question: str) -> str | None:
    """The group of the first emotion word in a question, None where it has none we know.

    A question that names two emotions counts under the first; a negation is not looked at.

    >>> emotion_of("What might be causing the anger or the sadness of the man?")
    'angry'
    """
    return next((GROUP_OF[word] for word in WORD.findall(question.lower()) if word in GROUP_OF), None)


def question_flags(question: str) -> list[str]:
    """What is wrong with a question as such; a refusal is not blamed for lacking a question mark too.

    >>> question_flags("What led to this?'")
    ['question ends in a stray quote']
    """
    text = question.strip()
    if text.lower().replace(APOSTROPHE, "'").startswith(REFUSALS):
        return ["question is a refusal"]
    flags = [] if "?" in text else ['question has no "?"']
    return [*flags, "question ends in a stray quote"] if _stray_quote(text) else flags


def _stray_quote(text: str) -> bool:
    """Whether the last character closes a quotation that nothing opened: an opening quote follows no letter."""
    opening = OPENING.get(text[-1:])
    return opening is not None and not re.search(rf"(?:^|[\s(]){re.escape(opening)}", text[:-1])
