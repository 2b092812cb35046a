"""`whyfeel run`: measure a model on a task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_result, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    ctx: typer.Context,
    task: Annotated[str | None, typer.Argument(help="See `whyfeel tasks`.")] = None,
    model: Annotated[str | None, typer.Option(help="See `whyfeel models`.", metavar="M")] = None,
    strategy: Annotated[
        str | None, typer.Option(help="direct (the default), caption, direct+cot, … (docs/strategies.md)", metavar="S")
    ] = None,
    helper: Annotated[
        str | None, typer.Option(help="Who answers what self-ask asks without the picture: the model.", metavar="M")
    ] = None,
    judge: o.Judge = None,
    judge_model: o.JudgeModel = None,
    against: o.Against = None,
    out: Annotated[Path | None, typer.Option(help="The run folder.", metavar="RUN")] = None,
    data: o.Data = None,
    images: o.Images = None,
    captioner: Annotated[
        str | None, typer.Option(help="Who writes the captions of `caption`: the model.", metavar="M")
    ] = None,
    captions: Annotated[
        Path | None, typer.Option(help="{image: caption}, one a line, instead.", metavar="FILE")
    ] = None,
    prompts: o.Prompts = None,
    limit: Annotated[int | None, typer.Option(help="The first N samples.", metavar="N")] = None,
    sample: Annotated[
        int | None, typer.Option(help="N samples, seeded, spread over the emotions.", metavar="N")
    ] = None,
    until: Annotated[
        float | None, typer.Option(help="Stop when the headline is known within so many points.", metavar="POINTS")
    ] = None,
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
    controls: o.Controls = None,
    embedder: o.Embedder = None,
    max_side: o.MaxSide = None,
    allow_urls: o.AllowUrls = None,
    allow_host: o.AllowHost = None,
    local_only: o.LocalOnly = None,
    batch: Annotated[
        str | None, typer.Option(help="Ask openai: models through batch files, at half the price.", metavar="openai")
    ] = None,
    ray: o.Ray = None,
    actors: o.Actors = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan and price; call nothing.")] = False,
    config: Annotated[Path | None, typer.Option(help="A TOML file of these options.", metavar="run.toml")] = None,
    json: o.Json = False,
) -> int:
    """Ask a model why each person feels that way, and have the answers judged.

    Stopped or killed, the same command goes on where it was: no answer is paid for twice.
    """
    from whyfeel import runs
    from whyfeel.cli.progress import Progress

    options = runs.run_options(o.given(ctx.params), config)
    if dry_run:
        rehearsal = runs.rehearse(options)
        if json:
            print_json(rehearsal)
        else:
            from whyfeel.report.tables import rehearsal_table

            print_table(*rehearsal_table(rehearsal))
        return 0
    return print_result(runs.run(options, Progress()), as_json=json)
