"""A picture that shows nothing, for the control that asks about one."""

from __future__ import annotations

import struct
import zlib

from whyfeel.records import Media

SIDE, GREY = 512, 128
BLANK = Media("blank:512x512")  # no file of a data set can be meant: it is looked up before any path


def blank_png() -> bytes:
    """A square of SIDE pixels, mid-grey; always the same bytes."""
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 3, 0, 0, 0)  # one bit a pixel, of a palette of one colour
    rows = zlib.compress(b"\0" * ((1 + SIDE // 8) * SIDE), 0)  # stored: packing differs from library to library
    chunks = ((b"IHDR", head), (b"PLTE", bytes([GREY] * 3)), (b"IDAT", rows), (b"IEND", b""))
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)
