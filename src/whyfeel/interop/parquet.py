"""Parquet with the pictures in it, as the Hub's `datasets` loads it. Needs the extra `[export]`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from whyfeel.engine.tables import store_failed
from whyfeel.errors import UserError
from whyfeel.interop.outgoing import Outgoing
from whyfeel.interop.pictures import Pictures
from whyfeel.records import AnnotatedTrigger, Annotation

# a row group is held in memory as a whole, by us and by who reads it
GROUP_BYTES, GROUP_ROWS = 16 * 2**20, 1_000

TEXT, TEXTS = "string", ["string"]
TRIGGER = {"text": TEXT, "kind": TEXT, "explicit": "bool", "confidence": "float64", "asks": TEXTS}
# Column to type; [x] is a list of x, a mapping is a struct.
COLUMNS: Mapping[str, Any] = {
    "id": TEXT,
    "image": {"bytes": "binary", "path": TEXT},
    **dict.fromkeys(("question", "query", "emotion", "person"), TEXT),
    "triggers": [TRIGGER],
    "dropped": [TRIGGER | {"why": TEXT}],
    "status": TEXT,
    "reviewers": TEXTS,
    "flags": TEXTS,
}


def write_parquet(path: Path, outgoing: Outgoing) -> None:
    """Write all annotations with their pictures, a row group at a time.

    Raises:
        UserError: pyarrow is not installed, or pictures cannot be had; names them.
        StoreFailed: the file cannot be written.
    """
    pa, writer_of = _pyarrow()
    schema = pa.schema([(name, _arrow(pa, kind)) for name, kind in COLUMNS.items()]).with_metadata(_hub())
    try:
        with closing(Pictures(outgoing.run)) as pictures, path.open("wb") as file:
            with writer_of(file, schema) as writer:
                for rows in _groups(_rows(outgoing, pictures)):
                    writer.write_table(pa.Table.from_pylist(rows, schema))
            file.flush()
            os.fsync(file.fileno())
            pictures.check()
    except OSError as error:
        raise store_failed("the file", path, error) from None


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow  # noqa: PLC0415 - an extra, and 170 MB
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415
    except ImportError:
        raise UserError("--format parquet needs the package pyarrow: pip install 'whyfeel[export]'") from None
    return pyarrow, ParquetWriter


def _rows(outgoing: Outgoing, pictures: Pictures) -> Iterator[dict[str, Any]]:
    for final in outgoing.finals():
        annotation = final.annotation
        shown = None if annotation.image is None else {"bytes": pictures.sent(annotation, annotation.image)}
        if pictures.lacking:
            continue  # the export fails, once all that is lacking is known
        outgoing.take(final)
        image = shown and shown | {"path": annotation.image}
        yield _said(annotation) | {"image": image, "status": final.status, "reviewers": list(final.reviewers)}


def _said(annotation: Annotation) -> dict[str, Any]:
    return {
        "id": annotation.sample_id,
        "question": annotation.question,
        "query": annotation.query,
        "emotion": annotation.emotion,
        "person": annotation.person,
        "triggers": [_trigger(one) for one in annotation.kept],
        "dropped": [_trigger(one) | {"why": one.dropped} for one in annotation.triggers if one.dropped],
        "flags": list(annotation.flags),
    }


def _trigger(trigger: AnnotatedTrigger) -> dict[str, Any]:
    return {name: getattr(trigger, name) for name in TRIGGER} | {"asks": list(trigger.asks)}


def _groups(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows in groups of bounded size."""
    group: list[dict[str, Any]] = []
    held = 0
    for row in rows:
        group.append(row)
        held += len(row["image"]["bytes"]) if row["image"] else 0
        if held >= GROUP_BYTES or len(group) >= GROUP_ROWS:
            yield group
            group, held = [], 0
    if group:
        yield group


def _arrow(pa: Any, kind: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A type of COLUMNS as pyarrow's."""
    if isinstance(kind, str):
        return getattr(pa, kind)() if kind != "bool" else pa.bool_()
    if isinstance(kind, list):
        return pa.list_(_arrow(pa, kind[0]))
    return pa.struct([(name, _arrow(pa, one)) for name, one in kind.items()])


def _feature(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a name, a list or a mapping
    """A type of COLUMNS as `datasets` names it."""
    if isinstance(kind, str):
        return {"dtype": kind, "_type": "Value"}
    if isinstance(kind, list):
        return {"feature": _feature(kind[0]), "_type": "List"}
    return {name: _feature(one) for name, one in kind.items()}


def _hub() -> dict[str, str]:
    """What makes `datasets` show the image column as pictures."""
    features = {name: _feature(kind) for name, kind in COLUMNS.items()} | {"image": {"_type": "Image"}}
    return {"huggingface": json.dumps({"info": {"features": features}})}
