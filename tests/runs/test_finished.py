"""A finished run read back: its judgements line by line, and its scores as summary.json has them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_runs import Sitting, Watcher, write_lines

from told import Told
from whyfeel.engine import Request
from whyfeel.errors import DataError, UserError
from whyfeel.records import Judgement, Unscored, json_line
from whyfeel.runs import run, run_options
from whyfeel.runs.finished import Finished, read_finished
from whyfeel.runs.lines import read_judgements
from whyfeel.stats import estimate

Sit = Callable[..., Sitting]
Whyfeel = Callable[..., Told]
Records = Callable[..., Path]


def summed(finished: Finished) -> dict[str, Any]:
    """The scores of summary.json, made anew."""
    task, seed = finished.task, finished.manifest["spec"]["seed"]
    found = estimate(
        finished.series, finished.groups, finished.clusters, order=task.groups, macro=task.macro, seed=seed
    )
    return {name: {group: one.to_json() for group, one in by.items()} for name, by in found.items()}


# --- read_judgements

GOOD = {"id": "a", "counts": {"f1": 0.5, "correct": 1}, "detail": {"matched": []}, "asks": ["k"]}
UNSCORED = {"id": "b", "unscored": {"reason": "timeout", "detail": "60 s"}, "detail": {}, "asks": []}


def test_judgements_are_read_back(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "j.jsonl", [GOOD, UNSCORED])
    scored, not_scored = read_judgements(path)
    assert scored == Judgement("a", {"f1": 0.5, "correct": 1}, {"matched": []}, ("k",))
    assert not_scored == Judgement("b", unscored=Unscored("timeout", "60 s"))


TEXTS = st.text(max_size=20)
NUMBERS = st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.builds(
        Judgement,
        sample_id=TEXTS,
        counts=st.dictionaries(TEXTS, NUMBERS, max_size=3),
        detail=st.dictionaries(TEXTS, TEXTS | st.lists(NUMBERS, max_size=3), max_size=3),
        asks=st.lists(TEXTS, max_size=3).map(tuple),
    ),
    st.none() | st.builds(Unscored, TEXTS, TEXTS),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, one: Judgement, why: Unscored | None
) -> None:
    one = replace(one, counts={}, unscored=why) if why else one
    path = tmp_path_factory.mktemp("j") / "j.jsonl"
    path.write_text(json_line(one.to_json()) + "\n", encoding="utf-8", newline="\n")
    assert list(read_judgements(path)) == [one]


@pytest.mark.parametrize(
    "line",
    [
        *([], "a", None, 3, {}),
        *({key: value for key, value in GOOD.items() if key != name} for name in GOOD),
        GOOD | {"id": 3},
        GOOD | {"counts": []},
        GOOD | {"counts": {"f1": "0.5"}},
        GOOD | {"counts": {"f1": True}},
        GOOD | {"counts": {"f1": None}},
        GOOD | {"detail": "none"},
        GOOD | {"asks": "k"},
        GOOD | {"asks": [1]},
        UNSCORED | {"unscored": "timeout"},
        UNSCORED | {"unscored": None},
        UNSCORED | {"unscored": {"reason": "timeout"}},
        UNSCORED | {"unscored": {"reason": "timeout", "detail": 60}},
        UNSCORED | {"unscored": {"reason": "timeout", "detail": "", "more": ""}},
    ],
)
def test_a_line_that_is_no_judgement(tmp_path: Path, line: object) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text(json.dumps(GOOD) + "\n\n" + json.dumps(line) + "\n")
    read = read_judgements(path)
    next(read)
    with pytest.raises(DataError, match=r"'.*j\.jsonl' line 3 \(byte \d+\): expected a judgement with id, counts"):
        next(read)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"id": "a", "coun', "probably cut off"),
        (b'{"id": "a", "counts": {"f1": NaN}, "detail": {}, "asks": []}\n', "NaN is not JSON"),
        (b'{"id": "a", "id": "b"}\n', "stands twice"),
        (b"\xff\xfe\n", "expected a JSON object"),
    ],
)
def test_a_file_that_is_no_json_lines(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "j.jsonl").write_bytes(text)
    with pytest.raises(DataError, match=said):
        list(read_judgements(tmp_path / "j.jsonl"))


def test_no_judgements_to_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        list(read_judgements(tmp_path / "j.jsonl"))
    (tmp_path / "empty").write_bytes(b"")
    assert list(read_judgements(tmp_path / "empty")) == []


# --- read_finished


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"limit": 7},
        {"sample": 9, "seed": 5},
        {"judge": "official-gpt", "limit": 6},
        {"judge": "official-llama3", "sample": 4},
    ],
)
def test_the_scores_are_those_of_the_summary(tmp_path: Path, sit: Sit, given: dict[str, Any]) -> None:
    sitting = sit(tmp_path / "a", answer=lambda request: "1. Cake\n2. A gift", **given)
    finished = read_finished(tmp_path / "a")
    assert summed(finished) == sitting.summary["scores"]
    assert list(finished.ids) == [line["id"] for line in sitting.lines("responses.jsonl")]
    assert [one.to_json() for one in finished.judgements] == sitting.lines("judgements.jsonl")
    assert finished.summary == sitting.summary
    assert len(finished.ids) == len(finished.groups) == len(finished.clusters) == sitting.summary["n"]
    assert finished.judge["name"] == sitting.summary["judge"]
    assert (finished.path, finished.manifest["judges"][finished.judge_id]) == (tmp_path / "a", finished.judge)


def test_verdicts_with_pictures_and_a_panel(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    def nothing(request: Request) -> str:
        return "no idea"

    looked = sit(tmp_path / "a", verdict=nothing, judge="verdicts", see_image=True, limit=2)
    finished = read_finished(tmp_path / "a")
    assert summed(finished) == looked.summary["scores"]
    assert "invented" in {one.name for one in finished.series}
    assert [one.unscored.reason for one in finished.judgements if one.unscored] == ["unparsed"] * 2


def test_unscored_samples_keep_their_places(tmp_path: Path, sit: Sit) -> None:
    sit(tmp_path / "a", verdict=lambda request: "no score", judge="official-gpt", limit=3)
    finished = read_finished(tmp_path / "a")
    assert [math.isnan(one) for one in finished.score("corrected_recall").numerator] == [True] * 3


def test_one_of_several_judges(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    sitting = sit(tmp_path / "a", judge="official-gpt", limit=4)
    sit(tmp_path / "b", limit=4)
    assert whyfeel("judge", tmp_path / "a", "--judge", "overlap").status == 0
    first = read_finished(tmp_path / "a")
    assert first.judge["name"] == "official-gpt"
    other = read_finished(tmp_path / "a", judge="overlap")
    assert summed(other) == read_finished(tmp_path / "b").summary["scores"]
    assert other == replace(read_finished(tmp_path / "a", judge=other.judge_id), task=other.task, series=other.series)
    assert read_finished(tmp_path / "a", judge="official-gpt").summary == sitting.summary
    with pytest.raises(UserError, match=r"has no judge 'verdicts'; it has: official-gpt-\w+, overlap-\w+"):
        read_finished(tmp_path / "a", judge="verdicts")


def test_two_judges_of_one_name_are_told_apart_by_their_ids(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    sit(tmp_path / "a", judge="official-gpt", limit=2)
    sit(tmp_path / "b", verdict=lambda request: "{score: 2/2}", judge="official-gpt", limit=2)
    told = whyfeel("judge", tmp_path / "a", "--judge", "official-gpt", "--judge-model", f"replay:{tmp_path / 'b'}",
                   "--judge-gen", "seed=1")  # fmt: skip
    judges = list(read_finished(tmp_path / "a").manifest["judges"])
    assert len(judges) == 2, told.err
    with pytest.raises(UserError, match="more than one judge of the name 'official-gpt'"):
        read_finished(tmp_path / "a", judge="official-gpt")
    assert read_finished(tmp_path / "a", judge=judges[1]).judge_id == judges[1]


def test_a_score_by_its_name(tmp_path: Path, sit: Sit) -> None:
    sit(tmp_path / "a", limit=2)
    finished = read_finished(tmp_path / "a")
    assert finished.score("recall").name == "recall"
    assert finished.score("kf1").chance is not None
    with pytest.raises(UserError, match=r"the judge overlap gives no score 'kf2'; it gives kf1, f1, recall"):
        finished.score("kf2")
    assert finished.name == f"{finished.manifest['spec']['model']} direct"


def test_official_recall_is_overall_or_by_class_and_no_score_of_all_samples(tmp_path: Path, sit: Sit) -> None:
    sit(tmp_path / "a", judge="official-gpt", limit=2)
    with pytest.raises(UserError, match="gives no score 'official_recall'; it gives corrected_recall, trigger_recall"):
        read_finished(tmp_path / "a").score("official_recall")


def test_records_that_moved_and_records_that_changed(tmp_path: Path, records: Records) -> None:
    folder = records(4)
    told = {"task": "jsonl", "model": "baseline:top5", "data": folder, "out": tmp_path / "a"}
    run(run_options(told), Watcher())
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(UserError, match="--data: there is no"):
        read_finished(tmp_path / "a")
    assert len(read_finished(tmp_path / "a", data=moved).ids) == 4
    with (moved / "r.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match="the record files are not those of the run"):
        read_finished(tmp_path / "a", data=moved)


def test_an_answer_file_that_was_judged(tmp_path: Path, basic: Callable[..., Path], whyfeel: Whyfeel) -> None:
    data = basic({"CAER-S/train/Happy/1.png": 2, "CAER-S/train/Angry/2.png": 3})
    answers = write_lines(tmp_path / "answers.jsonl", [{"CAER-S/train/Happy/1.png": "a gift"}])
    told = whyfeel("judge-answers", answers, "--task", "eibench-basic", "--data", data, "--judge", "overlap",
                   "--out", tmp_path / "a", "--json")  # fmt: skip
    finished = read_finished(tmp_path / "a")
    assert summed(finished) == told.json["scores"]
    assert [one.unscored.reason for one in finished.judgements if one.unscored] == ["no answer"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:-1], "does not hold the run's samples: finish the run, or judge it again"),
        (lambda lines: [*lines, lines[-1]], "does not hold the run's samples"),
        (lambda lines: lines[::-1], "does not hold the run's samples"),
        (lambda lines: [], "does not hold the run's samples"),
        (lambda lines: [b"{}\n", *lines], "expected a judgement"),
    ],
)
def test_judgements_that_do_not_fit(tmp_path: Path, sit: Sit, change: Callable[[Any], Any], said: str) -> None:
    sit(tmp_path / "a", limit=3)
    [path] = (tmp_path / "a" / "judges").glob("*/judgements.jsonl")
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(DataError, match=said):
        read_finished(tmp_path / "a")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("run.json", "{}", "run.json' is damaged"),
        ("run.json", "[]", "should be a JSON object"),
        ("judges/*/summary.json", "{", "is damaged"),
        ("judges/*/judgements.jsonl", None, "cannot be read"),
        ("judges/*/summary.json", None, "cannot be read"),
        ("responses.jsonl", None, "cannot be read"),
        ("responses.jsonl", "{}", "expected a response"),
    ],
)
def test_a_file_is_missing_or_damaged(tmp_path: Path, sit: Sit, name: str, text: str | None, said: str) -> None:
    sit(tmp_path / "a", limit=2)
    [path] = (tmp_path / "a").glob(name)
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_finished(tmp_path / "a")


@pytest.mark.parametrize(
    "judges",
    [
        {},
        {"overlap-1": {"name": 3}},
        {"x": {"name": "unheard-of"}},
    ],
)
def test_a_manifest_whose_judges_are_damaged(tmp_path: Path, sit: Sit, judges: dict[str, Any]) -> None:
    sit(tmp_path / "a", limit=2)
    path = tmp_path / "a" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"judges": judges}))
    with pytest.raises(UserError, match=r"run\.json|judge"):
        read_finished(tmp_path / "a")


def test_a_judge_of_a_later_version(tmp_path: Path, sit: Sit) -> None:
    sit(tmp_path / "a", limit=2)
    path = tmp_path / "a" / "run.json"
    path.write_text(path.read_text().replace('"name": "overlap"', '"name": "unheard-of"'))
    with pytest.raises(UserError, match="unheard-of"):
        read_finished(tmp_path / "a")


def test_judgements_without_their_counts(tmp_path: Path, sit: Sit) -> None:
    sit(tmp_path / "a", judge="official-gpt", limit=2)
    [path] = (tmp_path / "a" / "judges").glob("*/judgements.jsonl")
    path.write_text(path.read_text().replace('"correct"', '"corect"'))
    with pytest.raises(DataError, match="judge"):
        read_finished(tmp_path / "a")


def test_no_run_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a run folder has one"):
        read_finished(tmp_path)
