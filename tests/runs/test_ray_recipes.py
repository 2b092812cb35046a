"""What travels to an actor, what an actor takes of a cluster, and what the user is told of either; without Ray."""

from __future__ import annotations

import pickle
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_runs import png, write_lines

from whyfeel.annotate import annotate_options
from whyfeel.annotate.annotate import AnnotationRecipe, _hash
from whyfeel.annotate.plan import plan_annotation
from whyfeel.errors import DataError, UserError
from whyfeel.records import Media, content_id
from whyfeel.runs import run_options
from whyfeel.runs.plan import plan_run
from whyfeel.runs.ray_cluster import cluster
from whyfeel.runs.run import RunRecipe


def records(folder: Path, count: int = 3) -> Path:
    rows = [{"id": f"r{n}", "question": "Why?", "emotion": "sad", "triggers": ["rain"]} for n in range(count)]
    return write_lines(folder / "data.jsonl", rows)


def run_recipe(folder: Path, **more: Any) -> RunRecipe:
    given = {"task": "jsonl", "data": records(folder), "model": "vllm:m", "out": folder / "run", "ray": "local"}
    options = run_options(given | more)
    return RunRecipe(options, {Media("x.png"): "cut short"}, content_id(plan_run(options).spec.to_json()))


def test_a_runs_recipe_travels_and_plans_the_same_work(tmp_path: Path) -> None:
    recipe = pickle.loads(pickle.dumps(run_recipe(tmp_path)))
    prepared = recipe.prepare()
    assert (set(prepared.routes), prepared.images) == ({"answer"}, tmp_path)
    work = prepared.work(None)
    assert len(list(work.pieces())) == 3 * (1 + 7), "the samples and what the seven baselines say of each"
    assert work.job.bad == {Media("x.png"): "cut short"}


def test_other_data_over_there_is_refused(tmp_path: Path) -> None:
    recipe = run_recipe(tmp_path)
    records(tmp_path, 4)
    with pytest.raises(DataError, match="the data, the prompts or whyfeel itself differ"):
        recipe.prepare()
    with pytest.raises(DataError, match="differ"):
        replace(run_recipe(tmp_path), spec="0" * 32).prepare()


def test_a_folder_that_has_grown_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "b.png").write_bytes(png())
    options = annotate_options({"source": str(tmp_path / "pictures"), "vlm": "vllm:m", "out": tmp_path / "run"})
    recipe = pickle.loads(pickle.dumps(AnnotationRecipe(options, _hash(plan_annotation(options)[0]), {})))
    assert len(list(recipe.prepare().work(None).pieces())) == 1
    assert recipe.models == ("vllm:m", "vllm:m")
    (tmp_path / "pictures" / "a.png").write_bytes(png())
    with pytest.raises(DataError, match="the source, the prompts or whyfeel itself differ"):
        recipe.prepare()


@dataclass
class Ray:
    """Stands in for the module `ray`."""

    room: Mapping[str, float]
    fails: Exception | None = None
    given: dict[str, Any] = field(default_factory=dict)
    down: int = 0

    def init(self, **given: Any) -> None:
        self.given["init"] = given
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it does set a handler of its own
        if self.fails is not None:
            raise self.fails

    def cluster_resources(self) -> Mapping[str, float]:
        return self.room

    def remote(self, _: type) -> Any:
        return SimpleNamespace(options=lambda **options: self.given.update(options))

    def put(self, _: object) -> None: ...

    def shutdown(self) -> None:
        self.down += 1


def entered(
    monkeypatch: pytest.MonkeyPatch, recipe: RunRecipe, room: Mapping[str, float], fails: Exception | None = None
) -> tuple[Ray, list[str]]:
    """A cluster that was opened and closed, and what the user was told."""
    ray, notes = Ray(room, fails), []
    monkeypatch.setitem(sys.modules, "ray", ray)  # type: ignore[arg-type]
    monkeypatch.setattr("os.environ", {})
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with cluster(recipe, notes.append):
            assert ray.down == 0
            assert signal.getsignal(signal.SIGTERM) is handler, "a run ends in its own good order"
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert ray.down == 1
    return ray, notes


def test_a_cluster_here_is_small_quiet_and_said_to_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray, notes = entered(monkeypatch, run_recipe(tmp_path, actors=64), {"CPU": 64.0, "GPU": 8.0})
    init = ray.given["init"]
    assert (init["num_cpus"], init["include_dashboard"], init["object_store_memory"]) == (64, False, 100 * 2**20)
    assert (ray.given["num_cpus"], ray.given["num_gpus"], ray.given["max_restarts"]) == (1, 0, 0)
    assert len(notes) == 1
    assert "listens on all of this machine's network interfaces" in notes[0]


@pytest.mark.parametrize(("room", "takes"), [({"CPU": 8.0, "GPU": 2.0}, (0, 1)), ({"CPU": 8.0}, (1, 0))])
def test_a_model_in_the_actor_takes_a_gpu_where_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: Mapping[str, float], takes: tuple[int, int]
) -> None:
    recipe = run_recipe(tmp_path, ray="10.0.0.5:6379")
    options = recipe.options.model_copy(update={"judge_model": "vllm:a,local:/models/j"})
    ray, notes = entered(monkeypatch, replace(recipe, options=options), room)
    assert (ray.given["num_cpus"], ray.given["num_gpus"]) == takes
    assert (ray.given["init"]["address"], notes) == ("10.0.0.5:6379", [])


def test_too_little_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = run_recipe(tmp_path, ray="10.0.0.5:6379", actors=9)
    _, notes = entered(monkeypatch, recipe, {"CPU": 4.5})
    assert notes == ["--actors 9: the cluster has room for 4; the others start once it has more"]
    with pytest.raises(UserError, match="no room for an actor; each needs 1 CPU"):
        entered(monkeypatch, recipe, {"memory": 1e9})


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = run_recipe(tmp_path, ray="10.0.0.5:1")
    with pytest.raises(UserError, match=r"^--ray 10.0.0.5:1: no cluster can be used there \('nobody'\)") as told:
        entered(monkeypatch, recipe, {}, ConnectionError("nobody\nbut a long story"))
    assert "\n" not in str(told.value)
