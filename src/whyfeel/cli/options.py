"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[Path | None, typer.Option(help="The folder or file with the task's records.", metavar="DIR")]
Images = Annotated[Path | None, typer.Option(help="The root folder of the pictures.", metavar="DIR")]
Prompts = Annotated[
    str | None,
    typer.Option(help="A TOML file of texts over ours, or eibench[:FAMILY]: those of your EIBench copy.", metavar="P"),
]
Judge = Annotated[
    str | None,
    typer.Option(help="overlap (the default), verdicts, pairwise, official-llama3 or official-gpt.", metavar="J"),
]
JudgeModel = Annotated[
    str | None, typer.Option(help="The model that a judge asks; several for a panel: A,B,C.", metavar="M2")
]
Against = Annotated[
    Path | None, typer.Option(help="Whose answers pairwise compares with: people's, or this run's.", metavar="RUN2")
]
SeeImage = Annotated[bool | None, typer.Option("--see-image", help="Show the judge the picture, too.")]
MaxSide = Annotated[int | None, typer.Option(help="Send no picture longer than this.", metavar="PX")]
AllowUrls = Annotated[bool | None, typer.Option("--allow-urls", help="Fetch pictures that records name by URL.")]
AllowHost = Annotated[
    list[str] | None, typer.Option(help="A picture's host that may be private; may be repeated.", metavar="HOST")
]
LocalOnly = Annotated[
    bool | None, typer.Option("--local-only", help="Refuse models outside this machine and private networks.")
]
Controls = Annotated[
    str | None, typer.Option(help="none, or also those that ask the model: blank,swap,wrong-emotion.", metavar="C")
]
Embedder = Annotated[
    str | None, typer.Option(help="Sentence embeddings for overlap: a folder or Hub id (docs/judges.md).", metavar="E")
]
JudgeGen = Annotated[list[str] | None, typer.Option(help="Sampling settings of the judge's model.", metavar="K=V,…")]
Seed = Annotated[int | None, typer.Option(help="Seeds everything random (0).", metavar="N")]
Concurrency = Annotated[int | None, typer.Option(help="Calls in flight at most, over all models (32).", metavar="N")]
Rpm = Annotated[float | None, typer.Option(help="Requests a minute to an endpoint at most.", metavar="N")]
Tpm = Annotated[float | None, typer.Option(help="Tokens a minute to an endpoint at most.", metavar="N")]
MaxCalls = Annotated[int | None, typer.Option(help="Calls at most, earlier sittings included.", metavar="N")]
MaxCost = Annotated[float | None, typer.Option(help="US dollars at most, earlier sittings included.", metavar="X")]
Prices = Annotated[Path | None, typer.Option(help="A TOML file of prices, over the shipped ones.", metavar="FILE")]
Reuse = Annotated[
    list[Path] | None, typer.Option(help="Look answers up in this run first; may be repeated.", metavar="RUN")
]
Ray = Annotated[
    str | None, typer.Option(help="Spread the work over actors of Ray (docs/scaling.md).", metavar="local|ADDRESS")
]
Actors = Annotated[int | None, typer.Option(help="How many, with --ray (2).", metavar="N")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]


def given(parameters: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """What a command line sets of a run's options, under their names; None where it is silent.

    Args:
        parameters: the command's own, as typer read them from its signature (`Context.params`).
        more: what the command itself knows; it goes over the parameters.
    """
    from whyfeel.runs import RunOptions, parse_settings

    values = {name: value for name, value in parameters.items() if name in RunOptions.model_fields} | more
    for name, flag in (("gen", "--gen"), ("judge_gen", "--judge-gen")):
        values[name] = parse_settings(values.get(name), flag)
    for name in ("reuse", "allow_host"):
        values[name] = tuple(values[name]) if values.get(name) else None
    return values
