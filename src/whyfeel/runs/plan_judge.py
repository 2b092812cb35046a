"""A judge made ready for a run: the models it asks, the foils it gets, and what decides its verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from whyfeel.engine import Route
from whyfeel.errors import UserError
from whyfeel.judging import MODEL_FOILS, Judge, build_judge, family, same_family, takes_foils, with_foils
from whyfeel.media import conversion
from whyfeel.models import Prices, declared_name
from whyfeel.models.embedder import load_embedder
from whyfeel.prompts import Prompts
from whyfeel.records import Sample
from whyfeel.runs.controls import CONTROL_FOILS, control_samples
from whyfeel.runs.opponents import opponent_of
from whyfeel.runs.options import RunOptions
from whyfeel.runs.routing import route_to
from whyfeel.runs.select import Chosen, selected, some
from whyfeel.runs.spec import JudgeSpec, prompt_hashes
from whyfeel.tasks import Task

FOILED_SAMPLES = 100  # of a judge that asks a model
BASELINE = "baseline:"


@dataclass(frozen=True)
class Judging:
    """A judge, ready.

    Attributes:
        bare: the judge without foils.
        judge: with the foils that the samples of the run have.
        controls: with those that the controls have.
        held: the samples of the controls, where the judge calls a model.
        spec: what decides its verdicts.
        routes: to the models it asks, none for an offline judge.
        warnings: a judge of the family of the model that answers are compared with.
    """

    bare: Judge
    judge: Judge
    controls: Judge
    held: Sequence[Sample]
    spec: JudgeSpec
    routes: dict[str, Route]
    warnings: tuple[str, ...] = ()


def plan_judge(
    options: RunOptions, task: Task, chosen: Chosen, prompts: Prompts, prices: Prices, *, calls: bool = True
) -> Judging:
    """A judge for the chosen samples of a task.

    Raises:
        UserError: there is no such judge, or it needs `--judge-model` and has none, or the other way round; or what it
            is to compare answers with cannot be.
    """
    named = [name.strip() for name in options.judge_model.split(",")] if options.judge_model else []
    embedder = load_embedder(options.embedder, local_only=options.local_only) if options.embedder else None
    against = opponent_of(options, task, selected(task, chosen))
    bare = build_judge(
        *(options.judge, prompts, task, task.scorer),
        members=[declared_name(one, local_only=options.local_only) for one in named],
        see_image=options.see_image,
        seed=options.seed,
        foils=task.foils,
        embed=embedder,
        opponent=against.opponent,
    )
    if bare.roles and not named:
        raise UserError(f"the judge {bare.name} asks a model: name it with --judge-model")
    if not bare.roles and (named or options.judge_gen):
        raise UserError(f"the judge {bare.name} asks no model: leave --judge-model and --judge-gen out")
    routes = {
        role: route_to(options, name, role, prices, options.judge_gen, calls=calls)
        for role, name in zip(bare.roles, named, strict=True)
    }
    spec = JudgeSpec(
        *(bare.name, ",".join(route.model.name for route in routes.values()) or None, options.judge_gen),
        prompt_hashes(prompts, bare.prompts),
        pictures=conversion(options.max_side) if any(bare.roles.values()) else "",
        version=bare.version,
        embedder=embedder.digest if embedder else "",
        against=against.mark,
    )
    held = control_samples(options, lambda: selected(task, chosen)) if bare.roles else []
    judge, controls = _foiled(options, task, chosen, bare, held)
    return Judging(bare, judge, controls, held, spec, routes, kinship(against.model, spec.model))


def _foiled(
    options: RunOptions, task: Task, chosen: Chosen, bare: Judge, held: Sequence[Sample]
) -> tuple[Judge, Judge]:
    """The judge of the samples, and that of the controls.

    Where the headline decides when to stop, every sample needs what chance gives it.
    """
    if not takes_foils(bare):
        return bare, bare
    if options.until is None:
        each, foiled = MODEL_FOILS, some(lambda: selected(task, chosen), FOILED_SAMPLES, options.seed, "foils")
    else:
        each, foiled = CONTROL_FOILS, list(selected(task, chosen))

    def judge(count: int, samples: Sequence[Sample]) -> Judge:
        return with_foils(bare, task, task.foils, count, options.seed, {sample.id for sample in samples})

    return judge(each, foiled), judge(CONTROL_FOILS, held)


def kinship(candidate: str, judges: str | None) -> tuple[str, ...]:
    """A warning for each judge of the candidate's own family: models tend to prefer answers of their own kind."""
    if not candidate or candidate.startswith(BASELINE) or judges is None:
        return ()
    related = [judge for judge in judges.split(",") if same_family(candidate, judge)]
    return tuple(
        f"the judge {judge} and the model {candidate} are of one family ({family(judge)}); judges tend to prefer "
        "their own kind: take another, or a panel"
        for judge in related
    )
