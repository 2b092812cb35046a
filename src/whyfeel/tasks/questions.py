"""What the question of an EIBench record tells: the emotion it names."""

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


def emotion_of(question: str) -> str | None:
    """The group of the first emotion word in a question, None where it has none we know.

    A question that names two emotions counts under the first; a negation is not looked at.

    >>> emotion_of("What might be causing the anger or the sadness of the man?")
    'angry'
    """
    return next((GROUP_OF[word] for word in WORD.findall(question.lower()) if word in GROUP_OF), None)
