"""The memory of decoded pictures: a help where it can be had, never a hindrance."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from whyfeel import environment
from whyfeel.media import memory as module
from whyfeel.media.memory import FILE, SOUND, PictureMemory, checker_version

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def told(folder: Path | None, **faults: str | None) -> PictureMemory:
    """A memory that was told and closed."""
    with PictureMemory(folder) as memory:
        for digest, fault in faults.items():
            memory.learn(digest, fault)
    return memory


def rows(folder: Path) -> tuple[int, list[tuple[str, str | None]]]:
    with closing(sqlite3.connect(folder / FILE)) as db:
        [version] = db.execute("PRAGMA user_version").fetchone()
        return version, sorted(db.execute("SELECT sha256, fault FROM pictures"))


def test_what_was_learnt_is_known_the_next_time(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "whyfeel"
    with PictureMemory(folder) as memory:
        assert memory.recall(A) is None
        memory.learn(A, None)
        memory.learn(B, "cut off")
        assert (memory.recall(A), memory.recall(B), memory.recall(C)) == (SOUND, "cut off", None)
        assert not folder.exists(), "nothing is written before the end"
    assert memory.trouble is None
    assert rows(folder) == (checker_version(), [(A, None), (B, "cut off")])
    with PictureMemory(folder) as memory:
        assert (memory.recall(A), memory.recall(B), memory.recall(C)) == (SOUND, "cut off", None)
        memory.learn(C, None)
        memory.learn(B, "still cut off")
        assert memory.recall(B) == "still cut off"
    assert rows(folder)[1] == [(A, None), (B, "still cut off"), (C, None)]


def test_a_check_that_learns_nothing_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "whyfeel"
    assert told(folder).trouble is None
    assert not folder.exists()
    told(folder, **{A: None})
    before = (folder / FILE).stat()
    with PictureMemory(folder) as memory:
        assert memory.recall(A) == SOUND
    after = (folder / FILE).stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_check_that_is_stopped_keeps_what_it_learnt(tmp_path: Path) -> None:
    def stopped() -> None:
        with PictureMemory(tmp_path) as memory:
            memory.learn(A, None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert rows(tmp_path)[1] == [(A, None)]


def test_the_file_of_another_version_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(tmp_path, **{A: None, B: "cut off"})
    before = checker_version()
    monkeypatch.setattr(module, "CHECKER", module.CHECKER + 1)
    assert checker_version() != before
    with PictureMemory(tmp_path) as memory:
        assert (memory.recall(A), memory.recall(B)) == (None, None)
        memory.learn(C, None)
    assert rows(tmp_path) == (checker_version(), [(C, None)])


def test_another_decoder_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = checker_version()
    monkeypatch.setattr("PIL.__version__", "99.0.0")
    assert checker_version() != before
    assert 0 <= checker_version() < 2**31, "what user_version holds"


def test_without_a_home_folder_the_check_goes_on() -> None:
    with PictureMemory(None) as memory:
        assert memory.recall(A) is None
        memory.learn(A, None)
        assert memory.recall(A) == SOUND
    assert memory.trouble == "there is no home folder"


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (b"no database at all, and long enough to be read as one" * 50, "file is not a database"),
        (b"SQLite format 3\x00" + b"\xff" * 200, "file is not a database"),
    ],
)
def test_a_damaged_file_is_left_alone_and_told(tmp_path: Path, damage: bytes, why: str) -> None:
    (tmp_path / FILE).write_bytes(damage)
    with PictureMemory(tmp_path) as memory:
        assert memory.recall(A) is None
        memory.learn(A, None)
    assert memory.trouble == f"{str(tmp_path / FILE)!r}: {why}"
    assert (tmp_path / FILE).read_bytes() == damage


def test_pages_damaged_behind_a_sound_head_are_told(tmp_path: Path) -> None:
    told(tmp_path, **{f"{number:064x}": "x" * 50 for number in range(2_000)})
    data = bytearray((tmp_path / FILE).read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    (tmp_path / FILE).write_bytes(data)
    with PictureMemory(tmp_path) as memory:
        assert memory.recall(f"{7:064x}") is None
        assert memory.recall(f"{8:064x}") is None
    assert "malformed" in str(memory.trouble)


def test_an_empty_file_and_one_without_the_table_are_used(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"")
    assert told(tmp_path, **{A: None}).trouble is None
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("DROP TABLE pictures")
        db.commit()
    with PictureMemory(tmp_path) as memory:
        assert memory.recall(A) is None
    assert "no such table" in str(memory.trouble)


@pytest.mark.parametrize("place", ["file", "file/below", "x" * 300])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    memory = told(tmp_path / place, **{A: None})
    assert memory.trouble is not None
    assert repr(str(tmp_path / place / FILE)) in memory.trouble
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert "unable to open" in str(told(tmp_path, **{A: None}).trouble)


def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(tmp_path, **{A: None})
    connect = sqlite3.connect

    def small(*args: object, **options: object) -> sqlite3.Connection:
        db = connect(*args, **options)  # type: ignore[arg-type]
        db.execute("PRAGMA max_page_count = 3")
        return db

    monkeypatch.setattr(sqlite3, "connect", small)
    memory = told(tmp_path, **{f"{number:064x}": "x" * 100 for number in range(500)})
    assert "database or disk is full" in str(memory.trouble)
    monkeypatch.undo()
    assert rows(tmp_path)[1] == [(A, None)]


def test_what_may_only_be_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(tmp_path, **{A: None})
    connect = sqlite3.connect
    uri = f"{(tmp_path / FILE).as_uri()}?mode=ro"  # root may write whatever a file's mode is
    monkeypatch.setattr(sqlite3, "connect", lambda _, **options: connect(uri, **options | {"uri": True}))
    with PictureMemory(tmp_path) as memory:
        assert memory.recall(A) == SOUND
        memory.learn(B, None)
    assert "readonly" in str(memory.trouble)
    assert rows(tmp_path)[1] == [(A, None)]


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Another process that has begun to write."""
    told(tmp_path, **{A: None})
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
        yield db


