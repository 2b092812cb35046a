"""Our own record format (docs/data.md): what the task `jsonl` reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from whyfeel.interop.outgoing import Outgoing, asked, texts
from whyfeel.records import Annotation, json_line
from whyfeel.runs.folder import write_whole
from whyfeel.tasks.eibench import OTHER
from whyfeel.tasks.jsonl import Record, told

ALTERED = "a trigger would not be read back as it is"


def write_jsonl(path: Path, outgoing: Outgoing) -> None:
    """Write one record a line."""
    write_whole(path, _lines(outgoing))


def _lines(outgoing: Outgoing) -> Iterator[bytes]:
    for final in outgoing.with_triggers():
        record = _record(final.annotation)
        if (why := _fault(record)) is not None:
            outgoing.leave(final, why)
            continue
        outgoing.take(final)
        yield f"{json_line(record)}\n".encode()


def _record(annotation: Annotation) -> dict[str, Any]:
    """A record; where no emotion was named, its group is "other", as in EIBench's complex set."""
    return {
        "id": annotation.sample_id,
        **({} if annotation.image is None else {"image": annotation.image}),
        "question": asked(annotation),
        "emotion": annotation.emotion if annotation.emotion.strip() else OTHER,
        "triggers": texts(annotation),
    }


def _fault(record: Mapping[str, Any]) -> str | None:
    """Why the task would refuse a record, or read another than was written."""
    try:
        read = Record.model_validate(record)
    except ValidationError as error:
        return f"the record format refuses it: {told(error, 'a record of docs/data.md')}"
    return None if [trigger.text for trigger in read.triggers] == record["triggers"] else ALTERED
