"""Request bodies in pieces, so that a picture is never copied and passes through no JSON encoder."""

from __future__ import annotations

import json
from collections.abc import Iterable

from whyfeel.records import Part, Text

LARGE = 8192  # bytes; what is smaller is cheaper to copy than to send apart

_ENCODE = json.JSONEncoder(separators=(",", ":")).encode  # built once: json.dumps would build one a call


def as_json(value: object) -> bytes:
    """A value as compact JSON in ASCII."""
    return _ENCODE(value).encode()


def words(parts: Iterable[Part]) -> str:
    """The texts of a message that has no pictures, as paragraphs of one."""
    return "\n\n".join(part.text for part in parts if isinstance(part, Text))


def merged(pieces: Iterable[bytes]) -> list[bytes]:
    """The same bytes in few pieces: all but the large ones joined with their neighbours."""
    few: list[bytes] = []
    small: list[bytes] = []
    for piece in pieces:
        if len(piece) < LARGE:
            small.append(piece)
        else:
            few += [b"".join(small), piece]
            small = []
    return [*few, b"".join(small)]
