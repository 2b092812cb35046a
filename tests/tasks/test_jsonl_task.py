"""The task over a user's own records."""

from __future__ import annotations

import json
import math
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from whyfeel.errors import DataError
from whyfeel.records import Media, Sample, Trigger
from whyfeel.tasks import open_task
from whyfeel.tasks.jsonl import JsonlTask
from whyfeel.tasks.survey import Seen

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
        open_task("jsonl", path, None)


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
        (
            {**GOOD, "triggers": [{"texts": "Rain"}]},
            'field \'triggers.0\': expected a text or {"text", "weight"}, got {',
        ),
        ({**GOOD, "triggers": [{"text": "Rain", "n": 1}]}, "field 'triggers.0': expected a text or {"),
        ({**GOOD, "triggers": [{"weight": 2}]}, "field 'triggers.0': expected a text or {"),
        ({**GOOD, "triggers": [["Rain"]]}, "field 'triggers.0': expected a text or {"),
        (
            {**GOOD, "triggers": ["Sun", {"text": 1}]},
            "field 'triggers.1': expected \"text\" to be a text, got {'text': 1}",
        ),
        ({**GOOD, "triggers": [{"text": " "}]}, "field 'triggers.0': expected a text that is not blank"),
        ({**GOOD, "triggers": [{"text": "a\nb", "weight": 1}]}, "field 'triggers.0': expected a text of one line"),
        ({**GOOD, "rubric": " \n "}, "field 'rubric': expected a text that is not blank"),
        ({**GOOD, "rubric": ["x"]}, "field 'rubric': expected a valid string"),
        ({**GOOD, "rubric": "\ud800"}, "field 'rubric': expected valid Unicode"),
        ({**GOOD, "label": 1, "note\n": 2}, ": unknown key 'label', 'note\\n'; expected {\"id\", \"image\""),
        (without("id"), "field 'id': it is missing"),
        (without("triggers"), "field 'triggers': it is missing"),
        ([GOOD], 'expected {"id", "image", "question", "emotion", "triggers", "rubric", "caption", "article"}, got [{'),
        (None, "got None"),
        ({**GOOD, "id": "x" * 9999, "question": 1}, "field 'question': expected a valid string, got 1"),
        ({**GOOD, "question": ["x" * 9999]}, "field 'question': expected a valid string, got ['xxx"),
    ],
)
def test_a_bad_record_is_told_in_one_line(tmp_path: Path, record: object, told: str) -> None:
    path = write(tmp_path / "r.jsonl", BARE, record)
    with pytest.raises(DataError) as caught:
        open_task("jsonl", path, None)
    message = str(caught.value)
    assert message.startswith(f"{str(path)!r}, line 2")
    assert told in message
    assert "\n" not in message
    assert len(message) < 400 + len(str(path))


@pytest.mark.parametrize("weight", [0, -1, 1000.0000001, 10**400, True, "2", None, [1], math.nan, math.inf, -math.inf])
def test_a_weight_is_a_number_above_0_and_at_most_1000(tmp_path: Path, weight: object) -> None:
    path = write(tmp_path / "r.jsonl", BARE, {**GOOD, "triggers": [{"text": "Rain", "weight": weight}]})
    told = r"line 2: field 'triggers.0': expected \"weight\" to be a number above 0 and at most 1,000, got \{'text'"
    with pytest.raises(DataError, match=told):
        open_task("jsonl", path, None)


def test_weights_and_a_rubric_come_with_the_sample(tmp_path: Path) -> None:
    triggers = ["Rain", {"text": " No umbrella. ", "weight": 2.5}, {"text": "Mud"}, {"text": "Sea", "weight": 1e-300}]
    rubric = "Rain counts only where it is seen.\n\n  Mud is enough."
    heaviest = {**BARE, "triggers": [{"weight": 1000, "text": "Sun"}], "rubric": None}
    task = open_task(
        "jsonl", write(tmp_path / "r.jsonl", {**GOOD, "triggers": triggers, "rubric": rubric}, heaviest), None
    )
    first, second = task
    assert first.triggers == (Trigger("Rain"), Trigger("No umbrella.", 2.5), Trigger("Mud"), Trigger("Sea", 1e-300))
    assert first.annotation == "1. Rain\n2. No umbrella.\n3. Mud\n4. Sea"
    assert (first.rubric, second.rubric) == (rubric, "")
    assert second.triggers == (Trigger("Sun", 1000.0),)
    assert all(type(trigger.weight) is float for sample in task for trigger in sample.triggers)


