"""Pictures put together byte by byte, for what no library writes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from PIL import Image

Frame = tuple[tuple[int, int, int, int], bytes, int | None]  # left, top, width, height; an index a pixel; the clear one


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def pixels(data: bytes) -> list[Any]:
    """The values of a file's pixels, row by row."""
    return list(opened(data).get_flattened_data())


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    size: tuple[int, int], depth: int, colour: int, rows: Sequence[bytes], *extra: bytes, after: bytes = b""
) -> bytes:
    """A PNG of these rows, with more chunks before and behind its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    coded = chunk(b"IDAT", zlib.compress(b"".join(b"\x00" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + coded + after + chunk(b"IEND", b"")


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def exif(orientation: int, order: str = ">") -> bytes:
    """An EXIF block with an orientation, and a place on earth behind it."""
    start = (b"MM\x00*" if order == ">" else b"II*\x00") + struct.pack(order + "I", 8)
    entries = struct.pack(order + "H", 2)
    entries += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    entries += struct.pack(order + "HHII", 0x8825, 4, 1, 38) + struct.pack(order + "I", 0)
    place = b"GPS 48.2082N 16.3738E"
    gps = struct.pack(order + "HHHIII", 1, 0x001B, 7, len(place), 56, 0) + place
    return b"Exif\x00\x00" + start + entries + gps


def webp_with(data: bytes, size: tuple[int, int], flags: int, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """A simple WebP made an extended one, with more chunks around its pixels."""
    canvas = b"".join((side - 1).to_bytes(3, "little") for side in size)
    body = riff(b"VP8X", bytes([flags, 0, 0, 0]) + canvas) + before + data[12:] + after
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)


def gif(screen: tuple[int, int], frames: Sequence[Frame], palette: Sequence[int], *extra: bytes) -> bytes:
    """A GIF of four colours at most, with more blocks before its first frame."""
    parts = [b"GIF89a" + struct.pack("<HH", *screen) + b"\x81\x00\x00" + bytes(palette).ljust(12, b"\x00"), *extra]
    for (left, top, width, height), indices, clear in frames:
        parts.append(b"!\xf9\x04" + bytes([clear is not None, 0, 0, clear or 0, 0]))
        parts.append(b"," + struct.pack("<HHHHB", left, top, width, height, 0) + _lzw(indices))
    return b"".join(parts) + b";"


def _lzw(indices: bytes) -> bytes:
    """Codes of three bits; a clear code before every second pixel keeps them so."""
    codes: list[int] = []
    for i, index in enumerate(indices):
        codes += [4, index] if i % 2 == 0 else [index]
    bits = sum(code << 3 * i for i, code in enumerate([*codes, 5]))
    data = bits.to_bytes(-(-3 * (len(codes) + 1) // 8), "little")
    blocks = [data[i : i + 255] for i in range(0, len(data), 255)]
    return b"\x02" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\x00"
