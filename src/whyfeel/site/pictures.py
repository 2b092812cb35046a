"""The pictures of a site: as models were shown them, and small ones for lists. None is written twice."""

from __future__ import annotations

import base64
import hashlib
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from whyfeel.media import BadPicture, Loaded, MediaStore, fetched_name
from whyfeel.records import Media
from whyfeel.site.pages import File

THUMB_SIDE = 320  # pixels
THUMB_QUALITY = 80
WORKERS = 2
AHEAD = 8  # pictures that are made ready before they are written: what bounds the memory
DIGITS = 32  # of a picture's hash
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}
LEFT_OUT = "Pictures were left out of this report (--no-images)."


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as pages show it.

    Attributes:
        full, thumb: addresses in the site, "" where it cannot be shown.
        width, height: of the full one, in pixels.
        why: why it cannot be shown, "" where it can.
    """

    full: str = ""
    thumb: str = ""
    width: int = 0
    height: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Made:
    shown: Shown
    full: bytes = b""
    thumb: bytes = b""


class Pictures:
    """Makes the files of pictures, each distinct one once, and remembers how each is shown.

    Args:
        root: the folder their names start from, None where there is none.
        fetched: the folders of those at URLs; the first that holds one tells it.
        max_side: pixels of the longest side at which they were sent, None for no limit.

    Attributes:
        shown: picture to how it is shown; filled by `files`.
    """

    def __init__(self, root: Path | None, fetched: Sequence[Path] = (), max_side: int | None = None) -> None:
        self.shown: dict[Media, Shown] = {}
        self._root = root
        self._fetched = fetched
        self._max_side = max_side
        self._written: set[str] = set()

    def files(self, media: Iterable[Media]) -> Iterator[File]:
        """The files of these pictures, in order; a picture that cannot be read has none."""
        new = (one for one in dict.fromkeys(media) if one not in self.shown)
        # threads, not processes: reading, hashing and the decoder all let the interpreter go meanwhile
        with ExitStack() as stack, ThreadPoolExecutor(WORKERS, thread_name_prefix="whyfeel-site") as pool:
            stores = {
                folder: stack.enter_context(closing(MediaStore(self._root, fetched=folder)))
                for folder in self._fetched or (None,)
            }
            submitted = ((one, pool.submit(self._make, stores[self._folder(one)], one)) for one in new)
            waiting: deque[tuple[Media, Future[_Made]]] = deque(islice(submitted, AHEAD))
            while waiting:
                one, future = waiting.popleft()
                made = future.result()
                waiting.extend(islice(submitted, 1))
                self.shown[one] = made.shown
                yield from self._new_files(made)

    def _folder(self, media: Media) -> Path | None:
        """Which of the folders to look in for a picture: for one at a URL the first that holds it."""
        holders = (one for one in self._fetched if media.is_url and (one / fetched_name(media.path)).is_file())
        return next(holders, next(iter(self._fetched), None))

    def _new_files(self, made: _Made) -> Iterator[File]:
        if made.shown.why or made.shown.full in self._written:
            return
        self._written.add(made.shown.full)
        yield File(made.shown.full, made.full)
        yield File(made.shown.thumb, made.thumb)

    def _make(self, store: MediaStore, media: Media) -> _Made:
        try:
            loaded = Loaded(store.read(media), self._max_side)
            full = base64.b64decode(loaded.base64)
            small = thumbnail(full)
        except BadPicture as bad:
            return _Made(Shown(why=str(bad)))
        name = hashlib.sha256(full).hexdigest()[:DIGITS]
        header = loaded.header
        address = f"pictures/{name}.{ENDINGS[header.mime]}"
        return _Made(Shown(address, f"thumbs/{name}.jpg", header.width, header.height), full, small)


def thumbnail(picture: bytes) -> bytes:
    """A small JPEG of a picture, its longest side THUMB_SIDE pixels or as it is where it is shorter.

    Raises:
        BadPicture: it cannot be decoded.
    """
    from PIL import Image  # noqa: PLC0415 - a site without pictures needs no decoder

    from whyfeel.media.convert import FORMATS  # noqa: PLC0415

    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as one:
            one.thumbnail((THUMB_SIDE, THUMB_SIDE), reducing_gap=1.0)  # a JPEG is decoded no larger than is needed
            (one if one.mode in {"L", "RGB"} else one.convert("RGB")).save(out, "JPEG", quality=THUMB_QUALITY)
    except Exception as error:  # noqa: BLE001 - a decoder raises whatever hostile bytes lead it to
        why = " ".join(str(error).split()) or type(error).__name__
        raise BadPicture(f"cannot be decoded: {why}") from None
    return out.getvalue()
