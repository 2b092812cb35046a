"""The exports as records of our own and as conversations: what is written, and what is left out by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from annotation_runs import annotated, found, made_run, png

from whyfeel.errors import DataError, UserError
from whyfeel.interop import export
from whyfeel.records import AnnotatedTrigger
from whyfeel.tasks.jsonl import JsonlTask


def test_records_are_read_by_our_own_task(tmp_path: Path) -> None:
    run = made_run(
        tmp_path / "run",
        [
            annotated("1", "<b>x</b>", 'a "quoted" \\ one', "\u05d0\u05d1"),
            annotated("2", "y", image=None, emotion="", question="", query="Why so?"),
            annotated("overall", "z", emotion="overall"),
            annotated("many", *(f"cause {n}" for n in range(2_000)), image="https://a.org/b.png"),
        ],
    )
    done = export(run, "jsonl", tmp_path / "mine.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "mine.jsonl").read_text("utf-8").splitlines()]
    assert lines[:2] == [
        {
            "id": "1",
            "image": "a.png",
            "question": "Why is the man of 1 sad?",
            "emotion": "sad",
            "triggers": ["<b>x</b>", 'a "quoted" \\ one', "\u05d0\u05d1"],
        },
        {"id": "2", "question": "Why so?", "emotion": "other", "triggers": ["y"]},
    ]
    many = list(JsonlTask(tmp_path / "mine.jsonl"))[2]
    assert [trigger.text for trigger in many.triggers] == [f"cause {n}" for n in range(2_000)]
    assert (done.records, done.triggers) == (3, 2_004)
    assert list(done.left_out.values()) == [["overall"]]


def test_conversations_have_the_documented_shapes(tmp_path: Path) -> None:
    """LLaMA-Factory: "images" and as many <image>; LLaVA: "image", and <image> on a line of its own."""
    png(tmp_path / "images", "a.png")
    notes = [annotated("1", "A gift", "Rain", question="Why?"), annotated("2", "x", image=None, question="Why not?")]
    run = made_run(tmp_path / "run", notes, tmp_path / "images")
    said = {"from": "gpt", "value": "1. A gift\n2. Rain"}
    plain = {"from": "gpt", "value": "1. x"}
    export(run, "sharegpt", tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_bytes()) == [
        {"id": "1", "conversations": [{"from": "human", "value": "<image>Why?"}, said], "images": ["a.png"]},
        {"id": "2", "conversations": [{"from": "human", "value": "Why not?"}, plain], "images": []},
    ]
    export(run, "llava", tmp_path / "l.json")
    assert json.loads((tmp_path / "l.json").read_bytes()) == [
        {"id": "1", "image": "a.png", "conversations": [{"from": "human", "value": "<image>\nWhy?"}, said]},
        {"id": "2", "conversations": [{"from": "human", "value": "Why not?"}, plain]},
    ]


def test_reasoning_is_the_chain_and_what_was_changed(tmp_path: Path) -> None:
    png(tmp_path / "images", "a.png")
    triggers = (found("Rain"), found("A car", 2, dropped="not grounded"), AnnotatedTrigger("r1", "It is a wake"))
    run = made_run(tmp_path / "run", [annotated("1", triggers=triggers)], tmp_path / "images")
    for name in ("sharegpt-reasoning", "llava-reasoning"):
        export(run, name, tmp_path / name)
        [one] = json.loads((tmp_path / name).read_bytes())
        assert one["conversations"][1]["value"] == (
            '<think>\ngeneral G1: How many?\nTwo people.\n\nsummary:\n{"triggers": []}\n\n'
            "left out: A car (not grounded)\n\nadded by a person: It is a wake\n</think>\n\n"
            "1. Rain\n2. It is a wake"
        )


def test_a_conversation_that_would_mislead_a_trainer_is_left_out(tmp_path: Path) -> None:
    """A second <image> has no picture, and a second </think> ends the reasoning early."""
    png(tmp_path / "images", "a.png")
    notes = [
        annotated("fine", "x"),
        annotated("shown", "an <image> of rain"),
        annotated("thinks", "x", question="Why </think>?"),
        annotated("url", "x", image="https://a.org/b.png"),
        annotated("mute", "x", question="", query=""),
    ]
    run = made_run(tmp_path / "run", notes, tmp_path / "images")
    for name in ("sharegpt", "llava-reasoning"):
        done = export(run, name, tmp_path / name)
        assert sorted(done.left_out.values()) == [["mute"], ["shown", "thinks"], ["url"]]
        assert [one["id"] for one in json.loads((tmp_path / name).read_bytes())] == ["fine"]


@pytest.mark.parametrize("name", ["llava", "parquet"])
def test_pictures_that_cannot_be_found_are_an_error(tmp_path: Path, name: str) -> None:
    png(tmp_path / "images", "a.png")
    (tmp_path / "images/broken.png").write_bytes(b"no picture")
    images = ["a.png", "broken.png", *(f"{n}.png" for n in range(3))]
    run = made_run(tmp_path / "run", [annotated(one, "x", image=one) for one in images], tmp_path / "images")
    with pytest.raises(
        UserError, match=r"4 pictures .*'broken.png' .*'0.png' \(no such file.* 1 more;.*images"
    ) as told:
        export(run, name, tmp_path / "out")
    assert "'a.png'" not in str(told.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "run"]


@pytest.mark.parametrize("name", ["eibench", "jsonl", "sharegpt"])
def test_an_export_of_nothing_is_refused(tmp_path: Path, name: str) -> None:
    run = made_run(tmp_path / "run", [annotated("1"), annotated("2")])
    with pytest.raises(DataError, match=r"no annotation .*stand in .*no trigger counts \(2\)"):
        export(run, name, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
