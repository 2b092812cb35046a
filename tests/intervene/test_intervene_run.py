"""Interventions from pictures to causal sensitivity; every figure is worked out by hand."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from scripted_interventions import listed, refusal, scene, seen, sitting

from truthful_judge import parts, truthful
from whyfeel.engine import Ledger
from whyfeel.errors import CallFailed, KeyRefused
from whyfeel.judging import build_judge
from whyfeel.prompts import shipped_prompts
from whyfeel.records import Response, Sample, Text, Trigger
from whyfeel.runs.folder import RunFolder

FILES = "responses.jsonl", "judgements.jsonl", "summary.json"


def prompt(request):
    return "\n".join(part.text for m in request.ask.messages for part in m.parts if isinstance(part, Text))


def test_the_oracle_has_1_and_what_does_not_look_has_0(drawn, tmp_path):
    for name, expected in (("oracle", 1), ("prior", 0), ("shuffled", 0), ("stuff", 0), ("top5", 0), ("empty", 0)):
        done = sitting(tmp_path / name, drawn, model=f"baseline:{name}")
        for score in ("causal_sensitivity", "object", "weather"):
            group = "overall" if score == "causal_sensitivity" else score
            one = done.summary["causal_sensitivity"][group]
            assert one["value"] == one["low"] == one["high"] == expected, name
        assert done.value("named_present") - done.value("named_removed") == expected
        assert done.summary["instead"]["gain"]["overall"]["value"] == expected
        assert done.answerer.requests == []
    assert done.value("named_present") == 0  # of the empty answer
    stuffed = json.loads((tmp_path / "stuff" / "summary.json").read_text())
    assert stuffed["named_present"]["overall"]["value"] == stuffed["named_removed"]["overall"]["value"] == 1


def test_words_that_stand_for_one_trigger_are_not_taken_for_another(write, tmp_path):
    """By its words alone, "Child giving flowers" is near enough to the presents to be taken for it."""
    things = ["Child giving flowers", "Child giving presents", "Book lying open"]
    changes = [{"trigger": one, "image": f"{n}.png"} for n, one in enumerate(things)]
    changes.append(changes[0] | {"how": "replaced", "instead": "Child giving sweets", "image": "3.png"})
    done = sitting(tmp_path / "run", write([scene("a", things, changes)]), model="baseline:oracle")
    assert (done.value("named_present"), done.value("named_removed"), done.value()) == (1, 0, 1)
    alone = open_judge(things).judge(sample_of(things[1:2]), Response("a", "1. Child giving flowers"))
    with pytest.raises(StopIteration) as told:
        next(alone)
    assert told.value.value.counts["correct"] == 1


def open_judge(things):
    return build_judge("overlap", shipped_prompts(), [sample_of(things)], "complex")


def sample_of(things):
    return Sample("a", "Why?", "sad", tuple(map(Trigger, things)), (), "a")


def test_a_model_that_names_what_it_sees_has_1_and_each_picture_is_asked_about_once(drawn, tmp_path):
    done = sitting(tmp_path / "run", drawn)
    assert done.value() == done.value("named_present") == 1
    assert done.value("named_removed") == 0
    assert (done.summary["scenes"], done.summary["pictures"], done.summary["n"], done.summary["calls"]) == (3, 8, 5, 8)
    assert len(done.answerer.requests) == 8
    lines = done.lines("responses.jsonl")
    assert [(one["id"], one["view"], one["image"]) for one in lines[:3]] == [
        ("s0", "whole", "s0.png"),
        ("s0", "change 1", "s0-1.png"),
        ("s0", "change 2", "s0-2.png"),
    ]
    judged = [
        (one["view"], one["trigger"], one["named"]) for one in done.lines("judgements.jsonl") if one["id"] == "s0"
    ]
    assert judged == [
        ("whole", "a birthday cake", 1),
        ("whole", "heavy rain", 1),
        ("whole", "loud music", 0),
        ("change 1", "a birthday cake", 0),
        ("change 2", "heavy rain", 0),
        ("change 2", "loud music", 1),
    ]


def forgetful(request):
    """Sees no rain, and always claims a dog."""
    return listed([*(one for one in seen(request) if one not in {"heavy rain", "a barking dog"}), "a barking dog"])


def test_the_parts_of_a_half_blind_model_are_those_worked_out_by_hand(drawn, tmp_path):
    """cake: 1 - 0; dog: 1 - 1; vase: 1 - 0; rain twice: 0 - 0; music for rain twice: 1 - 0."""
    done = sitting(tmp_path / "run", drawn, forgetful)
    assert done.value() == pytest.approx(2 / 5)
    assert done.value(group="object") == pytest.approx(2 / 3)
    assert done.value(group="weather") == 0
    assert done.value("named_present") == pytest.approx(3 / 5)
    assert done.value("named_removed") == pytest.approx(1 / 5)
    assert done.summary["instead"]["gain"]["overall"]["value"] == 1
    assert list(done.summary["causal_sensitivity"]) == ["overall", "object", "weather"]
    assert done.summary["causal_sensitivity"]["object"]["n"] == 3


def test_what_was_not_obtained_is_left_out_and_counted_and_has_bounds(drawn, tmp_path):
    """Without the answer to the first scene's whole picture, two pairs of five are not known."""

    def fails(request):
        if "s0" in prompt(request) and len(seen(request)) == 3 and "loud music" not in seen(request):
            raise CallFailed("timeout", "too slow", again=False)
        return forgetful(request)

    done = sitting(tmp_path / "run", drawn, fails)
    assert done.summary["unscored"] == {"timeout": 2}
    assert (done.summary["n"], done.summary["scored"]) == (5, 3)
    one = done.summary["causal_sensitivity"]["overall"]
    assert one["value"] == pytest.approx(1 / 3)  # dog 0, vase 1, rain 0
    # cake: 0 or 1 less 0; rain: 0 or 1 less 0
    assert one["bounds"] == pytest.approx([1 / 5, 3 / 5])
    assert one["n"] == 3
    (lost,) = [line for line in done.lines("responses.jsonl") if "unscored" in line]
    assert lost["view"] == "whole"
    assert done.summary["instead"]["gain"]["overall"]["n"] == 1


