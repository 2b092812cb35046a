"""Files of ratings, read line by line: what stands where, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whyfeel.errors import DataError, brief
from whyfeel.runs.lines import BOM, loads

LONGEST = 1 << 20  # bytes of a line
SEPARATORS = re.compile(r"([/\\_\-.\s]+)")


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating as it stands in a file.

    Attributes:
        rater, item: their names, never blank.
        dimension: what was rated of the item, "" where there is one thing only.
        text: the rating.
        path, line: where it stands, lines from 1.
    """

    rater: str
    item: str
    dimension: str
    text: str
    path: Path
    line: int

    @property
    def place(self) -> str:
        """How an error about it begins."""
        return place(self.path, self.line)

    @property
    def what(self) -> str:
        """Whose rating of what it is, in an error."""
        return f"{self.rater!r} of {brief(self.item)}" + (f" on {self.dimension!r}" if self.dimension else "")


def place(path: Path, line: int) -> str:
    """How an error about a line begins."""
    return f"{str(path)!r}, line {line:,}"


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file, numbered from 1; a byte order mark is passed over.

    Raises:
        DataError: the file cannot be read, or a line of it is not UTF-8 or longer than a mebibyte.
    """
    try:
        with path.open("rb") as stream:
            number = 0
            while raw := stream.readline(LONGEST + 1):
                number += 1
                if len(raw) > LONGEST:
                    raise DataError(f"{place(path, number)}: expected ratings, got a line of over {LONGEST:,} bytes")
                yield number, (raw.removeprefix(BOM) if number == 1 else raw).decode()
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(f"{place(path, number)}: expected UTF-8 text, got the byte {byte:#04x}") from None
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}") from None


def is_json(path: Path) -> bool:
    """Whether the first line that is not blank begins an object.

    Raises:
        DataError: the file cannot be read or is empty.
    """
    for _, text in text_lines(path):
        if text.strip():
            return text.lstrip().startswith("{")
    raise DataError(f"{str(path)!r} is empty; expected ratings as CSV, or one {{item: rating}} a line")


def json_ratings(path: Path, rater: str) -> Iterator[Rating]:
    """The ratings of a file with one {item: rating} a line, as EIBench's human_eval has them.

    Raises:
        DataError: a line holds anything else.
    """
    for line, text in text_lines(path):
        if not text.strip():
            continue
        wanted = f"{place(path, line)}: expected one {{item: rating}}, got {brief(text.strip())}"
        try:
            value = loads(text.encode())
        except ValueError as error:
            raise DataError(f"{wanted}: {error}") from None
        item, rating = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else ("", None)
        if not item.strip() or isinstance(rating, bool) or not isinstance(rating, str | int | float):
            raise DataError(wanted)
        yield Rating(rater, item, "", str(rating), path, line)


def rater_names(paths: Sequence[Path]) -> list[str]:
    """What differs in the names of files; the whole names where that leaves nothing.

    >>> rater_names([Path("h/score_7861.jsonl"), Path("h/score_7862.jsonl")])
    ['7861', '7862']
    >>> rater_names([Path("anna/all.csv"), Path("ben/all.csv")])
    ['anna', 'ben']
    """
    parts = [SEPARATORS.split(str(path.with_suffix(""))) for path in paths]
    shortest = min(map(len, parts))
    head = next((n for n in range(shortest) if len({tuple(part[: n + 1]) for part in parts}) > 1), shortest)
    tail = next((n for n in range(shortest - head) if len({tuple(part[-n - 1 :]) for part in parts}) > 1), 0)
    differing = ["".join(part[head : len(part) - tail]) for part in parts]
    whole = [path.stem for path in paths], list(map(str, paths))
    return next((names for names in (differing, *whole) if all(names) and len(set(names)) == len(names)), whole[-1])
