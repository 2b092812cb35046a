"""`whyfeel calibrate`: a judge held against people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calibrate")(calibrate)


def calibrate(
    run: Annotated[Path, typer.Argument(help="A finished run folder.", metavar="RUN")],
    labels: Annotated[Path, typer.Option(help="People's labels on its answers: CSV or JSON Lines.", metavar="FILE")],
    judge: Annotated[
        str | None, typer.Option(help="One of its judges, by name or id (the first).", metavar="J")
    ] = None,
    score: Annotated[str | None, typer.Option(help="What the labels say (recall).", metavar="NAME")] = None,
    data: o.Data = None,
    json: o.Json = False,
) -> int:
    """Hold a judge against people's labels on some of the answers, and correct its score by them.

    A line of the file is an answer's id with its score from 0 to 1, or with the triggers that a person found in it.
    """
    from whyfeel.report.calibration_table import calibration_table
    from whyfeel.runs.calibrate import calibrate as calibrated

    told = calibrated(run, labels, judge=judge, score=score, data=data)
    if json:
        print_json(told)
    else:
        print_table(*calibration_table(told))
    return 0
