"""`whyfeel data check`: are the records and the pictures what they should be?"""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table
from whyfeel.errors import DataError
from whyfeel.report import numbers

if TYPE_CHECKING:
    from whyfeel.tasks import DataReport, Task

RENEWED = 0.1  # seconds between two states of the progress line


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Check data before a run.", no_args_is_help=True, rich_markup_mode=None)
    group.command("check")(check)
    # a group of one command must still be called by the command's name
    group.callback()(_group)
    app.add_typer(group, name="data")


def _group() -> None:
    """Check data before a run."""


def check(
    task: Annotated[str, typer.Argument(help="See `whyfeel tasks`.")],
    data: o.Data = None,
    images: o.Images = None,
    json: o.Json = False,
) -> int:
    """Read every record, decode every picture, and list what is malformed, odd, missing, broken or there twice.

    Exit status 2 where a record cannot be read; pictures that cannot be sent leave it at 0.
    """
    from whyfeel.report.data_table import data_table
    from whyfeel.tasks import read_task

    report = _checked(read_task(task, data, images))
    if json:
        print_json(report.to_json())
    else:
        print_table(*data_table(report))
    if report.malformed:
        sys.stdout.flush()
        first, n = report.malformed[0], len(report.malformed)
        raise DataError(str(first.error()) if n == 1 else f"{n:,} records cannot be read, the first: {first.error()}")
    return 0


def _checked(task: Task) -> DataReport:
    """The report; pictures are decoded unless an earlier check has seen their content."""
    from whyfeel.environment import cache_folder
    from whyfeel.media import MediaStore, examine_bytes
    from whyfeel.media.memory import PictureMemory
    from whyfeel.tasks import check_task, looker

    if task.images is None:
        return check_task(task, None)
    store, line = MediaStore(task.images), _Line()
    try:
        with PictureMemory(cache_folder()) as memory:
            report = check_task(task, looker(store.read, examine_bytes, memory), line.tick)
    finally:
        store.close()
        line.clear()
    if memory.trouble is not None:
        print(f"whyfeel: the next check decodes these pictures again: {memory.trouble}", file=sys.stderr)
    return report


class _Line:
    """How many pictures are done, how fast, and how long yet: one line on a terminal, else nothing."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._begun = self._said_at = monotonic()

    def tick(self, done: int, total: int) -> None:
        """So many pictures are done."""
        now = monotonic()
        if not self._terminal or now - self._said_at < RENEWED:
            return
        self._said_at = now
        seconds = now - self._begun
        parts = [f"{numbers.count(done)}/{numbers.count(total)} pictures", numbers.rate(done / seconds)]
        parts.append(f"{numbers.duration((total - done) * seconds / done)} left")
        sys.stderr.write(f"\r\x1b[2K{' · '.join(parts)}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Make room for the report."""
        if self._terminal:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
