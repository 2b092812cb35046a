"""The export as Parquet: rows, pictures, and what the Hub's `datasets` makes of it."""

from __future__ import annotations

import asyncio
import builtins
import hashlib
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from annotation_runs import ASK, annotated, found, made_run, png

from needs import need
from whyfeel.engine import LEDGER, Ledger
from whyfeel.engine.ledger import Entry
from whyfeel.errors import UserError
from whyfeel.interop import export, parquet
from whyfeel.records import Answer, canonical


@pytest.fixture
def pq() -> ModuleType:
    """pyarrow's reader."""
    need(find_spec("pyarrow") is not None, "the package pyarrow")
    return import_module("pyarrow.parquet")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three annotations: one whose picture is too wide to be sent as it is, one without a picture, one of nothing."""
    png(tmp_path / "images", "b/wide.png", width=16, comment="a secret")
    png(tmp_path / "images", "small.png", comment="a secret")
    seen = found("Rain", kind="environment", explicit=True, confidence=0.5)
    gone = found("A car", 2, dropped="not grounded")
    notes = [
        annotated("1", image="b/wide.png", triggers=(seen, gone), person="the man", flags=("odd",)),
        annotated("2", "x", image=None),
        annotated("3", image="small.png"),
    ]
    return made_run(tmp_path / "run", notes, tmp_path / "images")


def test_a_row_has_the_picture_as_it_was_sent_and_all_of_the_annotation(
    tmp_path: Path, run: Path, pq: ModuleType
) -> None:
    done = export(run, "parquet", tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    shown = [row.pop("image") for row in rows]
    rain = {"text": "Rain", "kind": "environment", "explicit": True, "confidence": 0.5, "asks": [ASK]}
    car = {"text": "A car", "kind": None, "explicit": None, "confidence": None, "asks": [ASK], "why": "not grounded"}
    assert rows[0] == {
        "id": "1",
        "question": "Why is the man of 1 sad?",
        "query": "Why?",
        "emotion": "sad",
        "person": "the man",
        "triggers": [rain],
        "dropped": [car],
        "status": "automatic",
        "reviewers": [],
        "flags": ["odd"],
    }
    assert (rows[2]["triggers"], shown[1]) == ([], None)
    assert shown[0]["path"] == "b/wide.png"
    assert shown[0]["bytes"][16:20] == (8).to_bytes(4, "big")  # the run sent pictures of at most 8 pixels a side
    assert shown[2]["bytes"] == png(tmp_path / "plain", "small.png")
    assert (done.records, done.triggers, done.left_out) == (3, 2, {})


def test_a_picture_that_is_another_by_now_is_not_passed_off_as_the_annotated_one(
    tmp_path: Path, pq: ModuleType
) -> None:
    first = png(tmp_path / "images", "a.png")
    token = f"{hashlib.sha256(first).hexdigest()}:plain/2"
    asked = {"messages": [["user", [{"picture": token}, "How many?"]]]}
    run = made_run(
        tmp_path / "run", [annotated("1", "x"), annotated("2", "x")], tmp_path / "images", pictures="plain/2"
    )
    entry = Entry(Answer(ASK, "Two.", served="seer"), "general", "seer", canonical(asked), "annotation", "")
    with closing(Ledger(run / LEDGER)) as ledger:
        asyncio.run(ledger.put(entry))
    export(run, "parquet", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["image"][0]["bytes"].as_py() == first
    png(tmp_path / "images", "a.png", width=5)
    with pytest.raises(
        UserError, match=r"1 pictures .*'a\.png' is no longer the file that was annotated.*put them back"
    ):
        export(run, "parquet", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["image"][0]["bytes"].as_py() == first, "the last one stays"


def test_datasets_loads_the_pictures(
    tmp_path: Path, run: Path, pq: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    need(find_spec("datasets") is not None, "the package datasets")
    import datasets  # noqa: PLC0415 - half a second, and it reads the environment

    export(run, "parquet", tmp_path / "out.parquet")
    table = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "out.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert isinstance(table.features["image"], datasets.Image)
    assert [row["image"] and row["image"].size for row in table] == [(8, 1), None, (4, 1)]
    assert [one["text"] for one in table[0]["triggers"]] == ["Rain"]


@pytest.mark.parametrize(("bound", "groups"), [("GROUP_ROWS", [2, 1]), ("GROUP_BYTES", [1, 2])])
def test_a_row_group_is_bounded(
    tmp_path: Path, run: Path, pq: ModuleType, monkeypatch: pytest.MonkeyPatch, bound: str, groups: list[int]
) -> None:
    monkeypatch.setattr(parquet, bound, {"GROUP_ROWS": 2, "GROUP_BYTES": 60}[bound])
    export(run, "parquet", tmp_path / "out.parquet")
    about = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert [about.row_group(n).num_rows for n in range(about.num_row_groups)] == groups


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def bare(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", bare)
    with pytest.raises(UserError, match=r"parquet needs the package pyarrow: pip install 'whyfeel\[export\]'"):
        export(run, "parquet", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
