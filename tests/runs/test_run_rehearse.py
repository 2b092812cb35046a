"""`--dry-run`: counted and priced by hand, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_runs import ANSWERER, JUDGE_MODEL, Sitting, png, words

from told import Told
from truthful_judge import truthful
from whyfeel.judging import CANARIES
from whyfeel.strategies import BASELINES

Sit = Callable[..., Sitting]
Whyfeel = Callable[..., Told]
Records = Callable[..., Path]

PROMPTS = '[direct]\nuser = "$question"\n[official]\nsystem = "SSSSSSSS"\nuser = "$answer|$truth"\n'
PRICES = '[any."m"]\nin = 10\nout = 20\nas_of = 2026-01-02\n[any."j"]\nin = 3\nout = 5\nas_of = 2026-03-04\n'


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "prompts.toml").write_text(PROMPTS)
    (tmp_path / "prices.toml").write_text(PRICES)
    return {"prompts": str(tmp_path / "prompts.toml"), "prices": tmp_path / "prices.toml"}


@pytest.fixture
def rehearse(whyfeel: Whyfeel, tmp_path: Path, files: dict[str, Path]) -> Callable[..., Told]:
    def told(data: Path, *given: object, out: str = "r") -> Told:
        fixed = ["--prompts", files["prompts"], "--prices", files["prices"], "--out", tmp_path / out, "--dry-run"]
        return whyfeel("run", "jsonl", "--data", data, "--model", ANSWERER, *fixed, *given)

    return told


OFFICIAL = ("--judge", "official-gpt", "--judge-model", JUDGE_MODEL)


def three(records: Records) -> Path:
    """Questions of 8, 12 and 20 characters with annotations of 15, 31 and 15 characters."""
    one, two, three = ({"triggers": of} for of in (["1234567 012"], ["123456789012", "123456789012"], ["1234567 013"]))
    rows = [{"question": "q" * n} | triggers for n, triggers in ((8, one), (12, two), (20, three))]
    return records([dict(row, triggers=[t + "x" * (12 - len(t)) for t in row["triggers"]]) for row in rows])


def test_calls_tokens_and_cost_by_hand(rehearse: Callable[..., Told], records: Records, tmp_path: Path) -> None:
    told = rehearse(three(records), *OFFICIAL, "--controls", "none", "--json")
    assert (told.status, told.err) == (0, "")
    # four characters a token: questions of 8, 12 and 20; the judge is shown 8 + 1 characters, a stand-in of 17 for the
    # answer, which may have 512 tokens, and the annotation: "1. " + 12 = 15 characters a trigger, a line end between
    answers_in = 2 + 3 + 5
    judge_in = (26 + 15) // 4 + (26 + 31) // 4 + (26 + 15) // 4 + 3 * 512
    # the canaries stand where the answer stands, of a length that is known
    judge_in += sum((9 + len(one) + truth) // 4 for one in CANARIES for truth in (15, 31, 15))
    judged = 3 + 3 * len(CANARIES)
    assert told.json == {
        "task": "jsonl",
        "samples": 3,
        "bad_pictures": 0,
        "known": 0,
        "calls": {"answer": 3, "judge": judged},
        "parts": {"samples": 3 + 3, "canaries": 3 * len(CANARIES)},
        "tokens": {"in": answers_in + judge_in, "out_at_most": (3 + judged) * 512},
        "cost_at_most": pytest.approx((answers_in * 10 + 1536 * 20 + judge_in * 3 + judged * 512 * 5) / 1e6),
        "prices_as_of": {"answer": "2026-01-02", "judge": "2026-03-04"},
        "addresses": {"answer": "http://127.0.0.1:9/v1", "judge": "http://127.0.0.1:9/v1"},
        "note": "A judge whose verdict cannot be read is asked again.",
    }
    assert not (tmp_path / "r").exists()


def test_the_users_own_bound_is_the_bound(rehearse: Callable[..., Told], records: Records) -> None:
    told = rehearse(three(records), "--gen", "max_tokens=100", "--json")
    assert told.json["tokens"] == {"in": 10, "out_at_most": 300}
    assert told.json["cost_at_most"] == pytest.approx((10 * 10 + 300 * 20) / 1e6)


def test_pictures_count_by_their_pixels_and_bad_ones_not_at_all(
    rehearse: Callable[..., Told], records: Records
) -> None:
    data = records([{"question": "q" * 8, "image": f"{i}.png"} for i in range(3)])
    (data / "0.png").write_bytes(png(300, 251))  # 75,300 pixels: 100.4 tokens, rounded up
    (data / "1.png").write_bytes(png(3000, 2000))  # never more than 1,600
    told = rehearse(data, "--json")
    assert told.json["tokens"]["in"] == (2 + 101) + (2 + 1600)
    assert (told.json["bad_pictures"], told.json["samples"], told.json["calls"]) == (1, 3, {"answer": 2})


def test_equal_asks_are_one_call_as_they_are_in_a_run(
    rehearse: Callable[..., Told], records: Records, tmp_path: Path, sit: Sit, files: dict[str, Path]
) -> None:
    data = records([{"question": "Why?"}] * 4)
    assert rehearse(data, "--json").json["calls"]["answer"] == 1
    assert len(sit(tmp_path / "r", task="jsonl", data=data, **files).answerer.requests) == 1


def test_every_ask_of_a_chain_is_counted(
    rehearse: Callable[..., Told], records: Records, tmp_path: Path, files: dict[str, Path]
) -> None:
    """Captions of two pictures, three questions about them that a model without pictures answers, a panel of two."""
    files_ = [("0.png", "Why?"), ("0.png", "Who?"), ("1.png", "Why?")]
    data = records([{"question": question, "image": image} for image, question in files_])
    for n in range(2):
        (data / f"{n}.png").write_bytes(png(30 + n, 20))
    (data.parent / "p.toml").write_text("")
    given = ["--strategy", "caption(text-only)", "--judge", "verdicts", "--judge-model", f"{JUDGE_MODEL},{ANSWERER}2"]
    told = rehearse(data, *given, "--prompts", data.parent / "p.toml", "--controls", "none", "--json")
    # each answer is judged against its own triggers and those of a foil: there is one other picture of any emotion
    judged = 2 * 3 + 3 * len(CANARIES)
    assert told.json["calls"] == {"caption": 2, "answer": 3, "judge": judged, "judge-2": judged}
    # of the two members
    assert told.json["parts"] == {"samples": 2 + 3 + 2 * 3, "foils": 2 * 3, "canaries": 2 * 3 * len(CANARIES)}


def test_known_answers_cost_nothing(
    rehearse: Callable[..., Told], records: Records, tmp_path: Path, sit: Sit, files: dict[str, Path]
) -> None:
    data = three(records)
    given = ("--controls", "none", *OFFICIAL)
    asked = {"judge": "official-gpt", "controls": "none", "controlled": True, **files}
    sit(tmp_path / "r", task="jsonl", data=data, limit=2, **asked)
    before = {path.name: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()}
    told = rehearse(data, *given, "--json")
    known, more = 2 + 2 + 2 * len(CANARIES), 1 + len(CANARIES)
    assert (told.json["known"], told.json["calls"]) == (known, {"answer": 1, "judge": more})
    assert told.json["tokens"]["out_at_most"] == (1 + more) * 512
    all_known = rehearse(data, *given, "--limit", 2, "--json").json
    assert (all_known["calls"], all_known["cost_at_most"]) == ({"answer": 0, "judge": 0}, 0)
    after = {path.name: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()}
    sqlites = {"ledger.sqlite-shm", "ledger.sqlite-wal"}  # SQLite makes them to read, and they hold nothing
    assert {n: b for n, b in after.items() if n not in sqlites} == {n: b for n, b in before.items() if n not in sqlites}


def test_answers_of_a_reused_run_are_known_too(
    rehearse: Callable[..., Told], records: Records, tmp_path: Path, sit: Sit, files: dict[str, Path]
) -> None:
    data = three(records)
    sit(tmp_path / "a", task="jsonl", data=data, limit=2, **files)
    assert rehearse(data, "--reuse", tmp_path / "a", "--json").json["known"] == 2
    assert rehearse(data, "--reuse", tmp_path / "nowhere").status == 2


def test_an_unknown_price_makes_the_cost_unknown(whyfeel: Whyfeel, records: Records, tmp_path: Path) -> None:
    given = ("--data", three(records), "--model", ANSWERER, "--out", tmp_path / "r", "--dry-run")
    told = whyfeel("run", "jsonl", *given, "--json")
    assert (told.status, told.json["cost_at_most"], told.json["prices_as_of"]) == (0, None, {"answer": None})
    assert "unknown" in whyfeel("run", "jsonl", *given).out


def test_a_dry_run_needs_no_key(whyfeel: Whyfeel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    given = ("run", "scenes", "--model", "openai:gpt-4o-mini", "--out", tmp_path / "r")
    assert whyfeel(*given, "--dry-run", "--json").json["cost_at_most"] > 0
    assert "OPENAI_API_KEY" in whyfeel(*given).err


def test_a_baseline_asks_and_costs_nothing(whyfeel: Whyfeel, tmp_path: Path) -> None:
    told = whyfeel("run", "scenes", "--model", "baseline:echo", "--out", tmp_path / "r", "--dry-run", "--json")
    assert (told.json["calls"], told.json["cost_at_most"], told.json["samples"]) == ({}, 0, 24)
    assert not (tmp_path / "r").exists()


def test_the_table_shows_the_same(rehearse: Callable[..., Told], records: Records) -> None:
    told = rehearse(three(records), *OFFICIAL)
    for shown in ("dry run, nothing was sent", "calls, judge, to http://127.0.0.1:9/v1", "Prices as of 2026-01-02"):
        assert shown in " ".join(told.out.split())
    assert max(map(len, told.out.splitlines())) <= 80


def test_the_rehearsal_is_what_the_run_then_does(
    rehearse: Callable[..., Told], records: Records, tmp_path: Path, sit: Sit, files: dict[str, Path]
) -> None:
    data = three(records)
    calls = rehearse(data, *OFFICIAL, "--controls", "none", "--json").json["calls"]
    given = {"judge": "official-gpt", "controlled": True, "controls": "none", **files}
    sitting = sit(tmp_path / "r", words, task="jsonl", data=data, **given)
    assert calls == {"answer": len(sitting.answerer.requests), "judge": len(sitting.judge.requests)}


@pytest.mark.parametrize("judge", ["official-gpt", "verdicts"])
def test_equal_asks_of_a_judge_are_one_call_as_they_are_in_a_run(
    whyfeel: Whyfeel, records: Records, tmp_path: Path, sit: Sit, judge: str
) -> None:
    """Two records of each emotion: what is shuffled is the nearest question's too."""
    data = records(4)
    given = ("--judge", judge, "--judge-model", JUDGE_MODEL, "--out", tmp_path / "d", "--dry-run", "--json")
    told = whyfeel("run", "jsonl", "--data", data, "--model", ANSWERER, *given).json
    calls = told["calls"]
    verdict = (lambda request: truthful(words(request))) if judge == "verdicts" else (lambda _: "{score: 1/2}")
    sitting = sit(tmp_path / "r", words, verdict, task="jsonl", data=data, judge=judge, controlled=True)
    assert calls == {"answer": 4, "judge": len(sitting.judge.requests)}
    assert sum(told["parts"].values()) == sum(calls.values())
    assert told["parts"]["samples"] == 4 + 4
    assert told["parts"]["canaries"] == 4 * len(CANARIES)
    times = 2 if judge == "verdicts" else 1  # against a foil too
    assert calls["judge"] < 4 * (times * (1 + len(BASELINES)) + len(CANARIES))