def test_a_weight_and_a_rubric_are_part_of_what_a_record_says(tmp_path: Path) -> None:
    plain, spelt = {**BARE, "triggers": ["Sun"]}, {**BARE, "triggers": [{"text": "Sun", "weight": 1}], "rubric": None}
    [sample] = open_task("jsonl", write(tmp_path / "same.jsonl", plain, spelt), None)
    assert sample.flags == ("duplicate record",)
    for other in ({**BARE, "triggers": [{"text": "Sun", "weight": 2}]}, {**BARE, "rubric": "Mind the sun."}):
        with pytest.raises(DataError, match="line 2: 'b' stands on line 1 already, with other content"):
            open_task("jsonl", write(tmp_path / "other.jsonl", plain, other), None)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a%20b.jpg?x=1&y=%2e%2e#z",
        "http://127.0.0.1:8000/1.png",
        "http://[::1]:80/1.png",
        "https://b\u00fccher.example/1.png",
    ],
)
def test_an_image_may_be_a_url(tmp_path: Path, url: str) -> None:
    [sample] = open_task("jsonl", write(tmp_path / "r.jsonl", {**GOOD, "image": url}), None)
    assert (sample.media, sample.cluster) == ((Media(url),), url)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("ftp://example.org/1.jpg", "a URL with http:// or https://"),
        ("file:///etc/passwd", "a URL with http:// or https://"),
        ("HTTP://example.org/1.jpg", "a URL with http:// or https://"),
        ("https://example.org/a b.jpg", "a URL without blanks"),
        ("https://example.org/1.jpg\n", "a URL without blanks"),
        ("https://exa\u00a0mple.org/1.jpg", "a URL without blanks"),
        ("https://example.org/\u202e1.jpg", "a URL without blanks"),
        ("https://", "a URL with a host"),
        ("http:///1.jpg", "a URL with a host"),
        ("http://:80/1.jpg", "a URL with a host"),
        ("http://me@example.org/1.jpg", "without a user, password"),
        ("http://me:secret@example.org/1.jpg", "without a user, password"),
        ("http://@example.org/1.jpg", "without a user, password"),
        ("http://good.example\\@10.0.0.1/1.jpg", "password or backslash"),
        ("http://good.example\\.evil.example/1.jpg", "password or backslash"),
        ("http://example.org:99999/1.jpg", "a URL with a host"),
        ("http://example.org:x/1.jpg", "a URL with a host"),
        ("http://[::1/1.jpg", "a URL with a host"),
    ],
)
def test_a_url_that_leaves_doubt_is_refused(tmp_path: Path, image: str, told: str) -> None:
    path = write(tmp_path / "r.jsonl", {**GOOD, "image": image})
    with pytest.raises(DataError) as caught:
        open_task("jsonl", path, None)
    assert str(caught.value).startswith(f"{str(path)!r}, line 1: field 'image': expected ")
    assert told in str(caught.value)


NAMES = [
    *("caf\u00e9.png", "cafe\u0301.png", " lead and trail .png ", "A.PNG", "a.png", "dir\\file.png", "..\\up.png"),
    *(
        "x" * 300 + ".png",
        "CON",
        "a:b.png",
        "%2e%2e/x.png",
        "../up.png",
        "/etc/passwd",
        "nul\u0000.png",
        "\u202egnp.png",
    ),
]


def test_a_name_is_kept_as_it_is_written(tmp_path: Path) -> None:
    """Whether a file can have it, and lies below the root, is for the store to say."""
    records = [{**GOOD, "id": f" {name}", "image": name} for name in NAMES]
    samples = list(open_task("jsonl", write(tmp_path / "r.jsonl", *records), None))
    assert [sample.media[0].path for sample in samples] == NAMES
    assert [sample.id for sample in samples] == [f" {name}" for name in NAMES]
    assert len({sample.cluster for sample in samples}) == len(NAMES)


def test_a_key_twice_a_torn_line_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"id": "a", "id": "b"}\n')
    with pytest.raises(DataError, match="line 1: the key 'id' stands twice"):
        open_task("jsonl", path, None)
    whole = json.dumps(BARE) + "\n"
    path.write_text(whole + whole[:40])
    with pytest.raises(DataError, match=rf"line 2: .*from byte {len(whole)}.*cut off"):
        open_task("jsonl", path, None)
    path.write_text("\n \n")
    with pytest.raises(DataError, match="holds no record"):
        open_task("jsonl", path, None)


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
    survey = seen.survey("x")
    assert (survey.kept, survey.left_out, survey.malformed) == ({1}, {5, 9}, ())
    assert [survey.flags(line) for line in (1, 2, 5)] == [["duplicate record"], [], []]
    assert not seen.add(11, "b", "y")
    [fault] = seen.survey("x").malformed
    assert (fault.file, fault.line) == (str(tmp_path / "f"), 11)
    assert fault.reason.startswith("'b' stands on line 2 already, with other content")
    assert seen.survey("x").left_out == {5, 9, 11}


def test_a_file_that_turns_bad_after_it_was_read_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", GOOD, BARE)
    task = open_task("jsonl", path, None)
    path.write_text(json.dumps(GOOD) + "\n{")
    with pytest.raises(DataError, match="line 2: expected one JSON object"):
        list(task)
