from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_runs import ANSWERER, JUDGE_MODEL, Sitting, Watcher

from told import Told
from whyfeel.errors import SpecMismatch
from whyfeel.runs import RunFolder, run, run_options
from whyfeel.runs.spec import JudgeSpec, differences, file_hashes

Sit = Callable[..., Sitting]
Records = Callable[..., Path]


def test_differences_say_what_is_there_and_what_is_here() -> None:
    old = {"task": "a", "judge": {"name": "x", "gen": {"t": 0}}, "gone": 1, "same": [1]}
    new = {"task": "b", "judge": {"name": "x", "gen": {"t": 1, "n": 2}}, "same": [1], "come": {"z": 1}}
    assert differences(old, new) == [
        "task is 'a' there and 'b' here",
        "judge.gen.t is 0 there and 1 here",
        "judge.gen.n is None there and 2 here",
        "gone is 1 there and None here",
        "come is None there and {'z': 1} here",
    ]


json_values = st.recursive(
    st.integers() | st.text(), lambda inner: st.dictionaries(st.text(min_size=1), inner), max_leaves=6
)
objects = st.dictionaries(st.text(min_size=1), json_values)


@given(objects, objects)
def test_differences_are_none_between_equals_only(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert differences(one, json.loads(json.dumps(one))) == []
    assert (differences(one, other) == []) == (one == other)


def test_a_judge_is_known_by_everything_that_decides_its_verdicts() -> None:
    base = JudgeSpec("official-gpt", "j", {}, {"official": "abc"})
    others = [
        JudgeSpec("official-llama3", "j", {}, {"official": "abc"}),
        JudgeSpec("official-gpt", "k", {}, {"official": "abc"}),
        JudgeSpec("official-gpt", "j", {"seed": 1}, {"official": "abc"}),
        JudgeSpec("official-gpt", "j", {}, {"official": "abd"}),
    ]
    assert len({one.id for one in [base, *others]}) == 5
    assert base.id == JudgeSpec("official-gpt", "j", {}, {"official": "abc"}).id
    assert base.id.startswith("official-gpt-")
    assert len(base.id) == len("official-gpt-") + 8


def test_files_are_hashed_by_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    # the SHA-256 of "abc", from FIPS 180-2
    assert file_hashes([tmp_path / "a"]) == {"a": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}


def test_the_same_command_again_asks_nothing_and_writes_the_same(tmp_path: Path, sit: Sit) -> None:
    first = sit(tmp_path / "r", judge="official-gpt")
    before = {p.name: p.read_bytes() for p in (tmp_path / "r").glob("*.jsonl")}
    again = sit(tmp_path / "r", judge="official-gpt")
    assert (len(first.answerer.requests), len(first.judge.requests)) == (24, 24)
    assert again.answerer.requests == again.judge.requests == []
    assert before == {p.name: p.read_bytes() for p in (tmp_path / "r").glob("*.jsonl")}
    assert {**first.summary, "seconds": 0} == {**again.summary, "seconds": 0}


def test_a_limit_may_grow_and_shrink_and_the_files_follow(tmp_path: Path, sit: Sit, records: Records) -> None:
    data = records(30)
    asked = []
    for limit in (10, 25, 10):
        sitting = sit(tmp_path / "r", task="jsonl", data=data, limit=limit)
        asked.append(len(sitting.answerer.requests))
        expected = [f"r{i:02}" for i in range(limit)]
        for name in ("responses.jsonl", "judgements.jsonl"):
            assert [line["id"] for line in sitting.lines(name)] == expected
        assert sitting.summary["n"] == limit
        manifest = RunFolder(tmp_path / "r").read_manifest()
        assert manifest["selection"] == {"limit": limit, "sample": None}
        assert manifest["judges"].keys() == {path.name for path in (tmp_path / "r" / "judges").iterdir()}
    assert asked == [10, 15, 0]


def test_a_sample_may_follow_a_limit(tmp_path: Path, sit: Sit, records: Records) -> None:
    data = records(30)
    sit(tmp_path / "r", task="jsonl", data=data, limit=10)
    sitting = sit(tmp_path / "r", task="jsonl", data=data, sample=12)
    ids = [line["id"] for line in sitting.lines("responses.jsonl")]
    assert ids == sorted(ids)
    assert len(ids) == 12
    assert len(sitting.answerer.requests) == len([i for i in ids if i > "r09"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": "http://127.0.0.1:9/v1#other"}, "model is 'm' there and 'other' here"),
        ({"strategy": "cot"}, "strategy is 'direct' there and 'direct+cot' here"),
        ({"gen": {"temperature": 1}}, "gen.temperature is None there and 1 here"),
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"judge": "official-gpt", "judge_model": JUDGE_MODEL}, "judge.name is 'overlap' there and 'official-gpt'"),
        ({"prompts": "prompts.toml"}, "prompts.direct is"),
        ({"data": "changed"}, "data.r.jsonl is"),
        ({"task": "scenes", "data": None}, "task is 'jsonl' there and 'scenes' here"),
        ({"model": "baseline:echo"}, "model is 'm' there and 'baseline:echo' here"),
    ],
)
def test_another_run_is_refused_by_what_differs_and_nothing_is_asked(
    tmp_path: Path, sit: Sit, records: Records, change: dict[str, Any], named: str
) -> None:
    given = {"task": "jsonl", "model": ANSWERER, "data": records(3), "out": tmp_path / "r"}
    sit(given["out"], **{k: v for k, v in given.items() if k != "out"})
    before = {p.name: p.read_bytes() for p in given["out"].iterdir() if p.is_file()}
    (tmp_path / "prompts.toml").write_text('[direct]\nuser = "$question"\n')
    records(4, "changed")
    if isinstance(change.get("data"), str) or "prompts" in change:
        change = {name: str(tmp_path / value) for name, value in change.items()}
    with pytest.raises(SpecMismatch) as refused:
        run(run_options(given | change), Watcher())
    assert named in str(refused.value)
    assert repr(str(given["out"])) in str(refused.value)
    after = {p.name: p.read_bytes() for p in given["out"].iterdir() if p.is_file()}
    assert {n: b for n, b in before.items() if n != ".lock"} == {n: b for n, b in after.items() if n != ".lock"}


