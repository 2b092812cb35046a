"""JPEG files: their header, and their segments without metadata (ITU-T T.81)."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from whyfeel.media.exif import EXIF_START, orientation
from whyfeel.media.picture import BadPicture, Cutter, Header, Walked, check_size, ends, whole

START, END, SCAN, APP0, APP1 = b"\xff\xd8\xff", 0xD9, 0xDA, 0xE0, 0xE1
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
READ_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive with Huffman codes
BARE = frozenset({0x01, END, *range(0xD0, 0xD8)})  # markers without a length
TABLES = frozenset({0xC4, 0xDB, 0xDC, 0xDD})
METADATA = frozenset({*range(0xE0, 0xFF)})
COLOURS = {0xE2: b"ICC_PROFILE\x00", 0xEE: b"Adobe"}  # segments that decide what colours the samples are
JFIF, JFIF_LENGTH = b"JFIF\x00", 14  # bytes of the segment before its thumbnail

# in coded data a 0xFF is stuffed with a zero or begins a restart marker; what else follows one ends the data
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
CUT_OFF = "the JPEG is cut off: its end marker is missing"
DAMAGED = "the JPEG header is cut off or damaged"
NO_SCAN = "the JPEG ends before its first scan"
# more coded data than any decoder wants: what it changes was not there
PADDING = bytes((37 * i + 11) % 251 for i in range(512))


def jpeg_header(stream: BinaryIO, size: int) -> Header:
    """The header of a JPEG whose end marker is there.

    Raises:
        BadPicture: the header is damaged or of a kind that nobody reads, or the file is cut off.
    """
    stream.seek(2)
    frame: Header | None = None
    while True:
        marker, length = _segment(stream)
        if marker == END:
            raise BadPicture(NO_SCAN)
        if marker in FRAMES:
            frame, _ = _frame(marker, stream.read(length))
        else:
            stream.seek(length, io.SEEK_CUR)
        if marker == SCAN:
            break
    if frame is None:
        raise BadPicture("the JPEG has no frame header before its first scan")
    check_size(frame.width, frame.height)
    return frame if ends(stream, size, b"\xff\xd9", stream.tell()) else walk_jpeg(whole(stream)).header


def walk_jpeg(data: bytes) -> Walked:
    """A JPEG without its metadata: tables, frame, scans and what decides the colours stay, all else is left out.

    Of the APPn segments a JFIF header stays (without its thumbnail), an ICC profile and Adobe's colour transform.

    Raises:
        BadPicture: the segments are damaged, or the end marker is missing.
    """
    cut = Cutter(data)
    cut.keep(0, 2)
    frame: tuple[Header, int] | None = None
    lies = 0
    for marker, start, body, end in _segments(data):
        if marker in FRAMES:
            if frame is not None:
                raise BadPicture("the JPEG has two frame headers")
            frame = _frame(marker, data[body:end])
        elif marker == SCAN and frame is None:
            raise BadPicture("the JPEG has no frame header before its first scan")
        elif marker == APP1 and not lies and data.startswith(EXIF_START, body):
            lies = orientation(data[body:end])
        if marker == APP0 and data.startswith(JFIF, body) and end - body > JFIF_LENGTH:
            cut.put(b"\xff\xe0\x00\x10" + data[body : body + JFIF_LENGTH - 2] + b"\x00\x00")
        elif _stays(data, marker, body):
            cut.keep(start, end)
    if frame is None:
        raise BadPicture(NO_SCAN)
    header, components = frame
    check_size(header.width, header.height)
    return Walked(header, cut.joined(), change=components == 4, orientation=lies or 1, lossy=True)


def padded(plain: bytes) -> bytes:
    """A JPEG with more coded data before its end: it decodes to other pixels where, and only where, some are missing.

    Decoders say nothing where coded data end early, and make up the rest.
    """
    return plain[:-2] + PADDING + plain[-2:]


def _segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Marker, start, start of the body and end of each segment; coded data belong to the segment of their scan."""
    stream, start = io.BytesIO(data), 2
    marker = scans = 0
    while marker != END:
        stream.seek(start)
        marker, length = _segment(stream)
        body = stream.tell()
        if (end := body + length) > len(data):
            raise BadPicture(DAMAGED)
        if marker == SCAN:
            if (found := NEXT_MARKER.search(data, end)) is None:
                raise BadPicture(CUT_OFF)
            end, scans = found.start(), scans + 1
        elif marker == END and not scans:
            raise BadPicture(NO_SCAN)
        yield marker, start, body, end
        start = end


def _segment(stream: BinaryIO) -> tuple[int, int]:
    """The next marker, and how many bytes its segment has behind the length."""
    if stream.read(1) != b"\xff":
        raise BadPicture(DAMAGED)
    while (code := stream.read(1)) == b"\xff":
        pass  # fill bytes are allowed before a marker
    if not code or not code[0]:
        raise BadPicture(NO_SCAN)
    if code[0] in BARE:
        return code[0], 0
    length = stream.read(2)
    if len(length) < 2 or (n := int.from_bytes(length, "big")) < 2:
        raise BadPicture(DAMAGED)
    return code[0], n - 2


def _frame(marker: int, body: bytes) -> tuple[Header, int]:
    """Size and number of colour components out of a frame header."""
    if len(body) < 6:
        raise BadPicture("the JPEG frame header is cut off")
    bits, height, width, components = struct.unpack(">BHHB", body[:6])
    if marker not in READ_FRAMES:
        raise BadPicture(f"a JPEG of a rare kind (frame 0x{marker:X}) that hardly anything reads: save it anew")
    if bits != 8 or components not in {1, 3, 4}:
        raise BadPicture(f"a JPEG with {components} components of {bits} bits that nothing reads: save it anew")
    return Header("image/jpeg", width, height), components


def _stays(data: bytes, marker: int, body: int) -> bool:
    if marker == APP0:
        return data.startswith(JFIF, body)
    if marker in METADATA:
        return marker in COLOURS and data.startswith(COLOURS[marker], body)
    if marker in TABLES or marker in FRAMES or marker in BARE or marker == SCAN:
        return True
    raise BadPicture(f"the JPEG is damaged: a marker 0x{marker:X} stands among its segments")
