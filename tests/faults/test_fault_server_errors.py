"""Errors by status: what may pass is tried again, what cannot is not, and a refused key ends the run."""

from __future__ import annotations

import json

import pytest
from chat_server import Say, chat, good, slow, words

TRIES = 6


def error(status, **headers):
    return Say(b'{"error":{"message":"no luck"}}', status, {name.replace("_", "-"): v for name, v in headers.items()})


def for_ever(person, action):
    """One person's question is never answered."""
    return lambda call: action if call.model == "mock" and call.person == person else good(call)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529, 408])
def test_a_server_error_that_passes_leaves_no_trace_but_the_tries(status, few, serve, here, ledger, tmp_path):
    seen = {}

    def script(call):
        seen[call.digest] = seen.get(call.digest, 0) + 1
        return error(status) if seen[call.digest] < 3 and call.person == 4 else good(call)

    run = tmp_path / "run"
    summary = here(few, serve(script), run).summary
    assert (summary["scored"], summary["unscored"]) == (few.count, {})
    assert sorted(seen.values()) == [1] * 14 + [3, 3]
    assert sorted(attempts for (attempts,) in ledger(run, "attempts")) == [1] * 14 + [3, 3]


def test_500_for_ever_leaves_one_sample_unscored_and_never_zero(data, serve, cli, args, lines, tmp_path):
    run = tmp_path / "run"
    server = serve(for_ever(7, error(500, Retry_After="0")))
    done = cli.run(*args(data, server, run, "--json"))
    assert done.status == 0, done.err
    summary = json.loads(done.out)
    assert (summary["scored"], summary["unscored"]) == (data.count - 1, {"server error": 1})
    assert len(server.about(7)) == TRIES
    assert server.about(7, "judge") == []
    recalls = {
        one["id"]: one["counts"]["correct"] / one["counts"]["total"]
        for one in lines(run / "judgements.jsonl")
        if "counts" in one
    }
    assert len(recalls) == data.count - 1
    assert "r007" not in recalls
    overall = summary["scores"]["corrected_recall"]["overall"]
    assert overall["n"] == data.count - 1
    assert overall["value"] == pytest.approx(sum(recalls.values()) / (data.count - 1))
    worst, best = sum(recalls.values()) / data.count, (sum(recalls.values()) + 1) / data.count
    assert overall["bounds"] == pytest.approx([worst, best])
    response = lines(run / "responses.jsonl")[7]
    assert response["id"] == "r007"
    assert response["unscored"]["reason"] == "server error"
    assert "status 500" in response["unscored"]["detail"]
    assert f"after {TRIES} tries" in response["unscored"]["detail"]
    assert "text" not in response


def test_a_judge_that_fails_for_ever_leaves_the_answer_and_no_score(few, serve, here, lines, tmp_path):
    def script(call):
        return error(500) if call.model == "judge" and call.person == 2 else good(call)

    run = tmp_path / "run"
    summary = here(few, serve(script), run).summary
    assert summary["unscored"] == {"server error": 1}
    assert lines(run / "responses.jsonl")[2]["text"].startswith("1. The cause of person 2")
    assert lines(run / "judgements.jsonl")[2]["unscored"]["reason"] == "server error"


def test_what_failed_is_asked_again_by_the_next_sitting_and_nothing_else(few, serve, here, results, tmp_path):
    run, undisturbed = tmp_path / "run", tmp_path / "undisturbed"
    broken = for_ever(3, error(500))
    server = serve(broken)
    assert here(few, server, run).summary["unscored"] == {"server error": 1}
    server.script = good
    before = len(server.calls)
    assert here(few, server, run).summary["scored"] == few.count
    assert [(call.model, call.person) for call in server.calls[before:]] == [("mock", 3), ("judge", 3)]
    here(few, server, undisturbed)
    assert results(run) == results(undisturbed)


@pytest.mark.parametrize("status", [400, 404, 413, 422, 301])
def test_a_request_that_is_rejected_is_sent_once(status, few, serve, here, tmp_path):
    server = serve(for_ever(5, error(status, Location="http://127.0.0.1:9/v1", Retry_After="1")))
    summary = here(few, server, tmp_path / "run").summary
    assert (summary["scored"], summary["unscored"]) == (few.count - 1, {"rejected": 1})
    assert len(server.about(5)) == 1


@pytest.mark.parametrize(("status", "code"), [(400, 1), (404, 1)])
def test_where_every_request_is_rejected_nothing_is_scored(status, code, few, serve, cli, args, tmp_path):
    server = serve(lambda call: error(status))
    done = cli.run(*args(few, server, tmp_path / "run"))
    assert done.status == code
    assert "nothing could be scored: rejected (8)" in done.one_line()
    assert len(server.calls) == few.calls - few.count, "the answers, and the verdicts on the canaries"


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("begun", [0, 9])
def test_a_refused_key_ends_the_run_at_once(status, begun, data, serve, cli, args, tmp_path):
    """From the first request, or where a key is withdrawn on the way."""

    def script(call):
        return error(status) if call.number > begun else slow(call)

    server = serve(script)
    done = cli.run(*args(data, server, tmp_path / "run", "--concurrency", 4), env={"WHYFEEL_API_KEY": "sk-bad"})
    assert done.status == 2
    line = done.one_line()
    assert "refused the key" in line
    assert f"status {status}" in line
    assert "sk-bad" not in line
    assert len(server.calls) <= begun + 4
    assert done.out == ""


def test_a_refused_key_keeps_what_was_answered(data, serve, cli, args, durable, results, reference, tmp_path):
    server, run = serve(lambda call: error(401) if call.number > 30 else slow(call)), tmp_path / "run"
    command = args(data, server, run, "--concurrency", 4)
    assert cli.run(*command).status == 2
    known = durable(run)
    assert len(known) >= 26
    server.script = good
    before = len(server.calls)
    assert cli.run(*command).status == 0
    assert not known & {call.digest for call in server.calls[before:]}
    assert results(run) == results(reference)


def test_a_pause_asked_for_with_503_is_kept_by_the_one_it_was_told(few, serve, here, tmp_path):
    told = []

    def script(call):
        if call.model == "mock" and call.person == 1 and not told:
            told.append(call.at)
            return error(503, Retry_After="1")
        return chat(words(call))

    server = serve(script)
    assert here(few, server, tmp_path / "run").summary["scored"] == few.count
    first, second = server.about(1)
    assert second.at - first.at >= 1
