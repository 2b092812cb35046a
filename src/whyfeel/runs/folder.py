"""A run folder: its files, its lock, and writing them whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from whyfeel.engine import LEDGER
from whyfeel.engine.tables import store_failed, to_disk
from whyfeel.errors import DataError, RunLocked, StoreFailed, UserError
from whyfeel.runs.lines import loads

OURS = frozenset({".lock", "run.json.part"})  # what a run that died before it had a run.json leaves behind
# What every reader of run.json relies on: name to kind, or to the names below it; [names] is a list of such.
MANIFEST: Mapping[str, Any] = {
    "spec": {
        **dict.fromkeys(("task", "model", "strategy"), str),
        **dict.fromkeys(("data", "gen", "prompts", "judge"), dict),
        "seed": int,
    },
    "judges": dict,
    "addresses": [dict.fromkeys(("role", "model", "address"), str)],
    "selection": dict.fromkeys(("limit", "sample"), int | None),
    **dict.fromkeys(("data", "images"), str | None),
}


class RunFolder:
    """The files of one run, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = path / "run.json"
        self.ledger = path / LEDGER
        self.responses = path / "responses.jsonl"
        self.judgements = path / "judgements.jsonl"
        self.summary = path / "summary.json"
        self.controls = path / "controls"
        self.pictures = path / "pictures"  # those that were fetched from URLs

    def judge(self, judge_id: str) -> RunFolder:
        """The folder of one judge, with its own judgements.jsonl and summary.json."""
        return RunFolder(self.path / "judges" / judge_id)

    def make(self) -> None:
        """Make the folder.

        Raises:
            UserError: it is not a folder, holds something else, or cannot be written.
            StoreFailed: the disk is full.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            strangers = not self.manifest.exists() and any(entry.name not in OURS for entry in self.path.iterdir())
        except OSError as error:
            raise _refused(f"--out: {str(self.path)!r} cannot be made", self.path, error) from None
        if strangers:
            raise UserError(
                f"--out: {str(self.path)!r} is not empty and not a run folder (no run.json); choose another"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; the lock dies with the process, however it dies.

        Raises:
            RunLocked: another process holds it; names the process.
            UserError: the folder cannot be written, or its file system knows no locks.
            StoreFailed: the disk is full.
        """
        lock = self.path / ".lock"
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _refused(f"{str(self.path)!r} cannot be written", lock, error) from None
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(handle, 0)
                os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
            except BlockingIOError:
                holder = os.read(handle, 200).decode("utf-8", "replace").strip() or "another process"
                raise RunLocked(f"{str(self.path)!r} is in use by {holder}; wait for it or stop it") from None
            except OSError as error:
                raise _refused(f"{str(self.path)!r} cannot be locked", lock, error) from None
            yield
        finally:
            os.close(handle)

    def read_manifest(self) -> dict[str, Any]:
        """run.json.

        Raises:
            DataError: this is not a run folder, or run.json is damaged.
        """
        manifest = read_json(self.manifest, "a run folder has one")
        if isinstance(kind := manifest.get("kind"), str):  # a run of answers has none
            raise UserError(f"{str(self.path)!r} is no run of answers but one of `whyfeel {kind}`")
        if (wrong := misfit(manifest, MANIFEST)) is not None:
            raise DataError(f"{str(self.manifest)!r} is damaged: it should hold {wrong!r}; get it from a copy")
        return manifest


def misfit(value: Mapping[str, Any], kinds: Mapping[str, Any], where: str = "") -> str | None:
    """The name of the first part of a JSON object that is missing or of another kind, None where there is none."""
    for name, kind in kinds.items():
        found, below = value.get(name), kind
        if isinstance(kind, list):
            below = kind[0]
            inner = found if isinstance(found, list) else [None]
        else:
            inner = [found]
        for one in inner:
            if not isinstance(one, dict if isinstance(below, Mapping) else below):
                return where + name
            if isinstance(below, Mapping) and (wrong := misfit(one, below, f"{where}{name}.")) is not None:
                return wrong
    return None


def _refused(what: str, path: Path, error: OSError) -> UserError | StoreFailed:
    """The user named a place that cannot be written, or the disk under it is full."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}:
        return store_failed("the file", path, error)
    return UserError(f"{what}: {error.strerror}")


def read_json(path: Path, expected: str) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        DataError: it is missing or is not one.
    """
    try:
        value = loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read ({error.strerror}): {expected}") from None
    except ValueError as error:
        raise DataError(f"{str(path)!r} is damaged ({error}): {expected}") from None
    if not isinstance(value, dict):
        raise DataError(f"{str(path)!r} should be a JSON object: {expected}")
    return value


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file for people: indented, keys in their own order, whole or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=dict) + "\n"
    write_whole(path, [text.encode("utf-8", "backslashreplace")])


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file beside the old one, flush it to disk, and rename: a reader never sees a half.

    Raises:
        StoreFailed: it cannot be written; the old file is as it was.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        to_disk(path.parent)
    except OSError as error:
        raise store_failed("the file", path, error) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
