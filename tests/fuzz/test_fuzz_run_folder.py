"""The files of a finished run with some of them changed: judged again, or refused in one line, never a traceback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutating import Edits, edits, often

from told import Told
from whyfeel.cli.progress import Quiet
from whyfeel.runs import run, run_options

ODD = [None, True, 0, -1, 1.5, 10**30, "", "x", "\x00", [], [1], {}, {"a": 1}, "../..", "a" * 5000]
GONE, STRANGER = object(), object()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is done."""
    folder = tmp_path_factory.mktemp("finished")
    lines = [{"id": f"r{n}", "question": "Why?", "emotion": "sad", "triggers": ["Rain", "wind"]} for n in range(3)]
    (folder / "r.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = {"task": "jsonl", "model": "baseline:oracle", "data": folder / "r.jsonl", "out": folder / "run"}
    assert run(run_options(told), Quiet()).summary["scored"] == 3
    return folder / "run"


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where in a JSON value something could stand otherwise."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def changed(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    """The value with another one at a place, or none."""
    if not path:
        return None if new in (GONE, STRANGER) else new
    holder = value = json.loads(json.dumps(value))
    for key in path[:-1]:
        holder = holder[key]
    if new is STRANGER:
        new = {**holder[path[-1]], "stranger": 1} if isinstance(holder[path[-1]], dict) else 1
    if new is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return value


def judged(whyfeel: Callable[..., Told], folder: Path) -> None:
    """Judged again, or refused: one line, or the whole result."""
    told = whyfeel("judge", folder, "--judge", "overlap", "--json")
    assert told.status in {0, 2}, told.err
    assert "Traceback" not in told.err
    if told.status == 0:
        assert told.json["n"] == 3
    else:
        assert told.out == ""
        assert told.err.count("\n") == 1


@given(data=st.data(), new=st.sampled_from([GONE, GONE, STRANGER, *ODD]))
@often(80)
def test_a_manifest_with_any_value_changed(
    finished: Path, whyfeel, tmp_path: Path, data: st.DataObject, new: Any
) -> None:
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(finished, folder)
    manifest = json.loads((folder / "run.json").read_bytes())
    path = data.draw(st.sampled_from(list(places(manifest))))
    (folder / "run.json").write_text(json.dumps(changed(manifest, path, new)))
    judged(whyfeel, folder)


@given(change=edits, name=st.sampled_from(["run.json", "responses.jsonl"]))
@often(80)
def test_a_file_with_some_bytes_changed(finished: Path, whyfeel, tmp_path: Path, change: Edits, name: str) -> None:
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(finished, folder)
    (folder / name).write_bytes(change.of((folder / name).read_bytes()))
    judged(whyfeel, folder)
