"""Foils, controls and canaries under faults: a kill among them, a budget that ends there, a judge that fails them."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_server import Call, Say, chat, slow
from PIL import Image

from truthful_judge import parts, truthful
from whyfeel.judging import CANARIES, CANARY_SAMPLES
from whyfeel.strategies import BASELINES

CONCURRENCY = 2
FOILS = 3 * 2 + 3 * 2 + 2 * 1  # three emotions, of three, three and two of the eight records, against each other's
OWN = 8 + 8 + FOILS
CANARY_CALLS = CANARY_SAMPLES * len(CANARIES)
PICTURE = re.compile(rb"data:image/png;base64,([A-Za-z0-9+/=]+)")


def answer_judged(call: Call) -> str:
    return parts(call.said())["answer"]


def is_foil(call: Call) -> bool:
    """Whether a judge holds the model's own answer against the causes of another record."""
    if call.model == "mock" or "digest" not in answer_judged(call):
        return False
    return f"of record {call.person}" not in parts(call.said())["triggers"]


def honest(call: Call) -> Say:
    """A model that names one of its record's causes, and a truthful judge; both name the request's digest."""
    if call.model == "mock":
        return chat(f"1. trigger 0 of record {call.person}\n2. digest [{call.digest}]")
    return chat(truthful(call.said()).replace("because", f"because [{call.digest}]", 1))


def unhurried(call: Call) -> Say:
    return Say(honest(call).body, delay=slow(call).delay)


def verdicts(server: Any, out: Path, few: Any) -> dict[str, Any]:
    judge = {"judge": "verdicts", "judge_model": server.model("judge")}
    return {"task": "jsonl", "model": server.model("mock"), **judge, "data": few.file, "images": few.images, "out": out}


@pytest.fixture
def command(few: Any) -> Callable[..., list[object]]:
    """The command line of a run with every control."""

    def build(server: Any, out: Path, *more: object) -> list[object]:
        given = verdicts(server, out, few)
        task = given.pop("task")
        return ["run", task, *(part for n, v in given.items() for part in (f"--{n.replace('_', '-')}", v)), *more]

    return build


