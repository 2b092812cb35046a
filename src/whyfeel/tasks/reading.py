"""JSON read strictly, a record or what is wrong with it at a time: what a task's reader builds on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from whyfeel.errors import DataError

T = TypeVar("T")

BOM = b"\xef\xbb\xbf"
SURROGATE = re.compile("[\ud800-\udfff]")
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
TORN = "the file ends here without a line end, so it was probably cut off: get it again, or mend or remove the line"


class Refused(ValueError):
    """What is wrong with a record; whoever reads the file adds where it stands."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that cannot be read.

    Attributes:
        file: the record file.
        line: from 1; None where it is the file as a whole.
        reason: what was expected and what came.
    """

    file: str
    line: int | None
    reason: str

    def error(self) -> DataError:
        """The same, to be raised."""
        return DataError(f"{place(self.file, self.line)}: {self.reason}")


def place(path: Path | str, line: int | None = None) -> str:
    """How every error of a data file begins."""
    return repr(str(path)) if line is None else f"{str(path)!r}, line {line}"


def shown(value: object) -> str:
    """A value in an error message: its repr, at most 80 characters, on one line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def json_records(path: Path, read: Callable[[object], T]) -> Iterator[tuple[int, T | Malformed]]:
    """The records of a JSON Lines file with their line numbers from 1, one at a time; blank lines are passed over.

    Args:
        path: the file.
        read: makes a record of a line's value, or raises Refused.

    Returns:
        For each line its record, or why it has none: it is not UTF-8, not JSON, repeats a key, or was refused.

    Raises:
        DataError: the file cannot be read.
    """
    offset = 0
    try:
        with path.open("rb") as stream:
            for line, raw in enumerate(stream, 1):
                body = raw.removeprefix(BOM) if line == 1 else raw
                if body.strip():
                    yield line, _record(body, read, path, line, offset)
                offset += len(raw)
    except OSError as error:
        raise DataError(f"{place(path)} cannot be read: {error.strerror}") from None


def _record(raw: bytes, read: Callable[[object], T], path: Path, line: int, offset: int) -> T | Malformed:
    try:
        return read(_value(raw, offset))
    except Refused as error:
        return Malformed(str(path), line, str(error))


def json_document(path: Path) -> tuple[object, list[str]]:
    """The value of a file that is one JSON document, and the keys that stand twice in an object of it.

    The value is Malformed where the file is not UTF-8 or not JSON.

    Raises:
        DataError: the file cannot be read.
    """
    repeated: list[str] = []
    try:
        raw = path.read_bytes().removeprefix(BOM)
        value: object = json.loads(raw.decode(), object_pairs_hook=partial(_object, repeated))
    except OSError as error:
        raise DataError(f"{place(path)} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        reason = f"expected one JSON document; {_document_reason(error)}"
        return Malformed(str(path), _line_of(error), reason), []
    return value, repeated


def lines_naming(path: Path, keys: Collection[str]) -> dict[str, list[int]]:
    """The lines of a JSON document on which each key stands; none for a key that is written escaped."""
    lines: dict[bytes, list[int]] = {
        json.dumps(key, ensure_ascii=False).encode(errors="surrogatepass"): [] for key in keys
    }
    if lines:
        with path.open("rb") as stream:
            for line, raw in enumerate(stream, 1):
                for match in STRING.finditer(raw):
                    if (text := match[0]) in lines:
                        lines[text].append(line)
    return dict(zip(keys, lines.values(), strict=True))


def text_fault(value: object) -> str | None:
    """What a value is instead of a text that is not blank and that UTF-8 can carry; None where it is one."""
    if not isinstance(value, str):
        return shown(value)
    if not value.strip():
        return "a blank text"
    # A lone surrogate can be written in JSON but not be sent to any model
    sound = value.isascii() or not SURROGATE.search(value)
    return None if sound else f"invalid Unicode in {shown(value)}"


def check_text(value: object, what: str) -> str:
    """The value, if it is a sound text.

    Raises:
        Refused: it is not; the message says that `what` was expected.
    """
    if (fault := text_fault(value)) is not None:
        raise Refused(f"expected {what}, got {fault}")
    return str(value)


def twice(key: str) -> str:
    """Why an object that names a key twice is refused: JSON readers differ in which value they keep."""
    return f"the key {key!r} stands twice in one object; expected each key once"


def _object(repeated: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                repeated.append(key)
            seen.add(key)
    return value


def _value(raw: bytes, offset: int) -> object:
    repeated: list[str] = []
    try:
        value: object = json.loads(raw.decode(), object_pairs_hook=partial(_object, repeated))
    except (ValueError, RecursionError) as error:
        torn = "" if raw.endswith(b"\n") else f"; {TORN}"
        raise Refused(f"expected one JSON object (from byte {offset:,}); {_reason(error)}{torn}") from None
    if repeated:
        raise Refused(twice(repeated[0]))
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
