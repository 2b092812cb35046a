"""The words of a text, as every metric on words counts them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

LONGEST_WORD = 40  # characters; what is longer is no English word and has no stem
_WORD = re.compile(r"[^\W_]+")

Gram = tuple[str, ...]


def words(text: str) -> list[str]:
    """The lower-case runs of letters and digits of a text, of any script.

    On ASCII text they are those of the package rouge-score, which drops every other letter. A language that puts no
    blanks between words has hardly any.

    >>> words("She isn't at the café, Tom said.")
    ['she', 'isn', 't', 'at', 'the', 'café', 'tom', 'said']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return _WORD.findall(text.lower())


def stems(text: str) -> list[str]:
    """The English (Snowball) stems of a text's words; words of another script stay as they are.

    >>> stems("Smiling friends")
    ['smile', 'friend']
    """
    return [_stem(word) for word in words(text)]


@lru_cache(maxsize=1 << 15)
def _stem(word: str) -> str:
    return word if len(word) > LONGEST_WORD else _stemmer()(word)


@cache
def _stemmer() -> Callable[[str], str]:
    import snowballstemmer  # noqa: PLC0415 - forty languages load with it

    stem_word: Callable[[str], str] = snowballstemmer.stemmer("english").stemWord
    return stem_word


def grams(tokens: Sequence[str], order: int) -> list[Gram]:
    """All runs of so many words, as often as they stand in a text; none where it is shorter.

    >>> grams(["a", "b", "a"], 2)
    [('a', 'b'), ('b', 'a')]
    """
    return list(zip(*(tokens[start:] for start in range(order)), strict=False))
