"""A finished annotation read back: what is damaged is named, and nothing is made up for it."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.annotate import read_annotation_run
from whyfeel.annotate.finished import _annotation
from whyfeel.errors import DataError, UserError
from whyfeel.records import Annotation


def change(run, number, edit):
    """Edit the value of a line of annotations.jsonl."""
    file = run / "annotations.jsonl"
    values = [json.loads(line) for line in file.read_text().splitlines()]
    edit(values[number - 1])
    file.write_text("".join(json.dumps(value) + "\n" for value in values))


def test_what_was_written_comes_back(run, run_of_two, finished, lines):
    read = finished()
    assert read.path == run
    assert read.images == (run_of_two.parent / "pictures").resolve()
    assert read.manifest["spec"]["vlm"] == "vlm"
    for _ in range(2):
        assert [json.loads(json.dumps(one.to_json())) for one in read.annotations()] == lines()


def test_the_ledger_tells_what_was_asked_and_answered(run, finished):
    read = finished()
    first = next(read.annotations())
    step = next(one for one in first.steps if one.label == "G1")
    asked = read.asked(step.ask)
    assert (asked["model"], asked["role"]) == ("vlm", "general")
    ((speaker, parts),) = asked["messages"]
    assert speaker == "user"
    assert parts[0].keys() == {"picture"}
    assert step.question in parts[1]
    assert read.answer(step.ask).text == step.answer
    assert read.answer("0" * 32) is None
    assert read.asked("0" * 32) is None


def test_a_copy_is_read_wherever_it_lies(run, finished, tmp_path):
    shutil.copytree(run, tmp_path / "copy")
    assert len(list(finished(tmp_path / "copy").annotations())) == 2


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda line: line.pop("query"), "query"),
        (lambda line: line.update(id=7), "id"),
        (lambda line: line.update(image=["a.png"]), "image"),
        (lambda line: line.update(triggers={}), "triggers"),
        (lambda line: line["triggers"].append("Rain"), "triggers"),
        (lambda line: line["triggers"][0].update(kind="weather"), "triggers.kind"),
        (lambda line: line["triggers"][0].update(confidence="high"), "triggers.confidence"),
        (lambda line: line["triggers"][0].pop("dropped"), "triggers.dropped"),
        (lambda line: line["triggers"][0].update(colour="red"), "colour"),
        (lambda line: line["steps"][0].update(ask=None), "steps.ask"),
        (lambda line: line["steps"][0].update(colour="red"), "colour"),
        (lambda line: line.update(unscored="budget"), "unscored"),
        (lambda line: line.update(unscored={"why": "budget"}), "why"),
        (lambda line: line.update(flags=None), "flags"),
    ],
)
def test_a_damaged_annotation_is_named(edit, named, run, finished):
    change(run, 2, edit)
    annotations = finished().annotations()
    next(annotations)
    with pytest.raises(DataError) as error:
        next(annotations)
    assert f"its {named!r} is missing, unknown or of another kind" in str(error.value)
    assert "annotations.jsonl' record 2" in str(error.value)


def test_what_nobody_said_stays_unsaid(run, finished):
    unsaid = {"kind": None, "explicit": None, "confidence": None}
    change(run, 1, lambda line: line["triggers"][0].update(unsaid))
    first = next(finished().annotations())
    assert {name: getattr(first.triggers[0], name) for name in unsaid} == unsaid


@pytest.mark.parametrize("cut", [1, 100])
def test_a_file_that_was_cut_off_is_named(cut, run, finished):
    file = run / "annotations.jsonl"
    file.write_bytes(file.read_bytes()[:-cut] + (b"" if cut > 1 else b"x"))
    with pytest.raises(DataError, match=r"annotations.jsonl' line 2"):
        list(finished().annotations())


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda run: (run / "annotations.jsonl").unlink(), "has no annotations.jsonl: run its .* again"),
        (lambda run: (run / "run.json").unlink(), "a run folder has one"),
        (lambda run: (run / "run.json").write_text('{"kind": "annotate"}'), "is damaged: it should hold 'created'"),
        (lambda run: (run / "ledger.sqlite").unlink(), "ledger.sqlite"),
        (lambda run: (run / "ledger.sqlite").write_bytes(b"no database" * 100), "ledger.sqlite"),
    ],
)
def test_a_folder_that_lacks_something(spoil, told, run):
    spoil(run)
    with pytest.raises(UserError, match=told):
        read_annotation_run(run)


def test_other_folders(tmp_path):
    with pytest.raises(DataError, match="a run folder has one"):
        read_annotation_run(tmp_path / "nowhere")
    (tmp_path / "run.json").write_text(json.dumps({"schema": 1, "spec": {}}))
    with pytest.raises(UserError, match="holds a run of `whyfeel run`, and one of `whyfeel annotate` is needed"):
        read_annotation_run(tmp_path)


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def line():
    """A line that is whole."""
    return Annotation("a.png", "a.png", query="Why?").to_json() | {
        "triggers": [
            {
                "id": "t1",
                "text": "Rain",
                "kind": None,
                "explicit": None,
                "confidence": 1,
                "asks": [],
                "gates": {},
                "dropped": "",
                "merged": [],
            }
        ],
        "steps": [{"phase": "parse", "label": "", "question": "", "answer": "", "ask": ""}],
    }


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_stands_in_its_place_an_annotation_is_read_or_refused(data, line):
    value = json.loads(json.dumps(line))
    below = data.draw(st.sampled_from([value, value["triggers"][0], value["steps"][0]]))
    below[data.draw(st.sampled_from([*below, "more"]))] = data.draw(VALUES)
    try:
        read = _annotation(value, "record 1")
    except DataError as error:
        assert "record 1" in str(error)  # noqa: PT017 - either is right
    else:
        assert read.to_json().keys() == line.keys()
