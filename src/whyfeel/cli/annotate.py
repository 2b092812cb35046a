"""`whyfeel annotate`: the triggers of an emotion in pictures; `whyfeel annotate plan`: the questions before."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer._click import Context
from typer.core import TyperCommand, TyperGroup

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table

if TYPE_CHECKING:
    from whyfeel.annotate import AnnotateOptions

PICTURES = "pictures"  # the command that `whyfeel annotate IMAGES` stands for


class _OfPictures(TyperGroup):
    """`annotate IMAGES …`, unless the first word is a command of its own (a folder of that name is ./plan)."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        own = {*self.commands, "--help"} - {PICTURES}
        if args and args[0] not in own:
            args = [PICTURES, *args]
        return super().parse_args(ctx, args)


class _Pictures(TyperCommand):
    """Stands for the group itself, also where usage is told."""

    def make_context(
        self,
        info_name: str | None,  # noqa: ARG002 - the hidden name
        args: list[str],
        parent: Context | None = None,
        **extra: Any,  # noqa: ANN401 - as the base has it
    ) -> Context:
        assert parent is not None
        return super().make_context(parent.info_name, args, parent=parent.parent, **extra)


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(cls=_OfPictures, no_args_is_help=True, rich_markup_mode=None, help=_group.__doc__)
    group.command(PICTURES, cls=_Pictures, hidden=True)(annotate)
    group.command("plan")(plan)
    app.add_typer(group, name="annotate")


def _group() -> None:
    """Find the triggers of an emotion in pictures, by Coarse-to-Fine Self-Ask.

    whyfeel annotate IMAGES --vlm M --llm M [--emotion E] [--query TEXT] --out RUN

    All options: whyfeel annotate IMAGES --help.
    """


Source = Annotated[str, typer.Argument(metavar="IMAGES", help="A folder, a record file, or a task with its --data.")]
Vlm = Annotated[str | None, typer.Option(help="Who sees the pictures; see `whyfeel models`.", metavar="M")]
Llm = Annotated[str | None, typer.Option(help="Who parses, merges and relates: the same.", metavar="M")]
Emotion = Annotated[
    list[str] | None, typer.Option(help="The emotion to explain; repeated: each of every picture.", metavar="E")
]
Query = Annotated[str | None, typer.Option(help="What you want to know, in your words.", metavar="TEXT")]
Gen = Annotated[list[str] | None, typer.Option(help="Sampling settings of --vlm.", metavar="K=V,…")]
LlmGen = Annotated[list[str] | None, typer.Option(help="Sampling settings of --llm.", metavar="K=V,…")]
Prompts = Annotated[
    str | None, typer.Option(help="A TOML file of texts over ours (docs/strategies.md).", metavar="FILE")
]
Out = Annotated[Path | None, typer.Option(help="The run folder.", metavar="RUN")]


def annotate(
    ctx: typer.Context,
    source: Source,
    vlm: Vlm = None,
    llm: Llm = None,
    out: Out = None,
    emotion: Emotion = None,
    query: Query = None,
    data: o.Data = None,
    images: o.Images = None,
    plan: Annotated[
        Path | None, typer.Option(help="General questions, from `whyfeel annotate plan`.", metavar="FILE")
    ] = None,
    scenes: Annotated[int | None, typer.Option(help="Questions about the scene (3).", metavar="N")] = None,
    repeat: Annotated[
        int | None, typer.Option(help="Chains a picture; confidence is how often a trigger returns.", metavar="K")
    ] = None,
    gates: Annotated[
        str | None, typer.Option(help="Some of duplicate,grounded,relevant, or none (all).", metavar="G")
    ] = None,
    prompts: Prompts = None,
    limit: Annotated[int | None, typer.Option(help="The first N samples.", metavar="N")] = None,
    seed: o.Seed = None,
    gen: Gen = None,
    llm_gen: LlmGen = None,
    concurrency: o.Concurrency = None,
    rpm: o.Rpm = None,
    tpm: o.Tpm = None,
    max_calls: o.MaxCalls = None,
    max_cost: o.MaxCost = None,
    prices: o.Prices = None,
    reuse: o.Reuse = None,
    max_side: o.MaxSide = None,
    allow_urls: o.AllowUrls = None,
    allow_host: o.AllowHost = None,
    local_only: o.LocalOnly = None,
    ray: o.Ray = None,
    actors: o.Actors = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan and price; call nothing.")] = False,
    json: o.Json = False,
) -> int:
    """Ask a chain of questions about every picture, and leave triggers that tell where they come from.

    Stopped or killed, the same command goes on where it was: no answer is paid for twice.
    """
    from whyfeel.annotate import annotate as run
    from whyfeel.annotate import annotate_options
    from whyfeel.cli.progress import Progress
    from whyfeel.report.annotation_table import annotation_table

    options = annotate_options(_given(ctx.params))
    if dry_run:
        return _rehearsed(options, as_json=json)
    result = run(options, Progress())
    summary = result.summary
    if json:
        print_json(summary)
    else:
        print_table(*annotation_table(summary, result.folder))
    _say_faults(result.faults)
    if not summary["annotated"]:
        reasons = ", ".join(f"{reason} ({n:,})" for reason, n in summary["unscored"].items())
        print(f"whyfeel: nothing could be annotated: {reasons}", file=sys.stderr)
    return int(bool(result.faults) or not summary["annotated"])


