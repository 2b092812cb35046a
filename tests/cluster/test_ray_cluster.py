"""Two actors of Ray write what one process writes, also where one of them is killed, and within the same bounds."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from needs import need
from told import Told

HERE = Path(__file__).resolve().parent
CONCURRENCY = 4  # as spread.py has it
PATIENCE = 100.0  # seconds


@dataclass(frozen=True)
class Spread:
    """What spread.py left and told."""

    folder: Path
    told: dict[str, Any]

    def files(self, run: str) -> dict[str, bytes]:
        """What a reader of a run folder compares, by path."""
        root = self.folder / run
        return {str(one.relative_to(root)): one.read_bytes() for one in sorted(root.rglob("*.jsonl"))}

    def summary(self, run: str) -> dict[str, Any]:
        """A summary without what a clock told."""
        summary = json.loads((self.folder / run / "summary.json").read_text())
        for phase in summary.get("phases", {}).values():
            del phase["seconds"]
        return {name: value for name, value in summary.items() if name != "seconds"}


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Spread:
    """A cluster where nobody else can reach it, and what was done with it."""
    need(importlib.util.find_spec("ray") is not None, "the package ray: pip install 'whyfeel[ray]'")
    unshare = shutil.which("unshare")
    tried = subprocess.run([unshare or "false", "-n", "true"], capture_output=True, check=False)
    need(tried.returncode == 0, "a network namespace of one's own (`unshare -n`), since Ray listens on all interfaces")
    folder = tmp_path_factory.mktemp("spread")
    (folder / "home").mkdir()
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}
    words = [sys.executable, str(HERE / "spread.py"), str(folder)]
    done = subprocess.run(
        ["unshare", "-n", "bash", "-c", 'ip link set lo up && exec "$@"', "-", *words],
        env=clean | {"PYTHONPATH": str(HERE.parents[1] / "src"), "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return Spread(folder, json.loads(done.stdout.splitlines()[-1]))


def test_the_files_are_those_of_one_process(spread: Spread) -> None:
    one, other = spread.told["runs"]
    assert (one["status"], other["status"]) == (0, 0), other["err"]
    alone, several = spread.files("alone"), spread.files("spread")
    assert {"responses.jsonl", "judgements.jsonl"} < alone.keys()
    assert sum("/controls/" in name for name in alone) == 8, "the baselines and the canaries"
    assert alone == several
    assert spread.summary("alone") == spread.summary("spread")


def test_a_killed_actor_is_replaced_and_nothing_durable_is_asked_again(spread: Spread) -> None:
    alone, told = spread.told["runs"]
    assert len(told["actors"]) == 2, "both were at work"
    assert "an actor was lost, another one takes up its work" in told["err"]
    assert json.loads(told["out"])["n"] == json.loads(alone["out"])["n"], "and stdout holds one document"
    assert told["repeated"] <= CONCURRENCY
    assert told["calls"] == alone["calls"] + told["repeated"]


def test_the_limit_holds_over_both_actors(spread: Spread) -> None:
    assert 2 <= spread.told["runs"][1]["most"] <= CONCURRENCY


def test_an_annotation_spread_over_a_cluster_is_that_of_one_process(spread: Spread) -> None:
    one, several = spread.told["annotations"]
    assert (one["status"], several["status"]) == (0, 0), several["err"]
    assert spread.files("annotated-alone") == spread.files("annotated-spread")
    assert spread.summary("annotated-alone") == spread.summary("annotated-spread")
    assert several["calls"] == one["calls"] > 16


def test_no_other_machine_could_reach_the_cluster(spread: Spread) -> None:
    assert spread.told["foreign"] == []


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch, whyfeel: Any, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("os.environ", dict(os.environ))
    told: Told = whyfeel("run", "scenes", "--model", "baseline:prior", "--ray", "local", "--out", tmp_path / "run")
    assert told.status == 2
    assert told.err.splitlines()[-1] == "whyfeel: --ray needs the package ray: pip install 'whyfeel[ray]'"


def test_actors_alone_are_refused(whyfeel: Any, tmp_path: Path) -> None:
    told: Told = whyfeel("annotate", tmp_path, "--vlm", "vllm:m", "--actors", 3, "--out", tmp_path / "run")
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert "it needs --ray local, or --ray ADDRESS" in told.err
