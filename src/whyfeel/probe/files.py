"""A probe's folder: its lock, and the figures as JSON and as CSV for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from whyfeel.errors import UserError
from whyfeel.runs.folder import RunFolder, write_json, write_whole

PROBE = "probe.json"
NUMBERS = ("value", "low", "high", "n")
SCORES = ("accuracy", "macro_f1")
PROBES = ("linear", "network", "control")


@contextmanager
def probe_folder(path: Path) -> Iterator[None]:
    """Make the folder and hold it for this process.

    Raises:
        UserError: it is not a folder, holds something else, or cannot be written.
        RunLocked: another process holds it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        names = {entry.name for entry in path.iterdir()} - {".lock"}
    except OSError as error:
        raise UserError(f"--out: {str(path)!r} cannot be made: {error.strerror}") from None
    if names and PROBE not in names and not any(name.startswith("states-") for name in names):
        raise UserError(f"--out: {str(path)!r} is not empty and not a probe's folder; choose another")
    with RunFolder(path).locked():
        yield


def write_files(folder: Path, document: Mapping[str, Any]) -> None:
    """probe.json, layers.csv, offsets.csv and contrast.csv; of the last two, those there is something for.

    Raises:
        StoreFailed: the disk is full.
    """
    _write_csv(folder / "layers.csv", ("layer", "probe", "score", *NUMBERS), _layers(document))
    _write_csv(folder / "offsets.csv", ("offset", "score", *NUMBERS), _offsets(document))
    _write_csv(folder / "contrast.csv", ("system", "layer", "score", *NUMBERS), _contrast(document))
    write_json(folder / PROBE, document)


def _layers(document: Mapping[str, Any]) -> list[list[Any]]:
    return [
        [one["layer"], probe, score, *_numbers(one[probe][score])]
        for one in document["layers"]
        for probe in PROBES
        for score in SCORES
    ]


def _offsets(document: Mapping[str, Any]) -> list[list[Any]]:
    return [[one["offset"], score, *_numbers(one[score])] for one in document["offsets"] for score in SCORES]


def _contrast(document: Mapping[str, Any]) -> list[list[Any]]:
    return [
        [system["system"], one["layer"], score, *_numbers(one[score])]
        for system in document["contrast"]
        for one in system["layers"]
        for score in (*SCORES, "difference")
    ]


def _numbers(entry: Mapping[str, Any]) -> list[Any]:
    return [entry[name] for name in NUMBERS]


def _write_csv(path: Path, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        path.unlink(missing_ok=True)  # of an earlier command
        return
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([heads, *rows])
    write_whole(path, [file.getvalue().encode("utf-8", "backslashreplace")])
