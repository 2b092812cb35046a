"""Ids are content hashes; every random choice is seeded by its purpose."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

ID_HEX = 32  # 128 bits: no collision among any number of asks a person can pay for

# built once: json.dumps builds a new encoder at every call that sets an option
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=dict).encode
_LINE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=dict).encode
_ASCII_LINE = json.JSONEncoder(allow_nan=False, default=dict).encode


def canonical(value: object) -> str:
    """One JSON text per value: sorted keys, no blanks, no NaN, ASCII only, so that every string has a hash."""
    return _CANONICAL(value)


def content_id(value: object) -> str:
    """32 hex digits that depend on nothing but the JSON value."""
    return text_id(canonical(value))


def text_id(text: str) -> str:
    """32 hex digits that depend on nothing but the text; a lone surrogate counts as its escape."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:ID_HEX]


def json_line(value: Mapping[str, Any]) -> str:
    """One line of a JSON Lines file, readable in any script.

    A lone surrogate, which UTF-8 cannot carry, makes the line fall back to ASCII escapes: nothing is lost.
    """
    line = _LINE(value)
    try:
        line.encode()
    except UnicodeEncodeError:
        line = _ASCII_LINE(value)
    # JSON allows these inside strings, but some readers take them for line ends
    return line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")


def rng(seed: int, purpose: str, *ids: str | int) -> np.random.Generator:
    """A generator for one purpose: the same (seed, purpose, ids) draws the same numbers, any other does not.

    >>> int(rng(0, "sample", "a").integers(100)) == int(rng(0, "sample", "a").integers(100))
    True
    """
    material = canonical([seed, purpose, *ids]).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(material).digest()[:16], "big"))
