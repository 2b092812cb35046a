"""`whyfeel judge-answers`: judge an official answer file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_result


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("judge-answers")(judge_answers)


def judge_answers(
    ctx: typer.Context,
    answers: Annotated[Path, typer.Argument(help="{image: answer}, one a line.", metavar="ANSWERS.jsonl")],
    task: Annotated[str, typer.Option(help="See `whyfeel tasks`.", metavar="T")],
    out: Annotated[Path, typer.Option(help="The run folder.", metavar="RUN")],
    judge: o.Judge = None,
    judge_model: o.JudgeModel = None,
    against: o.Against = None,
    judge_gen: o.JudgeGen = None,
    data: o.Data = None,
    images: o.Images = None,
    prompts: o.Prompts = None,
    seed: o.Seed = None,
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
    json: o.Json = False,
) -> int:
    """Judge answers that were made elsewhere, in the format of EIBench's own scripts."""
    from whyfeel import runs
    from whyfeel.cli.progress import Progress

    told = o.given(ctx.params, model=f"answers:{answers.stem}")
    return print_result(runs.judge_answers(answers, runs.run_options(told), Progress()), as_json=json)
