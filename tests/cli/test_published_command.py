"""`whyfeel published` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from told import Told

Whyfeel = Callable[..., Told]


@pytest.fixture
def scenes(whyfeel: Whyfeel, tmp_path: Path) -> Path:
    assert whyfeel("run", "scenes", "--model", "baseline:echo", "--out", tmp_path / "scenes").status == 0
    return tmp_path / "scenes"


def test_without_runs_every_figure_is_listed(whyfeel: Whyfeel) -> None:
    told, document = whyfeel("published", "eibench"), whyfeel("published", "eibench", "--json")
    assert (told.status, told.err, document.status, document.err) == (0, "", 0, "")
    assert [line for line in told.out.splitlines() if cell_len(line) > 80] == []
    rows = document.json["rows"]
    assert len(rows) == 336
    assert {row["status"] for row in rows} == {"not yet run", "can no longer be run"}
    shown = told.out.split("judged by")
    for row in rows:
        if row["group"] == "overall":
            assert any(row["model"] in part and f"{row['claimed']:.2f}" in part for part in shown)
    assert sum(document.json["counts"].values()) == 336


def test_runs_may_follow_one_another(whyfeel: Whyfeel, scenes: Path, tmp_path: Path) -> None:
    assert whyfeel("run", "scenes", "--model", "baseline:empty", "--out", tmp_path / "b").status == 0
    forms = [("--runs", scenes, tmp_path / "b"), ("--runs", scenes, "--runs", tmp_path / "b")]
    found = [whyfeel("published", "eibench", *form, "--json") for form in forms]
    assert [told.status for told in found] == [0, 0]
    for told in found:
        assert [one["run"] for one in told.json["left_out"]] == [str(scenes), str(tmp_path / "b")]
        assert all("not about EIBench" in one["why"] for one in told.json["left_out"])
    told = whyfeel("published", "eibench", "--runs", scenes)
    assert "not about EIBench: it is a run of scenes" in " ".join(told.out.split())


@pytest.mark.parametrize(("named", "said"), [("eibnch", "eibench"), ("", "eibench")])
def test_another_benchmark(whyfeel: Whyfeel, named: str, said: str) -> None:
    told = whyfeel("published", named)
    assert (told.status, told.out, len(told.err.splitlines())) == (2, "", 1)
    assert said in told.err


def test_what_is_no_run_is_told_in_one_line(whyfeel: Whyfeel, scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "file").write_text("{}")
    for path in (tmp_path / "none", tmp_path / "file", tmp_path / "nowhere", "x" * 5000):
        told = whyfeel("published", "eibench", "--runs", scenes, path)
        assert (told.status, told.out, len(told.err.splitlines())) == (2, "", 1)
        assert "a run folder has one" in told.err
