"""The changed pictures of a run, made when they are first needed and kept, named by what they are made of."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock

from whyfeel.intervene.blur import BLUR, blurred, upright_size
from whyfeel.intervene.scenes import View
from whyfeel.media import BadPicture, MediaStore
from whyfeel.media.headers import walk
from whyfeel.records import Media, Sample, content_id
from whyfeel.runs.folder import write_whole

CHANGED = "changed"
SIDE_BY_SIDE = 4  # pictures being decoded at a time


class Making:
    """Makes the pictures of views below a folder.

    Args:
        originals: the pictures they are made from.
        folder: where they lie afterwards; a picture that lies there is not made again.
        bad: those of the originals that cannot be sent.
    """

    def __init__(self, originals: MediaStore, folder: Path, bad: Mapping[Media, str]) -> None:
        self.folder = folder
        self.made: set[str] = set()  # names in it
        self._originals = originals
        self._bad = bad
        self._locks: dict[str, Lock] = {}
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def shown(self, view: View) -> Sample:
        """The view's sample with its picture, which lies in the folder.

        Raises:
            BadPicture: there is none; the message says why.
        """
        media = view.sample.media[0]
        if (why := self._bad.get(media)) is not None:
            raise BadPicture(why)
        async with self._slots:
            name = await asyncio.to_thread(self._make, media, view)
        return replace(view.sample, media=(Media(name),))

    def _make(self, media: Media, view: View) -> str:
        """The name of a view's picture in the folder, once it lies there."""
        data = self._originals.read(media)
        walked = walk(data)
        digest = hashlib.sha256(data).hexdigest()
        box = None if view.region is None else view.region.box(*upright_size(walked))
        ending = "jpg" if walked.lossy else "png"
        return self._kept(f"{content_id([digest, box, BLUR])}.{ending}", lambda: blurred(data, box))

    def _kept(self, name: str, make: Callable[[], bytes]) -> str:
        file = self.folder / name
        with self._locks.setdefault(name, Lock()):  # two records may show one picture
            if not file.is_file():
                write_whole(file, [make()])
        self.made.add(name)
        return name


class Beside(MediaStore):
    """The pictures that were made, and the user's own, which a strategy may show as examples.

    Args:
        making: knows which those are.
        root, max_side: of the user's pictures, as for a run.
    """

    def __init__(self, making: Making, root: Path | None, max_side: int | None) -> None:
        super().__init__(root, max_side=max_side)
        self._making = making

    def path(self, media: Media) -> str:
        """Where a picture lies; as in any store."""
        return str(self._making.folder / media.path) if media.path in self._making.made else super().path(media)
