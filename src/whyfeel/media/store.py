"""Pictures on disk: checked before the first call, read and encoded once however many asks use them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from weakref import WeakValueDictionary

from whyfeel.media.blank import BLANK, blank_png
from whyfeel.media.headers import BadPicture, Header, read_header, walk
from whyfeel.media.picture import MOST_BYTES
from whyfeel.records import Media

CONVERSION = "plain/2"  # what is done to the bytes before they are sent, and its version
MAX_SIDE = ",max-side="
READERS = 4


def conversion(max_side: int | None) -> str:
    """What is done to pictures before they are sent, as it enters the key of every ask that shows one.

    >>> conversion(1024)
    'plain/2,max-side=1024'
    """
    return CONVERSION if max_side is None else f"{CONVERSION}{MAX_SIDE}{max_side}"


def max_side_of(conversion: str) -> int | None:
    """The longest side that pictures were sent with, out of what `conversion` said; None where there was no limit.

    >>> max_side_of("plain/2,max-side=1024"), max_side_of("plain/2"), max_side_of("")
    (1024, None, None)
    """
    side = conversion.partition(MAX_SIDE)[2]
    return int(side) if side.isdecimal() else None


def fetched_name(url: str) -> str:
    """The name of the file in which the picture at a URL lies once it was fetched."""
    return hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest()


def examine_bytes(data: bytes) -> str | None:
    """Why a picture cannot be decoded as a whole, None where it can; of an animation the first frame is enough."""
    from whyfeel.media.convert import check_pixels  # noqa: PLC0415

    try:
        check_pixels(walk(data))
    except BadPicture as bad:
        return str(bad)
    return None


class Loaded:
    """The bytes of one picture, ready to be sent: without metadata, upright, opaque, of eight bits, one frame.

    The file's own bytes are sent where nothing has to change; `convert.converted` tells what is done where something
    has to.

    Args:
        data: the file.
        max_side: pixels that the longest side has at most, None for no limit.

    Attributes:
        header: MIME type and size in pixels of what is sent.
        token: what stands for the picture in the key of an ask: hash of the original bytes, and the conversion.

    Raises:
        BadPicture: it cannot be sent; the message says why.
    """

    __slots__ = ("__weakref__", "_base64", "_data", "header", "token")

    def __init__(self, data: bytes, max_side: int | None = None) -> None:
        self.token = f"{hashlib.sha256(data).hexdigest()}:{conversion(max_side)}"
        walked = walk(data)
        self.header: Header = walked.header
        data = walked.plain
        large = max_side is not None and max(self.header.width, self.header.height) > max_side
        if walked.change or walked.orientation != 1 or large:
            from whyfeel.media.convert import converted  # noqa: PLC0415

            data, self.header = converted(walked, max_side)
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
    """The pictures under one root folder, and those at URLs that were fetched.

    A picture stays in memory as long as somebody holds it, so that memory grows with what is in flight
    and not with the data set.

    Args:
        root: the folder, None where there is none.
        max_side: pixels that the longest side of what is sent has at most, None for no limit.
        fetched: the folder of what was fetched, None where nothing is.
    """

    def __init__(self, root: Path | None, *, max_side: int | None = None, fetched: Path | None = None) -> None:
        self._root = os.path.realpath(root) if root is not None else None
        self._max_side = max_side
        self._fetched = fetched
        self._folders: dict[str, str] = {}
        self._loaded: WeakValueDictionary[Media, Loaded] = WeakValueDictionary()
        self._loading: dict[Media, asyncio.Future[Loaded]] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="whyfeel-media")

    def path(self, media: Media) -> str:
        """Where a picture lies, or would lie.

        Raises:
            BadPicture: there is no root, or the name would leave it (absolute, "..", a link), or no file can have it;
                or it is a URL and nothing is fetched.
        """
        if media.is_url:
            if self._fetched is None:
                raise BadPicture(_not_fetched(media))
            return os.path.join(self._fetched, fetched_name(media.path))
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
            with self._open(media) as stream:
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

    def read(self, media: Media) -> bytes:
        """The bytes of a file, whatever they are; those of the blank picture for BLANK.

        Raises:
            BadPicture: it cannot be read; the message says why.
        """
        if media == BLANK:
            return blank_png()
        try:
            with self._open(media, buffering=0) as stream:
                return stream.read()
        except OSError as error:
            raise BadPicture(_why(error, media)) from None

    async def load(self, media: Media) -> Loaded:
        """The picture, read at most once while anybody holds it.

        Raises:
            BadPicture: the picture cannot be sent; the message says why.
        """
        if (loaded := self._loaded.get(media)) is not None:
            return loaded
        if (loading := self._loading.get(media)) is None:
            loop = asyncio.get_running_loop()
            loading = loop.run_in_executor(self._readers, self._load, media)
            self._loading[media] = loading
            loading.add_done_callback(lambda _: self._loading.pop(media, None))
        loaded = await asyncio.shield(loading)
        return self._loaded.setdefault(media, loaded)

    def _load(self, media: Media) -> Loaded:
        return Loaded(self.read(media), self._max_side)

    @contextmanager
    def _open(self, media: Media, buffering: int = -1) -> Iterator[BinaryIO]:
        """A file of a size that is read; nothing else is, and no pipe or device is waited for."""
        with open(self.path(media), "rb", buffering=buffering, opener=_open_at_once) as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise BadPicture(f"{media.path!r} is no regular file but a pipe or a device")
            if found.st_size > MOST_BYTES:
                most = f"at most {MOST_BYTES:,} (64 MiB) are allowed"
                raise BadPicture(f"{media.path!r} has {found.st_size:,} bytes; {most}: shrink the picture")
            yield stream

    def close(self) -> None:
        """Let the reading threads go."""
        self._readers.shutdown(wait=False, cancel_futures=True)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _not_fetched(media: Media) -> str:
    return f"{media.path!r} was not fetched: pictures at URLs are fetched only with --allow-urls"


def _why(error: OSError, media: Media) -> str:
    if isinstance(error, FileNotFoundError):
        return _not_fetched(media) if media.is_url else f"no such file: {media.path!r}"
    return f"{media.path!r} cannot be read: {error.strerror}"
