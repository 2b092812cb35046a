"""`whyfeel doctor`: what a run needs of this machine."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from whyfeel.engine import Entry, Ledger
from whyfeel.errors import UserError, WhyfeelError
from whyfeel.models import Local, build_model, load_prices
from whyfeel.models.endpoint import Endpoint
from whyfeel.records import Answer

LIBRARIES = ("aiohttp", "numpy", "pillow", "pydantic", "rich", "scipy", "snowballstemmer", "typer")
ENOUGH_DISK = 1 << 30  # bytes
OTHER_FILES = 32  # what a run has open besides its connections: the ledger, pictures, the lock, standard streams


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str


def allow_files(concurrency: int) -> None:
    """Let this process have a file open for each call in flight, which is what a connection is.

    Raises:
        UserError: it may not; a run would find out when its ledger or a picture cannot be opened.
    """
    need = concurrency + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != hard < need:
        raise UserError(
            f"--concurrency {concurrency} needs {need} open files, and this process may have {hard} (`ulimit -Hn`); "
            f"take {max(1, hard - OTHER_FILES)} at most, or raise the limit"
        )
    if resource.RLIM_INFINITY != soft < need:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))


def check_machine(out: Path, model: str | None = None) -> list[Check]:
    """Look at Python, the libraries, the disk under `out`, the ledger's durability and, if named, a model's server."""
    python = ".".join(map(str, sys.version_info[:3]))
    checks = [
        Check("Python 3.11 or newer", sys.version_info >= (3, 11), python),
        _libraries(),
        _disk(out),
        _ledger(out),
    ]
    if model is not None:
        checks.append(asyncio.run(_server(model)))
    return checks


def _libraries() -> Check:
    # every run needs this module, and only `doctor` this
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    found, missing = [], []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    return Check("libraries", not missing, f"missing: {', '.join(missing)}" if missing else ", ".join(found))


def _disk(out: Path) -> Check:
    if out.exists() and not out.is_dir():
        return Check("disk", ok=False, detail=f"{str(out)!r} is not a folder")
    try:
        place = _place(out)
    except OSError as error:  # a relative path where the folder we stand in is gone
        return Check("disk", ok=False, detail=f"{str(out)!r} cannot be found: {error.strerror}")
    free = shutil.disk_usage(place).free
    writable = os.access(place, os.W_OK)
    detail = f"{free / 1e9:,.1f} GB free under {place}" + ("" if writable else ", not writable")
    return Check("disk", writable and free >= ENOUGH_DISK, detail)


def _place(out: Path) -> Path:
    """The folder, or the nearest one above it where it will be made."""
    return next((one for one in (out.resolve(), *out.resolve().parents) if one.is_dir()), Path("/"))


def _ledger(out: Path) -> Check:
    """Write an answer to a ledger where runs will lie, and read it back."""
    try:
        with tempfile.TemporaryDirectory(prefix=".whyfeel-doctor-", dir=_place(out)) as scratch:
            path = Path(scratch) / "ledger.sqlite"
            asyncio.run(_write_one(path))
            with closing(sqlite3.connect(path)) as db:
                journal = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]  # as the ledger asks for
    except (OSError, WhyfeelError) as error:
        return Check("ledger", ok=False, detail=str(error))
    return Check("ledger", ok=True, detail=f"SQLite {sqlite3.sqlite_version}, journal {journal}, written and read back")


async def _write_one(path: Path) -> None:
    ledger = Ledger(path)
    await ledger.put(Entry(Answer("0", "pong"), "answer", "doctor", "{}", "answer", ""))
    found = ledger.get("0")
    ledger.close()
    if found is None or found.text != "pong":
        raise UserError("an answer written to the ledger could not be read back")


async def _server(spec: str) -> Check:
    try:
        model = build_model(spec, "answer", load_prices())
    except UserError as error:
        return Check("model", ok=False, detail=str(error))
    try:
        if isinstance(model, Local):
            return Check("model", ok=True, detail=model.remark)
        if not isinstance(model, Endpoint):
            return Check("model", ok=True, detail=f"{model.name}, replayed without a server")
        names = await model.names()
    except WhyfeelError as error:
        return Check("model", ok=False, detail=str(error))
    finally:
        await model.close()
    listed = model.name in names
    detail = f"{model.address} serves it" if listed else f"{model.address} serves {', '.join(names[:5]) or 'none'}"
    return Check("model", listed, detail)
