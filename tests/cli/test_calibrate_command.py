"""`whyfeel calibrate` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from told import Told

Whyfeel = Callable[..., Told]


@pytest.fixture
def finished(tmp_path: Path, whyfeel: Whyfeel) -> Path:
    assert whyfeel("run", "scenes", "--model", "baseline:prior", "--out", tmp_path / "run").status == 0
    return tmp_path / "run"


@pytest.fixture
def labels(finished: Path) -> Path:
    ids = [json.loads(line)["id"] for line in (finished / "responses.jsonl").read_text().splitlines()]
    path = finished.parent / "labels.csv"
    path.write_text("id,score\n" + "".join(f"{name},{n % 4 / 4}\n" for n, name in enumerate(ids[::2])))
    return path


def test_a_table_of_80_columns(finished: Path, labels: Path, whyfeel: Whyfeel) -> None:
    told = whyfeel("calibrate", finished, "--labels", labels)
    assert (told.status, told.err) == (0, "")
    assert max(map(len, told.out.splitlines())) <= 80
    for words in ("held against people", "recall, corrected by the labels", "Spearman", "Warning: 12 labelled answers"):
        assert words in told.out


def test_one_json_document(finished: Path, labels: Path, whyfeel: Whyfeel) -> None:
    told = whyfeel("calibrate", finished, "--labels", labels, "--judge", "overlap", "--score", "f1", "--json")
    assert (told.status, told.err) == (0, "")
    assert told.json["score"] == "f1"
    assert next(iter(told.json["groups"])) == "overall"
    assert told.json["labelled"] == 12
    assert whyfeel("calibrate", finished, "--labels", labels, "--score", "f1", "--json").out == told.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("--judge", "verdicts"), "has no judge 'verdicts'"),
        (("--score", "kf1"), "--score: kf1 is no mean over single answers"),
        (("--labels", "none.csv"), "--labels: 'none.csv' cannot be read"),
    ],
)
def test_mistakes_are_one_line(
    finished: Path, labels: Path, whyfeel: Whyfeel, change: tuple[str, str], said: str
) -> None:
    told = whyfeel("calibrate", finished, "--labels", labels, *change)
    assert (told.status, told.out) == (2, "")
    assert said in told.err
    assert told.err.count("\n") == 1


def test_a_hostile_file_is_one_line(finished: Path, labels: Path, whyfeel: Whyfeel) -> None:
    labels.write_text('id,score\n"\x1b[2J\n\u202e",1\n')
    told = whyfeel("calibrate", finished, "--labels", labels)
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert "\x1b" not in told.err
    assert "labels.csv' line 3: expected the id of one of the run's 24 answers" in told.err


def test_labels_are_needed(finished: Path, whyfeel: Whyfeel) -> None:
    assert whyfeel("calibrate", finished).status == 2
    assert whyfeel("calibrate", finished.parent / "none", "--labels", "l").status == 2
