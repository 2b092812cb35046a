"""How much of a long text pages hold. Pure."""

from __future__ import annotations

MOST_TEXT = 50_000  # characters of a text that are shown
MOST_ASKED, LAST_ASKED = 2_000, 800  # characters of an ask or its answer, and how many of them are its last ones
MOST_SENT = 20_000  # characters of an ask that is shown as it was sent


def cut(text: str) -> str:
    """As much of a text as is shown."""
    return text[:MOST_TEXT]


def middle(text: str, most: int = MOST_ASKED) -> str:
    r"""A text with what is too long of it left out of its middle, and how much that is.

    >>> middle("a" * 1_200 + "b" * 1_000 + "c" * 800)[1_195:1_236]
    'aaaaa\n[1,000 characters left out]\nccccccc'
    """
    left = len(text) - most
    if left <= 0:
        return text
    return f"{text[: most - LAST_ASKED]}\n[{left:,} characters left out]\n{text[-LAST_ASKED:]}"
