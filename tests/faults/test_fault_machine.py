"""Odd machines: nowhere to write, no home, no folder to stand in, nobody to print to, few files, clocks that jump."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chat_server import after, good, slow

from needs import need

SOURCE = Path(__file__).resolve().parents[2] / "src"
Site = Callable[..., dict[str, str]]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The environment of a process that begins with a piece of code, before whyfeel is imported."""

    def make(code: str, **more: str) -> dict[str, str]:
        folder = tmp_path / "site"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(code)
        return {"PYTHONPATH": f"{folder}:{SOURCE}", **more}

    return make


@pytest.fixture
def readonly(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """A medium that nothing can be written to, whoever asks; writable until it is asked for."""
    place = tmp_path / "medium"
    place.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], capture_output=True, check=False)
    need(mount.returncode == 0, "the right to mount")

    def shut() -> Path:
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        return place

    yield shut
    subprocess.run(["umount", str(place)], check=True)


def test_a_read_only_run_folder_is_refused_before_the_first_call(few, serve, cli, args, readonly, results, tmp_path):
    server, run = serve(good), tmp_path / "medium" / "run"
    assert cli.run(*args(few, server, run)).status == 0
    calls, before = len(server.calls), results(run)
    readonly()
    done = cli.run(*args(few, server, run, "--gen", "temperature=0"))
    assert done.status == 2
    line = done.one_line()
    assert str(run) in line
    assert "Read-only file system" in line
    assert len(server.calls) == calls
    assert results(run) == before


def test_a_parent_that_cannot_be_written_is_refused_before_the_first_call(few, serve, cli, args, readonly):
    server = serve(good)
    done = cli.run(*args(few, server, readonly() / "new" / "run"))
    assert done.status == 2
    assert "--out: " in done.one_line()
    assert "Read-only file system" in done.one_line()
    assert not server.calls


def test_a_read_only_run_can_be_judged_nowhere_but_reused_anywhere(few, serve, cli, args, readonly, results, tmp_path):
    server, run = serve(good), tmp_path / "medium" / "run"
    assert cli.run(*args(few, server, run)).status == 0
    readonly()
    calls = len(server.calls)
    done = cli.run("judge", run, "--judge", "overlap")
    assert done.status == 2
    assert "Read-only file system" in done.one_line()
    assert cli.run(*args(few, server, tmp_path / "new", "--reuse", run)).status == 0
    assert len(server.calls) == calls
    assert results(tmp_path / "new") == results(run)


NOWHERE = """
import os
for name in list(os.environ):
    if name == "HOME" or name.startswith("XDG_") or name.startswith("TMP") or name in {"TEMP", "USER", "LOGNAME"}:
        del os.environ[name]
os.environ["TMPDIR"] = "/no/such/folder"
os.mkdir("gone")
os.chdir("gone")
os.rmdir("../gone")
"""


def test_a_run_needs_no_home_no_temporary_folder_and_no_folder_to_stand_in(few, serve, cli, args, site, tmp_path):
    server = serve(good)
    done = cli.run(*args(few, server, tmp_path / "run"), env=site(NOWHERE))
    assert (done.status, done.news) == (0, "")
    assert len(server.calls) == few.calls
    for command in (["judge", tmp_path / "run", "--judge", "overlap"], ["models"], ["tasks"], ["doctor"]):
        done = cli.run(*command, env=site(NOWHERE))
        assert done.news == ""
        assert done.status == 0 or command == ["doctor"]


@pytest.mark.parametrize("place", ["run", "./new/run"])
def test_a_relative_folder_in_no_folder_is_refused_in_one_line(place, few, serve, cli, args, site):
    server = serve(good)
    done = cli.run(*args(few, server, Path(place)), env=site(NOWHERE))
    assert done.status == 2
    assert "--out" in done.one_line()
    assert not server.calls


FULL = "import os\nos.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_result_that_cannot_be_printed_is_told_in_one_line_and_kept(more, few, serve, cli, args, tmp_path):
    server, run = serve(good), tmp_path / "run"
    done = cli.run(*args(few, server, run, *more), first=FULL)
    assert done.status == 1
    line = done.one_line()
    assert "cannot be printed" in line
    assert "No space left" in line
    assert "summary.json" in line
    assert json.loads((run / "summary.json").read_text())["scored"] == few.count


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_closed_stream_costs_no_run(closed, few, serve, args, results, reference, tmp_path):
    """What is opened next must not take its place either: the ledger would get what is printed."""
    server, run = serve(good), tmp_path / "run"
    command = [sys.executable, "-W", "error", "-m", "whyfeel", *map(str, args(few, server, run, "--json"))]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0
    told = f"whyfeel: pictures go to {server.url.split('/')[2]} (this machine)\n"
    assert done.stderr == ("" if "2>&-" in closed else told)
    assert json.loads((run / "summary.json").read_text())["scored"] == few.count
    assert (run / "ledger.sqlite").read_bytes().startswith(b"SQLite format 3\x00")