def test_only_another_judge_is_advised_to_use_the_command_for_it(tmp_path: Path, sit: Sit) -> None:
    sit(tmp_path / "r", limit=2)
    other = run_options(
        {"task": "scenes", "model": ANSWERER, "out": tmp_path / "r", "limit": 2, "judge": "official-gpt"}
    )
    with pytest.raises(SpecMismatch, match="add the judge with `whyfeel judge`"):
        run(other.model_copy(update={"judge_model": JUDGE_MODEL}), Watcher())


@pytest.mark.parametrize("change", [{"concurrency": 1}, {"max_calls": 100}, {"rpm": 1e6}, {"tpm": 1e9}, {"limit": 3}])
def test_limits_and_budgets_may_change(tmp_path: Path, sit: Sit, records: Records, change: dict[str, Any]) -> None:
    sit(tmp_path / "r", task="jsonl", data=records(3))
    assert sit(tmp_path / "r", task="jsonl", data=records(3), **change).answerer.requests == []


def test_run_json_holds_no_key_and_no_time_but_its_creation(
    tmp_path: Path, sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHYFEEL_API_KEY", "sk-not-for-any-file")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-any-file")
    for name in ("a", "b"):
        sit(tmp_path / name, limit=3)
    one, other = (json.loads((tmp_path / name / "run.json").read_text()) for name in ("a", "b"))
    assert one.pop("created")
    assert other.pop("created")
    assert one == other
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"sk-not-for-any-file" not in path.read_bytes()


def test_what_was_created_first_stays_created_then(tmp_path: Path, sit: Sit) -> None:
    sit(tmp_path / "r", limit=2)
    manifest = json.loads((tmp_path / "r" / "run.json").read_text())
    (tmp_path / "r" / "run.json").write_text(json.dumps(manifest | {"created": "2020-01-01T00:00:00+00:00"}))
    sit(tmp_path / "r", limit=3)
    assert RunFolder(tmp_path / "r").read_manifest()["created"] == "2020-01-01T00:00:00+00:00"


def test_a_server_that_moved_keeps_the_ledger_and_is_told_and_recorded(tmp_path: Path, sit: Sit) -> None:
    sit(tmp_path / "r", limit=2)
    moved = "http://127.0.0.1:10/v1"
    again = run_options({"task": "scenes", "model": f"{moved}#m", "out": tmp_path / "r", "limit": 2})
    watch = Watcher()
    result = run(again, watch)
    assert result.summary["scored"] == 2, "both answers were known, so the address was not called"
    assert watch.notes == [
        f"m moved from http://127.0.0.1:9/v1 to {moved}; known answers are kept, and the move is recorded in run.json",
        "pictures go to 127.0.0.1:10 (this machine)",
    ]
    addresses = RunFolder(tmp_path / "r").read_manifest()["addresses"]
    assert [entry["address"] for entry in addresses] == ["http://127.0.0.1:9/v1", moved]


def test_a_damaged_manifest_stops_a_run_before_anything_is_written(
    tmp_path: Path, whyfeel: Callable[..., Told]
) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "run.json").write_text('{"spec": {"task"')
    told = whyfeel("run", "scenes", "--model", "baseline:echo", "--out", tmp_path / "r")
    assert (told.status, told.out) == (2, "")
    assert "damaged" in told.err
    assert (tmp_path / "r" / "run.json").read_text() == '{"spec": {"task"'
