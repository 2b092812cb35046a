"""`--until`: samples in a stratified order, until the headline is known well enough."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_runs import ANSWERER, Sitting, words

from told import Told
from whyfeel.engine import Request
from whyfeel.judging import build_judge
from whyfeel.prompts import load_prompts
from whyfeel.records import Judgement
from whyfeel.runs import RunFolder, read_lines
from whyfeel.runs.until import Until
from whyfeel.stats.sequence import stratified_order
from whyfeel.tasks import open_task

Sit = Callable[..., Sitting]
Whyfeel = Callable[..., Told]
Records = Callable[..., Path]


def answer(request: Request) -> str:
    """Right about a third of the samples."""
    number = int(words(request).split("Why ")[1].split("?")[0])
    return f"1. reason {number}\n2. lost keys" if number % 3 == 0 else "1. broken vase"


def verdict(request: Request) -> str:
    return "{score: 2/2}" if "lost keys" in words(request).split("The reference")[0] else "{score: 0/2}"


def sitting(sit: Sit, out: Path, data: Path, **given: object) -> Sitting:
    return sit(out, answer, verdict, task="jsonl", data=data, judge="official-gpt", **given)


@pytest.fixture
def data(records: Records) -> Path:
    return records(400)


def test_it_stops_early_and_says_so(tmp_path: Path, sit: Sit, data: Path) -> None:
    found = sitting(sit, tmp_path / "m", data, until=12)
    told = found.summary["until"]
    taken = told["taken"]
    assert 0 < taken < 400 == told["of"]
    assert (told["high"] - told["low"]) / 2 <= 0.12
    overall = found.summary["scores"]["corrected_recall"]["overall"]
    assert (overall["low"], overall["high"]) == (told["low"], told["high"])
    assert overall["n"] == found.summary["n"] == taken
    assert told["low"] <= 134 / 400 <= told["high"]  # what the run over all of them would give
    # what was asked beyond that was in flight
    assert taken <= len(found.answerer.requests) <= taken + 32 + 8


def test_the_samples_are_the_first_of_the_stratified_order(tmp_path: Path, sit: Sit, data: Path) -> None:
    found = sitting(sit, tmp_path / "m", data, until=12)
    samples = list(open_task("jsonl", data, None))
    order = stratified_order([one.emotion for one in samples], [one.cluster for one in samples], 0)
    expected = sorted(order[: found.summary["until"]["taken"]])
    for name in ("responses.jsonl", "judgements.jsonl"):
        assert [line["id"] for line in found.lines(name)] == [samples[place].id for place in expected]


def test_the_pace_of_the_answers_changes_nothing(tmp_path: Path, sit: Sit, data: Path) -> None:
    one = sitting(sit, tmp_path / "one", data, until=12, concurrency=1)
    many = sitting(sit, tmp_path / "many", data, until=12, concurrency=64)
    assert one.summary["until"] == many.summary["until"]
    for name in ("responses.jsonl", "judgements.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()
    assert len(one.answerer.requests) <= len(many.answerer.requests)


def test_a_second_sitting_asks_nothing(tmp_path: Path, sit: Sit, data: Path) -> None:
    sitting(sit, tmp_path / "m", data, until=12, concurrency=1)
    before = (tmp_path / "m" / "responses.jsonl").read_bytes()
    again = sitting(sit, tmp_path / "m", data, until=12, concurrency=1)
    assert again.answerer.requests == again.judge.requests == []
    assert (tmp_path / "m" / "responses.jsonl").read_bytes() == before


def test_narrower_asks_for_the_rest_only(tmp_path: Path, sit: Sit, data: Path) -> None:
    first = sitting(sit, tmp_path / "m", data, until=15, concurrency=1)
    then = sitting(sit, tmp_path / "m", data, until=8, concurrency=1)
    assert then.summary["until"]["taken"] > first.summary["until"]["taken"]
    asked = len(first.answerer.requests) + len(then.answerer.requests)
    assert asked <= then.summary["until"]["taken"] + 2 * 9


def test_where_the_interval_never_narrows_all_are_asked(tmp_path: Path, sit: Sit, records: Records) -> None:
    found = sitting(sit, tmp_path / "m", records(20), until=0.5)
    told = found.summary["until"]
    assert (told["taken"], told["low"], told["high"]) == (20, 7 / 20, 7 / 20)


def test_unscored_samples_are_left_out_of_the_score(tmp_path: Path, sit: Sit, records: Records) -> None:
    def unsure(request: Request) -> str:
        return "{score: ?" if "Why 1?" in words(request) else verdict(request)

    found = sit(*(tmp_path / "m", answer, unsure), task="jsonl", data=records(12), judge="official-gpt", until=0.5)
    assert found.summary["until"]["taken"] == 12
    value = found.summary["scores"]["corrected_recall"]["overall"]["value"]
    assert found.summary["until"]["low"] == pytest.approx(value)


def test_kf1_decides_for_overlap(tmp_path: Path, sit: Sit, data: Path) -> None:
    found = sit(tmp_path / "m", answer, task="jsonl", data=data, until=12)
    assert found.summary["headline"] == {"score": "kf1"}
    assert found.summary["until"]["taken"] < 400
    full = sit(tmp_path / "full", answer, task="jsonl", data=data).summary["scores"]["kf1"]["overall"]["value"]
    told = found.summary["until"]
    assert told["low"] <= full <= told["high"]


def test_another_judge_takes_the_same_samples(tmp_path: Path, sit: Sit, whyfeel: Whyfeel, data: Path) -> None:
    found = sitting(sit, tmp_path / "m", data, until=12)
    assert RunFolder(tmp_path / "m").read_manifest()["selection"]["taken"] == found.summary["until"]["taken"]
    told = whyfeel("judge", tmp_path / "m", "--judge", "overlap", "--json")
    assert (told.status, told.json["n"]) == (0, found.summary["until"]["taken"])
    [judgements] = (tmp_path / "m" / "judges").glob("overlap*/judgements.jsonl")
    assert len(list(read_lines(judgements))) == told.json["n"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--until", 2, "--limit", 5), "leave --limit and --sample out"),
        (("--until", 2, "--sample", 5), "leave --limit and --sample out"),
        (("--until", 0), "--until: input should be greater than 0"),
        (("--until", 100), "--until: input should be less than 100"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, whyfeel: Whyfeel, given: tuple[object, ...], why: str) -> None:
    told = whyfeel("run", "scenes", "--model", ANSWERER, "--out", tmp_path / "m", *given)
    assert told.status == 2
    assert why in told.err


def test_it_is_valid_under_any_order_of_arrival(tmp_path: Path, sit: Sit, data: Path) -> None:
    """Judgements handed over at random give the decision that the seeded order gives."""
    samples = list(open_task("jsonl", data, None))
    judge = build_judge("official-gpt", load_prompts(), samples, "complex")
    decided = []
    for seed in range(3):
        until = Until(samples, judge, 12, 0)
        positions = list(range(400))
        random.Random(seed).shuffle(positions)
        for position in positions:
            correct = 2 if position % 3 == 0 else 0
            until.judged(position, Judgement(samples[position].id, {"correct": correct, "total": 2}))
        decided.append(json.dumps(until.to_json()))
    assert len(set(decided)) == 1


def test_other_judges_and_people_are_told_that_it_stopped_itself(
    tmp_path: Path, sit: Sit, whyfeel: Whyfeel, data: Path
) -> None:
    taken = sitting(sit, tmp_path / "m", data, until=12).summary["until"]["taken"]
    told = whyfeel("judge", tmp_path / "m", "--judge", "overlap", "--json")
    assert [one for one in told.json["warnings"] if f"stopped itself after {taken:,} samples" in one]
    first = next(iter(read_lines(tmp_path / "m" / "responses.jsonl")))["id"]
    (tmp_path / "labels.jsonl").write_text(json.dumps({"id": first, "score": 1}) + "\n")
    held = whyfeel("calibrate", tmp_path / "m", "--labels", tmp_path / "labels.jsonl", "--json")
    assert [one for one in held.json["warnings"] if f"(--until) after {taken:,} samples" in one]
