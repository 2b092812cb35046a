"""`whyfeel judge`: another judge on the answers of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_result


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("judge")(judge)


def judge(
    ctx: typer.Context,
    run: Annotated[Path, typer.Argument(help="A finished run folder.", metavar="RUN")],
    judge: Annotated[
        str, typer.Option(help="overlap, verdicts, pairwise, official-llama3 or official-gpt.", metavar="J")
    ],
    judge_model: o.JudgeModel = None,
    against: o.Against = None,
    judge_gen: o.JudgeGen = None,
    data: o.Data = None,
    images: o.Images = None,
    prompts: o.Prompts = None,
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
    """Judge the answers of a run once more; the model is not asked again.

    Writes RUN/judges/NAME-HASH and leaves everything else as it is.
    """
    from whyfeel import runs
    from whyfeel.cli.progress import Progress

    spec = runs.RunFolder(run).read_manifest()["spec"]
    told = o.given(ctx.params, task=spec["task"], model=spec["model"], seed=spec["seed"], out=run)
    return print_result(runs.judge_run(runs.run_options(told), Progress()), as_json=json)
