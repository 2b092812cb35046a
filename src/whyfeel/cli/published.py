"""`whyfeel published`: every published figure, claimed beside measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    Table = Callable[[Mapping[str, Any]], list[RenderableType]]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("published")(published)


def published(
    benchmark: Annotated[str, typer.Argument(help="eibench, or socratis (people's votes).", metavar="BENCHMARK")],
    runs: Annotated[
        list[Path] | None, typer.Option(help="Runs to hold against the figures, one or more.", metavar="RUN…")
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(help="More runs, after --runs.", metavar="RUN")] = None,
    json: o.Json = False,
) -> int:
    """List every published figure of a benchmark: claimed, measured, and whether they agree."""
    from whyfeel.runs.published_votes import SOCRATIS

    given = [*(runs or ()), *(more or ())]
    if benchmark == SOCRATIS:
        document, table = _votes(given)
    else:
        document, table = _figures(benchmark, given)
    if json:
        print_json(document)
    else:
        print_table(*table(document))
    return 0


def _figures(benchmark: str, runs: list[Path]) -> tuple[dict[str, Any], Table]:
    from whyfeel.report.published_table import published_table
    from whyfeel.runs.published import published as hold

    return hold(benchmark, runs), published_table


def _votes(runs: list[Path]) -> tuple[dict[str, Any], Table]:
    from whyfeel.errors import UserError
    from whyfeel.report.votes_table import votes_table
    from whyfeel.runs.published_votes import published_votes

    if runs:
        raise UserError("--runs: the votes of socratis are people's, and no run can be held against them")
    return published_votes(), votes_table
