"""The ledger: durable before it is handed on, whole after every accident, and readable by nobody's goodwill."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whyfeel.engine import Entry, Ledger, Totals, tables
from whyfeel.engine import ledger as ledger_module
from whyfeel.errors import DataError, StoreFailed
from whyfeel.records import Answer, ask_key

Open = Callable[..., Ledger]
Within = Callable[[Awaitable[Any]], Awaitable[Any]]


def entry(asked: str, text: str = "rain", purpose: str = "answer", **more: Any) -> Entry:
    """An answer on its way into the ledger."""
    role, model = more.pop("role", "answer"), more.pop("model", "m")
    return Entry(Answer(ask_key(asked), text, **more), role, model, asked, purpose, "http://h/v1")


def rows(path: Path, what: str = "text") -> list[Any]:
    """What another process would see."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return [row[0] for row in db.execute(f"SELECT {what} FROM answers ORDER BY seq")]
    finally:
        db.close()


def names(folder: Path) -> list[str]:
    """The files in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_an_answer_is_durable_when_put_returns(ledger: Ledger) -> None:
    asked = '{"model":"m"}'
    await ledger.put(entry(asked, "rain"))
    for column, value in {
        "key": ask_key(asked),
        "text": "rain",
        "ask": asked,
        "purpose": "answer",
        "role": "answer",
        "model": "m",
        "address": "http://h/v1",
    }.items():
        assert rows(ledger.path, column) == [value]


def test_a_commit_reaches_the_disk_and_not_only_the_system(tmp_path: Path) -> None:
    db = ledger_module._open_writer(tmp_path / "ledger.sqlite")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    db.close()


ANSWERS = [
    Answer("", "rain", "ok", "stop", 10, 20, 0.25, "m-2", 3, None),
    Answer("", "", "empty"),
    Answer("", "no", "refused", "content_filter", 0, 0, 0.0, None, 1, "runs/old"),
    Answer("", "1. The ra", "truncated", "length", 2**40, None, None),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.outcome)
async def test_an_answer_comes_back_as_it_went_in(ledger: Ledger, answer: Answer) -> None:
    await ledger.put(Entry(answer_with_key(answer), "answer", "m", "x", "answer", ""))
    assert ledger.get(ask_key("x")) == answer_with_key(answer)
    assert ledger.get(ask_key("y")) is None


def answer_with_key(answer: Answer, asked: str = "x") -> Answer:
    return Answer(ask_key(asked), *(getattr(answer, name) for name in Answer.__slots__[1:]))


async def test_answers_survive_closing(tmp_path: Path, open_ledger: Open) -> None:
    path = tmp_path / "ledger.sqlite"
    for sitting in range(3):
        ledger = open_ledger(path)
        assert [ledger.get(ask_key(str(one))) is not None for one in range(4)] == [one < sitting for one in range(4)]
        await ledger.put(entry(str(sitting), f"answer {sitting}"))
        ledger.close()
    assert rows(path) == ["answer 0", "answer 1", "answer 2"]


async def test_answers_survive_a_process_that_never_closes(tmp_path: Path, open_ledger: Open) -> None:
    """What a kill leaves behind, SQLite's log beside the file, is read by the next sitting."""
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    await ledger.put(entry("a"))
    (tmp_path / "killed").mkdir()
    for left in names(tmp_path):
        if left.startswith("ledger.sqlite"):
            shutil.copy(tmp_path / left, tmp_path / "killed" / left)
    ledger.close()
    again = open_ledger(tmp_path / "killed" / "ledger.sqlite")
    assert again.get(ask_key("a")) is not None
    again.close()


async def test_a_closed_ledger_is_one_file(tmp_path: Path, open_ledger: Open) -> None:
    """People copy and publish `ledger.sqlite`; nothing of it may lie in another file."""
    (tmp_path / "run").mkdir()
    ledger = open_ledger(tmp_path / "run" / "ledger.sqlite")
    await ledger.put(entry("a"))
    ledger.close()
    assert names(tmp_path / "run") == ["ledger.sqlite"]
    copy = open_ledger(Path(shutil.copy(tmp_path / "run" / "ledger.sqlite", tmp_path / "copy.sqlite")), readonly=True)
    assert copy.get(ask_key("a")) is not None
    copy.close()


