"""Which format a file has, by its first bytes and never by its name; the formats have a module each."""

from __future__ import annotations

import io
from typing import BinaryIO

from whyfeel.media import gif, jpeg, png
from whyfeel.media.gif import gif_header, walk_gif
from whyfeel.media.jpeg import jpeg_header, walk_jpeg
from whyfeel.media.picture import BadPicture, Header, Walked
from whyfeel.media.png import png_header, walk_png
from whyfeel.media.webp import walk_webp, webp_header

__all__ = ["BadPicture", "Header", "read_header", "walk"]


def read_header(stream: BinaryIO) -> Header:
    """The header of a picture whose start and end are sound and whose size is allowed.

    Only the start and the end are read, unless much stands behind the end marker.

    Args:
        stream: the file from its first byte, seekable.

    Raises:
        BadPicture: the file is empty, not of a known format, damaged in its header, too large, or cut off.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    start = stream.read(32)
    if not start:
        raise BadPicture("the file is empty (0 bytes)")
    if start.startswith(jpeg.START):
        return jpeg_header(stream, size)
    if start.startswith(png.START):
        return png_header(stream, start, size)
    if start[:6] in gif.STARTS:
        return gif_header(stream, start, size)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return webp_header(start, size)
    raise BadPicture(f"not a JPEG, PNG, WebP or GIF: the file starts with {start[:12]!r}")


def walk(data: bytes) -> Walked:
    """What the whole of a picture holds, whose header was read before.

    Raises:
        BadPicture: the file is damaged.
    """
    if data.startswith(jpeg.START):
        return walk_jpeg(data)
    if data.startswith(png.START):
        return walk_png(data)
    return walk_gif(data) if data[:6] in gif.STARTS else walk_webp(data)
