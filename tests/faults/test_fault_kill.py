"""kill -9: nothing that is durable is asked again, and the files come out as if nothing had happened."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from chat_server import slow

CONCURRENCY = 4


def at_a_request(random_: random.Random, process, server, run: Path, left: int) -> None:
    """Somewhere between two requests."""
    server.wait_for(len(server.calls) + random_.randint(1, 18))
    time.sleep(random_.uniform(0, 0.02))


def at_the_start(random_: random.Random, process, server, run: Path, left: int) -> None:
    """While the ledger is made or the first requests leave."""
    until = time.monotonic() + 20
    while not (run / "run.json").exists() and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(random_.uniform(0, 0.03))


def at_the_end(random_: random.Random, process, server, run: Path, left: int) -> None:
    """While the last answers are committed or the files are written."""
    server.wait_for(len(server.calls) + left)
    time.sleep(random_.uniform(0, 0.1))


MOMENTS = [
    [at_a_request] * 4,
    [at_a_request] * 4,
    [at_a_request] * 4,
    [at_a_request, at_the_start, at_a_request, at_the_end],
    [at_the_start, at_the_start, at_the_end, at_the_end],
]


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_run_repeats_nothing_durable_and_ends_the_same(
    seed, data, serve, cli, args, durable, ledger, results, reference, tmp_path
):
    """Four kills one after the other, each resumed, the last one to the end."""
    random_ = random.Random(f"kill {seed}")
    server, run = serve(slow), tmp_path / "run"
    command = args(data, server, run, "--concurrency", CONCURRENCY)
    for moment in MOMENTS[seed]:
        known, before = durable(run), server.counts()
        process = cli.start(*command)
        moment(random_, process, server, run, data.calls - len(known))
        process.kill()
        process.wait()
        time.sleep(0.05)  # what the process had sent has arrived
        sent, kept = server.counts() - before, durable(run)
        assert not known & sent.keys(), "a durable answer was asked for again"
        assert known <= kept, "a durable answer is gone"
        assert len(sent.keys() - kept) <= CONCURRENCY, "the kill lost more than the calls in flight"
        assert set(sent.values()) <= {1}
    known, before = durable(run), server.counts()
    done = cli.run(*command)
    sent = server.counts() - before
    assert done.status == 0, done.err
    assert not known & sent.keys()
    assert sum(sent.values()) == data.calls - len(known)
    assert len(server.calls) <= data.calls + CONCURRENCY * len(MOMENTS[seed])
    assert results(run) == results(reference)
    assert len(ledger(run)) == data.calls


def test_the_lock_dies_with_its_process(few, serve, cli, args, tmp_path):
    server, run = serve(slow), tmp_path / "run"
    command = args(few, server, run, "--concurrency", 1)
    process = cli.start(*command)
    server.wait_for(2)
    process.kill()
    process.wait()
    assert (run / ".lock").read_text().startswith(f"process {process.pid} ")
    assert cli.run(*command).status == 0


def test_a_kill_while_run_json_is_first_written_leaves_a_folder_that_can_be_used(few, serve, here, tmp_path):
    """run.json is written beside itself and renamed; a kill in between leaves the unfinished part."""
    run = tmp_path / "run"
    run.mkdir()
    (run / ".lock").write_text("process 1 on elsewhere\n")
    (run / "run.json.part").write_text("{")
    assert here(few, serve(), run).summary["scored"] == few.count


def test_a_finished_ledger_is_one_file(few, serve, here, tmp_path):
    """Whoever copies or publishes ledger.sqlite alone copies every answer."""
    run = tmp_path / "run"
    here(few, serve(), run)
    assert sorted(path.name for path in run.glob("ledger*")) == ["ledger.sqlite"]