async def test_reading_a_published_ledger_leaves_nothing_beside_it(tmp_path: Path, open_ledger: Open) -> None:
    """Else it could not be read where nothing may be written, as on a published run's read-only medium."""
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    await ledger.put(entry("a"))
    ledger.close()
    reader = open_ledger(tmp_path / "ledger.sqlite", readonly=True)
    assert reader.get(ask_key("a")) is not None
    reader.close()
    assert names(tmp_path) == ["ledger.sqlite"]


async def test_a_ledger_can_be_read_while_it_is_written(ledger: Ledger, open_ledger: Open) -> None:
    await ledger.put(entry("a"))
    reader = open_ledger(ledger.path, readonly=True)
    await ledger.put(entry("b"))
    assert reader.get(ask_key("a")) is not None
    assert rows(ledger.path) == ["rain", "rain"]
    reader.close()


async def test_the_first_answer_to_an_ask_stays(ledger: Ledger) -> None:
    await ledger.put(entry("a", "first"))
    await ledger.put(entry("a", "second", purpose="judge"))
    known = ledger.get(ask_key("a"))
    assert known is not None
    assert known.text == "first"
    assert rows(ledger.path) == ["first"]


async def test_keys_that_begin_alike_are_told_apart(ledger: Ledger) -> None:
    """The index in memory keeps sixty bits of a key; a likeness there must not become an answer."""
    key = ask_key("a")
    await ledger.put(entry("a"))
    assert ledger.get(key[:16] + "0" * 16) is None
    assert ledger.get(key) is not None


async def test_what_queues_up_behind_a_commit_shares_the_next_one(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go, sizes = threading.Event(), threading.Event(), list[int]()
    commit = ledger_module._commit

    def slow(db: sqlite3.Connection, batch: list[Any], path: Path) -> StoreFailed | None:
        sizes.append(len(batch))
        began.set()
        assert go.wait(10)
        return commit(db, batch, path)

    monkeypatch.setattr(ledger_module, "_commit", slow)
    first = asyncio.create_task(ledger.put(entry("first")))
    while not began.is_set():
        await asyncio.sleep(0.001)
    others = [asyncio.create_task(ledger.put(entry(str(one)))) for one in range(200)]
    await asyncio.sleep(0.01)
    assert not first.done()
    assert ledger.get(ask_key("first")) is None  # an answer that is not durable is not known
    go.set()
    await asyncio.gather(first, *others)
    assert sizes[:2] == [1, 200]
    assert len(rows(ledger.path)) == 201


async def test_an_asker_that_gives_up_does_not_stop_the_writing(ledger: Ledger) -> None:
    given_up = asyncio.create_task(ledger.put(entry("a")))
    await asyncio.sleep(0)
    given_up.cancel()
    await ledger.put(entry("b"))
    ledger.close()
    assert rows(ledger.path) == ["rain", "rain"]


texts = st.text(st.characters() | st.sampled_from("\x00\ud800\udfff\u2028"), max_size=30)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
def test_every_text_comes_back_to_the_letter(tmp_path: Path, text: str) -> None:
    async def main() -> None:
        ledger = Ledger(tmp_path / "ledger.sqlite")
        try:
            await ledger.put(entry(f"x{text!r}", text))
            known = ledger.get(ask_key(f"x{text!r}"))
            assert known is not None
            assert known.text == text
        finally:
            ledger.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "more",
    [
        {"finish": "st\ud800p"},
        {"served": "m\udfff"},
        {"source": "runs/\udce9"},
        {"model": "m\udce9"},
        {"tokens_in": 2**63},
        {"tokens_out": 10**30},
    ],
    ids=str,
)
async def test_what_sqlite_cannot_store_fails_and_never_hangs(ledger: Ledger, within: Within, more: Any) -> None:
    """All of it can come from a server or from a file's name; the run must store it or stop, not stand still."""
    try:
        await within(ledger.put(entry("odd", **more)))
    except StoreFailed:
        return
    assert ledger.get(ask_key("odd")) is not None
    await within(ledger.put(entry("next")))


async def test_totals_are_by_purpose(ledger: Ledger) -> None:
    await ledger.put(entry("a", purpose="answer", tokens_in=10, tokens_out=5, cost=0.5))
    await ledger.put(entry("b", purpose="answer", tokens_in=1, cost=0.25))
    await ledger.put(entry("c", purpose="judge-1", tokens_in=100, tokens_out=50, cost=2.0))
    assert ledger.totals(["answer"]) == Totals(2, 2, 11, 5, 0.75)
    assert ledger.totals(["judge-1", "answer", "nobody"]) == ledger.totals() == Totals(3, 3, 111, 55, 2.75)
    assert ledger.totals([]) == ledger.totals(["nobody"]) == Totals(0, 0, 0, 0, 0.0)
    assert ledger.totals(['answer" OR 1 --']) == Totals(0, 0, 0, 0, 0.0)


