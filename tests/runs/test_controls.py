"""Controls and canaries: judged beside the model, by the same judge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scripted_runs import ANSWERER, JUDGE_MODEL, Sitting, png, words

from told import Told
from whyfeel.engine import Request
from whyfeel.judging import CANARIES
from whyfeel.records import Picture
from whyfeel.strategies import BASELINES

Sit = Callable[..., Sitting]
Whyfeel = Callable[..., Told]
Records = Callable[..., Path]
THINGS = ("cake", "vase", "dog", "letter", "candle", "knife")
ITEM = re.compile(r"^\d+\. (.*)$", re.MULTILINE)


def honest(request: Request) -> str:
    """An official judge that counts the triggers which stand in the answer word for word."""
    answer, truth = words(request).split("The model's answer:\n")[1].split("\n\nThe reference triggers:\n")
    triggers = ITEM.findall(truth.split("\n\nYour assessment")[0])
    return f"{{score: {sum(one in answer for one in triggers)}/{len(triggers)}}}"


def overall(summary: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: by["overall"]["value"] for name, by in summary["scores"].items() if "overall" in by}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_controls_of_overlap_are_the_baselines_own_runs(tmp_path: Path, sit: Sit) -> None:
    summary = sit(tmp_path / "m", controlled=True).summary
    assert list(summary["controls"]) == list(BASELINES)
    for name in BASELINES:
        own = sit(tmp_path / name, model=f"baseline:{name}", controlled=True).summary
        assert own["controls"] == own["controlled"] == {}
        assert "canaries" not in own
        assert summary["controls"][name] == overall(own)
        assert summary["controlled"][name]["n"] == own["n"] == 24
    assert "canaries" not in summary  # nothing is asked of a judge that asks nothing


def test_their_judgements_are_files(tmp_path: Path, sit: Sit) -> None:
    run = sit(tmp_path / "m", controlled=True, limit=5).result.folder
    [folder] = (run / "judges").glob("overlap-*/controls")
    assert {path.name for path in folder.iterdir()} == {f"{name}.jsonl" for name in BASELINES}
    oracle = lines(folder / "oracle.jsonl")
    assert [line["id"] for line in oracle] == [line["id"] for line in lines(run / "responses.jsonl")]
    assert all(line["counts"]["recall"] == 1 for line in oracle)


def test_a_judge_that_calls_a_model_has_a_hundred(tmp_path: Path, sit: Sit, records: Records) -> None:
    sitting = sit(
        *(tmp_path / "m", lambda _: "1. lost keys", honest),
        controlled=True,
        task="jsonl",
        data=records(130),
        judge="official-gpt",
    )
    told = sitting.summary["controlled"]
    assert {one["n"] for one in told.values()} == {100}
    [folder] = (sitting.result.folder / "judges").glob("*/controls")
    ids = {name: [line["id"] for line in lines(folder / f"{name}.jsonl")] for name in BASELINES}
    assert all(one == ids["oracle"] for one in ids.values())
    assert ids["oracle"] == sorted(ids["oracle"], key=lambda name: int(name[1:]))
    assert ids["oracle"] != [f"r{n:02}" for n in range(100)]
    # by emotion, as the data set has them: two equal halves
    assert sum(int(name[1:]) % 2 for name in ids["oracle"]) == 50
    assert sitting.summary["controls"]["oracle"]["corrected_recall"] == 1
    assert sitting.summary["controls"]["empty"]["corrected_recall"] == 0
    assert sitting.summary["headline"] == {"score": "corrected_recall"} or "common triggers" in str(sitting.summary)


def test_canaries_are_judged_and_earn_nothing_of_an_honest_judge(tmp_path: Path, sit: Sit) -> None:
    sitting = sit(tmp_path / "m", lambda _: "x", honest, controlled=True, judge="official-gpt")
    assert sitting.summary["canaries"] == {"n": 4 * len(CANARIES), "unscored": 0, "paid": []}
    [file] = (sitting.result.folder / "judges").glob("*/controls/canaries.jsonl")
    told = lines(file)
    assert [line["text"] for line in told[: len(CANARIES)]] == list(CANARIES)
    assert len({line["id"] for line in told}) == 4
    asked = [words(request) for request in sitting.judge.requests]
    assert all(sum(canary in one for one in asked) >= 1 for canary in CANARIES)


def test_a_judge_that_can_be_talked_to_has_no_headline(tmp_path: Path, sit: Sit) -> None:
    def gullible(request: Request) -> str:
        answer = words(request).split("The model's answer:\n")[1].split("\n\nThe reference")[0]
        return "{score: 5/5}" if "{score: 5/5}" in answer else honest(request)

    summary = sit(tmp_path / "m", lambda _: "x", gullible, controlled=True, judge="official-gpt").summary
    paid = sum("{score: 5/5}" in canary for canary in CANARIES)
    assert len(summary["canaries"]["paid"]) == 4 * paid > 0
    assert f"{4 * paid} of {4 * len(CANARIES)} canaries" in summary["headline"]["refused"]
    assert summary["scores"]["corrected_recall"]["overall"]["value"] is not None  # every value stays


def test_a_canary_that_cannot_be_judged_is_not_paid(tmp_path: Path, sit: Sit) -> None:
    def silent(request: Request) -> str:
        answer = words(request).split("The model's answer:\n")[1].split("\n\nThe reference")[0]
        return "{score} what?" if answer in CANARIES else "{score: 1/2}"

    summary = sit(tmp_path / "m", lambda _: "x", silent, controlled=True, judge="official-gpt", limit=6).summary
    assert summary["canaries"] == {"n": 0, "unscored": 4 * len(CANARIES), "paid": []}


def test_without_controls_there_are_still_canaries(tmp_path: Path, sit: Sit) -> None:
    given = {"controlled": True, "controls": "none", "limit": 3}
    official = sit(tmp_path / "a", lambda _: "x", honest, judge="official-gpt", **given).summary
    assert official["controls"] == {}
    assert official["canaries"]["n"] == 3 * len(CANARIES)  # of as many samples as there are
    offline = sit(tmp_path / "b", **given).summary
    assert offline["controls"] == {}
    assert "canaries" not in offline


def test_a_model_that_knows_no_more_than_stuffing_has_no_headline(tmp_path: Path, sit: Sit) -> None:
    refused = sit(tmp_path / "m", lambda _: "1. Zebra crossing", controlled=True).summary
    assert "common triggers" in refused["headline"]["refused"]
    assert next(iter(refused["scores"])) == "kf1"


def test_an_oracle_that_fails_takes_the_headline_away(tmp_path: Path, sit: Sit) -> None:
    """The judge gives half marks whatever the answer; the model is not below stuffing, which it also halves."""
    harsh = sit(
        *(tmp_path / "m", lambda _: "x"),
        lambda request: "{score: 0/9}" if any(canary in words(request) for canary in CANARIES) else "{score: 1/9}",
        controlled=True,
        judge="official-gpt",
    ).summary
    assert "refused" in harsh["headline"]


def test_a_second_sitting_asks_nothing_and_writes_the_same(tmp_path: Path, sit: Sit) -> None:
    given = {"controlled": True, "judge": "official-gpt", "limit": 8}
    first = sit(tmp_path / "m", lambda _: "x", honest, **given)
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.jsonl"))}
    again = sit(tmp_path / "m", lambda _: "x", honest, **given)
    assert again.answerer.requests == again.judge.requests == []
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.jsonl"))} == before
    assert {**again.summary, "seconds": 0} == {**first.summary, "seconds": 0}


@pytest.fixture
def pictured(tmp_path: Path, records: Records) -> dict[str, Any]:
    """Six records, each with a picture of its own."""
    images = tmp_path / "images"
    images.mkdir()
    for n in range(6):
        (images / f"{n}.png").write_bytes(png(n + 2, 3))
    rows = [{"image": f"{n}.png", "triggers": [f"{thing} on the table"]} for n, thing in enumerate(THINGS)]
    return {"task": "jsonl", "data": records(rows), "images": images}


def shown(request: Request) -> list[str]:
    return [part.media.path for m in request.ask.messages for part in m.parts if isinstance(part, Picture)]


def test_blank_and_swapped_pictures(tmp_path: Path, sit: Sit, pictured: dict[str, Any]) -> None:
    asked: dict[str, list[str]] = {}

    def answer(request: Request) -> str:
        asked.setdefault(words(request), []).extend(shown(request))
        [name] = shown(request)
        return f"1. {THINGS[int(name[0])]}" if name[0].isdigit() else "1. nothing at all to see"

    sitting = sit(tmp_path / "m", answer, controlled=True, controls="swap,blank", **pictured)
    assert list(sitting.summary["controls"])[7:] == ["swap", "blank"]
    assert len(sitting.answerer.requests) == 18
    for question, pictures in asked.items():
        [number] = re.findall(r"Why (\d)\?", question)
        own = f"{number}.png"
        assert sorted(pictures, key=lambda one: (one != own, one[0].isdigit()))[:2] == [own, "blank:512x512"]
        assert len(set(pictures)) == len(pictures) == 3  # the third is another sample's
    sizes = {(one.header.width, one.header.height) for r in sitting.answerer.requests for one in r.pictures.values()}
    assert (512, 512) in sizes
    # the model tells what it is shown: its own picture's trigger, then another's, then none
    [folder] = (tmp_path / "m" / "judges").glob("*/controls")
    assert all(line["counts"]["recall"] > 0 for line in lines(tmp_path / "m" / "judgements.jsonl"))
    assert [line["text"] for line in lines(folder / "blank.jsonl")] == ["1. nothing at all to see"] * 6
    assert sitting.summary["controls"]["blank"]["recall"] == sitting.summary["controls"]["swap"]["recall"] == 0
    assert sitting.summary["scores"]["recall"]["overall"]["value"] == 1


def test_a_wrong_emotion_is_asked_about(tmp_path: Path, sit: Sit, records: Records) -> None:
    def answer(request: Request) -> str:
        if "this person feel" not in words(request):
            return "1. lost keys"
        return "He does not look happy." if "feel happy" in words(request) else "A broken vase."

    data = records(6)  # sad and happy by turns: the other one is asked about
    sitting = sit(tmp_path / "m", answer, controlled=True, controls="wrong-emotion", task="jsonl", data=data)
    wrong = [words(r) for r in sitting.answerer.requests if "this person feel" in words(r)]
    assert sorted("feel happy" in one for one in wrong) == [False, True]  # equal asks are one call
    assert sitting.summary["controls"]["wrong-emotion"] == {"invented": 0.5, "objected": 0.5}
    assert sitting.summary["controlled"]["wrong-emotion"]["n"] == 6


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--controls", "blank"), "the run shows no pictures"),
        (("--controls", "none,blank"), "there is no control 'none' to ask for"),
        (("--controls", "stuff"), "there is no control 'stuff' to ask for; there are blank, swap, wrong-emotion, none"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, whyfeel: Whyfeel, records: Records, given: tuple[str, ...], why: str
) -> None:
    task = ("jsonl", "--data", records(3), "--model", ANSWERER)
    told = whyfeel("run", *task, "--out", tmp_path / "m", *given)
    assert told.status == 2
    assert why in told.err
    assert told.err.count("\n") == 1


def test_a_baseline_has_no_controls_to_ask_for(tmp_path: Path, whyfeel: Whyfeel) -> None:
    told = whyfeel("run", "scenes", "--model", "baseline:echo", "--out", tmp_path / "m", "--controls", "none")
    assert told.status == 2
    assert "a baseline is a control" in told.err


def test_one_picture_cannot_be_swapped(tmp_path: Path, whyfeel: Whyfeel, pictured: dict[str, Any]) -> None:
    told = whyfeel(
        *("run", "jsonl", "--data", pictured["data"], "--images", pictured["images"], "--model", ANSWERER),
        *("--out", tmp_path / "m", "--controls", "swap", "--limit", 1),
    )
    assert told.status == 2
    assert "one picture only" in told.err


def test_another_judge_has_controls_of_its_own(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    sit(tmp_path / "a", lambda _: "x", honest, controlled=True, judge="official-gpt", limit=6)
    told = whyfeel("judge", tmp_path / "a", "--judge", "overlap", "--json")
    assert list(told.json["controls"]) == list(BASELINES)
    assert len(list((tmp_path / "a" / "judges").glob("*/controls"))) == 2
    refused = whyfeel("judge", tmp_path / "a", "--judge", "overlap", "--controls", "swap")
    assert refused.status == 2
    assert "only `whyfeel run` can ask the model" in refused.err


def test_the_dry_run_prices_them(tmp_path: Path, whyfeel: Whyfeel, sit: Sit, records: Records) -> None:
    data = records(8)
    given = ("--judge", "official-gpt", "--judge-model", JUDGE_MODEL, "--data", data)
    told = whyfeel("run", "jsonl", "--model", ANSWERER, *given, "--out", tmp_path / "d", "--dry-run", "--json")
    sitting = sit(*(tmp_path / "m", words, honest), controlled=True, task="jsonl", data=data, judge="official-gpt")
    assert told.json["calls"] == {"answer": 8, "judge": len(sitting.judge.requests)}
