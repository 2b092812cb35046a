"""Where an export goes: made in a hidden folder beside its place, and put there whole with its card, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from whyfeel.engine.tables import store_failed
from whyfeel.errors import UserError
from whyfeel.runs.folder import write_whole

CARD = "README.md"
LISTING = "files.txt"  # the other files of a folder, one a line, where they cannot be told beforehand


def mark(command: str) -> str:
    """The last line of a card: what the command may replace, and what a person has made their own."""
    return f"<!-- Written by whyfeel {command}, which replaces it. Remove this line to keep your own changes. -->"


MARK = mark("export")


@dataclass(frozen=True, slots=True)
class Place:
    """A place for an export, and where it is made until it is whole.

    Attributes:
        out: where it goes.
        staged: where it is made, on the same file system.
        card: where its card goes.
        folder: whether it is a folder, which then holds the card.
        command: what writes it.
    """

    out: Path
    staged: Path
    card: Path
    folder: bool
    command: str

    def put(self, card: str) -> None:
        """Put the export and its card in their place; what was exported there before is replaced.

        Raises:
            StoreFailed: it cannot be done; the data of an older export is as it was.
        """
        text = [f"{card.rstrip()}\n\n{mark(self.command)}\n".encode()]
        if self.folder:
            write_whole(self.staged / CARD, text)
        else:
            # the card first: a file without a card would be taken for somebody else's
            write_whole(self.card, text)
        old = self.staged.with_name("older" if self.staged.name == "old" else "old")
        try:
            if self.folder and self.out.exists():
                self.out.rename(old)
            self.staged.rename(self.out)
        except OSError as error:
            raise store_failed(f"the {self.command}", self.out, error) from None
        finally:
            if old.exists() and not self.out.exists():  # also after a signal
                old.rename(self.out)


@contextmanager
def placing(out: Path, files: Sequence[str], *, command: str = "export") -> Iterator[Place]:
    """A place to make an export in; what is not put in its place is gone afterwards.

    Args:
        out: where it goes.
        files: what a folder may hold besides its card, and where LISTING is among them, what the one that is there
            names; none for an export that is a file.
        command: what writes it; it replaces nothing that another one wrote.

    Raises:
        UserError: something stands there that is no export of ours, or nothing can be written there.
        StoreFailed: the disk is full.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100 - without following a link, which is replaced as it stands
    if not out.name:
        raise UserError(f"--out: {str(out)!r} cannot be written; choose another")
    folder = bool(files)
    card = out / CARD if folder else out.with_name(f"{out.name}.{CARD}")
    _check(out, card, {CARD, *files, *(_listed(out) if LISTING in files else ())}, command, folder=folder)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(prefix=f".{out.name[:40]}-", dir=out.parent))
    except OSError as error:
        raise UserError(f"--out: {str(out)!r} cannot be written: {error.strerror}; choose another") from None
    try:
        staged = workshop / out.name
        if folder:
            staged.mkdir()
        yield Place(out, staged, card, folder, command)
    finally:
        with suppress(OSError):
            shutil.rmtree(workshop)


def _check(out: Path, card: Path, files: set[str], command: str, *, folder: bool) -> None:
    """That nothing of somebody else's would be lost."""
    if out.exists() and out.is_dir() != folder:
        got, needed = ("a file", "a folder") if folder else ("a folder", "a file")
        raise UserError(f"--out: {str(out)!r} is {got}, and this format needs {needed}; choose another")
    ours = _is_ours(card, command)
    if folder:
        there = sorted(path for path in out.rglob("*") if not path.is_dir())
        strangers = [path for path in there if not ours or path.relative_to(out).as_posix() not in files]
    else:
        strangers = [path for path in (out, card) if os.path.lexists(path) and not ours]
    if strangers:
        raise UserError(
            f"--out: {str(strangers[0])!r} stands there and is no {command} of ours; choose another place, or remove it"
        )


def _is_ours(card: Path, command: str) -> bool:
    """Whether a card says that the command may replace what it belongs to."""
    try:
        return card.read_text("utf-8").rstrip().endswith(mark(command))
    except (OSError, ValueError):
        return False


def _listed(out: Path) -> list[str]:
    """The files that an older folder says it holds."""
    try:
        return (out / LISTING).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return []
