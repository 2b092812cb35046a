import json
from pathlib import Path

import pytest

from whyfeel.cli.draw import draw
from whyfeel.errors import UserError
from whyfeel.media import examine_bytes
from whyfeel.records import KINDS
from whyfeel.tasks.jsonl import JsonlTask


def drawn(out: Path, **how: object) -> Path:
    asked = {"count": 3, "held_out": 2, "pairs": 2, "size": 64, "seed": 0} | how
    assert draw(out, **asked) == 0
    return out


def contents(out: Path) -> dict[str, bytes]:
    return {one.relative_to(out).as_posix(): one.read_bytes() for one in out.rglob("*") if one.is_file()}


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    return drawn(tmp_path / "scenes")


@pytest.mark.parametrize(("name", "count"), [("train", 3), ("held-out", 2)])
def test_a_set_is_read_by_the_task_jsonl(scenes: Path, name: str, count: int):
    task = JsonlTask(scenes / name)
    samples = list(task)
    assert not task.malformed
    assert [one.id for one in samples] == [f"{name}-{n:05}" for n in range(count)]
    assert task.images is not None
    for sample in samples:
        assert examine_bytes((task.images / sample.media[0].path).read_bytes()) is None  # nothing wrong with it
        assert 3 <= len(sample.triggers) <= 6
        assert not sample.flags


def test_a_pair_is_a_scene_with_each_trigger_gone_and_each_object_replaced(scenes: Path):
    lines = [json.loads(line) for line in (scenes / "pairs" / "pairs.jsonl").read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["pairs-00000", "pairs-00001"]
    for line in lines:
        assert list(line) == ["id", "image", "question", "emotion", "triggers", "changes"]
        removed = [one for one in line["changes"] if one["how"] == "removed"]
        replaced = [one for one in line["changes"] if one["how"] == "replaced"]
        assert [one["trigger"] for one in removed] == line["triggers"]
        assert [one["trigger"] for one in replaced] == [one["trigger"] for one in removed if one["kind"] == "object"]
        assert {one["kind"] for one in line["changes"]} <= set(KINDS)
        assert all(("instead" in one) == (one["how"] == "replaced") for one in line["changes"])
        assert not {one["instead"] for one in replaced} & set(line["triggers"])
        images = [line["image"], *(one["image"] for one in line["changes"])]
        assert len({(scenes / "pairs" / one).read_bytes() for one in images}) == len(images)


def test_a_scene_is_the_same_whatever_the_size_of_its_set(scenes: Path, tmp_path: Path):
    more = drawn(tmp_path / "more", count=5, held_out=1, pairs=0)
    for name, one in contents(more / "train").items():
        if name.endswith(".png") and int(name[-9:-4]) < 3:
            assert (scenes / "train" / name).read_bytes() == one
    few, many = ((one / "train" / "scenes.jsonl").read_bytes() for one in (scenes, more))
    assert many.startswith(few)
    assert not (more / "pairs").exists()


def test_older_scenes_are_replaced_whole(scenes: Path):
    before = contents(scenes)
    assert contents(drawn(scenes)) == before
    fewer = contents(drawn(scenes, count=1, pairs=0))
    assert fewer.keys() < before.keys()
    listed = fewer["files.txt"].decode().splitlines()
    assert set(listed) == fewer.keys() - {"files.txt", "README.md"}
    assert "seed 0" in fewer["README.md"].decode()
    other = contents(drawn(scenes, count=1, pairs=0, seed=1))
    assert other["train/scenes.jsonl"] != fewer["train/scenes.jsonl"]


def test_nothing_of_somebody_else_is_replaced(scenes: Path):
    (scenes / "train" / "mine.txt").write_text("precious")
    with pytest.raises(UserError, match=r"mine\.txt.* stands there and is no draw of ours"):
        drawn(scenes)
    assert (scenes / "train" / "mine.txt").read_text() == "precious"
    assert not [one for one in scenes.parent.iterdir() if one != scenes]


def test_it_says_what_was_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    drawn(tmp_path / "a\x1b[31m", size=32)
    out = " ".join(capsys.readouterr().out.split())
    assert "\x1b[31m" not in out
    assert "32 pixels a side · seed 0" in out
    assert "3 scenes" in out
    drawn(tmp_path / "b", json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["sets"]["train"]["scenes"] == 3
    lines = (tmp_path / "b" / "train" / "scenes.jsonl").read_text("utf-8").splitlines()
    assert told["sets"]["train"]["triggers"] == sum(len(json.loads(line)["triggers"]) for line in lines)
    assert list(told["sets"]) == ["train", "held-out", "pairs"]
