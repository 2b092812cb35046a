"""`whyfeel agree`: how far people who rated the same items agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("agree")(agree)


def agree(
    files: Annotated[list[Path], typer.Argument(help="Ratings: CSV, or {item: rating} a line.", metavar="FILE…")],
    scale: Annotated[str | None, typer.Option(help="The scale's lowest and highest point.", metavar="LO:HI")] = None,
    json: o.Json = False,
) -> int:
    """Tell how far raters agree: Krippendorff's alpha, ICC, AC2, kappa, rank correlations, all with intervals.

    Takes EIBench's human_eval files and three forms of CSV (docs/agreement.md).
    """
    from whyfeel.report.agreement_table import agreement_table
    from whyfeel.runs.agree import agree_files
    from whyfeel.runs.ratings import parse_scale

    document = agree_files(files, parse_scale(scale) if scale is not None else None)
    if json:
        print_json(document)
    else:
        print_table(*agreement_table(document))
    return 0