async def test_a_total_with_an_unknown_cost_is_unknown(ledger: Ledger) -> None:
    await ledger.put(entry("a", purpose="answer", tokens_in=1, tokens_out=1, cost=0.5))
    await ledger.put(entry("b", purpose="judge", cost=None))
    assert ledger.totals().cost is None
    assert ledger.totals(["answer"]).cost == 0.5
    assert ledger.totals(["judge"]) == Totals(1, 1, 0, 0, None)


async def test_reused_answers_cost_nothing_here(ledger: Ledger) -> None:
    await ledger.put(entry("a", tokens_in=1, tokens_out=1, cost=0.5))
    await ledger.put(entry("b", tokens_in=7, tokens_out=7, cost=9.0, source="runs/old"))
    await ledger.put(entry("c", cost=None, source="runs/old"))
    assert ledger.totals() == Totals(1, 1, 1, 1, 0.5)


async def test_the_models_of_a_role_are_listed(ledger: Ledger) -> None:
    for asked, role, model in (
        ("a", "answer", "m2"),
        ("b", "answer", "m1"),
        ("c", "answer", "m2"),
        ("d", "judge", "j"),
    ):
        await ledger.put(entry(asked, role=role, model=model))
    assert ledger.models("answer") == ["m1", "m2"]
    assert ledger.models("judge") == ["j"]
    assert ledger.models("nobody") == []


async def test_an_entry_comes_back_with_all_that_was_kept(ledger: Ledger) -> None:
    asked = '{"messages":[],"model":"m\\ud800"}'
    answer = Answer(ask_key(asked), "r\udfff", "truncated", "length", 3, 2, 0.5, "m-1", 2, "runs/old", "hm", ("seed",))
    kept = Entry(answer, "judge", "m", asked, "judge-1", "http://h/v1", 1.5)
    await ledger.put(kept)
    assert ledger.entry(ask_key(asked)) == kept
    assert ledger.entry(ask_key("another")) is None


@pytest.mark.parametrize(
    ("version", "drops"), [(1, ("reasoning", "left_out", "seconds")), (2, ("seconds",))], ids=["1", "2"]
)
async def test_an_entry_of_an_old_ledger_lacks_what_was_not_kept_then(
    tmp_path: Path, open_ledger: Open, version: int, drops: tuple[str, ...]
) -> None:
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    await ledger.put(
        Entry(Answer(ask_key("a"), "rain", served="m-1"), "answer", "m", "a", "answer", "http://h/v1", 1.5)
    )
    ledger.close()
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as db:
        for column in drops:
            db.execute(f"ALTER TABLE answers DROP COLUMN {column}")
        db.execute(f"PRAGMA user_version = {version}")
    old = open_ledger(ledger.path, readonly=True).entry(ask_key("a"))
    assert old == Entry(Answer(ask_key("a"), "rain", served="m-1"), "answer", "m", "a", "answer", "http://h/v1", None)


def test_a_missing_ledger_is_not_made_by_looking_at_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no ledger at .*nothing\.sqlite"):
        Ledger(tmp_path / "nothing.sqlite", readonly=True)
    assert names(tmp_path) == []


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("content", [b"<html>" * 300, b"{}", b"SQLite format 2\x00" + bytes(2000)])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes, readonly: bool) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"\A[^\n]*ledger\.sqlite' is not a ledger[^\n]*\Z"):
        Ledger(path, readonly=readonly)
    assert path.read_bytes() == content


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("tables", ["answers", "something newer"])
def test_a_newer_ledger_is_refused_by_its_version(tmp_path: Path, tables: str, readonly: bool) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    db = sqlite3.connect(path)
    if tables != "answers":
        db.execute("DROP TABLE answers")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DataError, match="version 99"):
        Ledger(path, readonly=readonly)


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE photos (name)")
    db.close()
    with pytest.raises(DataError):
        Ledger(path, readonly=True)


