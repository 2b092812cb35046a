"""Does a quote occur in an answer? Words and their order decide, not how they are set.

Both are compared as words after NFKC and case folding. Quotation marks, the marks of Markdown and characters without
a width are dropped; dashes and all other punctuation part words, as blanks do. In scripts without blanks each
character is a word. All of it takes linear time.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_JOIN = re.compile(r"\.{3,}|…")
_DROPPED = frozenset("\"'`´‘’‚‛“”„‟«»‹›「」『』*_~\\")
_SELECTORS = range(0xFE00, 0xFE10)  # of the way an emoji is drawn
# Chinese, Japanese and Korean, where a character is a word of its own
_UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_SAYS = re.compile(rf"[^\W\d_]\S*[^\W\d_]|{_UNSPACED.pattern}")


class _Words(dict[int, str]):
    """What str.translate puts in the place of a character; fills itself as characters come up."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _word_part(code)
        return found


def _word_part(code: int) -> str:
    char = chr(code)
    kind = unicodedata.category(char)
    if kind == "Cf" or char in _DROPPED or code in _SELECTORS:
        return ""
    if kind[0] not in "LMN":
        return " "
    return f" {char} " if _UNSPACED.match(char) else char


_TABLE = _Words()


def normal(text: str) -> str:
    """The words of a text, each between two blanks of its own, so that `in` and `count` go by whole words.

    >>> normal("**Smiling**, cake -and…")
    ' smiling  cake  and '
    """
    plain = text.replace("´", "'")  # NFKC makes a blank and an accent of it
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())
    words = "  ".join(folded.translate(_TABLE).split())
    return f" {words} " if words else ""


def quotable(words: str) -> bool:
    """Whether normalised words hold one of at least two letters, or one of a script without blanks.

    >>> quotable(normal("a 12 !")), quotable(normal("no")), quotable(normal("笑"))
    (False, True, True)
    """
    return _SAYS.search(words) is not None


@dataclass(frozen=True, slots=True)
class Found:
    """A quote in an answer: its normalised words, and how often it occurs without overlap, 0 for not at all."""

    words: str
    times: int


class AnswerText:
    """An answer in which quotes are looked up.

    Attributes:
        words: the answer, normalised.

    >>> AnswerText("A cake, balloons and friends. No cake.").find("A cake ... friends!").times
    1
    """

    def __init__(self, text: str) -> None:
        self.words = normal(text)
        self._found: dict[str, Found] = {}

    def find(self, quote: str) -> Found:
        """Look a quote up; "..." may join two pieces of it that follow each other at any distance.

        A quote, or a piece of one, that is not `quotable` is not found: it shows nothing.
        """
        found = self._found.get(quote)
        if found is None:
            key = normal(quote)
            times = self.words.count(key) if quotable(key) else 0
            found = self._found[quote] = Found(key, times or self._joined(quote))
        return found

    def _joined(self, quote: str) -> int:
        pieces = [piece for part in _JOIN.split(quote) if (piece := normal(part))]
        if len(pieces) != 2 or not all(map(quotable, pieces)):
            return 0
        first, second = pieces
        times, end = 0, 0
        while (start := self.words.find(first, end)) >= 0:
            if (start := self.words.find(second, start + len(first))) < 0:
                break
            times, end = times + 1, start + len(second)
        return times
