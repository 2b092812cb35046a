"""A full disk: the run stops at once with one line, keeps what is durable, and goes on once there is room."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chat_server import Call, ChatServer, Say, chat, words

from needs import need
from whyfeel.cli.progress import Quiet
from whyfeel.runs import run, run_options

COUNT = 30
CONCURRENCY = 3


def long(call: Call) -> Say:
    """Six thousand letters, so that a small disk is soon full."""
    return chat(words(call) + " and so on" * 600)


@pytest.fixture(scope="module")
def texts(texts_of: Callable[[int], Path]) -> Path:
    return texts_of(COUNT)


@pytest.fixture
def command(texts: Path) -> Callable[[ChatServer, Path], list[object]]:
    def build(server: ChatServer, out: Path) -> list[object]:
        asked = ["--model", server.model("mock"), "--judge", "overlap", "--concurrency", CONCURRENCY]
        return ["run", "jsonl", *asked, "--data", texts, "--out", out]

    return build


@pytest.fixture(scope="module")
def whole(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The results of a run that had room."""
    out = tmp_path_factory.mktemp("whole") / "run"
    with ChatServer(long) as server:
        asked = {"task": "jsonl", "model": server.model("mock"), "judge": "overlap"}
        run(run_options({**asked, "data": texts, "out": out}), Quiet())
    return exported(out)


def exported(run: Path) -> dict[str, bytes]:
    """The files that a run writes for people, less those with times in them."""
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*.jsonl"))}


def check_stopped(done, server: ChatServer, out: Path, durable, before: set[str], whole: dict[str, bytes]) -> set[str]:
    """What holds wherever the disk filled up; returns what is durable."""
    assert done.status == 1, done.err
    line = done.one_line()
    assert str(out) in line
    assert "bytes are free there" in line
    assert "make room" in line
    assert "run the same command again" in line
    assert done.out == ""
    kept = durable(out)
    assert before <= kept, "a durable answer is gone"
    lost = {call.digest for call in server.calls} - kept
    assert len(lost) <= CONCURRENCY, "calls went on after the disk was full"
    for name, content in exported(out).items():
        assert content == whole[name], "half a file was left"
    assert not (out / "summary.json").exists() or json.loads((out / "summary.json").read_text())["n"] == COUNT
    assert not list(out.rglob("*.part"))
    return kept


# from a lock file that has no room, over every stage of the ledger, to results that have none
SIZES = [0, 100, 2000, 10_000, 40_000, 70_000, 120_000, 170_000, 190_000]


# of a process none of whose files may grow beyond a size
SMALL_FILES = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({size}, -1))\n"


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_may_not_grow_stops_the_run_and_room_lets_it_end(
    size, serve, cli, command, durable, whole, tmp_path
):
    server, out = serve(long), tmp_path / "run"
    done = cli.run(*command(server, out), first=SMALL_FILES.format(size=size))
    kept = check_stopped(done, server, out, durable, set(), whole)
    if size >= 120_000:
        assert kept, "the disk had room for some answers"
    before = server.counts()
    done = cli.run(*command(server, out))
    assert (done.status, done.err) == (0, "")
    sent = server.counts() - before
    assert not kept & sent.keys()
    assert exported(out) == whole
    assert len(durable(out)) == COUNT


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A disk of so many KiB; asked again, it has so many."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted: list[int] = []

    def sized(kib: int) -> Path:
        again = ["-o", f"remount,size={kib}k"] if mounted else ["-t", "tmpfs", "-o", f"size={kib}k", "none"]
        mount = subprocess.run(["mount", *again, str(place)], capture_output=True, check=False)
        need(mount.returncode == 0, "the right to mount")
        mounted.append(kib)
        return place

    yield sized
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("kib", [4, 12, 40, 100, 180, 300, 420])
def test_a_disk_that_fills_up_stops_the_run_and_room_lets_it_end(
    kib, serve, cli, command, durable, disk, whole, tmp_path
):
    server, out = serve(long), disk(kib) / "run"
    done = cli.run(*command(server, out))
    kept = check_stopped(done, server, out, durable, set(), whole)
    if kib >= 180:
        assert kept
    done = cli.run(*command(server, out))
    kept = check_stopped(done, server, out, durable, kept, whole)
    disk(20_000)
    before = server.counts()
    done = cli.run(*command(server, out))
    assert (done.status, done.err) == (0, "")
    assert not kept & (server.counts() - before).keys()
    assert exported(out) == whole
    assert len(durable(out)) == COUNT


def test_a_finished_run_outlives_a_full_disk(serve, cli, command, durable, disk, whole, tmp_path):
    """Run again where nothing more can be written, it may fail but spoils nothing."""
    server, out = serve(long), disk(20_000) / "run"
    assert cli.run(*command(server, out)).status == 0
    left = sorted((path.relative_to(out), path.read_bytes()) for path in out.rglob("*.json*"))
    (out.parent / "filler").write_bytes(b"")
    with (out.parent / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096):
                pass
        except OSError:
            pass
    calls = len(server.calls)
    done = cli.run(*command(server, out))
    check_stopped(done, server, out, durable, durable(out), whole)
    assert sorted((path.relative_to(out), path.read_bytes()) for path in out.rglob("*.json*")) == left
    assert len(server.calls) == calls
