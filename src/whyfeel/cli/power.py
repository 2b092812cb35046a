"""`whyfeel power`: how many samples a comparison takes, or what difference so many samples can show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("power")(power)


def power(
    n: Annotated[int | None, typer.Option("--n", help="Samples: what difference do they show?", metavar="N")] = None,
    difference: Annotated[
        float | None, typer.Option(help="In points, 0 to 100: how many samples show it?", metavar="POINTS")
    ] = None,
    runs: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Two runs that tell how scores spread.", metavar="RUN RUN")
    ] = None,
    sd: Annotated[float | None, typer.Option(help="Of a sample's score, 0 to 1 (0.30).", metavar="S")] = None,
    rho: Annotated[float | None, typer.Option(help="Correlation of the two systems (0.5).", metavar="R")] = None,
    alpha: Annotated[float, typer.Option(help="p up to which a difference counts.", metavar="A")] = 0.05,
    power: Annotated[float, typer.Option(help="How often it should be found.", metavar="P")] = 0.8,
    score: Annotated[str | None, typer.Option(help="With --runs: the score (the headline).", metavar="NAME")] = None,
    judge: Annotated[
        str | None, typer.Option(help="With --runs: the judge, by id or name (the first).", metavar="J")
    ] = None,
    data: o.Data = None,
    json: o.Json = False,
) -> int:
    """Plan a comparison of two systems on the same samples, before it is paid for.

    Give --n or --difference; with k comparisons, an --alpha of 0.05 / k.
    """
    from whyfeel.report.power_table import power_table
    from whyfeel.runs.planning import plan_power

    plan = plan_power(*(n, difference, runs, sd, rho), alpha=alpha, power=power, score=score, judge=judge, data=data)
    if json:
        print_json(plan)
    else:
        print_table(*power_table(plan))
    return 0
