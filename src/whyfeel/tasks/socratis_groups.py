"""Who wrote the reasons of Socratis, as far as the workers told: for reports by group, and read for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.errors import DataError, UserError
from whyfeel.tasks.emotion_words import normalised
from whyfeel.tasks.reading import Refused, json_document, place
from whyfeel.tasks.socratis import read_entry, sample_id

GROUPINGS = ("age", "gender", "education", "ethnicity")
NOT_TOLD = "not told"
UNTOLD = frozenset({"", "none", "not entered", NOT_TOLD})
YES = "true"  # beside each ethnicity that a worker chose


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason that one worker gave.

    Attributes:
        sample_id: the sample it is a reference of.
        entry: the pair and the number of the entry in it; the file does not tell which entries are of one worker.
        text: the reason, as a trigger of the sample has it.
        groups: the groups the worker belongs to, one or more; {NOT_TOLD} where they did not say.
    """

    sample_id: str
    entry: tuple[str, int]
    text: str
    groups: frozenset[str]


def read_reasons(data: Path, by: str) -> list[Reason]:
    """Every reason that is a reference of a sample, in file order.

    Args:
        data: the file of a task that was opened, so that it is known to be sound.
        by: one of GROUPINGS.

    Raises:
        UserError: there is no such grouping.
        DataError: the file cannot be read, or is another than the one that was opened.
    """
    if by not in GROUPINGS:
        raise UserError(f"--by {by!r}: expected {', '.join(GROUPINGS[:-1])} or {GROUPINGS[-1]}")
    document, _ = json_document(data)
    try:
        return list(_reasons(document, by))
    except (Refused, AttributeError, LookupError, TypeError):
        raise DataError(f"{place(data)} was changed while it was read; run the same command again") from None


def _reasons(document: Any, by: str) -> Iterator[Reason]:  # noqa: ANN401 - known to be sound
    for pair, entries in document.items():
        yield from _of_pair(pair, entries, by)


def _of_pair(pair: str, entries: list[list[object]], by: str) -> Iterator[Reason]:
    """As the task reads it: what is said of another picture than the first entry's does not count."""
    first = read_entry(entries[0]).image
    for number, raw in enumerate(entries, 1):
        entry = read_entry(raw)
        groups = _groups(raw[4] if len(raw) == 5 else None, by)
        for word, text in entry.slots if entry.image == first else ():
            if word and text:
                yield Reason(sample_id(pair, normalised(word)), (pair, number), text, groups)


def _groups(demographics: object, by: str) -> frozenset[str]:
    """What a worker said of themselves: one text, or a list of what there was to choose with "true" beside it."""
    said = demographics.get(by) if isinstance(demographics, dict) else None
    chosen = [name for name, mark in said if mark == YES] if isinstance(said, list) else [said or ""]
    named = (" ".join(one.split()) for one in chosen)
    return frozenset(one for one in named if one.casefold() not in UNTOLD) or frozenset({NOT_TOLD})
