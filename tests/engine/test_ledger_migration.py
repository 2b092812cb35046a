"""A ledger of version 1 becomes one of today's version: all of it or nothing, with a copy of what it was."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from whyfeel.engine import BatchBook, Entry, Ledger, Totals, tables
from whyfeel.errors import DataError, StoreFailed
from whyfeel.records import Answer, ask_key

Open = Callable[..., Ledger]

# as the first release had it; it must never change
VERSION_1 = """
CREATE TABLE IF NOT EXISTS answers (
    seq        INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    purpose    TEXT NOT NULL,
    role       TEXT NOT NULL,
    model      TEXT NOT NULL,
    ask        TEXT NOT NULL,
    text       TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    finish     TEXT,
    tokens_in  INTEGER,
    tokens_out INTEGER,
    cost       REAL,
    served     TEXT,
    attempts   INTEGER NOT NULL,
    source     TEXT,
    address    TEXT NOT NULL,
    at         TEXT NOT NULL
)
"""
VERSION_2_BATCHES = """
CREATE TABLE batches (tag TEXT PRIMARY KEY, id TEXT, address TEXT NOT NULL, keys TEXT NOT NULL, done INTEGER NOT NULL)
"""
ODD = ("", "rain", "a\x00b", "\ud800 half", "two\nlines\u2028", "喜 😀", "x" * 4000)
ROWS = 300


def answer(number: int) -> Answer:
    text = ODD[number % len(ODD)]
    usage = (None, None, None) if number % 5 == 0 else (number, 2 * number, number / 8)
    return Answer(ask_key(str(number)), text, "ok" if text else "empty", "stop", *usage, "m-2", 1 + number % 3)


def make_old(path: Path, rows: int = ROWS, journal: str = "DELETE") -> Path:
    """A ledger as version 1 left it."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA journal_mode = {journal}")
        db.execute(VERSION_1)
        for number in range(rows):
            a = answer(number)
            text = a.text.encode("utf-8", "surrogatepass") if "\ud800" in a.text else a.text
            known = (a.outcome, a.finish, a.tokens_in, a.tokens_out, a.cost, a.served, a.attempts, a.source)
            values = (None, a.ask_id, "answer", "answer", "m", "{}", text, *known, "http://h/v1", "2026-01-01")
            db.execute(f"INSERT INTO answers VALUES ({', '.join('?' * len(values))})", values)
        db.execute("PRAGMA user_version = 1")
        db.commit()
    return path