def test_nothing_obtained_is_no_estimate(drawn, tmp_path):
    def fails(request):
        raise CallFailed("timeout", "too slow", again=False)

    done = sitting(tmp_path / "run", drawn, fails)
    one = done.summary["causal_sensitivity"]["overall"]
    assert (one["value"], one["n"], one["bounds"]) == (None, 0, [-1, 1])
    assert done.summary["scored"] == 0


def test_the_order_of_answers_decides_nothing_and_a_second_sitting_asks_nothing(drawn, tmp_path):
    one = sitting(tmp_path / "one", drawn, forgetful, concurrency=1)
    many = sitting(tmp_path / "many", drawn, forgetful)
    again = sitting(tmp_path / "many", drawn, forgetful)
    assert again.answerer.requests == []
    for name in FILES[:2]:
        assert (one.result.folder / name).read_bytes() == (many.result.folder / name).read_bytes()
    summaries = [{**done.summary, "seconds": 0} for done in (one, many, again)]
    assert summaries[0] == summaries[1] == summaries[2]


def test_another_judge_asks_no_answer_again(drawn, tmp_path):
    """Each trigger is put to the judge by itself, on either side."""
    sitting(tmp_path / "one", drawn, forgetful)
    more = {"reuse": (tmp_path / "one",), "judge": "verdicts"}
    done = sitting(tmp_path / "two", drawn, verdict=lambda request: truthful(prompt(request)), **more)
    assert done.answerer.requests == []
    assert done.value() == pytest.approx(2 / 5)
    # 14 verdicts, of which two are one: the second scene's dog is claimed whether or not it is there, in equal answers
    assert len(done.judge.requests) == 13
    assert len(done.lines("judgements.jsonl")) == 14
    assert {len(parts(prompt(one))["triggers"].splitlines()) for one in done.judge.requests} == {1}


