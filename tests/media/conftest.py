"""Pictures made on the spot by Pillow, the independent judge of their sizes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from PIL import Image

SIZE = (37, 23)  # odd and unequal, so that no swap or rounding goes unseen


def _scene(mode: str = "RGB", size: tuple[int, int] = SIZE) -> Image.Image:
    """A gradient with some texture: enough for every coder to have something to code."""
    width, height = size
    picture = Image.new("RGB", size)
    picture.putdata([(x * 7 % 256, y * 11 % 256, (x * y * 13 + x) % 256) for y in range(height) for x in range(width)])
    return picture.convert(mode)


def _saved(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    _scene(mode).save(out, kind, **options)
    return out.getvalue()


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    exif[0x0112] = 6  # an orientation swaps what people see, not what the header says
    return exif.tobytes()


def _with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with one more segment right behind its start."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


def _fill_bytes(jpeg: bytes) -> bytes:
    """The same JPEG with fill bytes before its first and its last header segment."""
    scan = jpeg.index(b"\xff\xda")
    return jpeg[:2] + b"\xff\xff\xff" + jpeg[2:scan] + b"\xff" + jpeg[scan:]


def _interlaced_png() -> bytes:
    """A grey Adam7 PNG, which Pillow reads but does not write."""
    width, height = SIZE
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b"".join(
        b"\x00" + bytes((x * 5 + y * 3) % 256 for x in range(left, width, right))
        for left, top, right, down in passes
        for y in range(top, height, down)
    )

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _frames(mode: str = "RGB") -> list[Image.Image]:
    return [_scene(mode).rotate(90 * turn) for turn in (1, 2)]


MAKERS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: _saved("JPEG", quality=80),
    "jpeg progressive": lambda: _saved("JPEG", progressive=True),
    "jpeg grey": lambda: _saved("JPEG", "L"),
    "jpeg cmyk": lambda: _saved("JPEG", "CMYK"),
    "jpeg restarts": lambda: _saved("JPEG", restart_marker_blocks=1),
    "jpeg exif": lambda: _saved("JPEG", exif=_exif()),
    "jpeg icc": lambda: _saved("JPEG", icc_profile=bytes(range(256)) * 300),
    "jpeg comment": lambda: _saved("JPEG", comment=b"\xff\xda\xff\xd9"),
    "jpeg thumbnail": lambda: _with_segment(_saved("JPEG"), 0xE1, b"Exif\x00\x00" + _saved("JPEG", "L")),
    "jpeg fill bytes": lambda: _fill_bytes(_saved("JPEG")),
    "png": lambda: _saved("PNG"),
    "png grey": lambda: _saved("PNG", "L"),
    "png palette": lambda: _saved("PNG", "P"),
    "png alpha": lambda: _saved("PNG", "RGBA"),
    "png one bit": lambda: _saved("PNG", "1"),
    "png interlaced": _interlaced_png,
    "png animated": lambda: _saved("PNG", save_all=True, append_images=_frames()),
    "gif 87a": lambda: _saved("GIF", "P"),
    "gif 89a": lambda: _saved("GIF", "P", comment=b"a ; in a comment"),
    "gif animated": lambda: _saved("GIF", "P", save_all=True, append_images=_frames("P"), duration=50, loop=0),
    "webp": lambda: _saved("WEBP", quality=70),
    "webp lossless": lambda: _saved("WEBP", lossless=True),
    "webp alpha": lambda: _saved("WEBP", "RGBA", quality=70, exif=_exif()),
    "webp animated": lambda: _saved("WEBP", save_all=True, append_images=_frames(), duration=50),
}


@cache
def _made(name: str) -> bytes:
    return MAKERS[name]()


@pytest.fixture(params=MAKERS)
def kind(request: pytest.FixtureRequest) -> str:
    """The name of each kind of picture in turn."""
    name: str = request.param
    return name


@pytest.fixture
def picture(kind: str) -> bytes:
    """Each kind of picture in turn."""
    return _made(kind)


@pytest.fixture(scope="session")
def make() -> Callable[[str], bytes]:
    """A picture by the name of its kind."""
    return _made
