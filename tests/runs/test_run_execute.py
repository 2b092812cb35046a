from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from scripted_runs import GROUPS, Sitting, check_summary, png, words

from told import Told
from whyfeel.cli.output import print_result
from whyfeel.engine import Price, Reply, Request
from whyfeel.errors import CallFailed, KeyRefused, UserError
from whyfeel.models import Scripted
from whyfeel.records import Ask, Asking, Judgement, Media, Response, Sample
from whyfeel.runs import RunFolder
from whyfeel.strategies import BASELINES

Sit = Callable[..., Sitting]
Records = Callable[..., Path]
Whyfeel = Callable[..., Told]


def files(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in ("responses.jsonl", "judgements.jsonl")}


@pytest.mark.parametrize("task", ["scenes", "eibench-basic", "eibench-complex"])
@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_runs_and_its_summary_is_the_contracts(
    request: pytest.FixtureRequest, tmp_path: Path, whyfeel: Whyfeel, task: str, name: str
) -> None:
    data = [] if task == "scenes" else ["--data", request.getfixturevalue("eibench")]
    n = {"scenes": 24, "eibench-basic": 1615, "eibench-complex": 50}[task]
    if n > 50 and name != "prior":  # of all samples one baseline is enough; fifty guesses each take long
        n = 150
        data += ["--sample", n]
    told = whyfeel("run", task, "--model", f"baseline:{name}", "--out", tmp_path, *data, "--json")
    assert (told.status, [line for line in told.err.splitlines() if line.startswith("whyfeel:")]) == (0, [])
    summary = told.json
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    check_summary(summary, GROUPS[task])
    assert (summary["headline"], summary["controls"]) == ({"score": "kf1"}, {}), "a baseline has no controls"
    assert (summary["task"], summary["model"], summary["judge"]) == (task, f"baseline:{name}", "overlap")
    assert summary["n"] == summary["scored"] == n
    assert (summary["calls"], summary["tokens"], summary["cost"]) == (0, {"in": 0, "out": 0}, 0)
    f1 = summary["scores"]["f1"]["overall"]["value"]
    if name == "empty":
        assert f1 == 0
        assert summary["outcomes"] == {"empty": summary["n"], "refused": 0, "truncated": 0}
    if name == "oracle":
        assert f1 > 0.99
    # F1 and what chance gives it, from the file: the counts of every sample, and of those that have foils
    counts = [json.loads(line)["counts"] for line in (tmp_path / "judgements.jsonl").read_text().splitlines()]
    chances = [one["chance"] for one in counts if "chance" in one]
    chance = fmean(chances)
    assert summary["chance"] == {"f1": pytest.approx(chance), "n": len(chances)}
    mean = fmean(one["f1"] for one in counts)
    assert summary["scores"]["kf1"]["overall"]["value"] == pytest.approx((mean - chance) / (1 - chance), abs=1e-12)
    assert len(chances) == n or task == "eibench-complex", "only there a picture may have one question alone"


