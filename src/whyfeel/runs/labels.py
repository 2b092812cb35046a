"""People's labels on a run's answers: a spreadsheet saved as CSV, or JSON Lines (docs/calibrating.md)."""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from whyfeel.errors import DataError, brief
from whyfeel.records import Sample
from whyfeel.runs.lines import BOM, loads
from whyfeel.stats.series import Floats

Kind = Literal["score", "trigger", "found"]
Row = tuple[str, Mapping[str, Any]]  # how an error about it begins, and its cells by column
Ballot = tuple[float | None, ...]  # of one rater on one answer: its score, or 1 or 0 a trigger, None where not labelled

FORMS = '{"id", "score"}, {"id", "trigger", "found"} or {"id", "found": [places]}, with "rater" if you like'
DELIMITERS = ",;\t"
YES, NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
NOTHING = frozenset({"0", "none"})  # a blank cell is an answer that nobody has labelled yet
NUMBER = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{0,30})?|[.,][0-9]{1,30}")
PLACE = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Labels:
    """What people said of a run's answers.

    Attributes:
        kind: what a line of the file holds: an answer's score, one trigger, or the triggers found.
        ballots: one a rater, by sample id.
        raters: how many people labelled.
        blank: lines without a label.
    """

    kind: Kind
    ballots: Mapping[str, tuple[Ballot, ...]]
    raters: int
    blank: int

    def score(self, sample: Sample) -> float:
        """The mean of the raters' scores, or of the recall that their labels give; NaN where none labelled it all."""
        weights = [1.0] if self.kind == "score" else [trigger.weight for trigger in sample.triggers]
        each = [
            math.fsum(vote * weight for vote, weight in zip(votes, weights, strict=True)) / math.fsum(weights)
            for ballot in self.ballots.get(sample.id, ())
            if len(votes := [vote for vote in ballot if vote is not None]) == len(ballot)
        ]
        return math.fsum(each) / len(each) if each else math.nan

    def found(self, sample: Sample) -> list[bool | None]:
        """Which triggers most of the raters found in the answer; None where they are divided, or nobody said."""
        votes = [[one for one in column if one is not None] for column in zip(*self.ballots[sample.id], strict=True)]
        return [None if 2 * sum(some) == len(some) else 2 * sum(some) > len(some) for some in votes]

    def ratings(self) -> tuple[Floats, list[str]]:
        """All labels, shape (answers or triggers, raters), NaN for gaps; and the sample's id of each row."""
        rows = [(name, column) for name, some in self.ballots.items() for column in zip(*some, strict=True)]
        widest = max((len(column) for _, column in rows), default=0)
        ratings = np.full((len(rows), widest), np.nan)
        for row, (_, column) in zip(ratings, rows, strict=True):
            row[: len(column)] = [math.nan if one is None else one for one in column]
        return ratings, [name for name, _ in rows]


def read_labels(path: Path, samples: Mapping[str, Sample]) -> Labels:
    """Read a file of labels.

    Args:
        path: JSON Lines where its first character is a brace, otherwise CSV with a head. All lines are of one kind;
            columns beyond those of the kind are left alone.
        samples: those that were answered, by id.

    Raises:
        DataError: the file cannot be read, a line is no label of one of these samples, or the same rater labelled
            something twice; names the line.
    """
    kind: Kind | None = None
    held: dict[str, dict[tuple[str, int], list[float | None]]] = {}
    blank = 0
    for where, row in _rows(path):
        kind = _kind(where, row, kind)
        sample = _sample(where, row, samples)
        if _is_blank(row.get("score" if kind == "score" else "found")):
            blank += 1
            continue
        _cast(where, held.setdefault(sample.id, {}), _rater(where, row), _votes(where, kind, row, sample))
    if kind is None:
        raise DataError(f"{str(path)!r} holds no labels: expected {FORMS}, one a line")
    if not held:
        raise DataError(f"{str(path)!r}: none of its {blank:,} lines has a label yet")
    voters = {voter for some in held.values() for voter in some}
    ballots = {name: tuple(map(tuple, some.values())) for name, some in held.items()}
    return Labels(kind, ballots, len(voters), blank)


def _cast(
    where: str, ballots: dict[tuple[str, int], list[float | None]], rater: str, votes: list[float | None]
) -> None:
    """Add votes to the ballot of their rater; of nameless raters, to the first that has room for them."""
    place = 0
    while True:
        ballot = ballots.setdefault((rater, place), [None] * len(votes))
        if all(old is None or new is None for old, new in zip(ballot, votes, strict=True)):
            ballot[:] = [old if new is None else new for old, new in zip(ballot, votes, strict=True)]
            return
        if rater:
            raise DataError(f"{where}: the rater {rater!r} has labelled this before; keep one of the two lines")
        place += 1


def _rows(path: Path) -> Iterator[Row]:
    try:
        text = path.read_bytes().removeprefix(BOM)
    except OSError as error:
        raise DataError(f"--labels: {str(path)!r} cannot be read: {error.strerror}") from None
    return _json_rows(path, text) if text.lstrip().startswith(b"{") else _csv_rows(path, text)


def _json_rows(path: Path, text: bytes) -> Iterator[Row]:
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line.strip():
            continue
        where = f"{str(path)!r} line {number}"
        try:
            value = loads(line)
        except ValueError as error:
            raise DataError(f"{where}: expected a JSON object, got {line[:60]!r}: {error}") from None
        if not isinstance(value, dict):
            raise DataError(f"{where}: expected {FORMS}, got {line[:60]!r}")
        yield where, value


