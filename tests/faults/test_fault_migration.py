"""A run that an older whyfeel began goes on under this one; a newer one's is left alone."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from chat_server import ChatServer, good, slow

from needs import need
from whyfeel.judging import CANARIES, CANARY_SAMPLES

COUNT = 16
CALLS = 2 * COUNT + CANARY_SAMPLES * len(CANARIES)
OLD_COLUMNS = (
    "seq, key, purpose, role, model, ask, text, outcome, finish, tokens_in, tokens_out, cost, served, attempts,"
    " source, address, at"
)
VERSION_1 = """
CREATE TABLE answers (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, purpose TEXT NOT NULL, role TEXT NOT NULL, model TEXT NOT NULL,
    ask TEXT NOT NULL, text TEXT NOT NULL, outcome TEXT NOT NULL, finish TEXT, tokens_in INTEGER, tokens_out INTEGER,
    cost REAL, served TEXT, attempts INTEGER NOT NULL, source TEXT, address TEXT NOT NULL, at TEXT NOT NULL
)
"""


@pytest.fixture(scope="module")
def texts(texts_of: Callable[[int], Path]) -> Path:
    """Records without pictures: how a picture is sent, and with it an ask's key, may change with a version."""
    return texts_of(COUNT)


@pytest.fixture
def command(texts: Path) -> Callable[..., list[object]]:
    def build(server: ChatServer, out: Path, *more: object, model: str | None = None) -> list[object]:
        asked = ["--model", model or server.model("mock"), "--judge-model", model or server.model("judge")]
        judge = ["--judge", "official-llama3", "--controls", "none"]
        return ["run", "jsonl", *asked, *judge, "--data", texts, "--out", out, *more]

    return build


