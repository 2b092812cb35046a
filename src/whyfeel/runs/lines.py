"""Reading JSON Lines files of a run, and official answer files and judge logs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, get_args

from whyfeel.errors import DataError
from whyfeel.records import Judgement, Outcome, Response

BOM = b"\xef\xbb\xbf"
TORN = "; the file ends here without a line end, so it was probably cut off: get it again, or make it anew"


def loads(text: bytes) -> Any:  # noqa: ANN401 - what JSON holds
    """The value of a JSON text, read strictly.

    Raises:
        ValueError: it is not UTF-8, not JSON (NaN and Infinity are not), names a key twice, or is nested too deeply.

    >>> loads(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: the key 'a' stands twice in one object
    """
    try:
        return json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise ValueError(f"the key {counts.most_common(1)[0][0]!r} stands twice in one object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file; blank lines are skipped.

    Raises:
        DataError: the file cannot be read, or a line is not a JSON object; names the line.
    """
    for where, line, value in _places(path):
        if not isinstance(value, dict):
            raise DataError(f"{where}: expected a JSON object, got {line[:60]!r}")
        yield value


def read_responses(path: Path) -> Iterator[Response]:
    """The responses that a run has written.

    Raises:
        DataError: the file cannot be read, or a line is no response; names the line.
    """
    wanted = "a response with id, text, outcome and asks"
    for value in _records(path, _is_response, wanted, "run the run's own command again"):
        yield Response.from_json(value)


def read_judgements(path: Path) -> Iterator[Judgement]:
    """The judgements that a run has written.

    Raises:
        DataError: the file cannot be read, or a line is no judgement; names the line.
    """
    wanted = "a judgement with id, counts, detail and asks"
    for value in _records(path, _is_judgement, wanted, "run the judge again"):
        yield Judgement.from_json(value)


def _records(path: Path, fits: Callable[[object], bool], wanted: str, remedy: str) -> Iterator[Any]:
    """The values of the lines of a file that we write ourselves."""
    for where, line, value in _places(path):
        if not fits(value):
            raise DataError(f"{where}: expected {wanted}, got {line[:60]!r}; {remedy}, which writes the file anew")
        yield value


def _is_judgement(line: object) -> bool:
    if not isinstance(line, dict) or not isinstance(line.get("id"), str) or not isinstance(line.get("detail"), dict):
        return False
    counts = line.get("counts")
    if not _are_asks(line.get("asks")) or not (counts is None or isinstance(counts, dict)):
        return False
    if counts is None:
        return _is_unscored(line.get("unscored"))
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in counts.values())


def _are_asks(asks: object) -> bool:
    return isinstance(asks, list) and all(isinstance(ask, str) for ask in asks)


def _is_unscored(unscored: object) -> bool:
    return (
        isinstance(unscored, dict)
        and unscored.keys() == {"reason", "detail"}
        and all(isinstance(said, str) for said in unscored.values())
    )


def _is_response(line: object) -> bool:
    if not isinstance(line, dict) or not isinstance(line.get("id"), str):
        return False
    unscored = line.get("unscored")
    if not _are_asks(line.get("asks")):
        return False
    if unscored is None:
        return isinstance(line.get("text"), str) and line.get("outcome") in get_args(Outcome)
    return _is_unscored(unscored)


def _places(path: Path) -> Iterator[tuple[str, bytes, Any]]:
    """The lines of a JSON Lines file and their values, each with how an error about it begins."""
    try:
        with path.open("rb") as file:
            start = 0
            for number, line in enumerate(file, 1):
                text = line.removeprefix(BOM) if number == 1 else line
                if text.strip():
                    where = f"{str(path)!r} line {number} (byte {start:,})"
                    yield where, line, _value(text, where)
                start += len(line)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}") from None


def _value(line: bytes, where: str) -> object:
    try:
        return loads(line)
    except ValueError as error:
        torn = "" if line.endswith(b"\n") else TORN
        raise DataError(f"{where}: expected a JSON object, got {line[:60]!r}: {error}{torn}") from None