def test_an_official_judge_that_cannot_be_read_leaves_its_pairs_out(drawn, tmp_path):
    said = sitting(tmp_path / "run", drawn, verdict=lambda _: "{score: 1/1}", judge="official-llama3")
    assert said.value() == 0  # it says that everything is named
    assert said.value("named_removed") == 1
    unread = sitting(tmp_path / "two", drawn, verdict=lambda _: "no idea", judge="official-llama3")
    assert unread.summary["unscored"] == {"unparsed": 5}


STOPPED = """
import os, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from scripted_interventions import sees, sitting
asked = []
def dies(request):
    asked.append(request.key)
    if len(asked) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return sees(request)
sitting(Path({out!r}), {source!r}, dies, concurrency=1, judge="official-llama3")
"""


def test_a_killed_run_asks_nothing_durable_again(drawn, tmp_path):
    whole = sitting(tmp_path / "whole", drawn, judge="official-llama3")
    out = tmp_path / "killed"
    code = STOPPED.format(path=sys.path, out=str(out), source=str(drawn))
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (out / "summary.json").exists()
    asked = asked_of(whole)
    ledger = Ledger(RunFolder(out).ledger, readonly=True)
    kept = {key for key in asked if ledger.get(key) is not None}
    ledger.close()
    assert sum(request.key in kept for request in whole.answerer.requests) == 4
    done = sitting(out, drawn, judge="official-llama3")
    assert asked_of(done) == Counter({key: 1 for key in asked if key not in kept})
    for name in FILES[:2]:
        assert (out / name).read_bytes() == (whole.result.folder / name).read_bytes()


def asked_of(done):
    return Counter(request.key for model in (done.answerer, done.judge) for request in model.requests)


def test_a_refused_key_ends_the_run_and_the_same_command_goes_on(drawn, tmp_path):
    def refuses(request):
        raise KeyRefused("no such key")

    with pytest.raises(KeyRefused):
        sitting(tmp_path / "run", drawn, refuses)
    assert sitting(tmp_path / "run", drawn).value() == 1


def test_a_run_of_something_else_is_not_touched(drawn, tmp_path):
    sitting(tmp_path / "run", drawn)
    assert "seed is 0 there and 1 here" in refusal(drawn, tmp_path / "run", seed=1)
    assert "judge.name" in refusal(drawn, tmp_path / "run", judge="verdicts")
    assert "'" + str(tmp_path / "pairs") in refusal(drawn, tmp_path / "pairs")
    manifest = tmp_path / "run" / "run.json"
    whole = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**whole, "kind": "annotate"}))
    assert "holds a run of `whyfeel annotate`" in refusal(drawn, tmp_path / "run")
    manifest.write_text(json.dumps({**whole, "addresses": 3}))
    assert "should hold 'addresses'" in refusal(drawn, tmp_path / "run")


def test_limit_and_sample_choose_scenes_and_may_change(drawn, tmp_path):
    assert sitting(tmp_path / "run", drawn, limit=1).summary["n"] == 2
    more = sitting(tmp_path / "run", drawn, limit=2)
    assert (more.summary["scenes"], len(more.answerer.requests)) == (2, 3)  # the first scene's three are known
    assert sitting(tmp_path / "run", drawn, sample=1).summary["scenes"] == 1
    assert "give one of them" in refusal(drawn, tmp_path / "other", limit=1, sample=1)


def test_two_models_are_compared_as_the_docs_show(drawn, tmp_path, monkeypatch, capsys):
    """1 for each of five pairs, less 2 of 5; the third scene has one pair of no difference."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "interventions.md").read_text("utf-8")
    (code,) = (part.partition("```")[0] for part in page.split("```python\n")[1:])
    sitting(tmp_path / "RUN1", drawn)
    sitting(tmp_path / "RUN2", drawn, forgetful)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "interventions.md", "exec"), {})
    said = capsys.readouterr().out
    assert f"value={3 / 5}" in said
    assert "n=5, left_out=0" in said
