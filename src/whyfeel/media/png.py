"""PNG files: their header, and their chunks without metadata (PNG, third edition)."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

from whyfeel.media.exif import orientation
from whyfeel.media.picture import BadPicture, Cutter, Header, Walked, check_size, ends, whole

START = b"\x89PNG\r\n\x1a\n"
FIRST, END = b"\x00\x00\x00\rIHDR", b"\x00\x00\x00\x00IEND\xaeB`\x82"
PICTURE = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"})
COLOURS = frozenset({b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI"})
NOTED = frozenset({b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"eXIf"})
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # by colour type
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # a pixel, by colour type
PALETTE, GREY, WITH_ALPHA = 3, frozenset({0, 4}), frozenset({4, 6})
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
STEP = 1 << 20  # bytes inflated at a time: a small file may hold gigabytes
CUT_OFF = "the PNG is cut off: its end marker is missing"


def png_header(stream: BinaryIO, start: bytes, size: int) -> Header:
    """The header of a PNG whose end marker is there.

    Raises:
        BadPicture: the header is damaged, or the file is cut off.
    """
    header = _first_chunk(start)
    check_size(header.width, header.height)
    return header if ends(stream, size, END, 24) else walk_png(whole(stream)).header


def walk_png(data: bytes) -> Walked:
    """A PNG without its metadata: pixels, palette, transparency and what decides the colours stay.

    The chunks of an animation are left out too: what IDAT holds is its first frame.

    Raises:
        BadPicture: a chunk is damaged, missing, unknown and not to be ignored, or the end is missing.
    """
    header = _first_chunk(data)
    check_size(header.width, header.height)
    depth, colour = data[24], data[25]
    view, cut = memoryview(data), Cutter(data)
    cut.keep(0, len(START))
    first: dict[bytes, int] = {}
    start, kind = len(START), b""
    while kind != b"IEND":
        kind, end = _chunk(view, start)
        if kind in PICTURE or kind in COLOURS:
            if kind == b"IHDR" and first:
                raise BadPicture("the PNG has two headers")
            cut.keep(start, end)
        elif not kind[0] & 0x20:
            raise BadPicture(f"the PNG needs a chunk {kind!r} that nobody knows")
        if kind in NOTED:
            first.setdefault(kind, start)
        start = end
    if b"IDAT" not in first or (colour == PALETTE and b"PLTE" not in first):
        raise BadPicture("the PNG has no pixels or no palette")
    return Walked(
        header,
        cut.joined(),
        change=depth == 16 or colour in WITH_ALPHA or b"tRNS" in first,
        orientation=orientation(_body(data, first[b"eXIf"])) if b"eXIf" in first else 1,
        depth=depth,
        grey=colour in GREY,
    )


def check_rows(plain: bytes) -> None:
    """That a walked PNG holds data for all of its rows; decoders make up what is missing.

    Raises:
        BadPicture: rows are missing, or the data are damaged.
    """
    expected, found = _row_bytes(plain), 0
    inflate = zlib.decompressobj()
    start, kind = len(START), b""
    # behind the end of its stream zlib only hoards what it is given
    while kind != b"IEND" and found < expected and not inflate.eof:
        kind, data = plain[start + 4 : start + 8], _body(plain, start)
        start += 12 + len(data)
        while kind == b"IDAT" and data and found < expected:
            try:
                found += len(inflate.decompress(data, STEP))
            except zlib.error as error:
                raise BadPicture(f"cannot be decoded: {error}") from None
            data = inflate.unconsumed_tail
    if found < expected:
        raise BadPicture(f"cannot be decoded: {found:,} bytes of pixels came, expected {expected:,}")


def _first_chunk(start: bytes) -> Header:
    if len(start) < 29 or start[8:16] != FIRST:
        raise BadPicture("the PNG header is cut off or damaged")
    width, height, depth, colour, *methods = struct.unpack(">IIBBBBB", start[16:29])
    if depth not in DEPTHS.get(colour, ()) or methods not in ([0, 0, 0], [0, 0, 1]):
        raise BadPicture(f"the PNG header is damaged: colour type {colour} with {depth} bits, methods {methods}")
    return Header("image/png", width, height)


def _chunk(view: memoryview, start: int) -> tuple[bytes, int]:
    """Kind and end of the chunk that begins at start; its checksum is right."""
    end = start + 12 + int.from_bytes(view[start : start + 4], "big")
    if len(view) < max(end, start + 12):
        raise BadPicture(CUT_OFF)
    kind = bytes(view[start + 4 : start + 8])
    if zlib.crc32(view[start + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
        raise BadPicture(f"the PNG is damaged: the checksum of a {kind!r} chunk is wrong")
    return kind, end


def _body(data: bytes, start: int) -> bytes:
    return data[start + 8 : start + 8 + int.from_bytes(data[start : start + 4], "big")]


def _row_bytes(plain: bytes) -> int:
    """How many bytes all rows have before they are deflated, a filter byte each included."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", plain[16:29])
    bits = depth * SAMPLES[colour]
    total = 0
    for left, top, right, down in ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = max(0, -(-(width - left) // right)), max(0, -(-(height - top) // down))
        total += rows * (1 + -(-columns * bits // 8)) if columns else 0
    return total
