"""`whyfeel export`: which formats there are, and writing one of them with its data card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from whyfeel.annotate.finished import read_annotation_run
from whyfeel.errors import DataError, UserError
from whyfeel.interop import eibench
from whyfeel.interop.card import Shipped, card
from whyfeel.interop.conversations import llava, sharegpt, write_conversations
from whyfeel.interop.jsonl import write_jsonl
from whyfeel.interop.outgoing import Outgoing
from whyfeel.interop.parquet import write_parquet
from whyfeel.interop.people import people_of
from whyfeel.interop.placing import placing


@dataclass(frozen=True, slots=True)
class Format:
    """A format that annotations can leave in.

    Attributes:
        what: it, in a sentence of the data card.
        write: writes the file, or into the folder, that is its first argument.
        files: what a folder of it may hold, empty where it is a file.
    """

    what: str
    write: Callable[[Path, Outgoing], None]
    files: tuple[str, ...] = ()


PATHS = "The pictures' paths start from the folder of the pictures, which is not part of this."


def _conversations(where: str, **how: Any) -> Format:  # noqa: ANN401 - the arguments of write_conversations
    what = f"Conversations in {where}, one JSON list. {PATHS}"
    if how["reasoning"]:
        what += " The chain of asks stands before each answer, between `<think>` and `</think>`."
    return Format(what, partial(write_conversations, **how))


SHAREGPT = "ShareGPT's shape as LLaMA-Factory reads it (columns `conversations` and `images`)"
LLAVA = "LLaVA's shape (`id`, `image`, `conversations`)"
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "eibench": Format(
            "EIBench's released format, read by its scripts and by the tasks `eibench-basic` and `eibench-complex`.",
            eibench.write_eibench,
            eibench.FILES,
        ),
        "jsonl": Format(f"One record a line, read by the task `jsonl`. {PATHS}", write_jsonl),
        "parquet": Format(
            "A table with the pictures in it, as they were sent to a model and without metadata, read by "
            '`datasets.load_dataset("parquet", data_files=…)`.',
            write_parquet,
        ),
        "sharegpt": _conversations(SHAREGPT, shape=sharegpt, reasoning=False),
        "sharegpt-reasoning": _conversations(SHAREGPT, shape=sharegpt, reasoning=True),
        "llava": _conversations(LLAVA, shape=llava, reasoning=False),
        "llava-reasoning": _conversations(LLAVA, shape=llava, reasoning=True),
    }
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        out, card: where it lies, and its data card.
        records, triggers: how many it holds.
        statuses: records that are automatic, reviewed, adjudicated or disputed.
        left_out: reason to the ids of the annotations it does not hold.
    """

    format: str
    out: Path
    card: Path
    records: int
    triggers: int
    statuses: Mapping[str, int]
    left_out: Mapping[str, list[str]]

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "format": self.format,
            "out": str(self.out),
            "card": str(self.card),
            "records": self.records,
            "triggers": self.triggers,
            "statuses": dict(self.statuses),
            "left_out": {why: list(ids) for why, ids in self.left_out.items()},
        }


def export(run: Path, format: str, out: Path) -> Exported:  # noqa: A002 - the word of the command line
    """Write an annotation run in another format, with a data card, whole or not at all.

    Args:
        run: the folder of an annotation, reviewed or not.
        format: one of FORMATS.
        out: the file or the folder; an earlier export there is replaced.

    Raises:
        UserError: there is no such format, something else stands at `out`, pictures are missing, or a package is.
        DataError: this is no annotation run, it is damaged, or nothing of it can stand in the format.
        StoreFailed: the disk is full.
    """
    if (how := FORMATS.get(format)) is None:
        raise UserError(f"--format: there is no {format!r}; there are {', '.join(FORMATS)}")
    with closing(read_annotation_run(run)) as done, placing(out, how.files) as place:
        outgoing = Outgoing(done)
        how.write(place.staged, outgoing)
        if not outgoing.records:
            why = "; ".join(f"{reason} ({len(ids):,})" for reason, ids in outgoing.left_out.items())
            raise DataError(f"{str(run)!r}: no annotation of it can stand in {format}: {why or 'it holds none'}")
        shipped = Shipped(format, how.what, "" if how.files else place.out.name)
        place.put(card(shipped, outgoing, people_of(done)))
        return Exported(
            *(format, place.out, place.card, outgoing.records, outgoing.triggers),
            statuses=dict(outgoing.statuses),
            left_out=outgoing.left_out,
        )