@pytest.fixture
def controlled(few: Any, here: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """The summary of such a run in this process."""
    return lambda server, out, **more: (
        here(few, server, out, **{"judge": "verdicts", "controlled": True} | more).summary
    )


def files(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*.jsonl"))}


def test_an_undisturbed_run_by_hand(few, serve, controlled, tmp_path):
    """Of 1 to 4 causes one, in two claims; against foils nothing."""
    server = serve(honest)
    summary = controlled(server, tmp_path / "run")
    f1 = [2 / (n + 2) for n in (1, 2, 3, 4)]
    assert summary["headline"] == {"score": "kf1"}
    assert summary["scores"]["kf1"]["overall"]["value"] == pytest.approx(sum(f1) / 4)
    assert summary["controls"]["oracle"]["kf1"] == 1
    assert summary["canaries"] == {"n": CANARY_CALLS, "unscored": 0, "paid": []}
    assert len(server.asked("mock")) == few.count
    assert len([call for call in server.asked("judge") if is_foil(call)]) == FOILS
    assert len([call for call in server.asked("judge") if answer_judged(call) in CANARIES]) == CANARY_CALLS
    assert set(server.counts().values()) == {1}
    assert summary["calls"] == len(server.calls)


@pytest.mark.parametrize("after", [(1, 4, 8), (2, 2, 2), (FOILS - 1, 1, 1)])
def test_a_kill_among_the_foils_repeats_no_more_than_the_calls_in_flight(
    after, serve, cli, command, controlled, durable, tmp_path
):
    """Three kills one after the other, each once so many more foils have been asked about, then a run to the end."""
    calm = serve(honest)
    controlled(calm, tmp_path / "calm")
    server, run = serve(unhurried), tmp_path / "run"
    line = command(server, run, "--concurrency", CONCURRENCY)
    for more in after:
        known, before = durable(run), server.counts()
        process = cli.start(*line)
        wait_for_foils(server, min(len(foils(server)) + more, FOILS))
        process.kill()
        process.wait()
        time.sleep(0.05)  # what the process had sent has arrived
        sent, kept = server.counts() - before, durable(run)
        assert not known & sent.keys(), "a durable answer was asked for again"
        assert known <= kept, "a durable answer is gone"
        assert len(sent.keys() - kept) <= CONCURRENCY, "the kill lost more than the calls in flight"
        assert set(sent.values()) <= {1}
        assert not (run / "judgements.jsonl").exists(), "it ended before it was killed"
    known, before = durable(run), server.counts()
    done = cli.run(*line)
    assert done.status == 0, done.err
    sent = server.counts() - before
    assert not known & sent.keys()
    assert sum(sent.values()) == len(calm.calls) - len(known)
    assert len(server.calls) <= len(calm.calls) + CONCURRENCY * len(after)
    ours = files(run)
    assert len(ours) == 2 + 1 + len(BASELINES) + 1
    assert ours == files(tmp_path / "calm")


def foils(server: Any) -> list[Call]:
    return [call for call in list(server.calls) if is_foil(call)]


def wait_for_foils(server: Any, count: int, within: float = 20.0) -> None:
    until = time.monotonic() + within
    while len(foils(server)) < count:
        assert time.monotonic() < until
        time.sleep(0.002)


def test_calls_that_end_among_the_controls_refuse_the_headline_and_nothing_else(
    few, serve, cli, command, controlled, tmp_path
):
    server, run = serve(honest), tmp_path / "run"
    line = command(server, run, "--concurrency", 4)
    done = cli.run(*line, "--json", "--max-calls", OWN + 20)
    assert done.status == 0, done.err
    summary = json.loads(done.out)
    assert len(server.calls) == summary["calls"] == OWN + 20
    assert summary["headline"] == {"refused": "the control stuff could not be judged"}
    assert (summary["scored"], summary["unscored"], summary["chance"]["n"]) == (few.count, {}, few.count)
    assert summary["controlled"]["stuff"]["unscored"] == few.count
    assert summary["canaries"] == {"n": 0, "unscored": CANARY_CALLS, "paid": []}
    table = cli.run(*line, "--max-calls", OWN + 20)
    assert "No headline: the control stuff could not be judged" in table.out
    assert len(server.calls) == OWN + 20, "an earlier sitting's calls count"
    calm = serve(honest)
    whole = controlled(calm, tmp_path / "calm")
    done = cli.run(*line, "--json")
    raised = json.loads(done.out)
    assert raised["headline"] == {"score": "kf1"}
    assert raised["scores"] == whole["scores"] == summary["scores"]
    assert raised["controls"] == whole["controls"]
    assert set(server.counts().values()) == {1}
    assert len(server.calls) == len(calm.calls)


def test_a_judge_that_fails_the_controls_alone_costs_the_headline_alone(few, serve, cli, command, controlled, tmp_path):
    def script(call: Call) -> Say:
        mine = call.model == "mock" or "digest" in answer_judged(call)
        return honest(call) if mine else Say(b"{}", 400)

    server, run = serve(script), tmp_path / "run"
    done = cli.run(*command(server, run, "--json"))
    assert done.status == 0, done.err
    summary = json.loads(done.out)
    assert (summary["scored"], summary["unscored"]) == (few.count, {})
    assert summary["headline"] == {"refused": "the control stuff could not be judged"}
    for name in BASELINES:  # nothing is asked about an answer that says nothing
        judged = few.count if name == "empty" else 0
        assert summary["controlled"][name]["n"] == judged
        assert summary["controlled"][name]["unscored"] == few.count - judged
    assert summary["canaries"] == {"n": 0, "unscored": CANARY_CALLS, "paid": []}
    before = len(server.calls)
    server.script = honest
    healed = json.loads(cli.run(*command(server, run, "--json")).out)
    assert healed["headline"] == {"score": "kf1"}
    assert healed["scores"] == summary["scores"]
    assert not [call for call in server.calls[before:] if call.model == "mock" or "digest" in answer_judged(call)]


def test_a_foil_that_fails_costs_a_foil(few, serve, controlled, lines, tmp_path):
    server, run = serve(lambda call: Say(b"{}", 400) if is_foil(call) and call.person == 2 else honest(call)), tmp_path
    summary = controlled(server, run / "run")
    assert (summary["scored"], summary["unscored"]) == (few.count, {})
    assert summary["chance"]["n"] == few.count - 1
    judged = lines(run / "run" / "judgements.jsonl")[2]
    assert judged["detail"]["foils"] == [{"unscored": "rejected"}]
    server.script = honest
    before = len(server.calls)
    assert controlled(server, run / "run")["chance"]["n"] == few.count
    assert [is_foil(call) for call in server.calls[before:]] == [True]


def picture(call: Call) -> Image.Image:
    [found] = PICTURE.findall(call.raw)
    return Image.open(io.BytesIO(base64.b64decode(found)))


def sees(call: Call) -> int | None:
    """The record whose picture is shown, None where it is blank."""
    shown = picture(call)
    return None if shown.size == (512, 512) else shown.convert("RGB").getpixel((0, 0))[0]


def test_what_the_model_says_of_other_pictures_and_a_wrong_emotion(few, serve, controlled, tmp_path):
    """The model names the cause of what it is shown; the judge, which looks too, is shown the sample's own picture."""

    def script(call: Call) -> Say:
        if call.model != "mock":
            return honest(call)
        if wrong := re.search(r"this person feel (\w+)", call.said()):
            return chat(f"The person does not look {wrong[1]}." if sees(call) in {0, 1, 2} else "A cake with candles.")
        return chat("1. nothing at all" if sees(call) is None else f"1. trigger 0 of record {sees(call)}")

    server = serve(script)
    summary = controlled(server, tmp_path / "run", controls="blank,swap,wrong-emotion", see_image=True)
    assert list(summary["controls"]) == [*BASELINES, "blank", "swap", "wrong-emotion"]
    assert summary["scores"]["recall"]["overall"]["value"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert summary["controls"]["blank"]["recall"] == summary["controls"]["swap"]["recall"] == 0
    assert summary["controls"]["wrong-emotion"] == {"invented": 5 / 8, "objected": 3 / 8}
    assert {one["n"] for one in summary["controlled"].values()} == {few.count}
    asked = server.asked("mock")
    assert len(asked) == 4 * few.count
    own = [call for call in asked if f"person {sees(call)} feel" in call.said()]
    blank = [call for call in asked if sees(call) is None]
    swapped = [call for call in asked if call not in own + blank and "this person" not in call.said()]
    wrong = [call for call in asked if "this person" in call.said()]
    assert [len(some) for some in (own, blank, swapped, wrong)] == [few.count] * 4
    assert {sees(call) for call in wrong} == set(range(few.count)), "shown its own picture"
    assert {picture(call).convert("RGB").getpixel((9, 9)) for call in blank} == {(128, 128, 128)}
    # the judge sees what is true of the sample, whatever the model was shown
    judged = server.asked("judge")
    assert [call for call in judged if sees(call) != call.person] == []
    again = len(server.calls)
    assert controlled(server, tmp_path / "run", controls="blank,swap,wrong-emotion", see_image=True) == {
        **summary,
        "seconds": pytest.approx(0, abs=40),
    }
    assert len(server.calls) == again
