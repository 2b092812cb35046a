"""Reading JSON Lines files of a run, and official answer files and judge logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whyfeel.errors import DataError


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file; blank lines are skipped.

    Raises:
        DataError: the file cannot be read, or a line is not a JSON object; names the line.
    """
    try:
        with path.open("rb") as file:
            start = 0
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _object(line, path, number, start)
                start += len(line)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}") from None


def _object(line: bytes, path: Path, number: int, start: int) -> dict[str, Any]:
    where = f"{str(path)!r} line {number} (byte {start:,})"
    try:
        value = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: expected a JSON object, got {line[:60]!r}: {error}") from None
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected a JSON object, got {line[:60]!r}")
    return value