@pytest.mark.parametrize("where", ["no-such-folder/ledger.sqlite", "a-file/ledger.sqlite", "a-folder"])
def test_a_place_that_cannot_hold_a_file_is_refused(tmp_path: Path, where: str) -> None:
    (tmp_path / "a-file").write_bytes(b"")
    (tmp_path / "a-folder").mkdir()
    with pytest.raises(StoreFailed, match=r"\Athe ledger [^\n]* cannot be opened: [^\n]+\Z"):
        Ledger(tmp_path / where)


@pytest.mark.parametrize("name", ["50%41#?x=1&mode=rwc.sqlite", "è 喜.sqlite", "byte\udce9.sqlite", "a b'c\"d.sqlite"])
async def test_a_ledger_may_have_any_name(tmp_path: Path, name: str, open_ledger: Open) -> None:
    ledger = open_ledger(tmp_path / name)
    await ledger.put(entry("a"))
    assert ledger.get(ask_key("a")) is not None
    ledger.close()
    assert (tmp_path / name).is_file()


async def test_a_ledger_whose_folder_vanishes_fails_and_does_not_hang(
    tmp_path: Path, within: Within, open_ledger: Open
) -> None:
    (tmp_path / "run").mkdir()
    ledger = open_ledger(tmp_path / "run" / "ledger.sqlite")
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(StoreFailed):
        await within(ledger.put(entry("a")))
    ledger.close()


FILL = """
import asyncio, json, resource, signal, sys
from pathlib import Path
from whyfeel.engine import Entry, Ledger
from whyfeel.errors import StoreFailed
from whyfeel.records import Answer, ask_key

async def main():
    ledger, kept, failed = Ledger(Path(sys.argv[1])), [], []
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))

    async def put(number):
        key = ask_key(str(number))
        try:
            await ledger.put(Entry(Answer(key, "x" * 5000), "answer", "m", "{}", "answer", ""))
        except StoreFailed as error:
            failed.append(str(error))
        else:
            kept.append(key)

    for number in range(10):
        await put(number)
    await asyncio.gather(*(put(number) for number in range(10, 110)))
    await put(110)
    for key in kept:
        assert ledger.get(key) is not None
    ledger.close()
    print(json.dumps([kept, failed]))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path, open_ledger: Open) -> None:
    path = tmp_path / "ledger.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    kept, failed = json.loads(done.stdout)
    assert len(kept) >= 10
    assert len(failed) >= 1
    assert len(kept) + len(failed) == 111
    assert all("cannot be written" in one and "\n" not in one for one in failed)
    assert set(kept) <= set(rows(path, "key"))
    again = open_ledger(path)
    known = [again.get(key) for key in kept]
    assert all(one is not None and one.text == "x" * 5000 for one in known)
    again.close()


async def test_a_value_of_ours_that_cannot_be_written_fails_and_never_hangs(
    ledger: Ledger, within: Within, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writing thread must outlive whatever a row holds."""

    def broken(_: Entry) -> tuple[Any, ...]:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Entry, "row", broken)
    with pytest.raises(StoreFailed, match="a fault of ours"):
        await within(ledger.put(entry("a")))


async def test_what_cannot_be_written_says_why_where_and_what_to_do(ledger: Ledger) -> None:
    told = str(tables.store_failed("the ledger", ledger.path, OSError(28, "No space left on device")))
    assert re.fullmatch(
        r"the ledger '.*/ledger\.sqlite' cannot be written: No space left on device \([\d,]+ bytes are free there\)\. "
        r"Nothing that was answered before is lost: make room or mend the cause, then run the same command again",
        told,
    )
    gone = tables.store_failed("the ledger", ledger.path / "no" / "where", RuntimeError("odd"))
    assert "cannot be written: odd (its folder cannot be looked at)" in str(gone)


async def test_after_a_failed_commit_nothing_more_is_taken(
    ledger: Ledger, within: Within, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "_commit", lambda *_: StoreFailed("full"))
    for asked in ("a", "b"):
        with pytest.raises(StoreFailed, match="full"):
            await within(ledger.put(entry(asked)))
    assert ledger.get(ask_key("a")) is None


async def test_the_first_answer_waits_for_whoever_writes_to_the_file(tmp_path: Path, open_ledger: Open) -> None:
    """A ledger at rest has no log yet; SQLite would refuse to begin one at once while another connection writes."""
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    with closing(sqlite3.connect(ledger.path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
        await ledger.put(entry("a"))
        assert not other.in_transaction
    assert ledger.get(ask_key("a")) is not None
