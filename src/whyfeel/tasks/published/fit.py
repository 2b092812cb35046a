"""What a judged run must be, so that its figure may be held against a published one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from whyfeel.judging.official import GPT, LLAMA3
from whyfeel.prompts.published import FAMILIES, JUDGES, TASKS
from whyfeel.tasks.published.figures import Figure, Published

OFFICIAL: Mapping[str, Mapping[str, Any]] = {protocol.name: protocol.gen for protocol in (LLAMA3, GPT)}


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """One judge's view of a run: all that decides which published figure it measures, and whether it may.

    Attributes:
        task, model, strategy: of the run; the model by its declared name.
        hashes: SHA-256 of its record files.
        prompts: id to origin of the texts it was asked with, "" where run.json does not tell the origin.
        judge, judge_model, judge_gen: who judged it, with the user's sampling settings.
        judge_prompts: id to origin of the texts the judge was asked with.
        n: its samples.
    """

    task: str
    model: str
    strategy: str
    hashes: frozenset[str]
    prompts: Mapping[str, str]
    judge: str
    judge_model: str | None
    judge_gen: Mapping[str, Any]
    judge_prompts: Mapping[str, str]
    n: int


def of_row(figure: Figure, run: JudgedRun) -> bool:
    """Whether a run is of the figure's model and setting, whoever judged it."""
    return (run.task, run.strategy) == (figure.task, figure.strategy) and figure.model.means(run.model)


def left_out(figures: Iterable[Figure], task: str, model: str, strategy: str) -> str:
    """Why a run is of no row of the table, "" where it is of one."""
    if task not in TASKS:
        return f"not about EIBench: it is a run of {task}"
    rows = [one for one in figures if one.task == task and one.model.means(model)]
    if not rows:
        return f"the figures of {task} are of no model {model!r}"
    strategies = list(dict.fromkeys(one.strategy for one in rows))
    if strategy not in strategies:
        return f"the figures of {rows[0].model.name} are of {', '.join(strategies)}, not of {strategy!r}"
    return ""


def unfit(figure: Figure, run: JudgedRun, published: Published) -> str:
    """The first reason why the figure of a run of its row may not be held against it, "" where it may.

    A run is fit that was asked by the published prompts of that model, judged by the named model by the published
    prompt and settings, over the whole of the released data.
    """
    reasons: tuple[Callable[[], str], ...] = (
        lambda: figure.bar,
        lambda: _prompts(figure, run),
        lambda: _judge(figure, run),
        lambda: "" if run.hashes == published.hashes[run.task] else "other record files",
        lambda: _part(run, published),
    )
    return next((why for reason in reasons if (why := reason())), "")


def _prompts(figure: Figure, run: JudgedRun) -> str:
    """The question must be in the words of the model's own script, every other text in those of any."""
    for name, origin in {"direct": "", **run.prompts}.items():
        if not origin.startswith("EIBench "):
            return f"other prompts: {name}"
    script = FAMILIES[figure.model.family][TASKS.index(run.task)]
    return "" if _from(run.prompts["direct"], script) else "another model's prompts"


def _judge(figure: Figure, run: JudgedRun) -> str:
    named = figure.judge
    if run.judge != named.judge or run.judge_model is None:
        return f"judged by {run.judge}"
    if not named.means(run.judge_model):
        return f"judged by {run.judge_model}"
    if not (origin := run.judge_prompts.get("official", "")):
        return "run.json does not tell the judge's prompt"
    if not _from(origin, JUDGES[run.judge][TASKS.index(run.task)]):
        return "other prompts: the judge's"
    changed = [name for name, value in run.judge_gen.items() if OFFICIAL[run.judge].get(name) != value]
    return f"judge's {changed[0]} changed" if changed else ""


def _part(run: JudgedRun, published: Published) -> str:
    whole = max(one.n for one in published.figures if one.task == run.task)
    return "" if run.n == whole else f"{run.n:,} of {whole:,} samples"


def _from(origin: str, script: str) -> bool:
    """Whether a text was found in a script of the release."""
    return origin.startswith(f"EIBench {script} line")
