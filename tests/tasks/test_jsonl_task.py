"""The task over a user's own records."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from whyfeel.errors import DataError
from whyfeel.records import Media, Sample, Trigger
from whyfeel.tasks.jsonl import JsonlTask
from whyfeel.tasks.reading import Seen

GOOD: dict[str, Any] = {
    "id": "a",
    "image": "p/1.jpg",
    "question": " Why so glum? ",
    "emotion": "sad",
    "triggers": ["Rain", "No umbrella."],
}
BARE: dict[str, Any] = {"id": "b", "question": "Why?", "emotion": "happy", "triggers": ["Sun"]}


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_a_record_becomes_a_sample(tmp_path: Path) -> None:
    task = JsonlTask(write(tmp_path / "r.jsonl", GOOD, BARE))
    assert list(task) == [
        Sample(
            id="a",
            question=" Why so glum? ",
            emotion="sad",
            triggers=(Trigger("Rain"), Trigger("No umbrella.")),
            media=(Media("p/1.jpg"),),
            cluster="p/1.jpg",
            annotation="1. Rain\n2. No umbrella.",
        ),
        Sample("b", "Why?", "happy", (Trigger("Sun"),), (), "b", annotation="1. Sun"),
    ]
    assert (task.name, task.macro, task.scorer) == ("jsonl", True, "complex")
    assert task.files == (tmp_path / "r.jsonl",)
    assert task.images == tmp_path


def test_groups_stand_in_the_order_of_their_first_record(tmp_path: Path) -> None:
    emotions = ["proud", "sad", "proud", " sad ", "Sad", "awe"]
    records = [{**BARE, "id": str(n), "emotion": emotion} for n, emotion in enumerate(emotions)]
    task = JsonlTask(write(tmp_path / "r.jsonl", *records))
    assert task.groups == ("proud", "sad", "Sad", "awe")
    assert {sample.emotion for sample in task} == set(task.groups)


def test_a_folder_with_one_record_file_will_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected exactly one .* got 0; name the file"):
        JsonlTask(tmp_path)
    write(tmp_path / "one.jsonl", GOOD)
    (tmp_path / "notes.txt").write_text("no record")
    (tmp_path / "folder.jsonl").mkdir()
    assert JsonlTask(tmp_path).files == (tmp_path / "one.jsonl",)
    write(tmp_path / "two.jsonl", GOOD)
    with pytest.raises(DataError, match=r"got 2 \(one.jsonl, two.jsonl, …\); name the file"):
        JsonlTask(tmp_path)
    with pytest.raises(DataError, match=r"there is no '.*nowhere'"):
        JsonlTask(tmp_path / "nowhere")


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", GOOD)
    assert JsonlTask(path, tmp_path / "pictures").images == tmp_path / "pictures"


def test_an_equal_record_is_kept_once_also_when_written_differently(tmp_path: Path) -> None:
    again = dict(reversed(list(BARE.items()))) | {"image": None}
    task = JsonlTask(write(tmp_path / "r.jsonl", BARE, GOOD, again))
    assert [(sample.id, sample.flags) for sample in task] == [("b", ("duplicate record",)), ("a", ())]


@pytest.mark.parametrize("change", [{"question": "How?"}, {"emotion": "sad"}, {"triggers": ["Sun", "Sea"]}])
def test_two_records_of_one_id_are_refused_naming_both_lines(tmp_path: Path, change: dict[str, Any]) -> None:
    path = write(tmp_path / "r.jsonl", BARE, GOOD, {**BARE, **change})
    with pytest.raises(DataError, match="line 3: 'b' stands on line 1 already, with other content"):
        JsonlTask(path)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({**GOOD, "id": 7}, "field 'id': expected a valid string, got 7"),
        ({**GOOD, "id": " "}, "field 'id': expected a text that is not blank, got ' '"),
        ({**GOOD, "image": 1}, "field 'image': expected a valid string, got 1"),
        ({**GOOD, "image": ""}, "field 'image': expected a text that is not blank"),
        ({**GOOD, "question": None}, "field 'question': expected a valid string, got None"),
        ({**GOOD, "question": "\ud800"}, "field 'question': expected valid Unicode, got '\\ud800'"),
        ({**GOOD, "\ud800": 1}, ": expected a valid string, unable to parse"),
        ({**GOOD, "emotion": "\t"}, "field 'emotion': expected a text that is not blank"),
        ({**GOOD, "emotion": "a\nb"}, "field 'emotion': expected a text of one line"),
        ({**GOOD, "emotion": "overall"}, "field 'emotion': expected an emotion; 'overall' is the name of a group"),
        ({**GOOD, "emotion": "macro "}, "field 'emotion': expected an emotion; 'macro' is the name of a group"),
        ({**GOOD, "triggers": []}, "field 'triggers': expected"),
        ({**GOOD, "triggers": "Rain"}, "field 'triggers': expected a valid list, got 'Rain'"),
        ({**GOOD, "triggers": ["Rain", ""]}, "field 'triggers.1': expected a text that is not blank, got ''"),
        ({**GOOD, "triggers": ["a\nb"]}, "field 'triggers.0': expected a text of one line, got 'a\\nb'"),
        ({**GOOD, "triggers": ["a\u2028b"]}, "field 'triggers.0': expected a text of one line"),
        ({**GOOD, "triggers": [{"text": "Rain"}]}, "field 'triggers.0': expected a valid string"),
        ({**GOOD, "label": 1, "note\n": 2}, ": unknown key 'label', 'note\\n'; expected {\"id\", \"image\""),
        (without("id"), "field 'id': it is missing"),
        (without("triggers"), "field 'triggers': it is missing"),
        ([GOOD], 'expected {"id", "image", "question", "emotion", "triggers"}, got [{'),
        (None, "got None"),
        ({**GOOD, "id": "x" * 9999, "question": 1}, "field 'question': expected a valid string, got 1"),
        ({**GOOD, "question": ["x" * 9999]}, "field 'question': expected a valid string, got ['xxx"),
    ],
)
def test_a_bad_record_is_told_in_one_line(tmp_path: Path, record: object, told: str) -> None:
    path = write(tmp_path / "r.jsonl", BARE, record)
    with pytest.raises(DataError) as caught:
        JsonlTask(path)
    message = str(caught.value)
    assert message.startswith(f"{str(path)!r}, line 2")
    assert told in message
    assert "\n" not in message
    assert len(message) < 400 + len(str(path))


def test_a_key_twice_a_torn_line_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"id": "a", "id": "b"}\n')
    with pytest.raises(DataError, match="line 1: the key 'id' stands twice"):
        JsonlTask(path)
    whole = json.dumps(BARE) + "\n"
    path.write_text(whole + whole[:40])
    with pytest.raises(DataError, match=rf"line 2: .*from byte {len(whole)}.*cut off"):
        JsonlTask(path)
    path.write_text("\n \n")
    with pytest.raises(DataError, match="holds no record"):
        JsonlTask(path)


def test_a_large_file_is_streamed(tmp_path: Path) -> None:
    n, padding = 4_000, "x" * 2_000
    path = tmp_path / "large.jsonl"
    with path.open("w") as out:
        for number in range(n):
            out.write(json.dumps({**BARE, "id": f"id-{number}", "question": padding}) + "\n")
    JsonlTask(write(tmp_path / "warm.jsonl", BARE))  # the validator is built outside the measurement
    tracemalloc.start()
    try:
        task = JsonlTask(path)
        opened = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        assert sum(1 for _ in task) == n
        iterated = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert opened < n * 300  # the texts are n * 2,000
    assert iterated < 200_000


def test_seen_tells_new_equal_and_conflicting_records_apart(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "f")
    for line, key, content in [(1, "a", "x"), (2, "b", "x"), (5, "a", "x"), (9, "a", "x")]:
        seen.add(line, key, content)
    assert len(seen) == 2
    assert (seen.repeats.kept, seen.repeats.dropped) == ({1}, {5, 9})
    with pytest.raises(DataError, match="line 11: 'b' stands on line 2 already"):
        seen.add(11, "b", "y")
