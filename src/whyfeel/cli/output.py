"""What a command prints, and the exit status that goes with it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from whyfeel.errors import RunStopped
from whyfeel.report.words import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from whyfeel.runs import RunResult


def give_up_stdout() -> None:
    """Keep the interpreter from complaining once more, when it flushes what is left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _printing() -> Iterator[None]:
    """What is printed inside has gone out, or the user is told in one line."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # nobody is there to be told
        raise
    except OSError as error:
        give_up_stdout()
        why = f"the result cannot be printed: {error.strerror}; that of a run is in its folder, in summary.json"
        raise RunStopped(why) from None


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on stdout.

    Raises:
        RunStopped: stdout takes no more.
    """
    with _printing():
        sys.stdout.write(json.dumps(document, indent=2, allow_nan=False, default=dict) + "\n")


def print_table(*parts: RenderableType) -> None:
    """Tables on stdout, 80 columns wide unless the terminal is narrower.

    Raises:
        RunStopped: stdout takes no more.
    """
    from rich.console import Console

    from whyfeel.report.tables import WIDTH

    console = Console(highlight=False)
    if console.width > WIDTH or not console.is_terminal:
        console.width = WIDTH
    with _printing():
        for part in parts:
            console.print(part)


def print_result(result: RunResult, *, as_json: bool) -> int:
    """The summary of a run.

    Returns:
        the exit status: 1 where nothing could be scored or a fault of ours left a sample unscored.
    """
    from whyfeel.report.summary_table import summary_table

    if as_json:
        print_json(result.summary)
    else:
        print_table(*summary_table(result.summary, result.folder))
    for fault in result.faults[:3]:
        print(f"whyfeel: an internal fault left a sample unscored: {visible(fault)}", file=sys.stderr)
    if not result.summary["scored"]:
        reasons = ", ".join(f"{reason} ({n:,})" for reason, n in result.summary["unscored"].items())
        print(f"whyfeel: nothing could be scored: {reasons}", file=sys.stderr)
    return int(bool(result.faults) or not result.summary["scored"])
