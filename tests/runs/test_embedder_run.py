"""`--embedder`: the hybrid of the judge overlap through whole runs, with a tiny encoder of random numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from told import Told
from weights import random_weights, safetensors, save
from whyfeel.models.embedder import load_embedder
from whyfeel.runs import RunFolder

Whyfeel = Callable[..., Told]
RUN = ("run", "scenes", "--model", "baseline:prior", "--json")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return save(tmp_path / "tiny", safetensors(random_weights()))


def test_the_run_records_which_embedder_judged(tmp_path: Path, whyfeel: Whyfeel, tiny: Path) -> None:
    told = whyfeel(*RUN, "--out", tmp_path / "m", "--embedder", tiny)
    assert told.status == 0
    assert "sentence embeddings" in told.json["note"]
    manifest = RunFolder(tmp_path / "m").read_manifest()
    [judge] = manifest["judges"].values()
    assert judge["embedder"] == load_embedder(str(tiny)).digest
    assert manifest["spec"]["judge"] == judge


def test_it_is_another_judge_than_without(tmp_path: Path, whyfeel: Whyfeel, tiny: Path) -> None:
    plain = whyfeel(*RUN, "--out", tmp_path / "m")
    hybrid = whyfeel("judge", tmp_path / "m", "--judge", "overlap", "--embedder", tiny, "--json")
    assert hybrid.status == 0
    assert len(RunFolder(tmp_path / "m").read_manifest()["judges"]) == 2
    assert hybrid.json["scores"]["f1"]["overall"] != plain.json["scores"]["f1"]["overall"]
    mixed = whyfeel(*RUN, "--out", tmp_path / "m", "--embedder", tiny)
    assert mixed.status == 2
    assert "judge.embedder is None there" in mixed.err


def test_other_weights_are_another_judge(tmp_path: Path, whyfeel: Whyfeel, tiny: Path) -> None:
    whyfeel(*RUN, "--out", tmp_path / "m", "--embedder", tiny)
    other = save(tmp_path / "other", safetensors(random_weights(7)))
    told = whyfeel(*RUN, "--out", tmp_path / "m", "--embedder", other)
    assert told.status == 2
    assert "holds another run: judge.embedder" in told.err


def test_the_same_command_writes_the_same(tmp_path: Path, whyfeel: Whyfeel, tiny: Path) -> None:
    for name in ("a", "b"):
        whyfeel(*RUN, "--out", tmp_path / name, "--embedder", tiny)
    one, other = ((tmp_path / name / "judgements.jsonl").read_bytes() for name in ("a", "b"))
    assert one == other
    assert len(one.splitlines()) == 24
    assert all(0 <= json.loads(line)["counts"]["chance"] <= 1 for line in one.splitlines())


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--judge", "official-gpt", "--judge-model", "ollama:j"), "--embedder is for the judge overlap"),
        (("--judge", "verdicts", "--judge-model", "ollama:j"), "--embedder is for the judge overlap"),
    ],
)
def test_only_overlap_takes_one(tmp_path: Path, whyfeel: Whyfeel, tiny: Path, given: tuple[str, ...], why: str) -> None:
    told = whyfeel("run", "scenes", "--model", "ollama:m", "--out", tmp_path / "m", "--embedder", tiny, *given)
    assert told.status == 2
    assert why in told.err


def test_a_folder_without_weights_is_one_line(tmp_path: Path, whyfeel: Whyfeel) -> None:
    (tmp_path / "none").mkdir()
    told = whyfeel(*RUN, "--out", tmp_path / "m", "--embedder", tmp_path / "none")
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert not (tmp_path / "m").exists()
