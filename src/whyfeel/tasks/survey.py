"""What a first reading of a record file finds: what stands twice, and what cannot be read."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from whyfeel.tasks.reading import Malformed

T = TypeVar("T")

DUPLICATE = "duplicate record"


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first reading of a file found.

    Attributes:
        kept: first lines of records that stand more than once; their samples are flagged.
        left_out: lines that say the same again, or that cannot be read.
        malformed: what cannot be read, in file order, each once.
    """

    kept: frozenset[int] = frozenset()
    left_out: frozenset[int] = frozenset()
    malformed: tuple[Malformed, ...] = ()

    def flags(self, line: int) -> list[str]:
        """What is odd about the record on a line."""
        return [DUPLICATE] if line in self.kept else []

    def sound(self, rows: Iterable[tuple[int, T | Malformed]]) -> Iterator[tuple[int, T]]:
        """The rows of another reading, without those left out.

        Raises:
            DataError: a record is malformed that was not at the first reading.
        """
        for line, record in rows:
            if line in self.left_out:
                continue
            if isinstance(record, Malformed):
                raise record.error()
            yield line, record


class Seen:
    """Which ids came before, on which line, whether their records were equal, and what was malformed.

    Holds three small integers a sound record and none of its texts, so that a large file can be streamed. The hashes
    have 64 bits: among 50,000 ids two agree by chance with a probability below 1e-9.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[int, int] = {}
        self._contents = array("Q")
        self._lines = array("Q")
        self._kept: set[int] = set()
        self._left_out: set[int] = set()
        self._malformed: dict[Malformed, None] = {}

    def add(self, line: int, key: str, content: str) -> bool:
        """Take the next record, what it is known by and everything it says; whether it is a new one.

        One whose key came before is left out; with other content than before it is malformed, and both lines are told.
        """
        row = self._rows.setdefault(_hash(key), len(self._lines))
        if row == len(self._lines):
            self._contents.append(_hash(content))
            self._lines.append(line)
            return True
        if self._contents[row] == _hash(content):
            self._kept.add(self._lines[row])
            self._left_out.add(line)
        else:
            why = f"{key!r} stands on line {self._lines[row]} already, with other content; expected one record for it"
            self.refuse(line, Malformed(str(self._path), line, f"{why}: remove one of them"))
        return False

    def refuse(self, line: int, fault: Malformed) -> None:
        """Leave a line out, because of a fault of its own or of what belongs to it in another file."""
        self._left_out.add(line)
        self._malformed.setdefault(fault)

    def __len__(self) -> int:
        """How many different records came."""
        return len(self._lines)

    def survey(self, expected: str, also: Iterable[Malformed] = ()) -> Survey:
        """What was found, and that the file holds no record where no line does.

        Args:
            expected: what a line should hold.
            also: what is malformed elsewhere.
        """
        malformed = dict.fromkeys([*self._malformed, *also])
        if not (self._lines or self._left_out):
            malformed = {
                Malformed(str(self._path), None, f"the file holds no record; expected {expected} a line"): None
            }
        return Survey(frozenset(self._kept), frozenset(self._left_out), tuple(malformed))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "big")