def age(run: Path) -> str:
    """Make a run's ledger one of version 1; its digest."""
    path = run / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE answers RENAME TO newer")
        db.execute(VERSION_1)
        db.execute(f"INSERT INTO answers SELECT {OLD_COLUMNS} FROM newer")
        db.execute("DROP TABLE newer")
        db.execute("DROP TABLE batches")
        db.execute("PRAGMA user_version = 1")
        db.commit()
        db.execute("VACUUM")
    return digest(path)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_old_run_goes_on_and_asks_nothing_again(serve, cli, command, durable, results, tmp_path):
    server, run, whole = serve(slow), tmp_path / "run", tmp_path / "whole"
    assert cli.run(*command(server, whole)).status == 0
    calls = len(server.calls)
    process = cli.start(*command(server, run, "--concurrency", 2))
    server.wait_for(calls + 9)
    process.send_signal(signal.SIGTERM)
    assert cli.end(process).status == 143
    known = durable(run)
    age(run)
    before = server.counts()
    done = cli.run(*command(server, run))
    assert (done.status, done.err) == (0, "")
    sent = server.counts() - before
    assert not known & sent.keys(), "an answer of version 1 was asked for again"
    assert sum(sent.values()) == CALLS - len(known)
    assert results(run) == results(whole)
    assert sorted(path.name for path in run.glob("ledger*")) == ["ledger.sqlite", "ledger.v1.sqlite"]
    with closing(sqlite3.connect(run / "ledger.v1.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (len(known),)
    before = server.counts()
    assert cli.run(*command(server, run)).status == 0
    assert server.counts() == before


JUDGE_1 = "official-llama3-e7e654c6"  # as the first release named this judge, asked of a model "judge"


def test_a_run_folder_of_the_first_release_goes_on_and_books_its_judge_as_before(serve, cli, command, ledger, tmp_path):
    """Its run.json does not know the settings that came later; nobody had changed them then."""
    server, run = serve(good), tmp_path / "run"
    first = cli.run(*command(server, run, "--json"))
    age(run)
    manifest = json.loads((run / "run.json").read_text())
    for name in ("captions", "pictures"):
        manifest["spec"].pop(name, None)
    manifest["spec"]["judge"].pop("pictures", None)
    manifest["judges"] = {JUDGE_1: manifest["spec"]["judge"]}
    (run / "run.json").write_text(json.dumps(manifest))
    with closing(sqlite3.connect(run / "ledger.sqlite")) as db:
        db.execute("UPDATE answers SET purpose = ? WHERE role = 'judge'", (JUDGE_1,))
        db.commit()
    calls = len(server.calls)
    done = cli.run(*command(server, run, "--json"))
    assert (done.status, done.err) == (0, "")
    assert len(server.calls) == calls
    assert json.loads(done.out)["calls"] == json.loads(first.out)["calls"] == CALLS
    assert list(json.loads((run / "run.json").read_text())["judges"]) == [JUDGE_1]


@pytest.fixture
def readonly(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Copies of a folder on a medium that nothing can be written to, whoever asks."""
    place = tmp_path / "medium"
    place.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], capture_output=True, check=False)
    need(mount.returncode == 0, "the right to mount")

    def copy(folder: Path) -> Path:
        shutil.copytree(folder, place / folder.name)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        return place / folder.name

    yield copy
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("how", ["reuse", "replay"])
@pytest.mark.parametrize("medium", ["writable", "read-only"])
def test_an_old_run_is_reused_and_replayed_untouched(medium, how, serve, cli, command, results, tmp_path, request):
    server, old, new = serve(good), tmp_path / "old", tmp_path / "new"
    assert cli.run(*command(server, old)).status == 0
    aged, calls = age(old), len(server.calls)
    expected = results(old)
    if medium == "read-only":
        old = request.getfixturevalue("readonly")(old)
    before = sorted(path.name for path in old.iterdir())
    more = ["--reuse", old] if how == "reuse" else []
    done = cli.run(*command(server, new, *more, model=f"replay:{old}" if how == "replay" else None))
    assert (done.status, done.err) == (0, "")
    assert len(server.calls) == calls
    assert results(new) == expected
    assert digest(old / "ledger.sqlite") == aged
    assert sorted(path.name for path in old.iterdir()) == before


@pytest.mark.parametrize("how", ["resume", "reuse", "replay"])
def test_a_newer_run_is_refused_politely(how, serve, cli, command, tmp_path):
    server, newer, other = serve(good), tmp_path / "newer", tmp_path / "other"
    assert cli.run(*command(server, newer)).status == 0
    with closing(sqlite3.connect(newer / "ledger.sqlite")) as db:
        db.execute("PRAGMA user_version = 7")
    before = digest(newer / "ledger.sqlite")
    calls = len(server.calls)
    done = cli.run(
        *{
            "resume": command(server, newer),
            "reuse": command(server, other, "--reuse", newer),
            "replay": command(server, other, model=f"replay:{newer}"),
        }[how]
    )
    assert done.status == 2
    line = done.one_line()
    assert str(newer / "ledger.sqlite") in line
    assert "version 7" in line
    assert "up to 3" in line
    assert "upgrade" in line
    assert digest(newer / "ledger.sqlite") == before
    assert len(server.calls) == calls


def test_no_room_for_the_copy_leaves_the_old_run_as_it_was(serve, cli, command, results, tmp_path):
    """A file may only grow to 20,000 bytes, less than the copy needs."""
    server, run = serve(good), tmp_path / "run"
    assert cli.run(*command(server, run)).status == 0
    aged, expected = age(run), results(run)
    assert (run / "ledger.sqlite").stat().st_size > 20_000
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (20_000, -1))\n")
    path = f"{site}:{Path(__file__).resolve().parents[2] / 'src'}"
    done = cli.run(*command(server, run), env={"PYTHONPATH": path})
    assert done.status == 1
    line = done.one_line()
    assert str(run / "ledger.sqlite") in line
    assert "make room" in line
    assert digest(run / "ledger.sqlite") == aged
    assert sorted(path.name for path in run.glob("ledger*")) == ["ledger.sqlite"]
    calls = len(server.calls)
    assert cli.run(*command(server, run)).status == 0
    assert len(server.calls) == calls
    assert results(run) == expected
