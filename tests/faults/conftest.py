"""A small data set, servers that end with the test, the command line in a process of its own, and runs in this one."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import pytest
from chat_server import ChatServer, Flights, Script, good
from PIL import Image

from whyfeel.cli.progress import Quiet
from whyfeel.engine import Retries
from whyfeel.judging import CANARIES, CANARY_SAMPLES
from whyfeel.runs import RunResult, run, run_options

ROOT = Path(__file__).resolve().parents[2]
RECORDS = 40
EMOTIONS = ("happy", "angry", "sad")
CANARY_CALLS = CANARY_SAMPLES * len(CANARIES)  # of a judge that is a model; no option of a run leaves them out
WAIT = 40.0  # seconds after which a process that should have ended fails the test
HUNG = 60.0  # seconds after which a test that hangs in this process fails


@dataclass(frozen=True)
class Data:
    """A record file and its pictures."""

    file: Path
    images: Path
    count: int

    @property
    def calls(self) -> int:
        """What a run without controls asks: an answer and a verdict for each record, and the verdicts on canaries."""
        return 2 * self.count + CANARY_CALLS


@dataclass(frozen=True)
class Done:
    """How a process ended."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """What whyfeel itself says on stderr; a progress line is none of it."""
        return [line for line in self.err.splitlines() if line.startswith("whyfeel:")]

    def one_line(self) -> str:
        """The one line that a command which ended early leaves, but for where pictures go; anything else fails."""
        assert self.news.count("\n") == 1, self.err
        assert self.news.startswith("whyfeel:"), self.err
        return self.news[:-1]

    @property
    def news(self) -> str:
        """What stands on stderr besides the line that tells where pictures go."""
        lines = self.err.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("whyfeel: pictures go to "))


# A process that has imported whyfeel and done nothing else. Told where to stand, what to say and where to write, it
# forks one that forks `python -m whyfeel`, waits for it, and tells its id and how it ended. Imports are most of what a
# command costs, and clearing them away most of its end: they are frozen. In the child nothing has been run yet, and
# what it runs is the last that it does, so that it ends as any process ends.
STARTER = """
import gc, json, os, runpy, signal, socket, sys
import scipy.optimize, snowballstemmer
import whyfeel.cli, whyfeel.engine, whyfeel.models, whyfeel.runs
import whyfeel.cli.progress, whyfeel.report.summary_table, whyfeel.tasks.jsonl

here = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
gc.collect()
gc.freeze()
while True:
    message, given, _, _ = socket.recv_fds(here, 1 << 20, 3)
    if not message:
        here.close()
        sys.exit()
    if os.fork() == 0:
        break
    for one in given:
        os.close(one)
here.close()
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
out, err, told = given
if child := os.fork():
    os.write(told, b"%d" % child)
    os.write(told, b"%d" % os.waitpid(child, 0)[1])
    os._exit(0)
os.dup2(out, 1)
os.dup2(err, 2)
for one in given:
    os.close(one)