@pytest.mark.parametrize("name", BASELINES)
def test_two_runs_write_the_same_bytes_and_the_first_judges_folder_holds_them_too(
    tmp_path: Path, whyfeel: Whyfeel, name: str
) -> None:
    for place in ("a", "b"):
        whyfeel("run", "scenes", "--model", f"baseline:{name}", "--out", tmp_path / place)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    [judge] = (tmp_path / "a" / "judges").iterdir()
    assert judge.name.startswith("overlap-")
    for name in ("judgements.jsonl", "summary.json"):
        assert (judge / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


def test_a_scripted_run_writes_the_same_whatever_order_the_answers_come_in(tmp_path: Path, sit: Sit) -> None:
    class Slow(Scripted):
        async def answer(self, request: Request) -> Reply:
            await asyncio.sleep(int(request.key[:2], 16) / 5000)
            return await super().answer(request)

    def say(request: Request) -> str:
        return f"1. {words(request)[-30:]}"

    plain, slow = sit(tmp_path / "a", say), sit(tmp_path / "b", say, kind=Slow)
    one_by_one = sit(tmp_path / "c", say, concurrency=1)
    keys = [sorted(r.key for r in sitting.answerer.requests) for sitting in (plain, slow, one_by_one)]
    assert keys[0] == keys[1] == keys[2]
    assert files(tmp_path / "a") == files(tmp_path / "b") == files(tmp_path / "c")


def test_json_prints_the_summary_and_nothing_else(tmp_path: Path, whyfeel: Whyfeel) -> None:
    told = whyfeel("run", "scenes", "--model", "baseline:echo", "--out", tmp_path, "--json")
    assert told.out.startswith("{\n")
    assert told.out.endswith("}\n")
    assert json.loads(told.out) == json.loads((tmp_path / "summary.json").read_text())


def test_a_replay_asks_nobody_and_writes_the_same(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    first = sit(tmp_path / "a", lambda r: f"1. {words(r)[-20:]}", judge="official-llama3")
    told = whyfeel(
        *("run", "scenes", "--model", f"replay:{tmp_path / 'a'}", "--out", tmp_path / "b", "--json"),
        *("--judge", "official-llama3", "--judge-model", f"replay:{tmp_path / 'a'}"),
    )
    assert told.status == 0
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert told.json["scores"] == first.summary["scores"]
    assert (told.json["calls"], told.json["cost"]) == (0, 0)
    assert (first.summary["calls"], first.summary["cost"]) == (48, None)


def test_a_replay_of_other_asks_leaves_them_unscored(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    sit(tmp_path / "a", limit=3)
    told = whyfeel(
        "run", "scenes", "--model", f"replay:{tmp_path / 'a'}", "--out", tmp_path / "b", "--limit", 5, "--json"
    )
    assert (told.status, told.json["unscored"]) == (0, {"not in the replayed ledger": 2})
    told = whyfeel(
        "run",
        "scenes",
        "--model",
        f"replay:{tmp_path / 'a'}",
        "--out",
        tmp_path / "c",
        "--strategy",
        "cot",
        "--limit",
        2,
    )
    assert told.status == 1
    assert told.err == "whyfeel: nothing could be scored: not in the replayed ledger (2)\n"
    assert "n/a" in told.out


def test_the_ledger_alone_holds_every_answer(tmp_path: Path, sit: Sit) -> None:
    """Copying ledger.sqlite must be enough: no answer may be left in SQLite's log beside it."""
    sit(tmp_path / "a")
    (tmp_path / "copy.sqlite").write_bytes((tmp_path / "a" / "ledger.sqlite").read_bytes())
    with sqlite3.connect(tmp_path / "copy.sqlite") as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (24,)
    db.close()


def test_bounds_are_the_scores_with_the_unscored_as_nothing_and_as_everything(
    tmp_path: Path, sit: Sit, records: Records
) -> None:
    # triggers: 1, 2, 3, 4; answered in full, half, not at all, not at all; the last two unscored
    rows = [{"triggers": [f"{w} one", f"{w} two", f"{w} three", f"{w} four"][: i + 1]} for i, w in enumerate("wxyz")]
    for row, word in zip(rows, ("apple", "brick", "cloud", "drum"), strict=True):
        row["triggers"] = [t.replace(t[0], word, 1) for t in row["triggers"]]
        row["emotion"] = "sad"

    def answer(request: Request) -> str:
        if "Why 0" in words(request):
            return "1. apple one"
        if "Why 1" in words(request):
            return "1. brick one"
        raise CallFailed("server error", "status 500", again=False)

    summary = sit(tmp_path / "r", answer, task="jsonl", data=records(rows)).summary
    recall, micro = summary["scores"]["recall"]["overall"], summary["scores"]["trigger_recall"]["overall"]
    assert recall["value"] == pytest.approx((1 + 1 / 2) / 2)
    assert recall["bounds"] == pytest.approx([1.5 / 4, 3.5 / 4])
    assert micro["value"] == pytest.approx(2 / 3)
    assert micro["bounds"] == pytest.approx([2 / 10, 9 / 10])
    assert (recall["n"], summary["scored"], summary["n"]) == (2, 2, 4)
    assert summary["unscored"] == {"server error": 2}
    check_summary(summary, ["overall", "macro", "sad"])


def test_outcomes_are_counted_and_scored(tmp_path: Path, sit: Sit, records: Records) -> None:
    outcomes = ["ok", "empty", "refused", "truncated", "refused", "ok"]

    def answer(request: Request) -> Reply:
        index = int(words(request).split("Why ")[1][0])
        text = {"empty": "", "refused": "I cannot help with that."}.get(outcomes[index], "1. lost keys")
        return Reply(text, outcomes[index])  # type: ignore[arg-type]

    sitting = sit(tmp_path / "r", answer, task="jsonl", data=records(6))
    assert sitting.summary["outcomes"] == {"empty": 1, "refused": 2, "truncated": 1}
    assert (sitting.summary["scored"], sitting.summary["unscored"]) == (6, {})
    assert [line["outcome"] for line in sitting.lines("responses.jsonl")] == outcomes
    recalls = [line["counts"]["recall"] for line in sitting.lines("judgements.jsonl")]
    assert [value > 0 for value in recalls] == [True, False, False, True, False, True]


def test_what_the_answers_took_is_summed(tmp_path: Path, sit: Sit) -> None:
    price = Price(10.0, 20.0)
    sitting = sit(tmp_path / "r", lambda _: Reply("1. Cake", tokens_in=1000, tokens_out=50), limit=4, price=price)
    assert sitting.summary["calls"] == 4
    assert sitting.summary["tokens"] == {"in": 4000, "out": 200}
    assert sitting.summary["cost"] == pytest.approx(4 * (1000 * 10 + 50 * 20) / 1e6)


def test_an_answer_whose_tokens_nobody_counted_makes_the_cost_unknown(tmp_path: Path, sit: Sit) -> None:
    assert sit(tmp_path / "r", limit=2, price=Price(1, 1)).summary["cost"] is None


def test_bad_pictures_are_left_unscored_before_any_call(tmp_path: Path, sit: Sit, records: Records) -> None:
    pictures = {"good.png": png(), "cut.png": png()[:-12], "text.png": b"not a picture", "empty.png": b""}
    rows = [{"image": name} for name in [*pictures, "gone.png", "../outside.png"]]
    data = records([*rows, {}])
    for name, content in pictures.items():
        (data / name).write_bytes(content)
    (tmp_path / "outside.png").write_bytes(png())
    sitting = sit(tmp_path / "r", task="jsonl", data=data)
    asked = [media for request in sitting.answerer.requests for media in request.ask.pictures]
    assert asked == [Media("good.png")]
    assert len(sitting.answerer.requests) == 2, "the sample without a picture is asked too"
    assert sitting.summary["unscored"] == {"bad picture": 5}
    lines = sitting.lines("responses.jsonl")
    assert [line["unscored"]["reason"] if "unscored" in line else line["text"] for line in lines] == [
        *("1. Cake", "bad picture", "bad picture", "bad picture", "bad picture", "bad picture", "1. Cake")
    ]
    for line, why in zip(lines[1:6], ("cut off", "starts with", "0 bytes", "no such file", "outside"), strict=True):
        assert why in line["unscored"]["detail"]
    assert [line["unscored"]["reason"] for line in sitting.lines("judgements.jsonl")[1:6]] == ["bad picture"] * 5


def test_bad_pictures_are_told_before_the_first_call(tmp_path: Path, whyfeel: Whyfeel, records: Records) -> None:
    data = records([{"image": f"{i}.png"} for i in range(24)])
    (data / "23.png").write_bytes(png())
    told = whyfeel(
        *("run", "jsonl", "--data", data, "--model", "http://127.0.0.1:9/v1#m", "--max-calls", 0),
        *("--out", tmp_path / "r", "--json"),
    )
    assert (told.status, told.json["unscored"]) == (1, {"bad picture": 23, "budget": 1})
    assert told.err.startswith(
        "whyfeel: 23 pictures cannot be sent and stay unscored:\nwhyfeel:   0.png: no such file: '0.png'\n"
    )
    assert "and 3 more (`whyfeel data check` lists them)" in told.err


def test_all_pictures_missing_is_refused(tmp_path: Path, whyfeel: Whyfeel, records: Records) -> None:
    data = records([{"image": f"{i}.png"} for i in range(6)])
    told = whyfeel("run", "jsonl", "--data", data, "--model", "http://127.0.0.1:9/v1#m", "--out", tmp_path / "r")
    assert (told.status, told.out) == (2, "")
    assert f"--images: none of the 6 pictures is under {str(data)!r}" in told.err
    assert not (tmp_path / "r").exists()


def test_pictures_that_are_needed_and_not_given_are_asked_for_with_how_to_get_them(
    tmp_path: Path, whyfeel: Whyfeel, basic: Callable[..., Path]
) -> None:
    data = basic({"CAER-S/train/Happy/1.png": 2})
    model = ["--model", "http://127.0.0.1:9/v1#m"]
    told = whyfeel("run", "eibench-basic", "--data", data, *model, "--out", tmp_path / "r")
    assert told.status == 2
    assert "must be requested from their authors" in told.err
    assert (
        whyfeel("run", "eibench-basic", "--data", data, "--model", "baseline:echo", "--out", tmp_path / "r").status == 0
    )


class Faulty:
    """A strategy with a fault of its own for one sample."""

    name, roles, prompts = "direct", {"answer": False}, ("direct",)

    def __init__(self, inner: Any, bad: str) -> None:
        self.inner, self.bad = inner, bad

    def respond(self, sample: Sample) -> Asking[Response]:
        if sample.id == self.bad:
            raise ZeroDivisionError("a fault of ours")
        return (yield from self.inner.respond(sample))


class FaultyJudge:
    """A judge with a fault of its own for one sample."""

    def __init__(self, inner: Any, bad: str) -> None:
        self.inner, self.bad = inner, bad

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        if sample.id == self.bad:
            raise KeyError("a fault of ours")
        return (yield from self.inner.judge(sample, response))


@pytest.mark.parametrize("part", ["strategy", "judge"])
def test_a_fault_of_ours_leaves_only_its_sample_unscored_and_shows_in_the_status(
    tmp_path: Path, sit: Sit, records: Records, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    broken = {"strategy": Faulty, "judge": FaultyJudge}[part]
    sitting = sit(
        tmp_path / "r",
        task="jsonl",
        data=records(5),
        change=lambda job: replace(job, **{part: broken(getattr(job, part), "r02")}),
    )
    assert sitting.summary["unscored"] == {"fault": 1}
    assert sitting.summary["scored"] == 4
    assert [line["id"] for line in sitting.lines("judgements.jsonl") if "unscored" in line] == ["r02"]
    assert print_result(sitting.result, as_json=True) == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == sitting.summary
    assert "an internal fault left a sample unscored: r02: " in said.err
    assert "a fault of ours" in said.err


def test_a_model_that_raises_what_nobody_expects_loses_no_sample_even_of_equal_asks(
    tmp_path: Path, sit: Sit, records: Records
) -> None:
    class Broken(Scripted):
        async def answer(self, request: Request) -> Reply:
            await asyncio.sleep(0.01)
            raise ZeroDivisionError("a fault of ours")

    data = records([{"question": "Why?"}] * 6)  # equal asks share one call
    sitting = sit(tmp_path / "r", task="jsonl", data=data, kind=Broken)
    assert sitting.summary["unscored"] == {"fault": 6}
    assert len(sitting.lines("responses.jsonl")) == 6


def test_equal_asks_are_sent_once(tmp_path: Path, sit: Sit, records: Records) -> None:
    sitting = sit(tmp_path / "r", task="jsonl", data=records([{"question": "Why?"}] * 6))
    assert len(sitting.answerer.requests) == 1
    assert (sitting.summary["calls"], sitting.summary["scored"]) == (1, 6)


def test_a_refused_key_ends_the_run_and_what_was_answered_stays(tmp_path: Path, sit: Sit, records: Records) -> None:
    def answer(request: Request) -> str:
        if "Why 3" in words(request):
            raise KeyRefused("http://x refused the key")
        return "1. Cake"

    with pytest.raises(KeyRefused):
        sit(tmp_path / "r", answer, task="jsonl", data=records(6), concurrency=1)
    assert not (tmp_path / "r" / "summary.json").exists()
    again = sit(tmp_path / "r", task="jsonl", data=records(6), concurrency=1)
    assert 3 <= len(again.answerer.requests) <= 4
    assert again.summary["scored"] == 6


def test_a_budget_leaves_the_rest_unscored_and_a_larger_one_goes_on(tmp_path: Path, sit: Sit, records: Records) -> None:
    first = sit(tmp_path / "r", task="jsonl", data=records(6), max_calls=4, concurrency=1)
    assert first.summary["unscored"] == {"budget": 2}
    assert sit(tmp_path / "r", task="jsonl", data=records(6), max_calls=4).summary["unscored"] == {"budget": 2}
    again = sit(tmp_path / "r", task="jsonl", data=records(6), max_calls=6)
    assert len(again.answerer.requests) == 2
    assert again.summary["unscored"] == {}


def test_the_users_settings_stand_over_the_strategys_and_null_takes_one_away(tmp_path: Path, sit: Sit) -> None:
    gen = {"max_tokens": None, "temperature": 1, "top_p": 0.5}
    sitting = sit(tmp_path / "r", limit=1, gen=gen, judge="official-gpt", judge_gen={"seed": 4})
    assert sitting.answerer.requests[0].ask.gen == {"temperature": 1, "top_p": 0.5}
    assert sitting.judge.requests[0].ask.gen == {"temperature": 0.1, "max_tokens": 512, "seed": 4}


def test_answers_of_another_run_are_reused_and_marked(tmp_path: Path, sit: Sit) -> None:
    sit(tmp_path / "a", limit=5)
    sitting = sit(tmp_path / "b", limit=8, reuse=(tmp_path / "a",))
    assert len(sitting.answerer.requests) == 3
    assert sitting.summary["calls"] == 3, "what another run paid for is not this run's"
    assert RunFolder(tmp_path / "b").read_manifest()["reuse"] == [str(tmp_path / "a")]
    with sqlite3.connect(f"file:{tmp_path / 'b' / 'ledger.sqlite'}?mode=ro", uri=True) as db:
        sources = Counter(row[0] for row in db.execute("SELECT source FROM answers"))
    db.close()
    assert sources == {str(tmp_path / "a"): 5, None: 3}


def test_the_watcher_is_told_every_sample(tmp_path: Path, sit: Sit) -> None:
    watch = sit(tmp_path / "r", limit=7).watch
    assert (watch.total, watch.done) == (7, 7)


def test_a_lone_surrogate_and_a_line_separator_in_an_answer_survive(tmp_path: Path, sit: Sit) -> None:
    text = "1. Ca\ud800ke \u2028 na\x85ïve \x00 😀"
    sitting = sit(tmp_path / "r", lambda _: text, limit=2, judge="official-gpt")
    assert [line["text"] for line in sitting.lines("responses.jsonl")] == [text, text]
    again = sit(tmp_path / "r", limit=2, judge="official-gpt")
    assert again.answerer.requests == again.judge.requests == []


def test_no_sample_at_all_is_refused(tmp_path: Path, sit: Sit, records: Records) -> None:
    data = records(1)
    (data / "r.jsonl").write_text("\n")
    with pytest.raises(UserError):
        sit(tmp_path / "r", task="jsonl", data=data)


def test_an_ask_in_a_strategys_list_that_fails_stands_as_a_failure(tmp_path: Path, sit: Sit, records: Records) -> None:
    class Pair(Faulty):
        def respond(self, sample: Sample) -> Asking[Response]:
            ask = next(self.inner.respond(sample))
            assert isinstance(ask, Ask)
            first, second = yield [ask, replace(ask, repeat=1)]
            return Response(sample.id, f"{first.text} / {second.reason}", asks=(first.ask_id,))

    def answer(request: Request) -> str:
        if request.ask.repeat:
            raise CallFailed("server error", "status 500", again=False)
        return "first"

    sitting = sit(
        tmp_path / "r",
        answer,
        task="jsonl",
        data=records(2),
        change=lambda job: replace(job, strategy=Pair(job.strategy, "")),
    )
    assert [line["text"] for line in sitting.lines("responses.jsonl")] == ["first / server error"] * 2
