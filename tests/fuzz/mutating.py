"""Sound bytes with some lost, doubled or replaced: closer to what goes wrong than bytes at random."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

PIECES = [
    *(b"", b"\n", b"\r\n", b"\r", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\\"),
    *(b'"', b"'", b"{", b"}", b"[", b"]", b",", b":", b"=", b"#", b"$", b"${", b"%s", b"/", b"../", b"<think>"),
    *(
        b"null",
        b"true",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"-1",
        b"0",
        b"9" * 4301,
        b"0x" + b"f" * 4000,
        b"0.5",
        b'""',
        b"[]",
        b"{}",
    ),
    *(b'{"a":' * 1200, b"[" * 1200, b"{score: 7/5}", b"{score: 0/0}", b'"nonce": "0",', b'"id": "a",', b'"text": "x",'),
    *("喜び".encode(), "\u202e\u200b\u2028\x85".encode(), b"a" * 500, b"\t", b" ", b"</think>", b"http://[", b"error"),
]

VALUES = [
    *(b"null", b"true", b"NaN", b"nan", b"-Infinity", b"1e999", b"-1", b"0", b"0.5", b"9" * 4301, b"0x" + b"f" * 4000),
    *(b"[]", b"{}", b'""', b'" "', b'"\\ud800"', b'"$x"', b'"x"', b'[[{"a": [1]}]]'),
]
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.]*|true|false|null')
WHOLE = -1  # bytes are lost: those of the next text, number or word of JSON

T = TypeVar("T")
E = TypeVar("E", bound=Exception)
Edit = tuple[float, int, bytes]


@dataclass(frozen=True)
class Edits:
    """Where (a share of the length), how many bytes are lost, and what comes in their place, one after the other."""

    edits: tuple[Edit, ...]

    def of(self, data: bytes) -> bytes:
        for where, lost, piece in self.edits:
            start = end = int(where * len(data))
            if lost == WHOLE and (found := TOKEN.search(data, start)) is not None:
                start, end = found.span()
            data = data[:start] + piece + data[end + max(lost, 0) :]
        return data


def _edit(draw: random.Random) -> Edit:
    where = draw.choice([0.0, 1.0, *(draw.random() for _ in range(6))])
    if draw.random() < 0.5:
        return where, WHOLE, draw.choice(VALUES)
    return where, draw.choice([0, 0, 1, 2, 5, 20, 100, 1 << 20]), draw.choice(PIECES)


def _edits(number: int) -> Edits:
    draw = random.Random(number)
    return Edits(tuple(_edit(draw) for _ in range(draw.randint(1, 2))))


edits = st.integers(0, 1 << 48).map(_edits)  # one draw a case: to draw each part took longer than most of the tests


def often(times: int) -> settings:
    """So many cases, the same ones every time."""
    slow = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=times, deadline=None, derandomize=True, suppress_health_check=slow, database=None)


def tried(act: Callable[[], T], refusal: type[E]) -> T | E:
    """What an act gives, or how it was refused; anything else is raised, and fails a test."""
    try:
        return act()
    except refusal as error:
        return error


def one_line(error: Exception) -> str:
    """What an error says to a user: one line, not too long for one."""
    said = str(error)
    assert said
    assert "\n" not in said
    assert len(said) < 20_000  # the longest name there is among the pieces, told whole
    return said
