"""Both databases do the same, and say in one line what they cannot do."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from postgres_server import Cluster
from store_parts import Opener, Place

from whyfeel.errors import DataError, StoreFailed, UserError
from whyfeel.records import storable
from whyfeel.study.database import Database, open_database

MAKE = "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, at DOUBLE PRECISION)"
PUT = "INSERT INTO things (id, name, at) VALUES (?, ?, ?)"
ALL = "SELECT id, name, at FROM things ORDER BY id"


async def made(opened: Opener) -> Database:
    db = await opened()
    async with db.changing() as tx:
        await tx.run(MAKE)
    return db


async def everything(db: Database) -> list[tuple[object, ...]]:
    async with db.reading() as tx:
        return [tuple(row) for row in await tx.rows(ALL)]


async def test_what_is_written_is_read(opened: Opener) -> None:
    db = await made(opened)
    async with db.changing() as tx:
        assert await tx.run(PUT, 1, "a?b", 0.1) == 1
        assert await tx.run(PUT + ", (?, ?, ?)", 2, "", 2, 3, None, None) == 2
        assert await tx.run("UPDATE things SET at = ? WHERE id > ?", 5, 1) == 2
        assert await tx.run("DELETE FROM things WHERE id = ?", 9) == 0
        assert await tx.run("CREATE TABLE more (id INTEGER)") == 0
    assert await everything(db) == [(1, "a?b", 0.1), (2, "", 5.0), (3, None, 5.0)]


async def test_an_error_in_the_middle_takes_everything_back(opened: Opener) -> None:
    db = await made(opened)

    async def put(*ids: int) -> None:
        async with db.changing() as tx:
            for one in ids:
                await tx.run(PUT, one, "a", 1.0 / one)

    with pytest.raises(ZeroDivisionError):
        await put(1, 0)
    with pytest.raises(StoreFailed, match=r"cannot be written: .*(UNIQUE|duplicate key)"):
        await put(2, 2)
    with pytest.raises(StoreFailed, match=r"cannot be read: .*nowhere"):
        async with db.reading() as tx:
            await tx.rows("SELECT * FROM nowhere")
    assert await everything(db) == []


@pytest.mark.parametrize("hops", range(6))
async def test_a_cancelled_request_leaves_nothing_and_holds_up_nobody(opened: Opener, hops: int) -> None:
    db = await made(opened)

    async def slow() -> None:
        async with db.changing() as tx:
            await tx.run(PUT, 1, "a", 1.0)
            await asyncio.sleep(60)

    under_way = asyncio.create_task(slow())
    for _ in range(hops):
        await asyncio.sleep(0.0005)
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    async with db.changing() as tx:
        await tx.run(PUT, 2, "b", 1.0)
    assert await everything(db) == [(2, "b", 1.0)]


async def test_changes_are_alone_over_all_connections(opened: Opener) -> None:
    first, second = await made(opened), await opened()

    async def add(db: Database) -> None:
        async with db.changing() as tx:
            (count,) = (await tx.rows("SELECT count(*) FROM things"))[0]
            await asyncio.sleep(0)
            await tx.run(PUT, count, "", 1.0)  # would be there already, were anybody else between

    await asyncio.gather(*(add(db) for _ in range(10) for db in (first, second)))
    assert [row[0] for row in await everything(second)] == list(range(20))


async def test_reading_sees_one_moment(opened: Opener) -> None:
    first, second = await made(opened), await opened()
    async with first.reading() as tx:
        assert await tx.rows(ALL) == []
        async with second.changing() as other:
            await other.run(PUT, 1, "a", 1.0)
        assert await tx.rows(ALL) == []
    assert len(await everything(first)) == 1


async def test_closing_waits_for_a_change(opened: Opener, place: Place) -> None:
    await made(opened)
    db = await open_database(*place)
    begun = asyncio.Event()

    async def change() -> None:
        async with db.changing() as tx:
            begun.set()
            await asyncio.sleep(0.02)
            await tx.run(PUT, 1, "a", 1.0)

    under_way = asyncio.create_task(change())
    await begun.wait()
    await asyncio.gather(db.close(), under_way)
    assert len(await everything(await opened())) == 1


@pytest.mark.parametrize("text", ["\0", "a\ud800b\udfff", "\U0010ffff\u202e<b>'\"; DROP TABLE things;--", "é" * 10**6])
async def test_any_text_can_be_stored(opened: Opener, text: str) -> None:
    db = await made(opened)
    async with db.changing() as tx:
        await tx.run(PUT, 1, storable(text), 1.0)
    assert await everything(db) == [(1, storable(text), 1.0)]


@given(st.text(st.characters() | st.sampled_from("\0\ud800\udbff\udc00\udfff")))
def test_what_cannot_be_stored_is_replaced_and_nothing_else(text: str) -> None:
    kept = storable(text)
    kept.encode()
    assert len(kept) == len(text)
    for was, now in zip(text, kept, strict=True):
        impossible = was == "\0" or 0xD800 <= ord(was) < 0xE000
        assert now == ("\N{REPLACEMENT CHARACTER}" if impossible else was)


async def test_sqlite_writes_ahead_and_to_the_disk_and_leaves_one_file(sqlite: Place) -> None:
    db = await open_database(*sqlite)
    async with db.changing() as tx:
        await tx.run(MAKE)
        assert [(await tx.rows(f"PRAGMA {name}"))[0][0] for name in ("journal_mode", "synchronous")] == ["wal", 2]
    path = Path(sqlite[0])
    assert path.with_name("study.sqlite-wal").exists()
    await db.close()
    assert list(path.parent.iterdir()) == [path]


async def test_files_that_are_no_study(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"no database of anybody's" * 100)
    with pytest.raises(DataError, match=r"x\.sqlite' is damaged, or no study"):
        await open_database(path, "")
    with pytest.raises(StoreFailed, match=r"the study .*y\.sqlite' cannot be opened: unable to open"):
        await open_database(tmp_path / "none" / "y.sqlite", "")


async def test_a_file_that_is_locked_for_too_long(sqlite: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyfeel.study.sqlite.BUSY", 0.01)
    db = await open_database(*sqlite)
    other = sqlite3.connect(sqlite[0], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailed, match="cannot be written: database is locked"):
        async with db.changing():
            pytest.fail("it is not alone")
    other.close()
    async with db.changing() as tx:
        await tx.run(MAKE)
    await db.close()


@pytest.mark.parametrize("extra", ["postgres", "web"])
async def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, extra: str) -> None:
    package, module, place = {
        "postgres": ("asyncpg", "postgres", "postgresql://127.0.0.1/x"),
        "web": ("aiosqlite", "sqlite", str(tmp_path / "x")),
    }[extra]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"whyfeel.study.{module}", raising=False)
    with pytest.raises(UserError, match=rf"needs the package {package}: pip install 'whyfeel\[{extra}\]'"):
        await open_database(place, "x")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:s3cret@127.0.0.1/d",
        "postgresql://u:s3cret@x@127.0.0.1/d",
        "postgresql://u:s3cret/x@127.0.0.1/d",
        "postgresql://u:s3cret#x@127.0.0.1/d",
        "postgresql://u:s3cret?x@127.0.0.1/d",
        "postgresql://u:[s3cret@127.0.0.1/d",
        "postgresql://u:s3cret",
        "postgresql://u:p@127.0.0.1:s3cret/d",
        "postgresql://127.0.0.1/d?s3cret",
        "postgresql://127.0.0.1/d?sslmode=s3cret&password=s3cret",
        "postgresql://u:s3cret@127.0.0.1:1/d",
        "postgresql://u:%733cret@127.0.0.1:1/s3cret",
        "postgresql://127.0.0.1:1/d?password=s3cret&user=u",
    ],
)
async def test_no_error_about_a_url_tells_its_password(url: str) -> None:
    with pytest.raises(UserError) as told:
        await open_database(url, "x")
    line = str(told.value)
    assert "s3cret" not in line
    assert "\n" not in line
    assert told.value.__suppress_context__ or told.value.__context__ is None


async def test_what_the_server_refuses_is_told_without_the_password(cluster: Cluster) -> None:
    url = f"postgresql://whyfeel:s3cret@127.0.0.1:{cluster.port}"
    with pytest.raises(
        UserError, match=rf"'127\.0\.0\.1:{cluster.port}/no…' cannot be used: database \"no…\" does not"
    ):
        await open_database(f"{url}/nos3cret", "x")
    with pytest.raises(UserError, match='role "nobody" does not exist'):
        await open_database(url.replace("whyfeel:", "nobody:") + "/postgres", "x")
    for name in ("", "a-b", 'a"; DROP', "a" * 51, "é"):
        with pytest.raises(ValueError, match="named by at most 50"):
            await open_database(cluster.url, name)


async def test_a_user_who_may_not_create_a_schema_uses_one_that_is_there(postgres: Place) -> None:
    url, name = map(str, postgres)
    admin = await asyncpg.connect(url)
    await admin.execute(f"CREATE ROLE {name} LOGIN")
    poor = url.replace("whyfeel@", f"{name}@")
    with pytest.raises(UserError, match="permission denied"):
        await open_database(poor, name)
    await (await open_database(url, name)).close()
    await admin.execute(f"GRANT USAGE ON SCHEMA whyfeel_{name} TO {name}")
    await (await open_database(poor, name)).close()
    await admin.close()


async def test_two_processes_may_make_one_schema(postgres: Place) -> None:
    opened = await asyncio.gather(*(open_database(*postgres) for _ in range(4)))
    async with opened[0].changing() as tx:
        await tx.run(MAKE)
        settings = "SELECT current_setting('search_path'), current_setting('synchronous_commit')"
        assert [tuple(row) for row in await tx.rows(settings)] == [(f"whyfeel_{postgres[1]}", "on")]
    assert await everything(opened[3]) == []
    await asyncio.gather(*(one.close() for one in opened))
