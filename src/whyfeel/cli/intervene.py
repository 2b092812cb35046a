"""`whyfeel intervene`: is a trigger named because its cause is in the picture?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table

if TYPE_CHECKING:
    from whyfeel.intervene import InterveneOptions


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("intervene")(intervene)


def intervene(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A folder with pairs.jsonl, such a file, or a task with its --data.")
    ],
    model: Annotated[str | None, typer.Option(help="See `whyfeel models`.", metavar="M")] = None,
    strategy: Annotated[
        str | None, typer.Option(help="direct (the default), direct+cot, … (docs/strategies.md)", metavar="S")
    ] = None,
    judge: o.Judge = None,
    judge_model: o.JudgeModel = None,
    out: Annotated[Path | None, typer.Option(help="The run folder.", metavar="RUN")] = None,
    by: Annotated[
        str | None, typer.Option(help="How pictures are changed: as the source has it.", metavar="drawn|region|grid")
    ] = None,
    grid: Annotated[str | None, typer.Option(help="Rows and columns that are blurred in turn (3x3).")] = None,
    data: o.Data = None,
    images: o.Images = None,
    prompts: o.Prompts = None,
    limit: Annotated[int | None, typer.Option(help="The first N scenes.", metavar="N")] = None,
    sample: Annotated[int | None, typer.Option(help="N scenes, seeded, spread over the emotions.", metavar="N")] = None,
    seed: o.Seed = None,
    gen: Annotated[list[str] | None, typer.Option(help="temperature=0,max_tokens=512,…", metavar="K=V,…")] = None,
    judge_gen: o.JudgeGen = None,
    concurrency: o.Concurrency = None,
    rpm: o.Rpm = None,
    tpm: o.Tpm = None,
    max_calls: o.MaxCalls = None,
    max_cost: o.MaxCost = None,
    prices: o.Prices = None,
    reuse: o.Reuse = None,
    see_image: o.SeeImage = None,
    embedder: o.Embedder = None,
    max_side: o.MaxSide = None,
    local_only: o.LocalOnly = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan and price; call nothing.")] = False,
    json: o.Json = False,
) -> int:
    """Ask about pictures with and without what they show: is a trigger named because its cause is there?

    Stopped or killed, the same command goes on where it was: no answer is paid for twice.
    """
    from whyfeel import intervene as room
    from whyfeel.cli.progress import Progress
    from whyfeel.report.intervene_table import intervene_table
    from whyfeel.report.words import visible

    options = room.intervene_options(o.given(ctx.params, task=source, by=by, grid=grid))
    if dry_run:
        return _rehearsed(options, as_json=json)
    result = room.intervene(options, Progress())
    summary = result.summary
    if json:
        print_json(summary)
    else:
        print_table(*intervene_table(summary, result.folder))
    for fault in result.faults[:3]:
        print(f"whyfeel: an internal fault left a picture unscored: {visible(fault)}", file=sys.stderr)
    if not summary["scored"]:
        reasons = ", ".join(f"{reason} ({n:,})" for reason, n in summary["unscored"].items())
        print(f"whyfeel: nothing could be scored: {visible(reasons)}", file=sys.stderr)
    return int(bool(result.faults) or not summary["scored"])


def _rehearsed(options: InterveneOptions, *, as_json: bool) -> int:
    from whyfeel.intervene import rehearse_intervention
    from whyfeel.report.tables import rehearsal_table

    rehearsal = rehearse_intervention(options)
    if as_json:
        print_json(rehearsal)
    else:
        print_table(*rehearsal_table(rehearsal))
    return 0
