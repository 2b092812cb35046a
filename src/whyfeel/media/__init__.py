"""Load and check images."""

from whyfeel.media.headers import BadPicture, Header, read_header
from whyfeel.media.store import Loaded, MediaStore

__all__ = ["BadPicture", "Header", "Loaded", "MediaStore", "read_header"]
