"""What a killed report left beside its place: known by a mark of our own, and cleared by the next report there.

A report is made in a hidden folder beside its place. While it is made its process holds a lock on the mark in that
folder, which dies with the process however it dies; so whoever gets the lock finds nobody at work there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = ".whyfeel-report"
MOST = 10_000  # bytes of a mark


@contextmanager
def marked(workshop: Path, out: Path) -> Iterator[None]:
    """Mark a hidden folder as one in which this process makes the report at `out`."""
    handle = os.open(workshop / MARK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with suppress(OSError):  # a file system without locks: nobody else gets one either, and nothing is cleared
            fcntl.flock(handle, fcntl.LOCK_EX)
        os.write(handle, _words(out))  # under the lock: who reads them without it may take the place for a dead one's
        yield
    finally:
        os.close(handle)


def clear_left(out: Path) -> None:
    """Remove what killed processes left of reports at `out`; an older report that one was replacing is put back.

    Nothing is touched that has no mark of this very place, and nothing in which a process is still at work.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100 - without following a link, as it is placed
    with suppress(OSError):
        for one in [*out.parent.iterdir()]:
            if one.name.startswith(".") and not one.is_symlink() and one.is_dir():
                _clear(one, out)


def _clear(workshop: Path, out: Path) -> None:
    try:
        handle = os.open(workshop / MARK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # not ours
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.read(handle, MOST) == _words(out):
            old = workshop / ("older" if out.name == "old" else "old")
            if old.is_dir() and not os.path.lexists(out):
                old.rename(out)
            shutil.rmtree(workshop)
    except OSError:  # a process is at work in it, or it may not be removed: it stays
        return
    finally:
        os.close(handle)


def _words(out: Path) -> bytes:
    return b"whyfeel report makes this folder: " + os.fsencode(out.name) + b"\n"
