"""What the readers of all formats share: the limits, what they find, and how parts of a file are left out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from whyfeel.errors import WhyfeelError

MOST_PIXELS = 40_000_000  # decoded, a picture of this size takes 160 MB
LONGEST_SIDE = 30_000  # pixels; what is longer and within MOST_PIXELS is a strip that no model can make sense of
MOST_BYTES = 64 * 1024 * 1024
TAIL = 65_536  # bytes at the end in which an end marker is looked for before the whole file is read


class BadPicture(WhyfeelError):
    """The file cannot be sent; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a sound header says: the MIME type, and width and height in pixels."""

    mime: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk through a whole file found.

    Attributes:
        header: MIME type and size in pixels, as the file has them.
        plain: the file without metadata, without what follows its end and without all frames but the first one whose
            pixels stand by themselves; the very same bytes where there is nothing to leave out.
        change: whether the pixels cannot be sent as they are (16 bits, four inks, transparency, an animation).
        orientation: how the pixels lie, 1 to 8 as EXIF counts; 1 is upright.
        lossy: whether the pixels were coded with loss.
        depth: bits a sample; of a palette picture, bits an index.
        grey: whether a PNG says that its pixels are grey.
        box: left, top, right and bottom of a first frame that does not cover the picture, else None.
    """

    header: Header
    plain: bytes
    change: bool = False
    orientation: int = 1
    lossy: bool = False
    depth: int = 8
    grey: bool = False
    box: tuple[int, int, int, int] | None = None


class Cutter:
    """Puts a file together from the parts of it that are kept, in their order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._out = bytearray()  # not a list of parts: a hostile file has millions
        self._start = self._end = 0

    def keep(self, start: int, end: int) -> None:
        """Keep the bytes from start up to end."""
        if start != self._end:
            self._flush()
            self._start = start
        self._end = end

    def put(self, piece: bytes) -> None:
        """Put these bytes in, in the place of some that are not kept."""
        self._flush()
        self._out += piece
        self._start = self._end = 0

    def joined(self) -> bytes:
        """What was kept and put; the file's own bytes where that is all of it."""
        if not self._out and self._start == 0 and self._end == len(self._data):
            return self._data
        self._flush()
        return bytes(self._out)

    def _flush(self) -> None:
        self._out += memoryview(self._data)[self._start : self._end]


def check_size(width: int, height: int) -> None:
    """That a picture has pixels, at most MOST_PIXELS of them and at most LONGEST_SIDE on a side.

    Raises:
        BadPicture: it has none, or too many.
    """
    if not (width and height):
        raise BadPicture(f"the header says {width}x{height} pixels")
    if width * height > MOST_PIXELS:
        many = f"{width}x{height} pixels are {width * height / 1e6:,.1f} megapixels"
        raise BadPicture(f"{many}; at most {MOST_PIXELS // 1_000_000} are allowed: shrink the picture")
    if max(width, height) > LONGEST_SIDE:
        raise BadPicture(f"{width}x{height} pixels; at most {LONGEST_SIDE:,} a side are allowed: cut the picture")


def ends(stream: BinaryIO, size: int, marker: bytes, after: int) -> bool:
    """Whether an end marker is there: at the very end, as almost always, or shortly before it."""
    stream.seek(max(after, size - len(marker)))
    if stream.read() == marker:
        return True
    stream.seek(max(after, size - TAIL))
    return marker in stream.read()


def whole(stream: BinaryIO) -> bytes:
    """All bytes of a file, wherever it was read last."""
    stream.seek(0, io.SEEK_SET)
    return stream.read()
