"""Answers that are known are not asked for: reused, replayed, and kept when a server moves."""

from __future__ import annotations

import json
import shutil
import signal

import pytest
from chat_server import good, slow

from whyfeel.errors import DataError


def test_a_reused_run_answers_another_and_says_so(few, serve, here, ledger, lines, tmp_path):
    first, second, server = tmp_path / "first", tmp_path / "second", serve(good)
    here(few, server, first)
    before = len(server.calls)
    summary = here(few, server, second, judge_gen={"top_p": 0.5}, reuse=(first,)).summary
    assert summary["scored"] == few.count
    assert {call.model for call in server.calls[before:]} == {"judge"}
    assert len(server.calls) == before + few.count
    assert summary["calls"] == few.count
    assert summary["tokens"] == {"in": 1000 * few.count, "out": 100 * few.count}
    assert (first / "responses.jsonl").read_bytes() == (second / "responses.jsonl").read_bytes()
    sources = {(role, source) for role, source in ledger(second, "role, source")}
    assert sources == {("answer", str(first)), ("judge", None)}
    shutil.rmtree(first)
    here(few, server, second, judge_gen={"top_p": 0.5})  # what was reused is its own now
    assert len(server.calls) == before + few.count


def test_reuse_of_everything_makes_no_call(few, serve, cli, args, here, results, tmp_path):
    first, second, server = tmp_path / "first", tmp_path / "second", serve(good)
    here(few, server, first, controlled=True, controls="none")
    before = len(server.calls)
    done = cli.run(*args(few, server, second, "--reuse", first, "--json"))
    assert done.status == 0, done.err
    assert len(server.calls) == before
    summary = json.loads(done.out)
    assert (summary["calls"], summary["tokens"], summary["cost"]) == (0, {"in": 0, "out": 0}, 0.0)
    assert results(first) == results(second)


def test_reuse_of_half_a_run_asks_for_the_rest(few, serve, here, results, tmp_path):
    first, second, server = tmp_path / "first", tmp_path / "second", serve(good)
    here(few, server, first, limit=3)
    assert here(few, server, second, reuse=(first,)).summary["calls"] == 2 * (few.count - 3)
    assert set(server.counts().values()) == {1}


def test_what_is_reused_counts_against_no_budget(few, serve, here, tmp_path):
    first, second, server = tmp_path / "first", tmp_path / "second", serve(good)
    here(few, server, first)
    assert here(few, server, second, reuse=(first,), max_calls=0).summary["scored"] == few.count


@pytest.mark.parametrize("of", ["folder", "file alone"])
def test_a_replayed_run_asks_nobody_and_writes_the_same(of, few, serve, cli, args, here, results, tmp_path):
    first, second, server = tmp_path / "first", tmp_path / "second", serve(good)
    here(few, server, first, controlled=True, controls="none")
    server.close()
    before = len(server.calls)
    source = first
    if of == "file alone":  # as it might be published
        source = tmp_path / "published.sqlite"
        shutil.copy(first / "ledger.sqlite", source)
    command = args(few, server, second, "--json")
    done = cli.run(*(f"replay:{source}" if str(part).startswith("http") else part for part in command))
    assert done.status == 0, done.err
    assert len(server.calls) == before
    assert results(first) == results(second)
    summary = json.loads(done.out)
    assert (summary["model"], summary["judge_model"]) == ("mock", "judge")
    assert (summary["scored"], summary["calls"], summary["cost"]) == (few.count, 0, 0.0)


def test_a_replay_of_half_a_run_leaves_the_rest_unscored(few, serve, here, tmp_path):
    first, second, server = tmp_path / "first", tmp_path / "second", serve(good)
    here(few, server, first, limit=3)
    replay = f"replay:{first}"
    summary = here(few, server, second, model=replay, judge_model=replay).summary
    assert (summary["scored"], summary["unscored"]) == (3, {"not in the replayed ledger": few.count - 3})


def test_what_is_no_run_cannot_be_reused_or_replayed(few, serve, here, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("not a ledger, only long enough to be taken for one" * 100)
    for place in ("missing", "empty", "text"):
        for how in ({"reuse": (tmp_path / place,)}, {"model": f"replay:{tmp_path / place}"}):
            with pytest.raises(DataError):
                here(few, serve(good), tmp_path / f"run {place}", **how)


def test_a_server_that_moves_keeps_its_answers_and_is_remarked_on_once(
    data, serve, cli, args, durable, results, reference, tmp_path
):
    old, run = serve(slow), tmp_path / "run"
    process = cli.start(*args(data, old, run, "--concurrency", 4))
    old.wait_for(25)
    process.send_signal(signal.SIGINT)
    assert cli.end(process).status == 130
    old.close()
    known = durable(run)
    new = serve(good)
    done = cli.run(*args(data, new, run))
    assert done.status == 0, done.err
    assert len(done.said) == 3  # the last line tells where pictures go
    for name, line in zip(["mock", "judge"], done.said[:2], strict=True):
        assert f"{name} moved from {old.url} to {new.url}" in line
    assert not known & {call.digest for call in new.calls}
    assert len(new.calls) == data.calls - len(known)
    assert results(run) == results(reference)
    addresses = {(one["model"], one["address"]) for one in json.loads((run / "run.json").read_text())["addresses"]}
    assert addresses == {(name, server.url) for name in ("mock", "judge") for server in (old, new)}
    assert cli.run(*args(data, new, run)).news == ""
