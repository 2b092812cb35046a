"""Load, check and convert images."""

from whyfeel.media.blank import BLANK
from whyfeel.media.headers import BadPicture, Header, read_header
from whyfeel.media.store import Loaded, MediaStore, conversion, examine_bytes, fetched_name, max_side_of

__all__ = [
    "BLANK",
    "BadPicture",
    "Header",
    "Loaded",
    "MediaStore",
    "conversion",
    "examine_bytes",
    "fetched_name",
    "max_side_of",
    "read_header",
]
