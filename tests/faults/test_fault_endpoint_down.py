"""An endpoint that refuses every connection stops the run, resumable; one that only pauses does not."""

from __future__ import annotations

import functools
import socket
from contextlib import closing
from time import monotonic

import pytest
from chat_server import ChatServer, good

from whyfeel.engine import Limiter, Pace
from whyfeel.engine.limits import PATIENCE
from whyfeel.errors import EndpointDown


@pytest.fixture
def refusing():
    """A port that is taken and at which nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken


def elsewhere(taken):
    """A server that is not started, at that port."""
    return ChatServer(good, taken.getsockname()[1])


# Time passes 10 times as fast for all that reads the clock: the patience is the one that ships.
FAST = """
import sys, time
real = time.monotonic
begun = real()

def monotonic():
    return begun + 10 * (real() - begun)

time.monotonic = monotonic
for module in list(sys.modules.values()):
    if getattr(module, "monotonic", None) is real:
        module.monotonic = monotonic
"""


def test_a_dead_endpoint_stops_the_run_within_a_minute_and_the_run_goes_on_later(
    data, refusing, serve, cli, args, results, reference, tmp_path
):
    run = tmp_path / "run"
    command = args(data, elsewhere(refusing), run, "--concurrency", 4)
    began = monotonic()
    done = cli.run(*command, within=60 / 10, first=FAST)
    assert monotonic() - began >= PATIENCE / 10
    assert done.status == 1
    *where, why = done.said
    assert [line.partition(" to ")[0] for line in where] == ["whyfeel: pictures go"]
    assert "could not be reached" in why
    assert "run the same command again" in why
    assert done.out == ""
    port = refusing.getsockname()[1]
    refusing.close()
    server = serve(good, port)
    assert cli.run(*command).status == 0
    assert len(server.calls) == data.calls
    assert results(run) == results(reference)


def test_patience_is_counted_from_the_first_refusal(few, refusing, here, monkeypatch, tmp_path):
    monkeypatch.setattr("whyfeel.runs.sitting.Pace", functools.partial(Pace, patience=0.5))
    began = monotonic()
    with pytest.raises(EndpointDown, match="could not be reached"):
        here(few, elsewhere(refusing), tmp_path / "run")
    assert monotonic() - began >= 0.5
    assert not (tmp_path / "run" / "responses.jsonl").exists()


def test_an_endpoint_that_comes_back_in_time_costs_no_sample(few, refusing, serve, here, monkeypatch, tmp_path):
    """Far more refusals than the six tries of a failing call."""
    seen = []
    refused = Limiter.refused

    def counted(self, detail):
        seen.append(detail)
        if len(seen) == 60:
            port = refusing.getsockname()[1]
            refusing.close()
            serve(good, port)
        return refused(self, detail)

    monkeypatch.setattr(Limiter, "refused", counted)
    summary = here(few, elsewhere(refusing), tmp_path / "run", concurrency=4).summary
    assert summary["scored"] == few.count
    assert len(seen) >= 60


def test_a_judge_that_is_down_stops_the_run_and_keeps_the_answers(
    few, refusing, serve, here, durable, monkeypatch, tmp_path
):
    monkeypatch.setattr("whyfeel.runs.sitting.Pace", functools.partial(Pace, patience=0.5))
    server, run = serve(good), tmp_path / "run"
    with pytest.raises(EndpointDown):
        here(few, server, run, judge_server=elsewhere(refusing))
    assert durable(run) <= {call.digest for call in server.calls}
    port = refusing.getsockname()[1]
    refusing.close()
    judge = serve(good, port)
    assert here(few, server, run, judge_server=judge).summary["scored"] == few.count
    assert len(server.calls) == few.count
    assert len(judge.calls) == few.count
