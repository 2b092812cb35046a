"""Which format a file has, by its first bytes and never by its name; the formats have a module each."""

from __future__ import annotations

import io
from typing import BinaryIO, Literal

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
    kind = _kind(start)
    if kind == "JPEG":
        return jpeg_header(stream, size)
    if kind == "PNG":
        return png_header(stream, start, size)
    return gif_header(stream, start, size) if kind == "GIF" else webp_header(start, size)


def walk(data: bytes) -> Walked:
    """What the whole of a picture holds.

    Raises:
        BadPicture: as for `read_header`, or the file is damaged further on.
    """
    walkers = {"JPEG": walk_jpeg, "PNG": walk_png, "GIF": walk_gif, "WebP": walk_webp}
    return walkers[_kind(data[:32])](data)


def _kind(start: bytes) -> Literal["JPEG", "PNG", "GIF", "WebP"]:
    """The format that a file's first bytes tell."""
    if not start:
        raise BadPicture("the file is empty (0 bytes)")
    if start.startswith(jpeg.START):
        return "JPEG"
    if start.startswith(png.START):
        return "PNG"
    if start[:6] in gif.STARTS:
        return "GIF"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    raise BadPicture(f"not a JPEG, PNG, WebP or GIF: the file starts with {start[:12]!r}")
