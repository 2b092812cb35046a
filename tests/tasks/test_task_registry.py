"""Opening a task by its name, checking one, and the bundled scenes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from whyfeel.errors import UserError
from whyfeel.media import read_header
from whyfeel.tasks import TASKS, Task, check_task, open_task

RELEASED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "eibench"
released = pytest.mark.usefixtures("eibench")  # skips, or fails where nothing may be skipped


def records(path: Path, *pairs: tuple[str, str | None]) -> Path:
    path.write_text(
        "".join(
            json.dumps({"id": id_, "image": image, "question": "Why", "emotion": "sad", "triggers": ["a", "b"]}) + "\n"
            for id_, image in pairs
        )
    )
    return path


def test_the_tasks_are_known_by_name() -> None:
    assert [info.name for info in TASKS] == ["eibench-basic", "eibench-complex", "socratis", "jsonl", "scenes"]
    assert all(info.title and info.samples for info in TASKS)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("eibench-basik", "eibench-basic"), ("EIBench-Complex", "eibench-complex"), ("scene", "scenes"), ("basic", "")],
)
def test_an_unknown_task_names_the_known_and_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        open_task(name, None, None)
    start = f"there is no task {name!r}; there are eibench-basic, eibench-complex, socratis, jsonl, scenes"
    assert str(caught.value).startswith(start)
    if hint:
        assert str(caught.value) == f"{start}; did you mean {hint!r}?"


@pytest.mark.parametrize(
    ("name", "what"), [("eibench-basic", "EI_Basic/"), ("eibench-complex", "EI_Complex/"), ("jsonl", "record file")]
)
def test_a_task_without_its_data_says_what_they_must_be(name: str, what: str) -> None:
    with pytest.raises(UserError, match=f"{name} needs --data: .*{what}"):
        open_task(name, None, None)


def test_images_must_be_a_folder(tmp_path: Path) -> None:
    path = records(tmp_path / "r.jsonl", ("a", None))
    with pytest.raises(UserError, match=r"--images: expected a folder, got .* which is a file"):
        open_task("jsonl", path, path)
    with pytest.raises(UserError, match=r"--images: expected a folder, got .* which is not there"):
        open_task("jsonl", path, tmp_path / "nowhere")
    assert open_task("jsonl", path, tmp_path).images == tmp_path


def test_the_scenes_take_no_data(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="scenes comes with whyfeel: leave --data and --images out"):
        open_task("scenes", tmp_path, None)
    with pytest.raises(UserError, match="scenes comes with whyfeel: leave --data and --images out"):
        open_task("scenes", None, tmp_path)


@released
@pytest.mark.parametrize(
    ("name", "n", "triggers", "flags", "scorer", "macro"),
    [("eibench-basic", 1615, 7422, 15, "basic", True), ("eibench-complex", 50, 222, 5, "complex", False)],
)
def test_the_benchmarks_open_and_are_what_the_list_says(
    tmp_path: Path, name: str, n: int, triggers: int, flags: int, scorer: str, macro: bool
) -> None:
    task: Task = open_task(name, RELEASED, tmp_path)
    assert (task.name, task.scorer, task.macro, task.images) == (name, scorer, macro, tmp_path)
    assert "must be requested from their authors" in task.images_help
    assert all(path.is_file() for path in task.files)
    report = check_task(task, None)
    assert (report.n, report.triggers, len(report.flags)) == (n, triggers, flags)
    assert tuple(report.groups) == task.groups
    assert sum(report.groups.values()) == n
    assert next(info.samples for info in TASKS if info.name == name) == f"{n:,}"
    assert (report.pictures_checked, report.bad_pictures) == (0, ())


def test_the_list_of_tasks_does_not_load_the_validator() -> None:
    code = "import sys, whyfeel.tasks; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_scenes_are_whole() -> None:
    task = open_task("scenes", None, None)
    samples = list(task)
    assert task.name == "scenes"
    assert Counter(sample.emotion for sample in samples) == dict.fromkeys(task.groups, 6)
    assert len(task.groups) == 4
    assert not [sample.id for sample in samples if sample.flags]
    assert task.images is not None
    for sample in samples:
        for one in sample.media:
            with (task.images / one.path).open("rb") as stream:
                header = read_header(stream)
            assert min(header.width, header.height) >= 64, one.path
    assert len({one for sample in samples for one in sample.media}) == len(samples) == 24
    assert next(info.samples for info in TASKS if info.name == "scenes") == "24"
