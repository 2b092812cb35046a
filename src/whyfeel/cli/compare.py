"""`whyfeel compare`: which of some runs is better, and which cannot be told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Finished run folders, at least two.", metavar="RUN RUN…")],
    score: Annotated[str | None, typer.Option(help="The score to compare (the headline).", metavar="NAME")] = None,
    judge: Annotated[
        str | None, typer.Option(help="The judge, by id or name (the runs' first one).", metavar="J")
    ] = None,
    data: o.Data = None,
    json: o.Json = False,
) -> int:
    """Compare runs on the samples they share: differences, intervals, corrected p, and who is tied.

    All runs must be of one task, on the same data, by one judge.
    """
    from whyfeel.report.compare_table import compare_table
    from whyfeel.runs.compare import compare_runs

    found = compare_runs(runs, score=score, judge=judge, data=data)
    if json:
        print_json(found)
    else:
        print_table(*compare_table(found))
    return 0