def make_second(path: Path) -> Path:
    """A ledger as version 2 left it, with what only that version knew."""
    make_old(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE answers ADD COLUMN reasoning TEXT")
        db.execute("ALTER TABLE answers ADD COLUMN left_out TEXT")
        db.execute(VERSION_2_BATCHES)
        db.execute("UPDATE answers SET reasoning = 'hm', left_out = '[\"seed\"]' WHERE seq = 1")
        db.execute("INSERT INTO batches VALUES ('tag', 'batch_1', 'http://h/v1', '[]', 0)")
        db.execute("PRAGMA user_version = 2")
        db.commit()
    return path


def content(path: Path) -> tuple[int, list[Any], list[Any]]:
    """Version, schema and rows of version 1's columns, as SQLite itself sees them; the file must be sound."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        columns = [row[1] for row in db.execute("PRAGMA table_info(answers)")]
        old = ", ".join(columns[:17])
        rows = db.execute(f"SELECT {old} FROM answers ORDER BY seq").fetchall() if columns else []
        tables = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY 1").fetchall()
        return db.execute("PRAGMA user_version").fetchone()[0], tables, rows


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_old(tmp_path_factory.mktemp("old") / "ledger.sqlite")


@pytest.fixture
def old(kept: Path, tmp_path: Path) -> Path:
    """A version-1 ledger of its own for a test."""
    (tmp_path / "run").mkdir()
    return Path(shutil.copy(kept, tmp_path / "run" / "ledger.sqlite"))


def names(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
async def test_an_old_ledger_is_migrated_once_and_keeps_every_answer(
    tmp_path: Path, open_ledger: Open, journal: str
) -> None:
    (tmp_path / "run").mkdir()
    path = make_old(tmp_path / "run" / "ledger.sqlite", journal=journal)
    before = content(path)
    ledger = open_ledger(path)
    assert [ledger.get(ask_key(str(number))) for number in range(ROWS)] == [answer(number) for number in range(ROWS)]
    full = Answer(ask_key("new"), "t", reasoning="hm \ud800", left_out=("top_p", "seed"))
    await ledger.put(Entry(full, "answer", "m", "{}", "answer", ""))
    assert ledger.get(ask_key("new")) == full
    assert ledger.totals().calls == ROWS + 1
    ledger.close()
    assert names(path) == ["ledger.sqlite", "ledger.v1.sqlite"]
    copy = path.with_name("ledger.v1.sqlite")
    assert content(copy) == before
    assert copy.read_bytes()[18:20] == b"\x01\x01", "a copy that needs no log can be read where nothing may be written"
    version, _, rows = content(path)
    assert (version, rows[:-1]) == (3, before[2])
    saved = digest(copy)
    open_ledger(path).close()
    assert digest(copy) == saved, "a second opening has nothing to migrate"


async def test_a_ledger_of_version_2_gets_the_seconds_of_its_calls_and_loses_nothing(
    tmp_path: Path, open_ledger: Open
) -> None:
    path = make_second(tmp_path / "ledger.sqlite")
    before = content(path)
    ledger = open_ledger(path)
    first = ledger.get(ask_key("0"))
    assert first is not None
    assert (first.reasoning, first.left_out) == ("hm", ("seed",))
    assert ledger.phases("answer")["answer"].seconds is None, "nobody timed the calls of version 2"
    new = Answer(ask_key("new"), "t", tokens_in=3, tokens_out=4, cost=0.5)
    await ledger.put(Entry(new, "scenario", "m", "{}", "answer", "http://h/v1", 0.25))
    assert ledger.phases("answer")["scenario"] == Totals(1, 1, 3, 4, 0.5, 0.25)
    assert ledger.phases("judge") == {}
    ledger.close()
    assert names(path) == ["ledger.sqlite", "ledger.v2.sqlite"]
    assert content(path.with_name("ledger.v2.sqlite")) == before
    assert [batch.id for batch in BatchBook(path, "http://h/v1").open()] == ["batch_1"]


def test_the_migrated_ledger_has_the_tables_of_a_new_one(tmp_path: Path, old: Path) -> None:
    Ledger(old).close()
    Ledger(tmp_path / "new.sqlite").close()

    def shape(path: Path) -> list[Any]:
        with closing(sqlite3.connect(path)) as db:
            tables = sorted(row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
            return [(table, db.execute(f"PRAGMA table_info({table})").fetchall()) for table in tables]

    assert shape(old) == shape(tmp_path / "new.sqlite")


def test_the_copy_reaches_the_disk_before_anything_is_changed(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, rename, folder, and only then the change."""
    happened: list[str] = []
    to_disk = tables.to_disk

    def noted(path: Path) -> None:
        happened.append(path.name)
        to_disk(path)
        with closing(sqlite3.connect(f"file:{old}?mode=ro", uri=True)) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (1,)
        happened.append(str((old.parent / "ledger.v1.sqlite").exists()))

    monkeypatch.setattr(tables, "to_disk", noted)
    Ledger(old).close()
    assert happened == ["ledger.v1.sqlite.part", "False", "run", "True"]


KILL_AT_EVERY_LINE = """
import json, os, shutil, signal, sys
from pathlib import Path
from whyfeel.engine import Ledger, tables as module

kept, place = Path(sys.argv[1]), Path(sys.argv[2])
WATCHED = {"bring_up_to_date", "_migrate", "_back_up", "to_disk"}

def tracer(die_at):
    left = [die_at]
    def trace(frame, event, _):
        if frame.f_code.co_name not in WATCHED or frame.f_code.co_filename != module.__file__:
            return None
        if event == "line":
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
        return trace
    return trace

for number in range(500):
    run = place / str(number)
    run.mkdir()
    shutil.copy(kept, run / "ledger.sqlite")
    child = os.fork()
    if not child:
        sys.settrace(tracer(number))
        Ledger(run / "ledger.sqlite").close()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        print(json.dumps([number, status]))
        break
"""


def recovered(path: Path, before: tuple[int, list[Any], list[Any]]) -> int:
    """The version a kill left behind; the next opening finishes what was begun."""
    copy = path.with_name("ledger.v1.sqlite")
    with closing(sqlite3.connect(path)) as db:  # may roll an unfinished transaction back, as any opening does
        version = db.execute("PRAGMA user_version").fetchone()[0]
    now = content(path)
    assert now == before if version == 1 else now[2] == before[2] and copy.exists()
    if copy.exists():
        assert content(copy) == before
    ledger = Ledger(path)
    try:
        assert all(ledger.get(row[1]) is not None for row in before[2])
    finally:
        ledger.close()
    assert content(path)[0] == tables.VERSION
    assert content(copy) == before
    assert names(path) == ["ledger.sqlite", "ledger.v1.sqlite"]
    return int(version)


def test_a_kill_at_any_line_of_the_migration_leaves_either_version_whole(tmp_path: Path) -> None:
    kept = make_old(tmp_path / "kept.sqlite", 20)
    (tmp_path / "runs").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", KILL_AT_EVERY_LINE, str(kept), str(tmp_path / "runs")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kills, status = json.loads(done.stdout)
    assert status == 0
    assert kills > 20
    before = content(kept)
    left = [recovered(tmp_path / "runs" / str(number) / "ledger.sqlite", before) for number in range(kills)]
    assert left == sorted(left), "from some line on it is the new version"
    assert set(left) == {1, tables.VERSION}


OPEN = """
import sys
from pathlib import Path
from whyfeel.engine import Ledger
print("ready", flush=True)
sys.stdin.readline()
Ledger(Path(sys.argv[1])).close()
"""


@pytest.fixture
def opener() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Processes that open a ledger when they are told."""
    started: list[subprocess.Popen[str]] = []

    def start(path: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", OPEN, str(path)]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "ready\n"
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_at_any_moment_of_a_long_migration_loses_nothing(
    tmp_path: Path, seed: int, opener: Callable[[Path], subprocess.Popen[str]]
) -> None:
    """Also inside SQLite's own work, where no line of ours is."""
    random_ = random.Random(f"migration {seed}")
    kept = make_old(tmp_path / "kept.sqlite", 4000)
    before = content(kept)
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        path = Path(shutil.copy(kept, tmp_path / str(number) / "ledger.sqlite"))
        process = opener(path)
        go(process)
        time.sleep(random_.uniform(0, 0.04))
        process.kill()
        process.wait()
        recovered(path, before)


def test_two_processes_that_open_an_old_ledger_at_once_migrate_it_once(
    tmp_path: Path, opener: Callable[[Path], subprocess.Popen[str]]
) -> None:
    kept = make_old(tmp_path / "kept.sqlite", 1500)
    before = content(kept)
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        path = Path(shutil.copy(kept, tmp_path / str(number) / "ledger.sqlite"))
        both = [opener(path), opener(path)]
        for process in both:
            go(process)
        for process in both:
            _, err = process.communicate(timeout=20)
            assert (process.returncode, err) == (0, "")
        assert content(path)[0] == tables.VERSION
        assert content(path)[2] == before[2]
        assert content(path.with_name("ledger.v1.sqlite")) == before, "the second one copied the migrated file"
        assert names(path) == ["ledger.sqlite", "ledger.v1.sqlite"]


@pytest.mark.parametrize("made", ["missing", "empty file", "old"])
def test_who_waited_for_the_lock_finds_the_work_done(old: Path, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the version and the lock another process does it all."""
    if made != "old":
        old.unlink()
    if made == "empty file":
        old.touch()
    version_of, looks = tables.version_of, list[int]()

    def slow(db: sqlite3.Connection) -> int:
        version = version_of(db)
        looks.append(version)
        if len(looks) == 1:
            Ledger(old).close()
        return version

    monkeypatch.setattr(tables, "version_of", slow)
    Ledger(old).close()
    assert looks[0] == (1 if made == "old" else 0)
    assert content(old)[0] == tables.VERSION
    if made == "old":
        assert content(old.with_name("ledger.v1.sqlite"))[0] == 1


@pytest.mark.parametrize("readonly", [False, True])
def test_reading_leaves_an_old_ledger_as_it_is(old: Path, open_ledger: Open, readonly: bool) -> None:
    before = digest(old)
    ledger = open_ledger(old, readonly=readonly)
    assert [ledger.get(ask_key(str(number))) for number in range(ROWS)] == [answer(number) for number in range(ROWS)]
    assert ledger.get(ask_key("unknown")) is None
    assert ledger.models("answer") == ["m"]
    assert ledger.totals().calls == ROWS
    ledger.close()
    assert (digest(old) == before) == readonly
    assert (names(old) == ["ledger.sqlite"]) == readonly


def test_an_old_ledger_that_is_migrated_while_it_is_read_stays_readable(old: Path, open_ledger: Open) -> None:
    reader = open_ledger(old, readonly=True)
    assert reader.get(ask_key("1")) == answer(1)
    open_ledger(old).close()
    assert reader.get(ask_key("2")) == answer(2)


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize("at", ["to_disk", "_back_up", "replace"])
def test_a_migration_that_fails_leaves_the_old_file_and_nothing_else(
    old: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise FULL

    before = digest(old)
    with monkeypatch.context() as broken:
        broken.setattr(Path if at == "replace" else tables, at, fail)
        with pytest.raises(
            StoreFailed, match=r"\Athe ledger '.*ledger\.sqlite' cannot be opened: No space [^\n]+bytes are free"
        ):
            Ledger(old)
    assert digest(old) == before
    assert names(old) == ["ledger.sqlite"]
    Ledger(old).close()
    assert content(old)[0] == tables.VERSION


def test_a_step_that_fails_takes_the_steps_before_it_back(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (*tables.MIGRATIONS[2], "INSERT INTO answers (key) VALUES (NULL)")
    before = content(old)
    with monkeypatch.context() as broken:
        broken.setattr(tables, "MIGRATIONS", {2: steps, 3: ()})
        with pytest.raises(StoreFailed):
            Ledger(old)
    assert content(old) == before
    Ledger(old).close()
    assert content(old)[0] == tables.VERSION


@pytest.mark.parametrize("readonly", [False, True])
def test_a_table_of_somebody_elses_stays(old: Path, open_ledger: Open, readonly: bool) -> None:
    with closing(sqlite3.connect(old)) as db:
        db.execute("CREATE TABLE notes (text)")
        db.execute("INSERT INTO notes VALUES ('mine')")
        db.commit()
    ledger = open_ledger(old, readonly=readonly)
    assert ledger.get(ask_key("1")) == answer(1)
    ledger.close()
    with closing(sqlite3.connect(old)) as db:
        assert db.execute("SELECT * FROM notes").fetchall() == [("mine",)]


STRANGERS = {
    "another's of version 0": (0, "CREATE TABLE photos (name)"),
    "another's of version 1": (1, "CREATE TABLE photos (name)"),
    "another's of version 2": (2, "CREATE TABLE photos (name)"),
    "another's of a negative version": (-3, "CREATE TABLE photos (name)"),
    "answers of another kind": (1, "CREATE TABLE answers (key, value)"),
    "keys that are no keys": (
        1,
        VERSION_1 + "; INSERT INTO answers (key, purpose, role, model, ask, text, outcome,"
        "attempts, address, at) VALUES ('oops', '', '', '', '', '', '', 1, '', '')",
    ),
    "a table in the way": (1, VERSION_1 + "; CREATE TABLE batches (mine)"),
}


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("kind", STRANGERS)
def test_what_is_no_ledger_is_refused_and_left_alone(tmp_path: Path, kind: str, readonly: bool) -> None:
    path, (version, script) = tmp_path / "ledger.sqlite", STRANGERS[kind]
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"{script}; PRAGMA user_version = {version}")
    if kind == "a table in the way" and readonly:
        Ledger(path, readonly=True).close()  # it is a ledger, and nothing has to be made
        return
    before = digest(path)
    with pytest.raises(DataError, match=r"\A'[^\n]*ledger\.sqlite' (is not a ledger|has ledger version)[^\n]*\Z"):
        Ledger(path, readonly=readonly)
    if kind != "keys that are no keys":  # which only reading it shows
        assert digest(path) == before
        assert [name for name in names(path) if name != "ledger.v1.sqlite"] == ["ledger.sqlite"]


@pytest.mark.parametrize("version", [4, 99, 2**31 - 1])
def test_a_newer_ledger_is_left_to_the_last_byte(tmp_path: Path, version: int) -> None:
    path = make_old(tmp_path / "ledger.sqlite", 3)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {version}")
    before = digest(path)
    for readonly in (False, True):
        with pytest.raises(DataError, match=rf"version {version}, this whyfeel reads versions up to 3; .*upgrade"):
            Ledger(path, readonly=readonly)
    assert digest(path) == before
    assert names(path) == ["ledger.sqlite"]


def test_an_empty_file_becomes_a_ledger_and_is_none_to_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.touch()
    with pytest.raises(DataError, match="it is no ledger"):
        Ledger(path, readonly=True)
    assert path.stat().st_size == 0
    Ledger(path).close()
    assert content(path)[0] == tables.VERSION


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("damage", ["cut", "scribbled over"])
def test_a_damaged_ledger_is_named_when_it_is_opened_or_read(old: Path, damage: str, readonly: bool) -> None:
    whole = old.read_bytes()
    noise = random.Random(0).randbytes(len(whole) // 2)
    old.write_bytes(whole[: len(whole) // 3] if damage == "cut" else whole[: len(whole) - len(noise)] + noise)

    def read() -> None:
        with closing(Ledger(old, readonly=readonly)) as ledger:
            for number in range(ROWS):
                ledger.get(ask_key(str(number)))

    with pytest.raises((DataError, StoreFailed), match=r"\A[^\n]*ledger\.sqlite[^\n]*(damaged|malformed)[^\n]*\Z"):
        read()


@pytest.mark.parametrize("readonly", [False, True])
def test_a_ledger_whose_tables_are_gone_is_damaged(old: Path, readonly: bool) -> None:
    """The user has to look for a copy; to run the command again would not help."""
    whole = old.read_bytes()
    old.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises(
        DataError, match=r"\Athe ledger '[^\n]*' is damaged \([^\n]*malformed\): put a copy in its place"
    ):
        Ledger(old, readonly=readonly)


def test_a_ledger_that_goes_bad_under_the_reader_ends_the_run(old: Path) -> None:
    """It must not become a fault of each sample: what is paid for would be asked again."""
    with closing(Ledger(old)) as ledger:
        pages = bytearray(old.read_bytes())
        pages[4096:] = bytes(len(pages) - 4096)
        old.write_bytes(pages)
        with pytest.raises(StoreFailed, match=r"cannot be read: [^\n]*put a copy in its place"):
            ledger.get(ask_key("1"))


def test_a_half_written_ledger_tells_a_reader_what_to_do(tmp_path: Path) -> None:
    """A reader may not undo what a killed writer began."""
    path = make_old(tmp_path / "ledger.sqlite", 50)
    program = (
        "import os, sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA cache_size = 2')\ndb.execute('BEGIN IMMEDIATE')\n"
        "db.execute('UPDATE answers SET text = ?', ('y' * 9000,))\nos.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=20)
    assert (tmp_path / "ledger.sqlite-journal").exists()
    with pytest.raises(StoreFailed, match=r"\A[^\n]*half written[^\n]*run its own command again\Z"):
        Ledger(path, readonly=True)
    Ledger(path).close()
    reader = Ledger(path, readonly=True)
    assert reader.get(ask_key("1")) == answer(1)
    reader.close()
