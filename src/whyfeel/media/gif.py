"""GIF files: their header, and their first frame without metadata (GIF 89a)."""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

from whyfeel.media.picture import TAIL, BadPicture, Cutter, Header, Walked, check_size, whole

STARTS = frozenset({b"GIF87a", b"GIF89a"})
EXTENSION, IMAGE, END = ord("!"), ord(","), ord(";")
CONTROL = 0xF9  # the extension that says which colour is transparent
ZEROS = re.compile(rb"\x00*")  # some writers close a block twice
CUT_OFF = "the GIF is cut off: its end marker is missing"


def gif_header(stream: BinaryIO, start: bytes, size: int) -> Header:
    """The header of a GIF whose end marker is there.

    Raises:
        BadPicture: the header is damaged, or the file is cut off.
    """
    header = _screen(start)
    check_size(header.width, header.height)
    stream.seek(max(13, size - TAIL))
    # every block before the end marker closes with a zero byte: a cut that happens to fall behind a ";" is caught
    if stream.read().rstrip(b"\x00").endswith(b"\x00;"):
        return header
    return walk_gif(whole(stream)).header


def walk_gif(data: bytes) -> Walked:
    """The first frame of a GIF, without comments, texts, what applications left and all other frames.

    Raises:
        BadPicture: a block is damaged, there is no frame, or the end is missing.
    """
    header = _screen(data)
    start = 13 + _palette(data[10])
    cut = Cutter(data)
    cut.keep(0, start)
    box: tuple[int, int, int, int] | None = None
    transparent = False
    while (kind := _at(data, start)) != END:
        if kind == EXTENSION:
            end = _blocks_end(data, start + 2)
            if _at(data, start + 1) == CONTROL and box is None:
                transparent = bool(_at(data, start + 3) & 1)
                cut.keep(start, end)
        elif kind == IMAGE:
            end = _blocks_end(data, start + 11 + _palette(_at(data, start + 9)))
            if box is None:
                box = _box(data, start)
                cut.keep(start, end)
        else:
            raise BadPicture(f"the GIF is damaged: a block begins with {bytes([kind])!r}")
        start = _past_zeros(data, end)
    cut.keep(start, start + 1)
    if box is None:
        raise BadPicture("the GIF has no frame")
    full = box == (0, 0, header.width, header.height)
    check_size(max(header.width, box[2]), max(header.height, box[3]))  # decoders make room for both
    return Walked(header, cut.joined(), change=transparent or not full, box=None if full else box)


def _screen(start: bytes) -> Header:
    if len(start) < 13:
        raise BadPicture("the GIF header is cut off")
    return Header("image/gif", *struct.unpack("<HH", start[6:10]))


def _palette(flags: int) -> int:
    """How many bytes a palette takes that these flags tell of."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _at(data: bytes, place: int) -> int:
    if place >= len(data):
        raise BadPicture(CUT_OFF)
    return data[place]


def _box(data: bytes, start: int) -> tuple[int, int, int, int]:
    left, top, width, height = struct.unpack_from("<HHHH", data, start + 1)
    if not (width and height):
        raise BadPicture(f"the GIF's first frame has {width}x{height} pixels")
    return left, top, left + width, top + height


def _blocks_end(data: bytes, place: int) -> int:
    """Where a chain of blocks ends that begins at a place."""
    while length := _at(data, place):
        place += 1 + length
    return place + 1


def _past_zeros(data: bytes, place: int) -> int:
    found = ZEROS.match(data, place)
    return found.end() if found else place