order = json.loads(message)
os.chdir(order["cwd"])
os.environ.clear()
os.environ.update(order["env"])
exec(order["first"])
sys.argv = ["whyfeel", *order["args"]]
runpy.run_module("whyfeel", run_name="__main__", alter_sys=True)
"""


class Forked:
    """A forked process, with what tests use of a Popen."""

    def __init__(self, starter: socket.socket, args: list[str], env: dict[str, str], cwd: Path, first: str) -> None:
        self.args = args
        self.returncode: int | None = None
        self._told, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._out, out = _pipe()
        self.stderr, err = _pipe()
        order = json.dumps({"args": args, "env": env, "cwd": str(cwd), "first": first}).encode()
        with told, out, err:
            socket.send_fds(starter, [order], [one.fileno() for one in (out, err, told)])
        self._told.settimeout(WAIT)
        self.pid = int(self._told.recv(20))

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended."""
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                self.returncode = os.waitstatus_to_exitcode(int(self._told.recv(20)))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
        return self.returncode

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it said, once it has ended."""
        self.wait(timeout)
        with self._told, self._out, self.stderr:
            return self._out.read(), self.stderr.read()


def _pipe() -> tuple[TextIO, BinaryIO]:
    """Both ends of one that takes a megabyte before somebody reads."""
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 1 << 20)
    return open(ours, encoding="utf-8"), open(theirs, "wb")  # noqa: PTH123 - closed by who asked


CLEAN = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT / "src")}


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[socket.socket]:
    """Where processes are ordered."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", STARTER, str(theirs.fileno())],
            env=CLEAN | {"HOME": str(tmp_path_factory.mktemp("starter")), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        yield ours
    assert process.wait(WAIT) == 0


@dataclass
class Cli:
    """Runs `python -m whyfeel` in a clean environment; what still runs at the end of a test is killed.

    It is forked from the starter, but where Python itself is told something: that it hears as it starts.

    Attributes:
        first: code that a forked process runs before the command, unless told otherwise.
    """

    home: Path
    starter: socket.socket
    first: str = ""
    started: list[subprocess.Popen[str] | Forked] = field(default_factory=list)

    def start(
        self, *args: object, env: dict[str, str] | None = None, first: str | None = None
    ) -> subprocess.Popen[str] | Forked:
        """A process with pipes."""
        told = list(map(str, args))
        clean = CLEAN | {"HOME": str(self.home)} | (env or {})
        process: subprocess.Popen[str] | Forked
        if any(name.startswith("PYTHON") for name in env or {}):
            assert not (first or self.first)  # noqa: PT018 - one claim
            process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "whyfeel", *told],
                env=clean,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        else:
            process = Forked(self.starter, told, clean, self.home, self.first if first is None else first)
        self.started.append(process)
        return process

    def end(self, process: subprocess.Popen[str] | Forked, within: float = WAIT) -> Done:
        """Wait for it."""
        out, err = process.communicate(timeout=within)
        self.started.remove(process)
        assert "Traceback" not in err, err
        assert process.returncode is not None
        return Done(process.returncode, out, err)

    def run(
        self, *args: object, env: dict[str, str] | None = None, first: str | None = None, within: float = WAIT
    ) -> Done:
        """From start to end."""
        return self.end(self.start(*args, env=env, first=first), within)

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()


def make_data(folder: Path, count: int = RECORDS, twins: int = 0) -> Data:
    """Records with a tiny picture each; the last `twins` ask what the first ones ask, with other triggers."""
    (folder / "images").mkdir(parents=True)
    lines = []
    for index in range(count):
        shown = index if index < count - twins else index - (count - twins)
        name = f"{shown:03}.png"
        Image.new("RGB", (6, 6), (shown, 255 - shown, 7)).save(folder / "images" / name)
        lines.append(
            {
                "id": f"r{index:03}",
                "image": name,
                "question": f"Why does person {shown} feel {EMOTIONS[shown % 3]}?",
                "emotion": EMOTIONS[shown % 3],
                "triggers": [f"trigger {n} of record {index}" for n in range(1 + index % 4)],
            }
        )
    file = folder / "data.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return Data(file, folder / "images", count)


