"""`whyfeel compare` on the baselines of the bundled scenes: what it prints, and how it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from whyfeel.cli.progress import Quiet
from whyfeel.runs import run, run_options

Whyfeel = Callable[..., Any]
BASELINES = ("oracle", "prior", "empty")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    for name in BASELINES:
        run(run_options({"task": "scenes", "model": f"baseline:{name}", "out": folder / name}), Quiet())
    return [folder / name for name in BASELINES]


def test_the_table_has_every_system_and_every_difference(whyfeel: Whyfeel, runs: list[Path]) -> None:
    told, document = whyfeel("compare", *runs), whyfeel("compare", *runs, "--json").json
    assert (told.status, told.err) == (0, "")
    assert [line for line in told.out.splitlines() if cell_len(line) > 80] == []
    assert document["systems"][0]["name"].startswith("baseline:oracle")
    assert document["systems"][0]["value"] == 1
    assert document["systems"][0]["letters"] == "a"
    assert document["tests"] == len(document["comparisons"]) == 3
    for one in document["systems"]:
        assert f"{one['value'] + 0.0:.3f}".replace("-0.000", "0.000") in told.out
    for one in document["comparisons"]:
        assert f"{one['difference']:.3f}".replace("-0.000", "0.000") in told.out
        assert f"{one['p_holm']:.4f}" in told.out
    assert "Holm for 3 comparisons" in " ".join(told.out.split())
    assert "24 samples in common" in told.out


def test_the_parts_of_the_document(whyfeel: Whyfeel, runs: list[Path]) -> None:
    told = whyfeel("compare", *runs[:2], "--score", "f1", "--judge", "overlap", "--json")
    assert (told.status, told.err) == (0, "")
    found = told.json
    assert found["score"] == "f1"
    assert {"score", "judge", "n", "systems", "comparisons", "groups", "notes", "tests", "alpha"} <= set(found)
    assert set(found["systems"][0]) >= {"run", "name", "value", "low", "high", "n", "letters", "headline"}
    entry = {"a", "b", "difference", "low", "high", "p", "p_holm", "p_bh", "n", "left_out"}
    assert set(found["comparisons"][0]) >= entry
    assert list(found["groups"]) == ["macro", "happy", "angry", "sad", "excited"]
    assert all(set(one["comparisons"][0]) >= entry for one in found["groups"].values())
    assert json.loads((runs[0] / "summary.json").read_text())["headline"] == found["systems"][0]["headline"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["oracle"], "at least two runs"),
        (["oracle", "oracle"], "named twice"),
        (["oracle", "nowhere"], "run.json"),
        (["oracle", "prior", "--score", "elegance"], "no score 'elegance'"),
        (["oracle", "prior", "--judge", "verdicts"], "no judge 'verdicts'"),
    ],
)
def test_mistakes_are_one_line(whyfeel: Whyfeel, runs: list[Path], given: list[str], said: str) -> None:
    folder = runs[0].parent
    told = whyfeel(
        "compare", *(folder / one if one[0].islower() and one in {*BASELINES, "nowhere"} else one for one in given)
    )
    assert (told.status, told.out, len(told.err.splitlines())) == (2, "", 1)
    assert said in told.err


def test_a_run_that_was_not_finished(whyfeel: Whyfeel, runs: list[Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(runs[1], tmp_path / "cut"))
    for file in folder.rglob("judgements.jsonl"):
        file.write_text("".join(line + "\n" for line in file.read_text().splitlines()[:7]))
    told = whyfeel("compare", runs[0], folder)
    assert (told.status, len(told.err.splitlines())) == (2, 1)
    assert "does not hold the run's samples" in told.err