def test_while_another_process_writes_the_check_goes_on(tmp_path: Path, writer: sqlite3.Connection) -> None:
    writer.execute("BEGIN IMMEDIATE")
    with PictureMemory(tmp_path) as memory:
        assert memory.recall(A) == SOUND, "it can still be read"
        memory.learn(B, None)
    assert "locked" in str(memory.trouble)
    writer.execute("ROLLBACK")
    assert rows(tmp_path)[1] == [(A, None)]


def test_while_another_process_commits_nothing_is_known(tmp_path: Path, writer: sqlite3.Connection) -> None:
    writer.execute("BEGIN EXCLUSIVE")
    with PictureMemory(tmp_path) as memory:
        assert memory.recall(A) is None
        memory.learn(B, None)
        writer.execute("ROLLBACK")
    assert "locked" in str(memory.trouble)
    assert rows(tmp_path)[1] == [(A, None)], "what failed once is left alone"


def test_two_checks_at_a_time_both_keep_what_they_learnt(tmp_path: Path) -> None:
    with PictureMemory(tmp_path) as one, PictureMemory(tmp_path) as other:
        one.learn(A, None)
        other.learn(B, "cut off")
    assert (one.trouble, other.trouble) == (None, None)
    assert rows(tmp_path)[1] == [(A, None), (B, "cut off")]


def test_many_threads_may_ask_and_tell(tmp_path: Path) -> None:
    told(tmp_path, **{f"{number:064x}": None for number in range(0, 400, 2)})
    found: list[tuple[int, str | None]] = []

    def work(first: int) -> None:
        for number in range(first, 400, 4):
            found.append((number, memory.recall(f"{number:064x}")))
            memory.learn(f"{number:064x}", f"fault {number}")

    with PictureMemory(tmp_path) as memory:
        threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [(number, SOUND if number % 2 == 0 else None) for number in range(400)]
    assert rows(tmp_path)[1] == [(f"{number:064x}", f"fault {number}") for number in range(400)]


# ---- where the file lies ------------------------------------------------------------------------------------------


def test_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/else")
    assert environment.cache_folder() == Path("/somewhere/else/whyfeel")
    for unset in ("", " ", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert environment.cache_folder() == tmp_path / ".cache" / "whyfeel"
    monkeypatch.delenv("XDG_CACHE_HOME")
    (tmp_path / "file").write_text("")
    for home in ("", tmp_path / "nowhere", tmp_path / "file", "x" * 5000):
        monkeypatch.setenv("HOME", str(home))
        assert environment.cache_folder() is None
    monkeypatch.delenv("HOME")
    assert environment.cache_folder() is None
