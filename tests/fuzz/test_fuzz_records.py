"""Record files, answer files, captions, logs and files of a run with some bytes changed: read, or told in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutating import Edits, edits, often, one_line, tried

from whyfeel.errors import DataError, UserError
from whyfeel.judging import parse_log, score_log
from whyfeel.runs.answers import read_answers
from whyfeel.runs.lines import read_lines, read_responses
from whyfeel.runs.score import score_file
from whyfeel.strategies import captions_from
from whyfeel.tasks import check_task, open_task, read_task

HAPPY, SAD = "CAER-S/train/Happy/1.png", "EmoSet-118k/image/sadness/2.jpg"


def jsonl(*lines: dict[str, Any]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


OWN = jsonl(
    {
        "id": "a",
        "image": "p/1.png",
        "question": "Why?",
        "emotion": "sad",
        "triggers": ["Rain", {"text": "b", "weight": 2}],
    },
    {"id": "b", "image": "https://box.example/1.png", "question": "Why?", "emotion": "glad", "triggers": ["喜び"]},
    {"id": "c", "question": "Why?", "emotion": "sad", "triggers": ["x"], "rubric": "Mind the hat."},
)
FILES = {
    "r.jsonl": OWN,
    "EI_Basic/user.jsonl": jsonl({HAPPY: "Why is he happy?"}, {SAD: "Why is she sad?"}),
    "EI_Basic/basic_ground_truth.json": json.dumps(
        {HAPPY: "1. Cake.\n2. Friends.", SAD: "1. Rain."}, indent=1
    ).encode(),
    "EI_Complex/ec_complex.jsonl": jsonl(
        {HAPPY: {"Why happy?": "1. Cake."}}, {HAPPY: {"Why sad?": "1. Rain.\n2. Loss."}}
    ),
}
TASKS = {"jsonl": "r.jsonl", "eibench-basic": "", "eibench-complex": ""}
ANSWERS = jsonl({HAPPY: "1. Cake"}, {SAD: "1. Rain\n2. \U0001f600"})
CAPTIONS = jsonl({HAPPY: "A cake."}, {SAD: "Rain."})
LOG = jsonl({HAPPY: "{score: 1/2}"}, {SAD: "I say {Score: 1 / 1}."})
RESPONSES = jsonl(
    {"id": "a", "text": "1. Rain", "outcome": "ok", "asks": ["0" * 32]},
    {"id": "b", "unscored": {"reason": "timeout", "detail": "60 s"}, "asks": []},
)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The sound files, of which a test spoils one."""
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_what_is_spoilt_is_sound_before(release: Path) -> None:
    """Else nothing below would reach further than the first check."""
    for task, below in TASKS.items():
        assert len(list(open_task(task, release / below, None))) >= 2
    (release / "f").write_bytes(RESPONSES)
    assert len(list(read_responses(release / "f"))) == 2
    for data in (ANSWERS, CAPTIONS, LOG):
        (release / "f").write_bytes(data)
        assert len(list(read_lines(release / "f"))) == 2


@pytest.mark.parametrize("task", TASKS)
@given(change=edits, pick=st.integers(0, 1))
@often(400)
def test_a_task_is_opened_or_refused_and_always_reported(task: str, change: Edits, pick: int, release: Path) -> None:
    names = [name for name in FILES if (name == "r.jsonl") == (task == "jsonl")]
    names = [name for name in names if ("Complex" in name) == (task == "eibench-complex")]
    name = names[pick % len(names)]
    where = release / TASKS[task]
    (release / name).write_bytes(change.of(FILES[name]))
    try:
        report = check_task(read_task(task, where, None), None)
        told = report.to_json()
        assert json.loads(json.dumps(told, allow_nan=False)) == told
        assert report.n or report.malformed
        for fault in report.malformed:
            one_line(fault.error())
        samples = tried(lambda: list(open_task(task, where, None)), UserError)
        if isinstance(samples, UserError):
            assert report.malformed
            assert one_line(samples).startswith(f"'{release}")
        else:
            assert not report.malformed
            assert len(samples) == report.n
            assert len({sample.id for sample in samples}) == report.n
            for sample in samples:
                assert sample.question.strip()
                assert sample.triggers
                assert all(one.text.strip() and 0 < one.weight <= 1000 for one in sample.triggers)
                words = (sample.question, sample.emotion, sample.annotation, sample.rubric)
                "".join([*words, *(one.text for one in sample.triggers)]).encode()  # UTF-8 can carry what is sent
    finally:
        (release / name).write_bytes(FILES[name])


@given(edits)
@often(250)
def test_an_answer_file_is_read_or_refused(release: Path, change: Edits) -> None:
    task = open_task("eibench-basic", release, None)
    file = release / "answers.jsonl"
    file.write_bytes(change.of(ANSWERS))
    given_ = tried(lambda: read_answers(file, task), DataError)
    if isinstance(given_, DataError):
        assert repr(str(file)) in one_line(given_)
        return
    responses = [given_.response(sample) for sample in task]
    assert [one.sample_id for one in responses] == [HAPPY, SAD]
    assert all((one.unscored is None) == (one.sample_id in given_.texts) for one in responses)


@given(edits)
@often(250)
def test_a_file_of_captions_is_read_or_refused(tmp_path: Path, change: Edits) -> None:
    file = tmp_path / "captions.jsonl"
    file.write_bytes(change.of(CAPTIONS))
    captions = tried(lambda: captions_from(enumerate(read_lines(file), 1), str(file)), DataError)
    if isinstance(captions, DataError):
        assert repr(str(file)) in one_line(captions)
        return
    assert captions
    assert all(text == text.strip() != "" for text in captions.values())


@given(edits)
@often(250)
def test_the_responses_of_a_run_are_read_or_refused(tmp_path: Path, change: Edits) -> None:
    file = tmp_path / "responses.jsonl"
    file.write_bytes(change.of(RESPONSES))
    found = tried(lambda: list(read_responses(file)), DataError)
    if isinstance(found, DataError):
        assert repr(str(file)) in one_line(found)
        return
    for one in found:
        assert json.loads(json.dumps(one.to_json())) == one.to_json()
        assert one.unscored is not None or one.outcome in {"ok", "empty", "refused", "truncated"}


@given(edits)
@often(250)
def test_a_judge_log_of_any_text_is_scored(release: Path, change: Edits) -> None:
    task = open_task("eibench-basic", release, None)
    log = parse_log(change.of(LOG).decode("utf-8", "replace").splitlines(keepends=True))
    scored = score_log(log.rows, task, "basic", log.faults)
    assert scored.n == len(log.rows) + len(log.faults)
    assert (scored.released.scores is None) == bool(scored.released.why)
    for one in scored.corrected:
        found = one.numerator[one.numerator == one.numerator] / one.denominator[one.numerator == one.numerator]
        assert ((found >= 0) & (found <= 1)).all()


@given(edits)
@often(80)
def test_a_judge_log_of_any_bytes_is_scored_or_refused(release: Path, change: Edits) -> None:
    file = release / "log.jsonl"
    file.write_bytes(change.of(LOG))
    told = tried(lambda: score_file(file, "eibench-basic", release), DataError)
    if isinstance(told, DataError):
        assert repr(str(file)) in one_line(told)
        return
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["official"] is not None or told["why"]
