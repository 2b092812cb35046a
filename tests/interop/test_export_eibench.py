"""The export in EIBench's released format: what the official scripts and our own tasks read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from annotation_runs import annotated, found, made_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from told import Told
from whyfeel.interop import Exported, export
from whyfeel.records import Annotation, Unscored
from whyfeel.tasks.eibench import EIBenchBasic, EIBenchComplex
from whyfeel.tasks.jsonl import JsonlTask

ANGRY, SAD = "CAER-S/train/Angry/1.png", "EmoSet-118k/image/sadness/2.jpg"


def exported(folder: Path, annotations: Iterable[Annotation]) -> Exported:
    return export(made_run(folder / "run", annotations), "eibench", folder / "out")


def read_back(out: Path) -> dict[tuple[str, str], list[str]]:
    """(picture, question) to triggers, by our own two tasks."""
    samples = [*(EIBenchBasic(out) if (out / "EI_Basic").is_dir() else ())]
    samples += [*(EIBenchComplex(out) if (out / "EI_Complex").is_dir() else ())]
    return {(one.cluster, one.question): [trigger.text for trigger in one.triggers] for one in samples}


def test_the_files_are_those_of_the_release(tmp_path: Path) -> None:
    """One question about a picture of a known folder is basic; all else is complex."""
    done = exported(
        tmp_path,
        [
            annotated("1", "A fight", "Rain", image=ANGRY, emotion="Anger", question="Why is he angry?"),
            annotated("2", "A grave", image=SAD, emotion="", question="", query="Why so sad?"),
            annotated("3", "A gift", image="mine/3.png", question="Why?"),
            annotated("4", "A dog", image="EmoSet-118k/image/sadness/4.jpg", question="Why joy?", emotion="joy"),
            annotated("5", "Snow", image="CAER-S/train/Happy/5.png", question="Why A?", emotion="happy"),
            annotated("6", "Sun", image="CAER-S/train/Happy/5.png", question="Why B?", emotion="happy"),
        ],
    )
    lines = (tmp_path / "out/EI_Basic/user.jsonl").read_text("utf-8").splitlines()
    assert list(map(json.loads, lines)) == [{ANGRY: "Why is he angry?"}, {SAD: "Why so sad?"}]
    truth = json.loads((tmp_path / "out/EI_Basic/basic_ground_truth.json").read_bytes())
    assert truth == {ANGRY: "1. A fight\n2. Rain", SAD: "1. A grave"}
    lines = (tmp_path / "out/EI_Complex/ec_complex.jsonl").read_text("utf-8").splitlines()
    assert list(map(json.loads, lines)) == [
        {"mine/3.png": {"Why?": "1. A gift"}},
        {"EmoSet-118k/image/sadness/4.jpg": {"Why joy?": "1. A dog"}},
        {"CAER-S/train/Happy/5.png": {"Why A?": "1. Snow"}},
        {"CAER-S/train/Happy/5.png": {"Why B?": "1. Sun"}},
    ]
    assert (done.records, done.triggers, done.left_out) == (6, 7, {})


def test_what_the_format_cannot_hold_is_left_out_by_name(tmp_path: Path) -> None:
    dropped = annotated("gone", image="b.png", triggers=(found("x", dropped="not grounded"),))
    done = exported(
        tmp_path,
        [
            annotated("kept", "x"),
            dropped,
            annotated("never", unscored=Unscored("timeout", "60 s")),
            annotated("by-hand", "x", image="c.png", unscored=Unscored("timeout", "60 s")),
            annotated("nowhere", "x", image=None),
            annotated("mute", "x", image="d.png", question=" ", query=""),
            annotated("doubled", "1. x", image="e.png"),
            annotated("hundred", *map(str, range(100)), image="f.png"),
            annotated("kept again", "y", question="Why is the man of kept sad?"),
            annotated("b\udcff", "x", image="b\udcff.png"),
        ],
    )
    assert sorted(ids for ids in done.left_out.values()) == [
        ["b\udcff"],
        ["doubled", "hundred"],
        ["gone"],
        ["kept again"],
        ["mute"],
        ["never"],
        ["nowhere"],
    ]
    assert done.left_out["not annotated: timeout"] == ["never"]
    assert done.records == len(read_back(tmp_path / "out")) == 2
    assert not (tmp_path / "out/EI_Basic").exists()


def test_the_oracle_scores_full_marks_on_an_export(tmp_path: Path, whyfeel: Callable[..., Told]) -> None:
    """Both of our tasks read it, and its own triggers find all of its triggers."""
    exported(
        tmp_path,
        [
            annotated("1", "A fight", "Heavy rain", image=ANGRY, emotion="angry"),
            annotated("2", "An open grave", image=SAD),
            annotated("3", "A birthday gift", image="mine/3.png", question="Why is she happy?"),
        ],
    )
    for task, n in (("eibench-basic", 2), ("eibench-complex", 1)):
        options = ("--model", "baseline:oracle", "--data", tmp_path / "out", "--out", tmp_path / task)
        told = whyfeel("run", task, *options, "--json")
        assert told.status == 0, told.err
        assert told.json["scored"] == n
        assert told.json["scores"]["recall"]["overall"]["value"] == 1.0


def test_the_release_comes_back_as_it_was(tmp_path: Path, eibench: Path) -> None:
    """All of its 1,665 records, through an annotation run and back."""
    samples = [*EIBenchBasic(eibench), *EIBenchComplex(eibench)]
    annotations = [
        annotated(
            f"{number}", *(t.text for t in one.triggers), image=one.cluster, question=one.question, emotion=one.emotion
        )
        for number, one in enumerate(samples)
    ]
    exported(tmp_path, annotations)
    assert read_back(tmp_path / "out") == {
        (one.cluster, one.question): [trigger.text for trigger in one.triggers] for one in samples
    }
    # two pictures of the basic set have a question in the complex set too: all of theirs are complex now
    assert len(list(EIBenchBasic(tmp_path / "out"))) == 1613


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.lists(
            st.one_of(
                st.text(min_size=1), st.from_regex(r"\A\s?[0-9]{1,3}[.)] ?.?\Z"), st.just("a\u2028b"), st.just("a\nb")
            ),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=8,
    )
)
@pytest.mark.parametrize("format_", ["eibench", "jsonl"])
def test_any_trigger_comes_back_or_its_record_is_named(
    tmp_path_factory: pytest.TempPathFactory, format_: str, drawn: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    fine = annotated("fine", "x", image="fine.png")
    annotations = [fine, *(annotated(f"{n}", *one, image=f"{n}.png") for n, one in enumerate(drawn))]
    done = export(made_run(folder / "run", annotations), format_, folder / "out")
    if format_ == "eibench":
        back = {image.removesuffix(".png"): texts for (image, _), texts in read_back(folder / "out").items()}
    else:
        back = {one.id: [trigger.text for trigger in one.triggers] for one in JsonlTask(folder / "out")}
    left = {name for ids in done.left_out.values() for name in ids}
    assert back == {
        one.sample_id: [trigger.text for trigger in one.triggers] for one in annotations if one.sample_id not in left
    }
    assert "fine" not in left
