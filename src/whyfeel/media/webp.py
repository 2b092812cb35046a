"""WebP files: their header, and their chunks without metadata (RFC 9649)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from whyfeel.media.exif import orientation
from whyfeel.media.picture import BadPicture, Cutter, Header, Walked, check_size

PICTURE = frozenset({b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"})
PIXELS = frozenset({b"VP8 ", b"VP8L"})
LOSSY = frozenset({b"VP8 ", b"ALPH"})  # an alpha channel of its own goes before lossy colours
ALPHA, EXIF, XMP, ANIMATION = 0x10, 0x08, 0x04, 0x02  # flags of VP8X
FRAME_START = 16  # bytes of an ANMF chunk before the chunks in it


def webp_header(start: bytes, size: int) -> Header:
    """The header of a WebP that is as long as it says.

    Raises:
        BadPicture: the header is damaged, or the file is cut off.
    """
    if int.from_bytes(start[4:8], "little") + 8 > size:
        raise BadPicture("the WebP is cut off: it is shorter than its header says")
    header = Header("image/webp", *_size(start[12:16], start[20:30]))
    check_size(header.width, header.height)
    return header


def walk_webp(data: bytes) -> Walked:
    """A WebP without its metadata: pixels, transparency, animation and colour profile stay.

    Raises:
        BadPicture: a chunk is damaged or missing.
    """
    header = webp_header(data[:30], len(data))
    cut = Cutter(data)
    cut.keep(0, 12)
    flags, lies = 0, 1
    coded = b""  # the kind of the chunk that the pixels of the first frame begin with
    for kind, start, body, end in _chunks(data):
        if kind == b"VP8X":
            flags |= _extended(data, start, end, cut)
        elif kind in PICTURE:
            cut.keep(start, end)
            flags |= _shows(header, kind, data[body : body + 10])
            coded = coded or _coded(kind, data[body : body + FRAME_START + 4])
        elif kind == b"EXIF":
            lies = orientation(data[body:end])
    if not coded:
        raise BadPicture("the WebP has no pixels")
    change = bool(flags & (ALPHA | ANIMATION))
    return Walked(header, _mended(cut.joined()), change=change, orientation=lies, lossy=coded in LOSSY)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Kind, start, start of the body and end of each chunk; the end counts the byte that makes a length even."""
    start, last = 12, 8 + int.from_bytes(data[4:8], "little")
    while start + 8 <= last:
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        if start + 8 + length > last:
            raise BadPicture("the WebP is cut off: a chunk is longer than the file")
        end = min(start + 8 + length + length % 2, last)
        yield data[start : start + 4], start, start + 8, end
        start = end


def _shows(header: Header, kind: bytes, body: bytes) -> int:
    """The flags that a chunk earns the picture, whatever VP8X says."""
    if kind in PIXELS and _size(kind, body) != (header.width, header.height):
        raise BadPicture("the WebP is damaged: its header and its pixels differ in size")
    if kind == b"ALPH" or (kind == b"VP8L" and body[4] & 0x10):
        return ALPHA
    return ANIMATION if kind == b"ANMF" else 0


def _coded(kind: bytes, body: bytes) -> bytes:
    """The kind of chunk that the pixels begin with which this chunk holds, if any."""
    return body[FRAME_START:] if kind == b"ANMF" else kind if kind in PIXELS else b""


def _extended(data: bytes, start: int, end: int, cut: Cutter) -> int:
    """The flags of VP8X, which is kept without those of what is cut."""
    if start != 12:
        raise BadPicture("the WebP is damaged: its header stands twice")
    flags = data[start + 8]
    if flags & (EXIF | XMP):
        cut.put(data[start : start + 8] + bytes([flags & ~(EXIF | XMP)]) + data[start + 9 : end])
    else:
        cut.keep(start, end)
    return flags


def _mended(data: bytes) -> bytes:
    """The file with its length in its header."""
    length = (len(data) - 8).to_bytes(4, "little")
    return data if data[4:8] == length else data[:4] + length + data[8:]


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Width and height out of the first bytes of a chunk with pixels, or of VP8X."""
    if len(body) >= 10 and kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if len(body) >= 5 and kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if len(body) >= 10 and kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise BadPicture("the WebP header is cut off or damaged")
