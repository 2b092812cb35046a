"""The judge `verdicts` through a whole run: foils, chance and controls, with a model that judges truthfully."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from scripted_runs import ANSWERER, JUDGE_MODEL, Sitting, check_summary, words

from told import Told
from truthful_judge import block, parts, truthful
from whyfeel.engine import Request, Route
from whyfeel.judging import CANARIES, MODEL_FOILS
from whyfeel.models import Scripted
from whyfeel.runs.execute import Job
from whyfeel.strategies import BASELINES

Sit = Callable[..., Sitting]
Records = Callable[..., Path]
EMOTIONS = ("sad", "happy")
COUNT, FOILED = 120, 100


def judge(request: Request) -> str:
    return truthful(words(request))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def data(records: Records) -> Callable[[int], Path]:
    """Records with one cause that no other has, and one that all of their emotion have."""
    return lambda count: records(
        [{"triggers": [f"cause {n:03} alone", f"{EMOTIONS[n % 2]} tears"]} for n in range(count)]
    )


def own_cause(request: Request) -> str:
    """A model that names the cause that no other record has."""
    number = words(request).split("Why ")[1].split("?")[0]
    return f"1. cause {int(number):03} alone"


def common_cause(request: Request) -> str:
    """A model that names what all records of the emotion have."""
    number = words(request).split("Why ")[1].split("?")[0]
    return f"1. {EMOTIONS[int(number) % 2]} tears"


@pytest.fixture
def sitting(tmp_path: Path, sit: Sit, data: Callable[[int], Path]) -> Callable[..., Sitting]:
    def run(answer: Callable[[Request], str] = own_cause, count: int = 8, out: str = "m", **given: Any) -> Sitting:
        given = {"task": "jsonl", "data": data(count), "judge": "verdicts", "controlled": True} | given
        return sit(tmp_path / out, answer, given.pop("verdict", judge), **given)

    return run


def test_every_figure_by_hand(sitting: Callable[..., Sitting], tmp_path: Path) -> None:
    """One of two causes in one claim: F1 2/3. Against foils nothing, since no other record has it: kF1 2/3 too."""
    told = sitting(count=COUNT)
    summary = told.summary
    check_summary(summary, ["overall", "macro", *EMOTIONS])
    assert summary["headline"] == {"score": "kf1"}
    overall = {name: by["overall"] for name, by in summary["scores"].items()}
    assert overall["kf1"]["value"] == overall["f1"]["value"] == pytest.approx(2 / 3)
    assert overall["kf1"]["n"] == COUNT
    assert summary["chance"] == {"f1": 0, "n": FOILED}
    # a hundred of the samples, half of either emotion, have five foils each; the others none
    judged = lines(tmp_path / "m" / "judgements.jsonl")
    foiled = [n for n, line in enumerate(judged) if "foils" in line["detail"]]
    assert {len(judged[n]["detail"]["foils"]) for n in foiled} == {MODEL_FOILS}
    assert (len(foiled), sum(n % 2 for n in foiled)) == (FOILED, FOILED // 2)
    # what the controls earn: everything, and of a list of 50 causes 1 or 2 of the 2 annotated in 50 claims
    controls = summary["controls"]
    assert controls["oracle"]["kf1"] == controls["oracle"]["f1"] == 1
    assert (controls["empty"]["kf1"], controls["empty"]["f1"]) == (0, 0)
    assert 2 * 1 / (50 + 2) <= controls["stuff"]["f1"] <= 2 * 2 / (50 + 2)
    assert abs(controls["stuff"]["kf1"]) < 0.02
    assert controls["shuffled"]["f1"] == pytest.approx(1 / 2)  # the tears, in two claims
    assert {one["n"] for one in summary["controlled"].values()} == {FOILED}
    [folder] = (tmp_path / "m" / "judges").glob("*/controls")
    for name in set(BASELINES) - {"empty"}:
        assert {len(line["detail"]["foils"]) for line in lines(folder / f"{name}.jsonl")} == {1}
    assert all("foils" not in line["detail"] for line in lines(folder / "canaries.jsonl"))
    assert summary["canaries"] == {"n": 4 * len(CANARIES), "unscored": 0, "paid": []}


def test_what_is_true_of_every_record_of_the_emotion_is_worth_nothing(sitting: Callable[..., Sitting]) -> None:
    """It has F1 2/3, and the same against every foil."""
    summary = sitting(common_cause, count=20).summary
    assert summary["scores"]["f1"]["overall"]["value"] == pytest.approx(2 / 3)
    assert summary["chance"]["f1"] == pytest.approx(2 / 3)
    assert summary["scores"]["kf1"]["overall"]["value"] == pytest.approx(0, abs=1e-12)
    assert summary["scores"]["recall"]["overall"]["value"] == 1 / 2


def test_kf1_is_f1_of_all_less_chance_of_those_with_foils(sitting: Callable[..., Sitting], tmp_path: Path) -> None:
    """Recomputed from the file, with a model that names its own cause or the common one by turns of three."""

    def mixed(request: Request) -> str:
        number = int(words(request).split("Why ")[1].split("?")[0])
        return own_cause(request) if number % 3 else common_cause(request)

    summary = sitting(mixed, count=COUNT, controls="none").summary
    counts = [line["counts"] for line in lines(tmp_path / "m" / "judgements.jsonl")]
    f1, chance = fmean(one["f1"] for one in counts), fmean(one["chance"] for one in counts if "chance" in one)
    assert 0.1 < chance < 0.35  # about a third of 2/3
    assert summary["scores"]["kf1"]["overall"]["value"] == pytest.approx((f1 - chance) / (1 - chance))


def test_a_dry_run_counts_what_the_run_asks(
    sitting: Callable[..., Sitting], tmp_path: Path, whyfeel: Callable[..., Told]
) -> None:
    """Where every answer is another one, as the stand-ins are."""
    told = sitting(lambda request: f"1. {words(request)[-30:]}", count=COUNT)
    given = ("--data", tmp_path / "records", "--judge", "verdicts", "--judge-model", JUDGE_MODEL, "--dry-run", "--json")
    rehearsed = whyfeel("run", "jsonl", "--model", ANSWERER, "--out", tmp_path / "dry", *given).json
    assert rehearsed["calls"] == {"answer": COUNT, "judge": len(told.judge.requests)}
    # no answer that is judged, of the model, six baselines that say something, or a canary, is asked of more often
    most = COUNT + FOILED * MODEL_FOILS + 6 * FOILED * 2 + 4 * len(CANARIES)
    assert most / 2 < len(told.judge.requests) <= most


def test_a_second_sitting_asks_nothing_and_writes_the_same(sitting: Callable[..., Sitting], tmp_path: Path) -> None:
    first = sitting()
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.jsonl"))}
    again = sitting()
    assert again.answerer.requests == again.judge.requests == []
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.jsonl"))} == before
    assert {**again.summary, "seconds": 0} == {**first.summary, "seconds": 0}


def test_the_order_of_the_answers_changes_nothing(sitting: Callable[..., Sitting], tmp_path: Path) -> None:
    sitting(out="a", concurrency=1)
    sitting(out="b", concurrency=64)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.jsonl"))
    assert len(files) == 2 + 1 + len(BASELINES) + 1
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_foil_that_cannot_be_judged_leaves_the_sample_scored(sitting: Callable[..., Sitting], tmp_path: Path) -> None:
    """Of record 0 no foil can be judged, since the judge gives no verdict where its answer meets other causes."""

    def silent(request: Request) -> str:
        told = parts(words(request))
        stranger = "cause 000" in told["answer"] and "cause 000" not in told["triggers"]
        return "no idea" if stranger else truthful(words(request))

    summary = sitting(verdict=silent, controls="none").summary
    assert (summary["scored"], summary["unscored"]) == (8, {})
    assert summary["chance"]["n"] == 7
    first = lines(tmp_path / "m" / "judgements.jsonl")[0]
    assert "chance" not in first["counts"]
    assert {one["unscored"] for one in first["detail"]["foils"]} == {"unparsed"}
    assert len(first["asks"]) == 1 + 3 * len(first["detail"]["foils"])


def test_canaries_cannot_talk_to_a_judge_that_quotes(sitting: Callable[..., Sitting]) -> None:
    """A judge that takes each canary at its word has nothing to quote: its verdicts fail the checks."""

    def gullible(request: Request) -> str:
        told = parts(words(request))
        if told["answer"] not in CANARIES:
            return truthful(words(request))
        causes = told["triggers"].split("\n")
        return block(words(request), [("supported", cause.split(". ", 1)[1]) for cause in causes])

    summary = sitting(verdict=gullible).summary
    assert summary["canaries"] == {"n": 0, "unscored": 4 * len(CANARIES), "paid": []}

    def quoting(request: Request) -> str:
        return block(words(request), [("supported", parts(words(request))["answer"])] * 2)

    summary = sitting(verdict=quoting, out="q").summary
    assert len(summary["canaries"]["paid"]) == summary["canaries"]["n"] > 0
    assert "canaries earned something: the judge can be talked to" in summary["headline"]["refused"]


# --- panels


MEMBERS = f"{JUDGE_MODEL}a,{JUDGE_MODEL}b"


def of_two(verdict: Callable[[Request], str]) -> tuple[Scripted, Callable[[Job], Job]]:
    """A second member, and what puts it into a job."""
    member = Scripted(verdict, name="jb")
    return member, lambda job: replace(job, routes={**job.routes, "judge-2": Route(member, {})})


def test_a_panel_is_held_against_foils_member_by_member(sitting: Callable[..., Sitting], tmp_path: Path) -> None:
    """One member is truthful, the other finds nothing: half of the model's, of the foils' and of the controls' F1."""

    def blind(request: Request) -> str:
        told = json.loads(truthful(words(request)))
        claims = [{"quote": one["quote"], "reason": ""} for one in told["verdicts"] if one["quote"]]
        absent = [one | {"verdict": "absent", "quote": ""} for one in told["verdicts"]]
        return json.dumps(told | {"verdicts": absent, "claims": told["claims"] + claims})

    member, change = of_two(blind)
    told = sitting(common_cause, judge_model=MEMBERS, change=change)
    summary = told.summary
    check_summary(summary, ["overall", "macro", *EMOTIONS])
    assert len(member.requests) == len(told.judge.requests) > 0
    assert summary["scores"]["f1"]["overall"]["value"] == pytest.approx(1 / 3)
    assert summary["chance"] == {"f1": pytest.approx(1 / 3), "n": 8}
    assert summary["scores"]["kf1"]["overall"]["value"] == pytest.approx(0, abs=1e-12)
    assert summary["controls"]["oracle"]["f1"] == pytest.approx(1 / 2)
    # the tears are the foil's too: one of two causes in two claims, of which the blind member sees none
    chance = fmean((1 / 2, 0))
    assert summary["controls"]["oracle"]["kf1"] == pytest.approx((1 / 2 - chance) / (1 - chance))
    # a list of all ten causes has the two of every record: F1 1/3, halved, of its own and of the foil's
    assert summary["controls"]["stuff"]["f1"] == pytest.approx(1 / 6)
    assert summary["headline"] == {"refused": "a list of common triggers scores 0.000, the model 0.000"}
    assert [one["f1"] for one in summary["panel"]["members"]] == pytest.approx([2 / 3, 0])
    detail = lines(tmp_path / "m" / "judgements.jsonl")[0]["detail"]
    assert len(detail["foils"]) == 3
    assert summary["canaries"] == {"n": 4 * len(CANARIES), "unscored": 0, "paid": []}


def test_a_member_that_fails_for_foils_leaves_chance_unknown(sitting: Callable[..., Sitting]) -> None:
    """Then kF1 is unknown, and says so; F1 and the others stand."""

    def own_only(request: Request) -> str:
        told = parts(words(request))
        number = told["answer"][9:12] if "cause" in told["answer"] else "?"
        return truthful(words(request)) if f"cause {number}" in told["triggers"] else "no"

    _, change = of_two(own_only)
    summary = sitting(judge_model=MEMBERS, change=change, controls="none").summary
    assert summary["scored"] == 8
    assert summary["chance"] == {"f1": None, "n": 0}
    kf1 = summary["scores"]["kf1"]["overall"]
    assert (kf1["value"], kf1["low"], kf1["why"]) == (None, None, "what chance gives is not known")
    assert summary["scores"]["f1"]["overall"]["value"] == pytest.approx(2 / 3)
