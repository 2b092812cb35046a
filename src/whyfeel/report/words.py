"""Words out of data on their way to a terminal."""

from __future__ import annotations

LABELS = {"kf1": "kF1", "f1": "F1"}


def visible(text: str) -> str:
    r"""A text with what would move a terminal's cursor or turn its writing round told as an escape.

    >>> visible("sad\x1b[2J")
    'sad\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def label(score: str) -> str:
    """A score's name as people write it.

    >>> label("kf1"), label("trigger_recall"), label("f1_unleaked")
    ('kF1', 'trigger recall', 'F1 unleaked')
    """
    return " ".join(LABELS.get(word, word) for word in score.split("_"))
