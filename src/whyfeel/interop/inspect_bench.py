"""What an evaluation by Inspect is made of: our task, strategy and judge, and the scores they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from whyfeel.errors import UserError
from whyfeel.judging import MODEL_FOILS, PAIRWISE, Judge, build_judge, with_foils
from whyfeel.prompts import load_prompts
from whyfeel.records import Judgement, Response, Sample
from whyfeel.runs.lines import read_lines
from whyfeel.runs.options import Seed
from whyfeel.runs.pictures import Sendable, survey_pictures
from whyfeel.runs.plan import roles_shown
from whyfeel.runs.plan_judge import FOILED_SAMPLES
from whyfeel.runs.select import some
from whyfeel.stats import estimate
from whyfeel.strategies import Strategy, build_strategy, captions_from
from whyfeel.tasks import Task, open_task


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen with `-T NAME=VALUE`; each as the option of `whyfeel run` of that name.

    Attributes:
        judge_model: the judge's models in Inspect's names, several for a panel; none for Inspect's role "judge".
    """

    task: str
    data: str | None = None
    images: str | None = None
    strategy: str = "direct"
    captions: str | None = None
    prompts: str | None = None
    judge: str = "overlap"
    judge_model: tuple[str, ...] = ()
    see_image: bool = False
    max_side: Annotated[int, Field(ge=16, le=65_535)] | None = None
    seed: Seed = 0


@dataclass(frozen=True)
class Bench:
    """A task with the strategy that asks and the judge that scores."""

    choices: Choices
    task: Task
    strategy: Strategy
    judge: Judge

    @cached_property
    def samples(self) -> Mapping[str, Sample]:
        """Sample id to sample, in the task's order."""
        return {sample.id: sample for sample in self.task}

    def scores_of(self, sample: Sample, judgement: Judgement) -> dict[str, float]:
        """A sample's own score by each name that is a mean over samples; NaN where it has none.

        What is corrected for chance is a ratio of means, and no score of one sample.
        """
        tally = self.judge.tally()
        tally.add(sample, judgement)
        found: dict[str, float] = {}
        for one in tally.series():
            if one.chance is not None:
                continue
            value = float(one.numerator[0] / one.denominator[0]) if one.denominator[0] > 0 else float("nan")
            found[one.name] = value if value == value else found.get(one.name, value)  # noqa: PLR0124 - not NaN
        return found

    def estimates(self, judged: Iterable[tuple[Sample, Judgement]]) -> dict[str, float | None]:
        """The scores of summary.json, with their intervals, as one mapping.

        Returns:
            "SCORE" or "SCORE GROUP" to its value, the same with " low" and " high" behind it to its interval; where
            anything is unscored, with " least" and " most" to its bounds; and the counts "n" and "unscored".
        """
        tally = self.judge.tally()
        groups: list[str] = []
        clusters: list[str] = []
        unscored = 0
        for sample, judgement in judged:
            tally.add(sample, judgement)
            groups.append(sample.emotion)
            clusters.append(sample.cluster)
            unscored += judgement.unscored is not None
        if not groups:
            return {}
        task, seed = self.task, self.choices.seed
        scores = estimate(tally.series(), groups, clusters, order=task.groups, macro=task.macro, seed=seed)
        told: dict[str, float | None] = {}
        for score, by in scores.items():
            for group, one in by.items():
                name = score if group == "overall" else f"{score} {group}"
                told |= {name: one.value, f"{name} low": one.low, f"{name} high": one.high}
                if unscored and one.bounds is not None:
                    told |= {f"{name} least": one.bounds[0], f"{name} most": one.bounds[1]}
        return {**told, "n": len(groups), "unscored": unscored}


@lru_cache(maxsize=4)  # the solver, the scorer and the metric of one evaluation share it
def bench_of(choices: Choices) -> Bench:
    """Everything an evaluation needs, checked before the first call.

    Raises:
        UserError: a choice names nothing known, data or pictures are missing, or what was chosen does not go together.
    """
    task = open_task(choices.task, _path(choices.data), _path(choices.images))
    prompts = load_prompts(choices.prompts, data=_path(choices.data), task=choices.task, judge=choices.judge)
    examples = Sendable(task, task.images)
    strategy = build_strategy(choices.strategy, prompts, _captions(choices.captions), examples, choices.seed)
    if choices.judge == PAIRWISE:
        raise UserError(f"the judge {PAIRWISE} compares with another run: `whyfeel judge RUN --judge {PAIRWISE}`")
    bare = build_judge(
        *(choices.judge, prompts, task, task.scorer),
        members=choices.judge_model,
        see_image=choices.see_image,
        seed=choices.seed,
        foils=task.foils,
    )
    if not bare.roles and choices.judge_model:
        raise UserError(f"the judge {bare.name} asks no model: leave judge_model out")
    look = bool(roles_shown(strategy, bare))
    survey_pictures(task, task.images, task.name, task.images_help, look=look, allow_urls=False)
    foiled = {sample.id for sample in some(lambda: task, FOILED_SAMPLES, choices.seed, "foils")}
    judge = with_foils(bare, task, task.foils, MODEL_FOILS, choices.seed, foiled)
    return Bench(choices, task, strategy, judge)


def in_order(bench: Bench, judged: Sequence[tuple[str, Judgement]]) -> list[tuple[Sample, Judgement]]:
    """Judgements by sample id with their samples, in the task's order."""
    place = {name: number for number, name in enumerate(bench.samples)}
    ordered = sorted(judged, key=lambda one: place[one[0]])
    return [(bench.samples[name], judgement) for name, judgement in ordered]


def unanswered(response: Response) -> Judgement | None:
    """The judgement of a response that was not obtained, None for one that was."""
    return Judgement(response.sample_id, unscored=response.unscored) if response.unscored is not None else None


def _captions(name: str | None) -> dict[str, str] | None:
    return None if name is None else captions_from(enumerate(read_lines(Path(name)), 1), name)


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)
