"""Look at every picture of a task: read, decoded as a whole, and compared with the others by content and by name."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from whyfeel.media import BadPicture
from whyfeel.media.memory import PictureMemory
from whyfeel.records import Media

MISSING = "no such file"  # how the fault of a picture that is not there begins
AHEAD = 8  # pictures a thread that wait for their turn: memory does not grow with the data


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a picture found.

    Attributes:
        digest: SHA-256 of its bytes, "" where they cannot be read.
        fault: why it cannot be sent, None where it can.
        remembered: whether the content was seen before, so that it was not decoded.
    """

    digest: str
    fault: str | None
    remembered: bool = False


def looker(
    read: Callable[[Media], bytes], examine: Callable[[bytes], str | None], memory: PictureMemory
) -> Callable[[Media], Look]:
    """How `check_task` looks at a picture; may be called by several threads.

    Args:
        read: the bytes of a picture, or BadPicture.
        examine: why bytes cannot be decoded, None where they can.
        memory: asked first, and told.
    """

    def look(media: Media) -> Look:
        try:
            data = read(media)
        except BadPicture as bad:
            return Look("", str(bad))
        digest = hashlib.sha256(data).hexdigest()
        if (known := memory.recall(digest)) is not None:
            return Look(digest, known or None, remembered=True)
        fault = examine(data)
        memory.learn(digest, fault)
        return Look(digest, fault)

    return look


def side_by_side(look: Callable[[Media], Look], pictures: Iterable[Media]) -> Iterator[Look]:
    """A look at each picture, in their order, on all cores: decoders work outside Python's lock."""
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores, thread_name_prefix="whyfeel-check") as pool:
        waiting: deque[Future[Look]] = deque()
        try:
            for one in pictures:
                waiting.append(pool.submit(look, one))
                if len(waiting) >= AHEAD * cores:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)  # stopped, it does not first look at what still waits


def duplicates(looks: Mapping[str, Look]) -> list[tuple[str, ...]]:
    """Names whose files have equal bytes, in the order of the first of each."""
    by_content: dict[str, list[str]] = {}
    for path, look in looks.items():
        if look.digest:
            by_content.setdefault(look.digest, []).append(path)
    return [tuple(paths) for paths in by_content.values() if len(paths) > 1]


class Names:
    """The names below one root folder, each folder read at most once; what a link leads out of it to is not read."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._folders: dict[str, dict[str, list[str]]] = {}

    def alike(self, path: str) -> str | None:
        """A path that is there and differs from one that is not only in case or in its Unicode normal form."""
        found: list[str] = []
        for part in path.split("/"):
            names = self._in("/".join(found)).get(_loose(part), [])
            if not names:
                return None
            found.append(part if part in names else names[0])
        return "/".join(found)

    def case_clashes(self, paths: Iterable[str]) -> list[tuple[str, ...]]:
        """Names that are one file on systems which do not tell case apart: those given, and those beside them."""
        groups: dict[str, dict[str, None]] = {}
        for path in paths:
            group = groups.setdefault(path.casefold(), {})
            group[path] = None
            folder, slash, name = path.rpartition("/")
            beside = self._in(folder).get(_loose(name), [])
            if name in beside:  # else it is missing, and the other its hint
                group.update(dict.fromkeys(folder + slash + one for one in beside if one.casefold() == name.casefold()))
        return [tuple(group) for group in groups.values() if len(group) > 1]

    def _in(self, folder: str) -> dict[str, list[str]]:
        """The names in a folder by what is left of them without case and Unicode form; none where it cannot be read."""
        if folder not in self._folders:
            by_loose = self._folders[folder] = {}
            for name in sorted(self._read(folder)):
                by_loose.setdefault(_loose(name), []).append(name)
        return self._folders[folder]

    def _read(self, folder: str) -> list[str]:
        try:
            place = (self._root / folder).resolve()
            return [one.name for one in place.iterdir()] if place.is_relative_to(self._root) else []
        except (OSError, ValueError, RuntimeError):  # not there, not a name a file can have, links in a circle
            return []


def _loose(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
