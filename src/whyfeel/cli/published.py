"""`whyfeel published`: every published figure, claimed beside measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("published")(published)


def published(
    benchmark: Annotated[str, typer.Argument(help="eibench.", metavar="BENCHMARK")],
    runs: Annotated[
        list[Path] | None, typer.Option(help="Runs to hold against the figures, one or more.", metavar="RUN…")
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(help="More runs, after --runs.", metavar="RUN")] = None,
    json: o.Json = False,
) -> int:
    """List every published figure of a benchmark: claimed, measured, and whether they agree."""
    from whyfeel.report.published_table import published_table
    from whyfeel.runs.published import published as hold

    document = hold(benchmark, [*(runs or ()), *(more or ())])
    if json:
        print_json(document)
    else:
        print_table(*published_table(document))
    return 0