def plan(
    ctx: typer.Context,
    source: Source,
    vlm: Vlm = None,
    llm: Llm = None,
    out: Out = None,
    emotion: Emotion = None,
    query: Query = None,
    data: o.Data = None,
    images: o.Images = None,
    sample: Annotated[int | None, typer.Option(help="Pictures, drawn by seed (50).", metavar="N")] = None,
    each: Annotated[int | None, typer.Option(help="Questions that are written about each (8).", metavar="N")] = None,
    questions: Annotated[int | None, typer.Option(help="Questions that are chosen (4).", metavar="N")] = None,
    prompts: Prompts = None,
    seed: o.Seed = None,
    gen: Gen = None,
    llm_gen: LlmGen = None,
    concurrency: o.Concurrency = None,
    max_calls: o.MaxCalls = None,
    max_cost: o.MaxCost = None,
    prices: o.Prices = None,
    max_side: o.MaxSide = None,
    local_only: o.LocalOnly = None,
    json: o.Json = False,
) -> int:
    """Have open questions written about a sample of the pictures, and choose those that come up most often.

    RUN/plan.toml holds them with the evidence; `whyfeel annotate IMAGES --plan RUN/plan.toml` asks them.
    """
    from rich.text import Text

    from whyfeel.annotate import plan_options
    from whyfeel.annotate.questions_run import plan_questions
    from whyfeel.cli.progress import Progress
    from whyfeel.report.plan_table import plan_table
    from whyfeel.report.words import visible

    result = plan_questions(plan_options(_given(ctx.params)), Progress())
    if json:
        print_json(result.summary)
    else:
        next_ = f"Files: {result.file.parent}. Next: whyfeel annotate {source} --plan {result.file}"
        print_table(*plan_table(result.plan), "", Text(visible(next_), style="dim"))
    _say_faults(result.faults)
    return int(bool(result.faults))


def _rehearsed(options: AnnotateOptions, *, as_json: bool) -> int:
    from whyfeel.annotate.rehearse import rehearse_annotation
    from whyfeel.report.tables import rehearsal_table

    rehearsal = rehearse_annotation(options)
    if as_json:
        print_json(rehearsal)
    else:
        print_table(*rehearsal_table(rehearsal))
    return 0


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line sets, under the options' names; None where it is silent."""
    from whyfeel.annotate import AnnotateOptions, PlanOptions
    from whyfeel.runs import parse_settings

    known = {*AnnotateOptions.model_fields, *PlanOptions.model_fields}
    values = {name: value for name, value in parameters.items() if name in known}
    for name, flag in (("gen", "--gen"), ("llm_gen", "--llm-gen")):
        values[name] = parse_settings(values.get(name), flag)
    for name in ("reuse", "allow_host", "emotion"):
        values[name] = tuple(values[name]) if values.get(name) else None
    return values


def _say_faults(faults: Sequence[str]) -> None:
    from whyfeel.report.words import visible

    for fault in faults[:3]:
        print(f"whyfeel: an internal fault left a sample without triggers: {visible(fault)}", file=sys.stderr)
