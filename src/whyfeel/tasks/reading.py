"""JSON read strictly, with the file and the line in every error: what a task's reader builds on."""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.errors import DataError

DUPLICATE = "duplicate record"
BOM = b"\xef\xbb\xbf"
SURROGATE = re.compile("[\ud800-\udfff]")
TORN = "the file ends here without a line end, so it was probably cut off: get it again, or mend or remove the line"


class _Repeated(ValueError):
    """One object names a key twice; JSON readers differ in which value they keep."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key!r} stands twice in one object; expected each key once")
        self.key = key


def place(path: Path, line: int | None = None) -> str:
    """How every error of a data file begins."""
    return repr(str(path)) if line is None else f"{str(path)!r}, line {line}"


def shown(value: object) -> str:
    """A value in an error message: its repr, at most 80 characters, on one line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def json_lines(path: Path) -> Iterator[tuple[int, object]]:
    """The values of a JSON Lines file with their line numbers from 1, one at a time; blank lines are passed over.

    Raises:
        DataError: the file cannot be read, or a line is not UTF-8, not JSON, or repeats a key.
    """
    offset = 0
    try:
        with path.open("rb") as stream:
            for line, raw in enumerate(stream, 1):
                body = raw.removeprefix(BOM) if line == 1 else raw
                if body.strip():
                    yield line, _value(body, path, line, offset)
                offset += len(raw)
    except OSError as error:
        raise DataError(f"{place(path)} cannot be read: {error.strerror}") from None


def json_document(path: Path) -> object:
    """The value of a file that is one JSON document.

    Raises:
        DataError: the file cannot be read, is not UTF-8, not JSON, or an object in it repeats a key.
    """
    try:
        raw = path.read_bytes().removeprefix(BOM)
        value: object = json.loads(raw.decode(), object_pairs_hook=_unique)
    except OSError as error:
        raise DataError(f"{place(path)} cannot be read: {error.strerror}") from None
    except _Repeated as error:
        lines = lines_naming(path, error.key)
        where = place(path, lines[0]) if lines else place(path)
        also = f" (here and on line {lines[1]})" if len(lines) > 1 else ""
        raise DataError(f"{where}: {error}{also}") from None
    except (ValueError, RecursionError) as error:
        where = place(path, _line_of(error))
        raise DataError(f"{where}: expected one JSON document; {_document_reason(error)}") from None
    return value


def lines_naming(path: Path, key: str) -> list[int]:
    """The lines of a JSON document on which a key stands, for an error message; empty where it is written escaped."""
    wanted = json.dumps(key, ensure_ascii=False).encode(errors="surrogatepass")
    with path.open("rb") as stream:
        return [line for line, raw in enumerate(stream, 1) if wanted in raw]


def text_fault(value: object) -> str | None:
    """What a value is instead of a text that is not blank and that UTF-8 can carry; None where it is one."""
    if not isinstance(value, str):
        return shown(value)
    if not value.strip():
        return "a blank text"
    # A lone surrogate can be written in JSON but not be sent to any model
    sound = value.isascii() or not SURROGATE.search(value)
    return None if sound else f"invalid Unicode in {shown(value)}"


def check_text(value: object, where: str, what: str) -> str:
    """The value, if it is a sound text.

    Raises:
        DataError: it is not; the message begins with `where` and says that `what` was expected.
    """
    if (fault := text_fault(value)) is not None:
        raise DataError(f"{where}: expected {what}, got {fault}")
    return str(value)


@dataclass(frozen=True, slots=True)
class Repeats:
    """The lines of a file whose records are equal.

    Attributes:
        kept: first lines of records that stand more than once; their samples are flagged.
        dropped: the lines that say the same again.
    """

    kept: frozenset[int] = frozenset()
    dropped: frozenset[int] = frozenset()

    def flags(self, line: int) -> list[str]:
        """What is odd about the record on a line."""
        return [DUPLICATE] if line in self.kept else []


class Seen:
    """Which ids came before, on which line, and whether their records were equal.

    Holds three small integers a record and none of its texts, so that a large file can be streamed. The hashes
    have 64 bits: among 50,000 ids two agree by chance with a probability below 1e-9.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[int, int] = {}
        self._contents = array("Q")
        self._lines = array("Q")
        self._repeats: list[tuple[int, int]] = []

    def add(self, line: int, key: str, content: str) -> None:
        """Take the next record: what it is known by, and everything it says.

        Raises:
            DataError: the key came before with another content; both lines are named.
        """
        row = self._rows.setdefault(_hash(key), len(self._lines))
        if row == len(self._lines):
            self._contents.append(_hash(content))
            self._lines.append(line)
            return
        if self._contents[row] != _hash(content):
            raise DataError(
                f"{place(self._path, line)}: {key!r} stands on line {self._lines[row]} already, with other content; "
                "expected one record for it: remove one of them"
            )
        self._repeats.append((self._lines[row], line))

    def __len__(self) -> int:
        """How many different records came."""
        return len(self._lines)

    @property
    def repeats(self) -> Repeats:
        """The equal records among those taken."""
        return Repeats(frozenset(kept for kept, _ in self._repeats), frozenset(line for _, line in self._repeats))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "big")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Repeated(key)
            seen.add(key)
    return value


def _value(raw: bytes, path: Path, line: int, offset: int) -> object:
    try:
        value: object = json.loads(raw.decode(), object_pairs_hook=_unique)
    except _Repeated as error:
        raise DataError(f"{place(path, line)}: {error}") from None
    except (ValueError, RecursionError) as error:
        torn = "" if raw.endswith(b"\n") else f"; {TORN}"
        why = f"expected one JSON object (from byte {offset:,}); {_reason(error)}{torn}"
        raise DataError(f"{place(path, line)}: {why}") from None
    return value


def _reason(error: Exception) -> str:
    """What is wrong, without the position in a line that is already named."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.object[error.start]:#04x} at column {error.start + 1} is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _line_of(error: Exception) -> int | None:
    if isinstance(error, UnicodeDecodeError):
        return error.object.count(b"\n", 0, error.start) + 1
    return error.lineno if isinstance(error, json.JSONDecodeError) else None


def _document_reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.object[error.start]:#04x} at byte {error.start:,} is not UTF-8"
    cut = isinstance(error, json.JSONDecodeError) and (
        error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
    )
    return _reason(error) + ("; the file ends there, so it was cut off: get it again" if cut else "")
