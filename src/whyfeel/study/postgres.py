"""A study in PostgreSQL: a pool of connections, one schema a study; several processes may serve the same one."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg  # type: ignore[import-untyped]

from whyfeel.errors import StoreFailed, UserError
from whyfeel.study.database import BUSY, SCHEME, Value

NAME = re.compile(r"\w{1,50}", re.ASCII)
ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
CONNECTIONS = 10  # of one process; the others wait for one to be free
PATIENCE = 2 * BUSY  # seconds for any statement, or between two of a transaction, whatever happened
ALONE = "SELECT pg_advisory_xact_lock(?)"


class Postgres:
    """A pool for one study."""

    def __init__(self, pool: Any, server: Server, key: int) -> None:  # noqa: ANN401 - asyncpg has no types
        self._pool, self._server, self._key = pool, server, key
        self._turn = asyncio.Lock()  # whoever waits for the server's lock holds one of the connections

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Connected]:
        """Alone over all processes, by a lock that belongs to the schema."""
        async with self._turn, self._transaction("written", isolation="read_committed") as db:
            await db.rows(ALONE, self._key)
            yield db

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connected]:
        """As it was at the first statement."""
        async with self._transaction("read", isolation="repeatable_read", readonly=True) as db:
            yield db

    async def close(self) -> None:
        """Let the connections go once nobody uses them."""
        await self._pool.close()

    @asynccontextmanager
    async def _transaction(self, done: str, **kind: Any) -> AsyncIterator[Connected]:  # noqa: ANN401 - asyncpg's own
        with self._server.explained(done):
            async with AsyncExitStack() as stack:
                try:
                    db = await self._begun(stack, kind)
                except ERRORS:  # the server was started anew since: by now the pool knows which connections are dead
                    await stack.aclose()
                    db = await self._begun(stack, kind)
                yield Connected(db)

    async def _begun(self, stack: AsyncExitStack, kind: dict[str, Any]) -> Any:  # noqa: ANN401 - asyncpg has no types
        db = await stack.enter_async_context(self._pool.acquire(timeout=BUSY))
        await stack.enter_async_context(db.transaction(**kind))
        return db


class Connected:
    """One transaction's connection."""

    def __init__(self, db: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        self._db = db

    async def rows(self, statement: str, *values: Value) -> Sequence[Sequence[Any]]:
        """What a statement returns."""
        return list(await self._db.fetch(_numbered(statement), *values))

    async def run(self, statement: str, *values: Value) -> int:
        """How many rows a statement changed."""
        status = await self._db.execute(_numbered(statement), *values)  # such as "INSERT 0 5"
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Server:
    """Where a database is, and what of its URL must never be told."""

    place: str
    secrets: tuple[str, ...]

    def failure(self, done: str, error: Exception) -> str:
        """What failed, where and why, in one line."""
        why = " ".join(str(error).split()) or type(error).__name__
        line = f"the PostgreSQL database {self.place} cannot be {done}: {why}"
        for secret in self.secrets:
            line = line.replace(secret, "…")
        return line

    @contextmanager
    def explained(self, done: str) -> Iterator[None]:
        """Tell PostgreSQL's errors in the user's terms."""
        try:
            yield
        except ERRORS as error:
            raise StoreFailed(
                f"{self.failure(done, error)}. Nothing that was answered before is lost: see that the server runs, "
                "then try again"
            ) from None


async def open_postgres(url: str, name: str) -> Postgres:
    """Open a pool, and make the study's schema where it is missing.

    Raises:
        UserError: the URL cannot be one, or the server refuses it or does not answer; passwords are not repeated.
        ValueError: the name has other characters than letters, digits and underscores, or more than 50.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"a study's schema is named by at most 50 letters, digits and underscores, got {name!r}")
    server, schema = _server(url), f"whyfeel_{name}".lower()
    key = int.from_bytes(hashlib.sha256(schema.encode()).digest()[:8], "big", signed=True)
    settings = {
        "search_path": schema,
        "synchronous_commit": "on",  # an answer is told when it is on the disk, whatever the server does otherwise
        "lock_timeout": f"{BUSY:.0f}s",
        "idle_in_transaction_session_timeout": f"{PATIENCE:.0f}s",  # a process that hangs would hold up all others
    }
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=CONNECTIONS,
            reset=_as_it_is,
            server_settings=settings,
            timeout=BUSY,
            command_timeout=PATIENCE,
        )
    except (*ERRORS, ValueError) as error:
        raise _refused(server, error) from None
    study = Postgres(pool, server, key)
    try:
        async with pool.acquire() as db, db.transaction():
            await db.fetch(_numbered(ALONE), key)  # two processes may come at once
            if not await db.fetch("SELECT 1 FROM pg_namespace WHERE nspname = $1", schema):
                await db.execute(f"CREATE SCHEMA {schema}")
    except ERRORS as error:
        await study.close()
        raise _refused(server, error) from None
    return study


async def _as_it_is(db: Any) -> None:  # noqa: ANN401 - asyncpg has no types
    """A transaction leaves nothing behind in its connection; the statement that clears it took a third of the CPU."""


def _refused(server: Server, error: Exception) -> UserError:
    return UserError(
        f"{server.failure('used', error)}; see that the server runs, that user, password and database are right, and "
        "that the user may create a schema there"
    )


def _server(url: str) -> Server:
    """Where a URL leads.

    Raises:
        UserError: it cannot be one. What is odd about it is not told: it might be a part of a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        parts = None
    # a password with one of these characters in it would end up in the name of the host or the database
    if parts is None or parts.fragment or url.count("@") > 1 or ("@" in url and "@" not in parts.netloc):
        raise UserError(
            f"--db takes {SCHEME}USER:PASSWORD@HOST:PORT/DATABASE, and what was given cannot be read as that; in a "
            "password, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"
        )
    told = [parts.password or "", *(text for key, text in query.items() if "pass" in key)]
    secrets = sorted({form for one in told if one for form in (one, unquote(one))}, key=len, reverse=True)
    where = f"{parts.hostname or query.get('host', 'localhost')}{f':{port}' if port else ''}{parts.path}"
    return Server(repr(where), tuple(secrets))


@lru_cache
def _numbered(statement: str) -> str:
    """The statement with $1, $2, … for each "?"."""
    first, *rest = statement.split("?")
    return first + "".join(f"${n}{part}" for n, part in enumerate(rest, 1))
