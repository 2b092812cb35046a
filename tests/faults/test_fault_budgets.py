"""What bounds a run: calls in flight, calls in all, money, and never asking the same thing twice."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress

import pytest
from chat_server import Flights, Say, after, chat, good, words

from whyfeel.errors import UserError

PRICES = "[any.mock]\nin = 1.0\nout = 10.0\nas_of = 2026-01-01\n[any.judge]\nin = 1.0\nout = 10.0\nas_of = 2026-01-01\n"
A_CALL = (1000 * 1.0 + 100 * 10.0) / 1e6  # US dollars, by the tokens that the server counts


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    return path


@pytest.mark.parametrize("concurrency", [1, 5])
def test_calls_in_flight_are_bounded_over_both_models_together(concurrency, data, serve, cli, args, tmp_path):
    server = serve(after(0.02))
    more = ("--concurrency", concurrency) if concurrency > 1 else ("--concurrency", 1, "--limit", 10)
    done = cli.run(*args(data, server, tmp_path / "run", *more))
    assert done.status == 0, done.err
    assert {call.model for call in server.calls} == {"mock", "judge"}
    assert server.flights.most == concurrency


def test_calls_in_flight_are_bounded_over_two_endpoints_together(data, serve, here, tmp_path):
    flights = Flights()
    server, judge = serve(after(0.01), flights=flights), serve(after(0.01), flights=flights)
    assert here(data, server, tmp_path / "run", judge_server=judge, concurrency=6).summary["scored"] == data.count
    assert flights.most == 6


def test_identical_asks_in_flight_are_sent_once(twins, serve, here, lines, tmp_path):
    """Six pairs of records ask the same about the same picture; their triggers differ, so each is judged."""
    server, run = serve(after(0.1)), tmp_path / "run"
    summary = here(twins, server, run, concurrency=32).summary
    assert summary["scored"] == twins.count
    assert len(server.asked("mock")) == twins.count // 2
    assert len(server.asked("judge")) == twins.count
    responses = lines(run / "responses.jsonl")
    assert [one["text"] for one in responses[:6]] == [one["text"] for one in responses[6:]]
    assert summary["calls"] == len(server.calls)


def test_a_failure_is_shared_by_identical_asks_too(twins, serve, here, tmp_path):
    server = serve(lambda call: Say(b"{}", 400, delay=0.1) if call.person == 2 else after(0.1)(call))
    assert here(twins, server, tmp_path / "run").summary["unscored"] == {"rejected": 2}
    assert len(server.about(2)) == 1


def test_max_calls_is_kept_to_the_call_and_can_be_raised(data, serve, cli, args, results, reference, tmp_path):
    server, run = serve(good), tmp_path / "run"
    command = args(data, server, run, "--concurrency", 4, "--json")
    done = cli.run(*command, "--max-calls", 41)
    assert done.status == 0, done.err
    summary = json.loads(done.out)
    assert len(server.calls) == summary["calls"] == 41
    assert list(summary["unscored"]) == ["budget"]
    assert summary["scored"] + summary["unscored"]["budget"] == data.count
    assert cli.run(*command, "--max-calls", 41).status == 0
    assert len(server.calls) == 41, "an earlier sitting's calls count"
    assert cli.run(*command, "--max-calls", data.calls).status == 0
    assert len(server.calls) == data.calls
    assert results(run) == results(reference)


def test_tries_count_as_calls(few, serve, here, tmp_path):
    server = serve(lambda call: Say(b"{}", 500))
    here(few, server, tmp_path / "run", max_calls=7)
    assert len(server.calls) == 7


def test_tries_of_an_earlier_sitting_count_as_calls(few, serve, here, tmp_path):
    """Two answers took three calls each. All six are used up when the run goes on with more samples."""
    seen = Counter()

    def script(call):
        seen[call.digest] += 1
        return good(call) if seen[call.digest] > 2 else Say(b"{}", 500)

    server, run = serve(script), tmp_path / "run"
    offline = {"judge": "overlap", "judge_model": None, "max_calls": 6}
    assert here(few, server, run, limit=2, **offline).summary["scored"] == 2
    assert len(server.calls) == 6
    assert here(few, server, run, **offline).summary["unscored"] == {"budget": few.count - 2}
    assert len(server.calls) == 6


def test_max_cost_stops_in_time_and_can_be_raised(data, serve, cli, args, prices, tmp_path):
    server, run = serve(after(0.01)), tmp_path / "run"
    command = args(data, server, run, "--prices", prices, "--concurrency", 4, "--json")
    done = cli.run(*command, "--max-cost", 0.08)
    assert done.status == 0, done.err
    summary = json.loads(done.out)
    spent = len(server.calls) * A_CALL
    assert summary["cost"] == pytest.approx(spent)
    assert 0.05 < spent <= 0.08
    assert list(summary["unscored"]) == ["budget"]
    assert 0 < summary["scored"] < data.count
    before = len(server.calls)
    assert cli.run(*command, "--max-cost", 0.08).status == 0
    assert len(server.calls) * A_CALL <= 0.08
    done = cli.run(*command, "--max-cost", 1)
    assert json.loads(done.out)["scored"] == data.count
    assert len(server.calls) == data.calls > before


def test_max_cost_holds_where_the_server_counts_no_tokens(data, serve, here, prices, tmp_path):
    """Then a call is taken to have cost what it could have cost at most; a later sitting counts alike, or refuses."""
    server, run = serve(lambda call: chat(words(call), usage=None)), tmp_path / "run"
    at_most = 512 * 10.0 / 1e6  # of one answer or judgement, for the tokens out alone
    here(data, server, run, prices=prices, max_cost=0.08)
    assert 1 <= len(server.calls) <= 0.08 / at_most
    first = len(server.calls)
    with suppress(UserError):
        here(data, server, run, prices=prices, max_cost=0.08)
    assert len(server.calls) == first


def test_max_cost_without_a_price_is_refused_before_any_call(few, serve, cli, args, tmp_path):
    server = serve(good)
    done = cli.run(*args(few, server, tmp_path / "run", "--max-cost", 1))
    assert done.status == 2
    assert "--prices" in done.one_line()
    assert server.calls == []
    assert not (tmp_path / "run").exists()
