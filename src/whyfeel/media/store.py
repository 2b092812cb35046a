"""Pictures on disk: checked before the first call, read and encoded once however many asks use them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from weakref import WeakValueDictionary

from whyfeel.media.headers import BadPicture, Header, read_header
from whyfeel.records import Media

CONVERSION = "as-is/1"  # what is done to the bytes before they are sent, and its version; enters every key
READERS = 4


class Loaded:
    """The bytes of one picture, ready to be sent.

    Attributes:
        header: MIME type and size in pixels.
        token: what stands for the picture in the key of an ask: hash of the original bytes, and the conversion.
    """

    __slots__ = ("__weakref__", "_base64", "_data", "header", "token")

    def __init__(self, data: bytes) -> None:
        self.header: Header = read_header(io.BytesIO(data))
        self.token = f"{hashlib.sha256(data).hexdigest()}:{CONVERSION}"
        self._data: bytes | None = data
        self._base64: bytes | None = None

    @property
    def base64(self) -> bytes:
        """The bytes as base64, encoded at the first use; the raw bytes are let go then."""
        if self._base64 is None:
            self._base64 = base64.b64encode(self._data or b"")
            self._data = None
        return self._base64


class MediaStore:
    """The pictures under one root folder.

    A picture stays in memory as long as somebody holds it, so that memory grows with what is in flight
    and not with the data set.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = os.path.realpath(root) if root is not None else None
        self._folders: dict[str, str] = {}
        self._loaded: WeakValueDictionary[Media, Loaded] = WeakValueDictionary()
        self._loading: dict[Media, asyncio.Future[Loaded]] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="whyfeel-media")

    def path(self, media: Media) -> str:
        """Where a picture lies.

        Raises:
            BadPicture: there is no root, or the name would leave it (absolute, "..", a link), or no file can have it.
        """
        if self._root is None:
            raise BadPicture("no images folder was given")
        if "\x00" in media.path:
            raise BadPicture(f"the name {media.path!r} holds a NUL character")
        try:
            os.fsencode(media.path)
        except UnicodeEncodeError:
            raise BadPicture(f"the name {media.path!r} is no name a file can have") from None
        above, _, name = media.path.rpartition("/")
        # following every link of every path would cost more than reading the pictures: a folder is followed once
        if (folder := self._folders.get(above)) is None:
            folder = self._folders[above] = os.path.realpath(os.path.join(self._root, above or "."))
        path = os.path.join(folder, name)
        if name in {"", ".", ".."} or os.path.islink(path):
            path = os.path.realpath(path)
        if media.path.startswith("/") or not path.startswith(self._root.rstrip(os.sep) + os.sep):
            raise BadPicture(f"the name {media.path!r} leads outside the images folder")
        return path

    def check(self, media: Media) -> Header:
        """The header of a picture, read without its body.

        Raises:
            BadPicture: the picture cannot be sent; the message says why.
        """
        try:
            with open(self.path(media), "rb") as stream:
                return read_header(stream)
        except OSError as error:
            raise BadPicture(_why(error, media)) from None

    def fault(self, media: Media) -> str | None:
        """Why a picture cannot be sent, None where it can; read without its body."""
        try:
            self.check(media)
        except BadPicture as bad:
            return str(bad)
        return None

    async def load(self, media: Media) -> Loaded:
        """The picture, read at most once while anybody holds it.

        Raises:
            BadPicture: the picture cannot be sent; the message says why.
        """
        if (loaded := self._loaded.get(media)) is not None:
            return loaded
        if (loading := self._loading.get(media)) is None:
            loop = asyncio.get_running_loop()
            loading = loop.run_in_executor(self._readers, self._read, media)
            self._loading[media] = loading
            loading.add_done_callback(lambda _: self._loading.pop(media, None))
        loaded = await asyncio.shield(loading)
        return self._loaded.setdefault(media, loaded)

    def _read(self, media: Media) -> Loaded:
        try:
            with open(self.path(media), "rb", buffering=0) as stream:
                return Loaded(stream.read())
        except OSError as error:
            raise BadPicture(_why(error, media)) from None

    def close(self) -> None:
        """Let the reading threads go."""
        self._readers.shutdown(wait=False, cancel_futures=True)


def _why(error: OSError, media: Media) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no such file: {media.path!r}"
    return f"{media.path!r} cannot be read: {error.strerror}"
