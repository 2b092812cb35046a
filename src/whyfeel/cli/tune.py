"""`whyfeel tune`: fine-tune a local model on annotated triggers, and measure what it gains."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table
from whyfeel.cli.progress import Progress
from whyfeel.report import numbers


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tune")(tune)


def tune(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="A task (see `whyfeel tasks`), or the folder of an annotation.")],
    model: Annotated[str, typer.Option(help="The model to tune, a folder or a Hub id.", metavar="local:BASE")],
    out: Annotated[Path, typer.Option(help="The folder for the tuned model.", metavar="DIR")],
    data: o.Data = None,
    images: o.Images = None,
    method: Annotated[
        str | None, typer.Option(help="lora (the default) or full: every weight.", metavar="lora|full")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="How often every sample is seen (3).", metavar="N")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Steps at most.", metavar="N")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples a step (16).", metavar="N")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="At its highest (2e-4, with full 2e-5).", metavar="X")
    ] = None,
    rank: Annotated[int | None, typer.Option(help="Of LoRA's matrices (16).", metavar="N")] = None,
    held_out: Annotated[
        float | None, typer.Option(help="The share that is measured on instead (0.1); 0 for none.", metavar="SHARE")
    ] = None,
    eval_data: Annotated[
        Path | None, typer.Option(help="Records of the task jsonl to measure on instead.", metavar="DIR")
    ] = None,
    judge: o.Judge = None,
    judge_model: o.JudgeModel = None,
    prompts: o.Prompts = None,
    gen: Annotated[
        list[str] | None, typer.Option(help="Sampling settings of the runs before and after.", metavar="K=V,…")
    ] = None,
    max_side: o.MaxSide = None,
    seed: o.Seed = None,
    local_only: o.LocalOnly = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan; load no model.")] = False,
    json: o.Json = False,
) -> int:
    """Fine-tune a model on this machine, and measure it before and after on pictures that it never saw.

    Killed, the same command goes on from its last checkpoint.
    """
    from whyfeel import tune as room
    from whyfeel.report.tune_table import tune_table
    from whyfeel.runs import parse_settings

    given = {name: value for name, value in ctx.params.items() if name in room.TuneOptions.model_fields}
    options = room.tune_options(given | {"gen": parse_settings(gen, "--gen")})
    told = room.rehearse(options) if dry_run else room.tune(options, TuneProgress()).told
    if json:
        print_json(told)
    else:
        print_table(*tune_table(told))
    return 0


class TuneProgress(Progress):
    """Tells of the steps of a training as it tells of a run."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[int, int] | None = None  # all, and those of earlier sittings
        self._loss: float | None = None

    def train(self, total: int, done: int) -> None:
        """The training starts."""
        self._steps = (total, done)
        self._done = done
        self._begun = self._said_at = monotonic()
        if done:
            self.note(f"going on from step {numbers.count(done)} of {numbers.count(total)}")

    def step(self, done: int, loss: float | None) -> None:
        """So many steps are done."""
        self._loss = loss
        self.tick(done)

    def trained(self) -> None:
        """Leave the last state standing."""
        if self._steps is not None:
            self.finish()
        self._steps = None

    def _line(self, now: float) -> str:
        if self._steps is None:
            return super()._line(now)
        (total, before), seconds = self._steps, max(now - self._begun, 1e-9)
        mine = self._done - before
        parts = [f"{numbers.count(self._done)}/{numbers.count(total)} steps", numbers.rate(mine / seconds)]
        if mine and self._done < total:
            parts.append(f"{numbers.duration((total - self._done) * seconds / mine)} left")
        if self._loss is not None:
            parts.append(f"loss {numbers.score(self._loss)}")
        return " · ".join(parts)