def test_few_open_files_are_refused_before_the_first_call(few, serve, cli, args, tmp_path):
    server = serve(good)
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
    done = cli.run(*args(few, server, tmp_path / "run", "--concurrency", 256), first=limit)
    assert done.status == 2
    line = done.one_line()
    assert "--concurrency 256" in line
    assert "64" in line
    assert not server.calls
    assert cli.run(*args(few, server, tmp_path / "run", "--concurrency", 32), first=limit).status == 0


def test_a_soft_limit_of_open_files_is_raised(data, serve, cli, args, tmp_path):
    """All at once: without more files the ledger could not be opened any more."""
    server = serve(after(0.5))
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (30, 4096))\n"
    done = cli.run(*args(data, server, tmp_path / "run", "--concurrency", 256), first=limit)
    assert (done.status, done.news) == (0, "")
    assert server.flights.most == data.calls - data.count, "every answer, and the canaries beside them"
    assert set(server.counts().values()) == {1}


JUMPING = """
import datetime, time
real, moment = time.time, [0]

def jump():
    moment[0] += 1
    return real() - 3600 * (moment[0] % 3) - 86400 * 365 * (moment[0] % 2)

class Jumping(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(jump(), tz)

time.time = jump
datetime.datetime = Jumping
"""


def test_a_clock_that_jumps_back_changes_nothing_but_the_times_written_down(
    data, serve, cli, args, site, ledger, results, reference, tmp_path
):
    server, run = serve(slow), tmp_path / "run"
    command = args(data, server, run, "--concurrency", 4, "--json")
    process = cli.start(*command, env=site(JUMPING))
    server.wait_for(30)
    process.send_signal(signal.SIGINT)
    assert cli.end(process).status == 130
    first = ledger(run, "seq, key, at")
    done = cli.run(*command, env=site(JUMPING))
    assert (done.status, done.news) == (0, "")
    summary = json.loads(done.out)
    assert 0 <= summary["seconds"] < 40
    assert set(server.counts().values()) == {1}
    assert results(run) == results(reference)
    both = ledger(run, "seq, key, at")
    assert both[: len(first)] == first
    assert [seq for seq, _, _ in both] == list(range(1, data.calls + 1))
    times = [at for _, _, at in both]
    assert times != sorted(times), "the clock did not jump"


def test_a_clock_that_jumps_shortens_no_pause_and_ends_no_patience(few, serve, cli, args, site, tmp_path):
    """A Retry-After in seconds is waited out on the monotonic clock."""
    refused: list[float] = []

    def busy(call):
        refused.append(call.at)
        reply = good(call)
        return type(reply)(b"{}", 429, {"Retry-After": "1"}) if len(refused) == 1 else reply

    server = serve(busy)
    done = cli.run(*args(few, server, tmp_path / "run", "--concurrency", 1), env=site(JUMPING))
    assert (done.status, done.news) == (0, "")
    assert 0.95 < refused[1] - refused[0] < 10


SLOW_START = """
import importlib, sys, time
module = importlib.import_module("whyfeel.runs.{module}")
real = module.{name}

def waiting(*args, **more):
    sys.stderr.write("whyfeel: here\\n")
    sys.stderr.flush()
    time.sleep(10)
    return real(*args, **more)

module.{name} = waiting
"""


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize(
    ("module", "name"), [("run", "plan_run"), ("execute", "summarise"), ("execute", "write_whole")]
)
def test_a_signal_before_and_after_the_calls_is_told_too(
    module, name, sent, status, few, serve, cli, args, results, tmp_path
):
    """While the data are looked at, and while the files are written."""
    server, run = serve(good), tmp_path / "run"
    process = cli.start(*args(few, server, run), first=SLOW_START.format(module=module, name=name))
    assert process.stderr is not None
    told = iter(process.stderr.readline, "")
    assert "whyfeel: here\n" in told  # reads up to that line
    time.sleep(0.05)
    process.send_signal(sent)
    done = cli.end(process, 5)
    assert done.status == status
    assert "stopped" in done.one_line()
    assert not list(run.rglob("*.part")) if run.exists() else True
    calls = len(server.calls)
    assert cli.run(*args(few, server, run)).status == 0
    assert len(server.calls) == (calls or few.calls)
    assert len(results(run)) == 4
