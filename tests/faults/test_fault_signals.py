"""Ctrl-C and SIGTERM: one line, the right exit status, soon, and nothing lost."""

from __future__ import annotations

import signal
import time

import pytest
from chat_server import Hang, Say, after, good, slow

SOON = 5.0  # seconds, as the faults list demands
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("sent", STATUS)
def test_a_signal_stops_the_run_and_the_run_goes_on_later(
    sent, data, serve, cli, args, durable, results, reference, tmp_path
):
    server, run = serve(slow), tmp_path / "run"
    command = args(data, server, run, "--concurrency", 4)
    process = cli.start(*command)
    server.wait_for(20)
    process.send_signal(sent)
    done = cli.end(process, SOON)
    assert done.status == STATUS[sent]
    assert "run the same command again" in done.one_line()
    assert done.out == ""
    known = durable(run)
    assert known == set(server.counts()), "a call in flight was not given the moment it needed"
    assert len(known) < data.calls
    assert cli.run(*command).status == 0
    assert set(server.counts().values()) == {1}
    assert len(server.calls) == data.calls
    assert results(run) == results(reference)


@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_two_signals_stop_it_at_once(pause, data, serve, cli, args, durable, results, reference, tmp_path):
    server, run = serve(lambda call: Hang() if call.number > 12 else slow(call)), tmp_path / "run"
    command = args(data, server, run, "--concurrency", 4)
    process = cli.start(*command)
    server.wait_for(16)
    process.send_signal(signal.SIGINT)
    time.sleep(pause)
    process.send_signal(signal.SIGINT)
    done = cli.end(process, SOON)
    assert done.status == 130
    done.one_line()
    known, before = durable(run), len(server.calls)
    assert len(known) == 12
    server.script = good
    assert cli.run(*command).status == 0
    assert not known & {call.digest for call in server.calls[before:]}
    assert results(run) == results(reference)


@pytest.mark.parametrize("sent", STATUS)
def test_a_server_that_hangs_does_not_hold_up_a_signal(sent, few, serve, cli, args, tmp_path):
    server = serve(lambda call: Hang())
    process = cli.start(*args(few, server, tmp_path / "run"))
    server.wait_for(few.count)
    process.send_signal(sent)
    done = cli.end(process, SOON)
    assert done.status == STATUS[sent]
    done.one_line()


def test_a_call_that_waits_for_money_does_not_start_after_a_signal(few, serve, cli, args, tmp_path):
    """One call may cost 0.0052 dollars and does cost 0.002: the second one can start when the first has ended."""
    prices = tmp_path / "prices.toml"
    prices.write_text(
        "[any]\n" + "".join(f"{n} = {{in = 1.0, out = 10.0, as_of = 2026-01-01}}\n" for n in ("mock", "judge"))
    )
    server = serve(after(0.5))
    process = cli.start(*args(few, server, tmp_path / "run", "--prices", prices, "--max-cost", 0.008))
    server.wait_for(1)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    done = cli.end(process, SOON)
    assert done.status == 130
    done.one_line()
    assert len(server.calls) == 1


def test_a_signal_during_a_long_pause_is_heard(few, serve, cli, args, tmp_path):
    """All calls wait for the moment that a Retry-After named."""
    server = serve(lambda call: Say(b"{}", 429, {"Retry-After": "600"}))
    process = cli.start(*args(few, server, tmp_path / "run", "--concurrency", 2))
    server.wait_for(2)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    done = cli.end(process, SOON)
    assert done.status == 130
    done.one_line()
    assert len(server.calls) == 2
