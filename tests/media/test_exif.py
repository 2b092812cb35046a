"""How a picture lies is read out of blocks that anyone may have written."""

from __future__ import annotations

import struct

import pytest
from handmade import exif
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from whyfeel.media.exif import orientation


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", range(1, 9))
def test_each_orientation_is_read_in_both_byte_orders(value: int, order: str) -> None:
    assert orientation(exif(value, order)) == value
    assert orientation(exif(value, order).removeprefix(b"Exif\x00\x00")) == value


@pytest.mark.parametrize("value", range(1, 9))
def test_what_pillow_writes_is_read(value: int) -> None:
    block = Image.Exif()
    block[0x010E] = "a description that stands before"
    block[0x0112] = value
    block[0x0131] = "and a program behind"
    assert orientation(block.tobytes()) == value


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack(">HHIHH", tag, kind, count, value, 0)


def block(*entries: bytes, at: int = 8, count: int | None = None) -> bytes:
    return b"MM\x00*" + struct.pack(">IH", at, len(entries) if count is None else count) + b"".join(entries)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Exif\x00\x00",
        b"MM\x00*",
        b"MM\x00+" + block(entry(0x0112, 3, 1, 6))[4:],
        block(),
        block(entry(0x0113, 3, 1, 6)),
        block(entry(0x0112, 3, 1, 0)),
        block(entry(0x0112, 3, 1, 9)),
        block(entry(0x0112, 3, 1, 65535)),
        block(entry(0x0112, 4, 1, 6)),
        block(entry(0x0112, 3, 2, 6)),
        block(entry(0x0112, 3, 1, 6), at=2**32 - 1),
        block(entry(0x0112, 3, 1, 6), at=200),
        block(entry(0x0112, 3, 1, 6)[:8]),
        block(entry(0x0001, 3, 1, 6), count=65535),
        b"II" + block(entry(0x0112, 3, 1, 6))[2:],
    ],
)
def test_what_is_damaged_or_says_nothing_is_upright(data: bytes) -> None:
    assert orientation(data) == 1


def test_the_first_entry_counts() -> None:
    assert orientation(block(entry(0x0100, 3, 1, 3), entry(0x0112, 3, 1, 6), entry(0x0112, 3, 1, 8))) == 6


def test_the_directory_may_stand_anywhere() -> None:
    assert orientation(b"MM\x00*" + struct.pack(">I", 20) + bytes(12) + block(entry(0x0112, 3, 1, 5))[8:]) == 5


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=64), st.sampled_from([b"MM\x00*\x00\x00\x00\x08", b"II*\x00\x08\x00\x00\x00", b""]))
def test_any_bytes_say_something(data: bytes, start: bytes) -> None:
    assert 1 <= orientation(start + data) <= 8
