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
    run: Annotated[Path, typer.Argument(help="A finished run folder.", metavar="RUN")],
    judge: Annotated[str, typer.Option(help="overlap, official-llama3 or official-gpt.", metavar="J")],
    judge_model: o.JudgeModel = None,
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
    json: o.Json = False,
) -> int:
    """Judge the answers of a run once more; the model is not asked again.

    Writes RUN/judges/NAME-HASH and leaves everything else as it is.
    """
    from whyfeel import runs
    from whyfeel.cli.progress import Progress

    manifest = runs.RunFolder(run).read_manifest()
    given = {
        "task": manifest["spec"]["task"],
        "model": manifest["spec"]["model"],
        "seed": manifest["spec"]["seed"],
        "out": run,
        "judge": judge,
        "judge_model": judge_model,
        "data": data,
        "images": images,
        "prompts": prompts,
        "judge_gen": runs.parse_settings(judge_gen, "--judge-gen"),
        "concurrency": concurrency,
        "rpm": rpm,
        "tpm": tpm,
        "max_calls": max_calls,
        "max_cost": max_cost,
        "prices": prices,
        "reuse": tuple(reuse) if reuse else None,
    }
    return print_result(runs.judge_run(runs.run_options(given), Progress()), as_json=json)
