"""Socratis from its file to a summary; what people said of themselves reaches nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_runs import Sitting, png, words

from told import Told
from whyfeel.engine import Request
from whyfeel.records import Picture

Sit = Callable[..., Sitting]
Whyfeel = Callable[..., Told]

MARKS = ("age-of-zz", "gender-of-zz", "school-of-zz", "people-of-zz")
WHO = dict(zip(("age", "gender", "education"), MARKS, strict=False)) | {"ethnicity": [[MARKS[3], "true"]]}
EMOTIONS = ("happy", "agry", "Sad")


def marked(data: bytes) -> list[str]:
    return [mark for mark in MARKS if mark.encode() in data]


@pytest.fixture
def released(tmp_path: Path) -> tuple[Path, Path]:
    """A file of six pairs, three emotions each, and the folder of its pictures."""
    images = tmp_path / "images"
    images.mkdir()
    pairs: dict[str, list[Any]] = {}
    for n in range(6):
        (images / f"{n}.png").write_bytes(png(n + 1))
        reasons = [f"Reason {n} for {emotion}." for emotion in EMOTIONS]
        pairs[f"P{n}"] = [
            [f"{n}.png", f"Caption {n}.", list(EMOTIONS), [*reasons[:2], None], WHO],
            [f"{n}.png", f"Caption {n}.", ["sad", "", "None"], [reasons[2], None, None], WHO | {"ethnicity": []}],
        ]
    data = tmp_path / "socratis.json"
    data.write_text(json.dumps(pairs))
    assert marked(data.read_bytes()) == list(MARKS)
    return data, images


def pictures(request: Request) -> list[str]:
    return [part.media.path for turn in request.ask.messages for part in turn.parts if isinstance(part, Picture)]


def test_few_shot_shows_other_pairs_and_nothing_tells_who_the_workers_were(
    tmp_path: Path, sit: Sit, released: tuple[Path, Path], whyfeel: Whyfeel
) -> None:
    data, images = released
    given = {"task": "socratis", "data": data, "images": images, "strategy": "reason+few-shot(2)", "seed": 3}
    sitting = sit(tmp_path / "run", lambda request: "Because. " + words(request)[-20:], controlled=True, **given)
    assert (sitting.summary["n"], sitting.summary["scored"]) == (18, 18)
    assert list(sitting.summary["scores"]["kf1"]) == ["overall", "other"]
    ids = [f"P{n}#{emotion}" for n in range(6) for emotion in ("happy", "angry", "sad")]
    assert [line["id"] for line in sitting.lines("responses.jsonl")] == ids
    assert len(sitting.answerer.requests) == 18
    for request in sitting.answerer.requests:
        turns = request.ask.messages
        assert [turn.speaker for turn in turns] == ["user", "assistant"] * 2 + ["user"]
        assert len(set(pictures(request))) == 3
        for turn in turns[::2]:
            [picture, text] = turn.parts
            number = picture.media.path[0]
            assert f"Caption {number}." in text.text
            assert any(f'"{word}"' in text.text for word in ("happy", "agry", "sad"))
        assert all(f"Reason {path[0]} for " in words(request) for path in pictures(request)[:2])
        assert f"Reason {pictures(request)[2][0]} " not in words(request)
    spoken = "".join(map(words, sitting.answerer.requests))
    checked = whyfeel("data", "check", "socratis", "--data", data, "--images", images, "--json")
    assert (checked.status, checked.json["n"], checked.json["triggers"], checked.json["malformed"]) == (0, 18, 18, [])
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert b"Reason 1 for" in written
    assert marked(written + spoken.encode() + checked.out.encode()) == []


def test_a_users_own_records_may_have_a_caption_and_an_article(tmp_path: Path, sit: Sit) -> None:
    record = {"question": "Why?", "emotion": "sad", "triggers": ["rain"]}
    rows = [{"id": "a", "caption": "Mud.", "article": "It\nrained."}, {"id": "b", "caption": "Dust.", "article": None}]
    data = tmp_path / "r.jsonl"
    data.write_text("".join(json.dumps(record | row) + "\n" for row in rows))
    sitting = sit(tmp_path / "run", lambda _: "Rain.", task="jsonl", data=data, strategy="reason(article)")
    [request] = sitting.answerer.requests
    assert all(part in words(request) for part in ("It\nrained.", "Caption: Mud.", '"sad"'))
    assert sitting.summary["unscored"] == {"no article": 1}


def test_the_same_command_resumes_and_text_alone_needs_no_pictures(
    tmp_path: Path, sit: Sit, released: tuple[Path, Path]
) -> None:
    given = {"task": "socratis", "data": released[0], "strategy": "reason(no-image)+few-shot(2)"}
    first = sit(tmp_path / "run", lambda _: "So.", limit=4, **given)
    again = sit(tmp_path / "run", lambda _: "So.", **given)
    assert len(first.answerer.requests) == 4
    assert len(again.answerer.requests) == 14, "the examples of a sample do not depend on what else is asked"
    assert not any(pictures(request) for request in again.answerer.requests)
    assert again.summary["n"] == 18


def test_pictures_that_are_shown_must_be_named(tmp_path: Path, whyfeel: Whyfeel, released: tuple[Path, Path]) -> None:
    told = whyfeel(
        "run", "socratis", "--data", released[0], "--model", "vllm:m", "--strategy", "reason", "--out", tmp_path / "r"
    )
    assert told.status == 2
    assert "socratis needs its pictures: --images is the folder" in told.err


def test_a_wrong_emotion_is_asked_about_and_not_the_records_own_word(tmp_path: Path, sit: Sit) -> None:
    pairs = {
        f"P{n}": [["", f"Caption {n}.", [word, "", ""], ["So it is.", None, None]]]
        for n, word in enumerate(["Happy", "Sad"] * 30)
    }
    (data := tmp_path / "s.json").write_text(json.dumps(pairs))
    given = {"task": "socratis", "data": data, "strategy": "reason", "limit": 2, "controls": "wrong-emotion"}
    sitting = sit(tmp_path / "run", lambda _: "So.", controlled=True, **given)
    asked = sorted(words(request).split('"')[1] for request in sitting.answerer.requests)
    assert asked == ["Happy", "Sad", "happy", "sad"]