@pytest.fixture(autouse=True)
def _watchdog() -> Iterator[None]:
    """A test that hangs fails."""

    def bark(*_: object) -> None:
        pytest.fail(f"hung for {HUNG:.0f} s")

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, HUNG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return make_data(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Eight records, for faults that need no more."""
    return make_data(tmp_path_factory.mktemp("few") / "set", 8)


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Twelve records, of which the last six ask what the first six ask."""
    return make_data(tmp_path_factory.mktemp("twins") / "set", 12, 6)


@pytest.fixture(scope="session")
def texts_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Write so many records without pictures."""

    def write(count: int) -> Path:
        file = tmp_path_factory.mktemp("texts") / "data.jsonl"
        lines = (
            {
                "id": f"r{n}",
                "question": f"Why does person {n} feel sad?",
                "emotion": "sad",
                "triggers": [f"of record {n}"],
            }
            for n in range(count)
        )
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return file

    return write


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    """Servers by script, and port where it matters."""
    with ExitStack() as stack:

        def start(script: Script = good, port: int = 0, flights: Flights | None = None) -> ChatServer:
            return stack.enter_context(ChatServer(script, port, flights))

        yield start


@pytest.fixture
def cli(tmp_path: Path, starter: socket.socket) -> Iterator[Cli]:
    (tmp_path / "home").mkdir()
    made = Cli(tmp_path / "home", starter)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def args() -> Callable[..., list[object]]:
    """The command line of a run without controls whose judge asks the same server, unless told otherwise."""

    def build(
        data: Data, server: ChatServer, out: Path, *more: object, judge: ChatServer | None = None
    ) -> list[object]:
        judging = ["--judge", "official-llama3", "--judge-model", (judge or server).model("judge")]
        places = ["--data", data.file, "--images", data.images, "--out", out]
        return ["run", "jsonl", "--model", server.model("mock"), *judging, "--controls", "none", *places, *more]

    return build


def options(
    data: Data, server: ChatServer, out: Path, judge_server: ChatServer | None, more: dict[str, Any]
) -> dict[str, Any]:
    return {
        "task": "jsonl",
        "model": server.model("mock"),
        "judge": "official-llama3",
        "judge_model": (judge_server or server).model("judge"),
        "data": data.file,
        "images": data.images,
        "out": out,
        **more,
    }


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunResult]:
    """A run in this process that is quick to try again: what the command does, less its start-up time.

    Controls and canaries, which tests of other things would have to count, are there only with `controlled`.
    """
    monkeypatch.setattr("whyfeel.runs.sitting.Retries", functools.partial(Retries, first=0.01, longest=0.05))

    def start(
        data: Data,
        server: ChatServer,
        out: Path,
        *,
        judge_server: ChatServer | None = None,
        controlled: bool = False,
        **more: Any,
    ) -> RunResult:
        with pytest.MonkeyPatch.context() as patch:
            if not controlled:
                patch.setattr("whyfeel.runs.plan.plan_controls", lambda *_: ())
            return run(run_options(options(data, server, out, judge_server, more)), Quiet())

    return start


@pytest.fixture(scope="session")
def reference(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing disturbed."""
    out = tmp_path_factory.mktemp("reference") / "run"
    with ChatServer(good) as server:
        result = run(run_options(options(data, server, out, None, {"concurrency": 8, "controls": "none"})), Quiet())
    assert result.summary["scored"] == data.count
    assert len(server.calls) == data.calls
    return out


def lines_of(path: Path) -> list[dict[str, Any]]:
    """A JSON Lines file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="session")
def lines() -> Callable[[Path], list[dict[str, Any]]]:
    return lines_of


def results_of(run: Path) -> dict[str, bytes]:
    """What two runs with the same answers must have in common: every file that is a function of the ledger."""
    files = [run / "responses.jsonl", run / "judgements.jsonl", *sorted(run.glob("judges/*/judgements.jsonl"))]
    assert len(files) == 3
    files += sorted(run.glob("judges/*/controls/*.jsonl"))
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def results() -> Callable[[Path], dict[str, bytes]]:
    return results_of


@pytest.fixture
def ledger(tmp_path: Path) -> Callable[..., list[tuple[Any, ...]]]:
    """Reads a copy of a run's ledger, its log included, so that looking on repairs nothing."""

    def read(run: Path, columns: str = "key, role, text, source, attempts, address") -> list[tuple[Any, ...]]:
        place = tmp_path / "ledger-copy"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for path in run.glob("ledger.sqlite*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, place)
        if not (place / "ledger.sqlite").exists():
            return []
        db = sqlite3.connect(place / "ledger.sqlite")
        try:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchall():
                return []
            return db.execute(f"SELECT {columns} FROM answers ORDER BY seq").fetchall()
        finally:
            db.close()

    return read


def digests(texts: list[str]) -> set[str]:
    """The digests of the requests that texts of `words` answer."""
    return {found[1] for text in texts if (found := re.search(r"\[([0-9a-f]{16})\]", text))}


@pytest.fixture
def durable(ledger: Callable[..., list[tuple[Any, ...]]]) -> Callable[[Path], set[str]]:
    """The digests of the requests whose answers are in a run's ledger."""
    return lambda run: digests([text for (text,) in ledger(run, "text")])
