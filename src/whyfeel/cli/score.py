"""`whyfeel score`: score an official judge log, with its faults and without."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("score")(score)


def score(
    log: Annotated[Path, typer.Argument(help="{image: judge text}, one a line.", metavar="LOG.jsonl")],
    task: Annotated[str, typer.Option(help="eibench-basic or eibench-complex.", metavar="T")],
    data: o.Data = None,
    json: o.Json = False,
) -> int:
    """Score an official judge log: as the released scorer does, to its last digit, and corrected beside it."""
    from whyfeel import runs
    from whyfeel.report.tables import log_table

    scored = runs.score_file(log, task, data)
    if json:
        print_json(scored)
    else:
        print_table(*log_table(scored))
    return 0
