"""Is this a picture that can be sent as it is? Decided from its header and end marker, without decoding it.

Known formats: JPEG, PNG, WebP and GIF, by their first bytes and never by their name.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

from whyfeel.errors import WhyfeelError

TAIL = 65_536  # bytes at the end in which the end marker must stand; cameras append trailers behind it
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
JPEG_SCAN, JPEG_END = 0xDA, 0xD9


class BadPicture(WhyfeelError):
    """The file cannot be sent; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a sound header says: the MIME type, and width and height in pixels."""

    mime: str
    width: int
    height: int


def read_header(stream: BinaryIO) -> Header:
    """The header of a picture whose start and end are sound.

    Args:
        stream: the file from its first byte, seekable.

    Raises:
        BadPicture: the file is empty, not of a known format, damaged in its header, or cut off.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    start = stream.read(32)
    if not start:
        raise BadPicture("the file is empty (0 bytes)")
    if start.startswith(b"\xff\xd8\xff"):
        header = _jpeg(stream, size)
    elif start.startswith(PNG_START):
        header = _png(stream, start, size)
    elif start[:6] in {b"GIF87a", b"GIF89a"}:
        header = _gif(stream, start, size)
    elif start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        header = _webp(start, size)
    else:
        raise BadPicture(f"not a JPEG, PNG, WebP or GIF: the file starts with {start[:12]!r}")
    if not (header.width and header.height):
        raise BadPicture(f"the header says {header.width}x{header.height} pixels")
    return header


def _ends(stream: BinaryIO, size: int, marker: bytes, after: int) -> bool:
    """Whether the end marker is there: at the very end, as almost always, or shortly before it."""
    stream.seek(max(after, size - len(marker)))
    if stream.read() == marker:
        return True
    stream.seek(max(after, size - TAIL))
    return marker in stream.read()


def _jpeg(stream: BinaryIO, size: int) -> Header:
    """Walk the segments up to the first scan; the end marker must follow it."""
    stream.seek(2)
    frame: Header | None = None
    while True:
        marker = _jpeg_marker(stream)
        if marker in JPEG_BARE:
            continue
        length = stream.read(2)
        if len(length) < 2 or (n := int.from_bytes(length, "big")) < 2:
            raise BadPicture("the JPEG header is cut off or damaged")
        if marker in JPEG_FRAMES:
            body = stream.read(n - 2)
            if len(body) < 5:
                raise BadPicture("the JPEG frame header is cut off")
            height, width = struct.unpack(">HH", body[1:5])
            frame = Header("image/jpeg", width, height)
        else:
            stream.seek(n - 2, io.SEEK_CUR)
        if marker == JPEG_SCAN:
            break
    if frame is None:
        raise BadPicture("the JPEG has no frame header before its first scan")
    if not _ends(stream, size, b"\xff\xd9", stream.tell()):
        raise BadPicture("the JPEG is cut off: its end marker is missing")
    return frame


def _jpeg_marker(stream: BinaryIO) -> int:
    if stream.read(1) != b"\xff":
        raise BadPicture("the JPEG header is cut off or damaged")
    while (code := stream.read(1)) == b"\xff":
        pass  # fill bytes are allowed before a marker
    if not code or code[0] in {0x00, JPEG_END}:
        raise BadPicture("the JPEG ends before its first scan")
    return code[0]


def _png(stream: BinaryIO, start: bytes, size: int) -> Header:
    if len(start) < 24 or start[8:16] != b"\x00\x00\x00\rIHDR":
        raise BadPicture("the PNG header is cut off or damaged")
    width, height = struct.unpack(">II", start[16:24])
    if not _ends(stream, size, PNG_END, 24):
        raise BadPicture("the PNG is cut off: its end marker is missing")
    return Header("image/png", width, height)


def _gif(stream: BinaryIO, start: bytes, size: int) -> Header:
    if len(start) < 13:
        raise BadPicture("the GIF header is cut off")
    width, height = struct.unpack("<HH", start[6:10])
    stream.seek(max(13, size - TAIL))
    # every block before the end marker closes with a zero byte: a cut that happens to fall behind a ";" is caught
    if not stream.read().rstrip(b"\x00").endswith(b"\x00;"):
        raise BadPicture("the GIF is cut off: its end marker is missing")
    return Header("image/gif", width, height)


def _webp(start: bytes, size: int) -> Header:
    if int.from_bytes(start[4:8], "little") + 8 > size:
        raise BadPicture("the WebP is cut off: it is shorter than its header says")
    kind, data = start[12:16], start[20:]
    if kind == b"VP8X" and len(data) >= 10:
        width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (4, 7))
    elif kind == b"VP8L" and len(data) >= 5 and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a" and len(data) >= 10:
        width, height = (v & 0x3FFF for v in struct.unpack("<HH", data[6:10]))
    else:
        raise BadPicture("the WebP header is cut off or damaged")
    return Header("image/webp", width, height)
