"""Texts as every file, database and page can keep them."""

from __future__ import annotations

import re

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    r"""A text with U+FFFD for what not everything can keep: NUL and lone surrogates.

    >>> storable("a\0b\ud800c") == "a\ufffdb\ufffdc"
    True
    """
    return UNSTORABLE.sub("\ufffd", text)
