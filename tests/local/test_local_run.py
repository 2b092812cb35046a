"""Runs whose models are in this process, from the command line."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from told import Told
from whyfeel.models.local import local as local_module
from whyfeel.models.local import missing_package

WhyFeel = Callable[..., Told]
FEW = ("--limit", "6", "--gen", "max_tokens=8", "--controls", "none", "--json")


def test_a_local_model_answers_and_a_local_judge_that_says_nothing_of_use_leaves_samples_unscored(
    whyfeel: WhyFeel, llava: Path, llama: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = ["run", "scenes", "--model", f"local:{llava}", "--judge", "verdicts", "--judge-model", f"local:{llama}"]
    command += ["--judge-gen", "max_tokens=2", "--out", str(run), *FEW]
    told = whyfeel(*command, "--limit", "2")
    assert told.status == 1, "nothing could be scored"
    found = told.json
    assert (found["n"], found["scored"]) == (2, 0)
    assert found["unscored"] == {"unparsed": 2}
    assert found["model"].startswith("tiny-llava@")
    assert found["judge"].startswith("verdicts")
    assert (found["cost"], found["calls"] >= 4) == (0, True)
    manifest = json.loads((run / "run.json").read_text())
    assert {one["address"] for one in manifest["addresses"]} == {"this process"}
    names = {one["role"]: one["model"] for one in manifest["addresses"]}
    assert names["answer"] == found["model"]
    assert names["judge"].startswith("tiny-llama@")
    assert "no picture" not in told.err
    assert f"{names['answer']} on cpu in float32: 0.4 M parameters, batches of up to 32" in told.err
    assert told.err.count(" on cpu in float32: ") == 2


def test_calls_count_against_the_budget_and_are_not_made_again(
    whyfeel: WhyFeel, llava: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["run", "scenes", "--model", f"local:{llava}", "--judge", "overlap", "--local-only"]
    command += ["--out", str(tmp_path / "run"), *FEW]
    first = whyfeel(*command, "--max-calls", "4")
    assert (first.status, first.json["scored"], first.json["unscored"]) == (0, 4, {"budget": 2})
    assert first.json["seconds"] > 0
    second = whyfeel(*command)
    assert (second.status, second.json["scored"], second.json["calls"]) == (0, 6, 6)
    monkeypatch.setattr(local_module, "generate", lambda *_: pytest.fail("what is durable is asked again"))
    assert whyfeel(*command).json["scores"] == second.json["scores"]


def test_a_dry_run_loads_nothing(
    whyfeel: WhyFeel, llava: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_module, "load_local", lambda *_: pytest.fail("loaded"))
    monkeypatch.setattr(local_module, "_OPEN", {})
    told = whyfeel("run", "scenes", "--model", f"local:{llava}", "--out", tmp_path / "run", "--dry-run", *FEW)
    assert told.status == 0, told.err
    assert told.json["calls"] == {"answer": 6}
    assert told.json["cost_at_most"] == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--gen", "temprature=1"], "has no setting 'temprature'"),
        (["--gen", "temperature=-1"], "temperature: expected a number from 0 to 100, got -1"),
    ],
)
def test_a_setting_that_it_has_not_ends_the_run_before_it_begins(
    whyfeel: WhyFeel, llava: Path, tmp_path: Path, given: list[str], words: str
) -> None:
    told = whyfeel("run", "scenes", "--model", f"local:{llava}", "--out", tmp_path / "run", *given)
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert words in told.err


def test_a_model_of_text_alone_is_refused_for_pictures_before_the_run_begins(
    whyfeel: WhyFeel, llama: Path, tmp_path: Path
) -> None:
    told = whyfeel("run", "scenes", "--model", f"local:{llama}", "--out", tmp_path / "run")
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert "sees no pictures, and the role 'answer' is shown them" in told.err
    assert not (tmp_path / "run").exists()


def test_the_models_are_listed(whyfeel: WhyFeel) -> None:
    assert "local:FOLDER" in whyfeel("models").out
    assert whyfeel("models", "--json").json["local"] == {"installed": not missing_package()}


def test_the_measurement_on_a_gpu_runs_and_says_where_there_is_none(
    torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("gpu", Path(__file__).parents[2] / "bench" / "gpu.py")
    assert spec is not None
    assert spec.loader is not None
    gpu = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gpu)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main() == 0
    assert capsys.readouterr().out == "no measurement: there is no GPU that CUDA can use\n"
    gpu.build(tmp_path / "small", wide=128, layers=1, seen_wide=64, seen_layers=1)
    told, speed = asyncio.run(gpu.measured(tmp_path / "small", 2, 3))
    assert "batches of up to 2" in told
    assert speed > 0
