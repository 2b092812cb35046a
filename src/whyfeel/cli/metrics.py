"""`whyfeel metrics`: how near a run's answers come to what people wrote, by any of the metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("metrics")(metrics)


def metrics(
    run: Annotated[Path | None, typer.Argument(help="A finished run folder.", metavar="RUN")] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="NAME or NAME:CHECKPOINT, several with commas (all without one).", metavar="M,…"),
    ] = None,
    data: o.Data = None,
    images: o.Images = None,
    local_only: o.LocalOnly = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Report by who wrote the references of socratis; writes no file.",
            metavar="age|gender|education|ethnicity",
        ),
    ] = None,
    least: Annotated[
        int | None, typer.Option(help="With --by: entries and answers of a group that is shown, 30; 10 or more.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the metrics and measure nothing.")] = False,
    json: o.Json = False,
) -> int:
    """Measure the answers of a run: BLEU, chrF, ROUGE-L, CIDEr, variety, length, and what needs a checkpoint.

    Each has its paper, range and limits in docs/metrics.md. The values go into RUN/metrics.
    """
    from whyfeel.errors import UserError
    from whyfeel.metrics import DEFAULT, METRICS
    from whyfeel.report.metrics_table import by_group_table, metrics_list, metrics_table

    if listed:
        known = [{"name": one.name, "title": one.title, "checkpoint": one.checkpoint} for one in METRICS]
        print_json({"metrics": known}) if json else print_table(*metrics_list(known))
        return 0
    if run is None:
        raise UserError("expected a finished run folder: whyfeel metrics RUN; --list lists the metrics")
    from whyfeel.runs.metrics import measure_run
    from whyfeel.runs.metrics_by_group import LEAST, measure_by_group

    if least is not None and by is None:
        raise UserError("--least is the smallest group that --by shows: give --by, too")
    asked = [name.strip() for one in metric or () for name in one.split(",")]
    where: dict[str, Any] = {"data": data, "images": images, "local_only": bool(local_only)}
    if by is None:
        document = measure_run(run, asked or DEFAULT, **where)
    else:
        document = measure_by_group(run, by, asked or None, least=LEAST if least is None else least, **where)
    if json:
        print_json(document)
    else:
        print_table(*(metrics_table if by is None else by_group_table)(document))
    return 0