def _csv_rows(path: Path, raw: bytes) -> Iterator[Row]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise DataError(f"{str(path)!r} is not UTF-8: save the spreadsheet as 'CSV UTF-8'") from None
    first = text.lstrip().partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count), strict=True)
    head: list[str] | None = None
    try:
        for cells in lines:
            where = f"{str(path)!r} line {lines.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if head is None:
                head = _head(where, cells)
            elif len(cells) != len(head):
                raise DataError(f"{where}: expected {len(head)} cells as in the head, got {len(cells)}")
            else:
                yield where, dict(zip(head, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{str(path)!r} line {lines.line_num}: this is no CSV: {error}") from None


def _head(where: str, cells: list[str]) -> list[str]:
    head = [cell.strip().casefold() for cell in cells]
    ours = [name for name in head if name in {"id", "score", "trigger", "found", "total", "rater"}]
    if "id" not in ours or len(set(ours)) < len(ours):
        raise DataError(f"{where}: expected a head of columns as in {FORMS}, each once, got {brief(head)}")
    return head


def _kind(where: str, row: Mapping[str, Any], before: Kind | None) -> Kind:
    """What a line holds; a file holds one kind, since a second would be a second label on the same answer."""
    kind: Kind | None = None
    if "found" in row:
        kind = "trigger" if "trigger" in row else "found"
    if "score" in row:
        kind = "score" if kind is None and "trigger" not in row else None
    if kind is None or "id" not in row:
        raise DataError(f"{where}: expected {FORMS}, got the names {brief(sorted(map(str, row)))}")
    if before not in {None, kind}:
        raise DataError(f"{where}: expected a {before!r} as in the lines above, got a {kind!r}: one file, one kind")
    return kind


def _sample(where: str, row: Mapping[str, Any], samples: Mapping[str, Sample]) -> Sample:
    name = row["id"]
    if isinstance(name, str) and name in samples:
        return samples[name]
    near = difflib.get_close_matches(str(name)[:200], samples, n=1) if isinstance(name, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise DataError(f"{where}: expected the id of one of the run's {len(samples):,} answers, got {brief(name)}{hint}")


def _rater(where: str, row: Mapping[str, Any]) -> str:
    rater = row.get("rater")
    if rater is None:
        return ""
    if isinstance(rater, str | int) and not isinstance(rater, bool):
        return str(rater).strip()
    raise DataError(f"{where}: expected the rater's name, got {brief(rater)}")


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _votes(where: str, kind: Kind, row: Mapping[str, Any], sample: Sample) -> list[float | None]:
    """A rater's ballot, as far as one line gives it."""
    if kind == "score":
        return [_score(where, row["score"])]
    if not sample.triggers:
        raise DataError(f"{where}: the sample {sample.id!r} has no triggers to be found")
    if kind == "found":
        return _places(where, row, sample)
    votes: list[float | None] = [None] * len(sample.triggers)
    votes[_place(where, row["trigger"], sample)] = _answer(where, row["found"])
    return votes


def _score(where: str, cell: object) -> float:
    value = cell
    if isinstance(cell, str) and NUMBER.fullmatch(cell.strip()):
        value = float(cell.strip().replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DataError(f"{where}: expected a score from 0 to 1, got {brief(cell)}")
    return float(value)


def _answer(where: str, cell: object) -> float:
    if isinstance(cell, bool | int | str):
        said = str(cell).strip().casefold() if isinstance(cell, str) else str(int(cell))
        if said in YES | NO:
            return float(said in YES)
    raise DataError(f"{where}: expected 'found' to be true or false (yes or no, 1 or 0), got {brief(cell)}")


def _place(where: str, cell: object, sample: Sample) -> int:
    """The position from 0 of the trigger that a line names by its place from 1, or by its words."""
    said = " ".join(cell.split()).casefold() if isinstance(cell, str) else ""
    texts = [" ".join(trigger.text.split()).casefold() for trigger in sample.triggers]
    if texts.count(said) == 1:
        return texts.index(said)
    number = int(said) if PLACE.fullmatch(said) else cell
    if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= len(texts):
        return number - 1
    why = "which stands there twice" if texts.count(said) else "which is none of them"
    raise DataError(
        f"{where}: expected a trigger of {sample.id!r}, its place from 1 to {len(texts)} or its words, "
        f"got {brief(cell)}, {why}"
    )


def _places(where: str, row: Mapping[str, Any], sample: Sample) -> list[float | None]:
    """1 for each trigger whose place is named, 0 for the others."""
    cell, count = row["found"], len(sample.triggers)
    total = row.get("total")
    if not _is_blank(total) and str(total).strip() != str(count):
        raise DataError(f"{where}: expected a total of {count}, the triggers of {sample.id!r}, got {brief(total)}")
    found = cell
    if isinstance(cell, str):
        words = re.split(r"[\s,;|]+", cell.strip().strip("[]").strip().casefold())
        found = [] if set(words) <= NOTHING | {""} else [int(one) if PLACE.fullmatch(one) else one for one in words]
    if isinstance(found, int) and not isinstance(found, bool):  # a spreadsheet's cell with one place
        found = [found] if found else []
    sound = isinstance(found, list) and all(isinstance(one, int) and 1 <= one <= count for one in found)
    if not sound or len(set(found)) < len(found) or any(isinstance(one, bool) for one in found):
        raise DataError(
            f"{where}: expected the places from 1 to {count} of the triggers found, each once, or 'none'; "
            f"got {brief(cell)}"
        )
    return [float(place in found) for place in range(1, count + 1)]
