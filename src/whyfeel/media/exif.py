"""How a picture lies, out of its EXIF block; nothing else is read there, and nothing of it is ever sent."""

from __future__ import annotations

import struct

EXIF_START = b"Exif\x00\x00"
ORIENTATION, SHORT = 0x0112, 3
BYTE_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}


def orientation(exif: bytes) -> int:
    """The orientation in the first directory of an EXIF block (TIFF 6.0), 1 to 8.

    1, upright, is also what a block says that is damaged or has no such entry. What XMP says is not asked.

    Args:
        exif: the block, with or without its "Exif" in front.

    >>> orientation(b"MM" + bytes.fromhex("002a 00000008 0001 0112 0003 00000001 0006 0000"))
    6
    """
    tiff = exif.removeprefix(EXIF_START)
    if (order := BYTE_ORDERS.get(tiff[:4])) is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, directory)
        for i in range(entries):
            tag, kind, count, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + 12 * i)
            if tag == ORIENTATION:
                return value if (kind, count) == (SHORT, 1) and 1 <= value <= 8 else 1
    except struct.error:  # an offset or a count that leads beyond the block
        return 1
    return 1
