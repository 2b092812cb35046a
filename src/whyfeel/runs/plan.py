"""From options to everything a run needs, checked before the first call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from whyfeel.engine import Route
from whyfeel.errors import UserError
from whyfeel.judging import MODEL_FOILS, Judge, build_judge, family, same_family, takes_foils, with_foils
from whyfeel.media import MediaStore, conversion
from whyfeel.models import Prices, build_model, declared_name, load_prices
from whyfeel.models.embedder import load_embedder
from whyfeel.prompts import Prompts, load_prompts
from whyfeel.records import Media, Sample
from whyfeel.runs.controls import CONTROL_FOILS, Control, control_samples, model_controls, plan_controls
from whyfeel.runs.destinations import check_local
from whyfeel.runs.lines import read_lines
from whyfeel.runs.options import RunOptions
from whyfeel.runs.select import Chosen, choose, selected, some
from whyfeel.runs.spec import JudgeSpec, RunSpec, file_hashes, prompt_hashes
from whyfeel.strategies import Strategy, build_baseline, build_strategy, captions_from
from whyfeel.tasks import Task, open_task

FOILED_SAMPLES = 100  # of a judge that asks a model
ANSWER = "answer"  # the role of the model under test, and the purpose its answers are booked under
CAPTION = "caption"
BASELINE = "baseline:"


@dataclass(frozen=True)
class Plan:
    """A run that is ready to start.

    Attributes:
        task, chosen: the samples.
        total: how many samples are chosen.
        strategy, judge: what is done with each.
        controls: answers whose worth is known, judged beside the model's.
        routes: role to model; empty where nothing is asked.
        spec: what decides the answers and the first judge's verdicts.
        bad: chosen pictures that cannot be sent, with the reason.
        urls: chosen pictures that are still to be fetched.
        pictured: whether any chosen sample has a picture that is shown.
        prompts: for the manifest.
    """

    options: RunOptions
    task: Task
    chosen: Chosen
    total: int
    strategy: Strategy
    judge: Judge
    routes: Mapping[str, Route]
    spec: RunSpec
    prompts: Prompts
    controls: tuple[Control, ...] = ()
    bad: Mapping[Media, str] = field(default_factory=dict)
    urls: tuple[str, ...] = ()
    pictured: bool = False

    @property
    def shown(self) -> list[str]:
        """The roles whose asks show pictures."""
        return roles_shown(self.strategy, self.judge)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the scores should know."""
        return kinship(self.spec.model, self.spec.judge.model)

    def samples(self) -> Iterator[Sample]:
        """The chosen samples, in the task's order."""
        return selected(self.task, self.chosen)


def plan_run(options: RunOptions, *, calls: bool = True) -> Plan:
    """Build and check everything a run needs.

    Args:
        calls: whether models will be called, and so need their keys.

    Raises:
        UserError: an option names nothing known, data or pictures are missing, or a price is needed and unknown.
    """
    prompts = load_prompts(options.prompts, data=options.data, task=options.task, judge=options.judge)
    prices = load_prices(options.prices)
    task = open_task(options.task, options.data, options.images)
    strategy = _strategy(options, task, prompts)
    routes = _routes(options, strategy, prices, calls=calls)
    model = routes[ANSWER].model.name if routes else options.model
    chosen = choose(task, limit=options.limit, sample=options.sample, seed=options.seed)
    judging = plan_judge(options, task, chosen, prompts, prices, calls=calls)
    routes |= judging.routes
    if options.batch is not None and not any(route.batched for route in routes.values()):
        raise UserError(f"--batch {options.batch} is for models named {options.batch}:NAME, and this run asks none")
    spec = RunSpec(
        *(task.name, file_hashes(task.files), model, strategy.name, options.gen),
        *(prompt_hashes(prompts, strategy.prompts), options.seed, judging.spec),
        captions=_captions_spec(options, routes),
        pictures=conversion(options.max_side) if _shows(strategy, task) else "",
    )
    plan = _surveyed(Plan(options, task, chosen, 0, strategy, judging.judge, routes, spec, prompts))
    return replace(plan, controls=_controls(plan, judging))


def _controls(plan: Plan, judging: Judging) -> tuple[Control, ...]:
    """A baseline's own run has none: it is one."""
    options = plan.options
    if options.model.startswith(BASELINE):
        if options.controls is not None:
            raise UserError("--controls: a baseline is a control, and has none of its own")
        return ()
    held = judging.held or control_samples(options, plan.samples) if options.controls else judging.held
    asking = model_controls(options, plan.task, held, plan.strategy, judging.controls, plan.prompts, plan.bad)
    judges = judging.bare, judging.controls
    return plan_controls(options, plan.task, plan.samples, plan.total, judges, judging.held, asking)


def _routes(options: RunOptions, strategy: Strategy, prices: Prices, *, calls: bool) -> dict[str, Route]:
    """The model of each role of a strategy; `--gen` is for the model under test."""
    if options.captioner is not None and CAPTION not in strategy.roles:
        raise UserError(f"--captioner: the strategy {strategy.name} asks for no captions")
    named = {ANSWER: options.model, CAPTION: options.captioner or options.model}
    return {
        role: _route(options, named[role], role, prices, options.gen if role == ANSWER else {}, calls=calls)
        for role in strategy.roles
    }


def _shows(strategy: Strategy, task: Task) -> bool:
    """Whether pictures are sent, whichever samples are chosen."""
    return any(strategy.roles.values()) and any(sample.media for sample in task)


def _captions_spec(options: RunOptions, routes: Mapping[str, Route]) -> dict[str, str]:
    if options.captions is not None:
        return {"file": next(iter(file_hashes([options.captions]).values()))}
    return {"captioner": routes[CAPTION].model.name} if CAPTION in routes else {}


def kinship(candidate: str, judges: str | None) -> tuple[str, ...]:
    """A warning for each judge of the candidate's own family: models tend to prefer answers of their own kind."""
    if candidate.startswith(BASELINE) or judges is None:
        return ()
    related = [judge for judge in judges.split(",") if same_family(candidate, judge)]
    return tuple(
        f"the judge {judge} and the model {candidate} are of one family ({family(judge)}); judges tend to prefer "
        "their own kind: take another, or a panel"
        for judge in related
    )


def roles_shown(strategy: Strategy | None, judge: Judge) -> list[str]:
    """The roles whose asks show pictures."""
    roles = {**(strategy.roles if strategy is not None else {}), **judge.roles}
    return [role for role, shown in roles.items() if shown]


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
    """

    bare: Judge
    judge: Judge
    controls: Judge
    held: Sequence[Sample]
    spec: JudgeSpec
    routes: dict[str, Route]


def plan_judge(
    options: RunOptions, task: Task, chosen: Chosen, prompts: Prompts, prices: Prices, *, calls: bool = True
) -> Judging:
    """A judge for the chosen samples of a task.

    Raises:
        UserError: there is no such judge, or it needs `--judge-model` and has none, or the other way round.
    """
    named = [name.strip() for name in options.judge_model.split(",")] if options.judge_model else []
    embedder = load_embedder(options.embedder, local_only=options.local_only) if options.embedder else None
    bare = build_judge(
        *(options.judge, prompts, task, task.scorer),
        members=[declared_name(one) for one in named],
        see_image=options.see_image,
        seed=options.seed,
        foils=task.foils,
        embed=embedder,
    )
    if bare.roles and not named:
        raise UserError(f"the judge {bare.name} asks a model: name it with --judge-model")
    if not bare.roles and (named or options.judge_gen):
        raise UserError(f"the judge {bare.name} asks no model: leave --judge-model and --judge-gen out")
    routes = {
        role: _route(options, name, role, prices, options.judge_gen, calls=calls)
        for role, name in zip(bare.roles, named, strict=True)
    }
    spec = JudgeSpec(
        *(bare.name, ",".join(route.model.name for route in routes.values()) or None, options.judge_gen),
        prompt_hashes(prompts, bare.prompts),
        pictures=conversion(options.max_side) if any(bare.roles.values()) else "",
        version=bare.version,
        embedder=embedder.digest if embedder else "",
    )
    held = control_samples(options, lambda: selected(task, chosen)) if bare.roles else []
    judge, controls = _foiled(options, task, chosen, bare, held)
    return Judging(bare, judge, controls, held, spec, routes)


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


def _strategy(options: RunOptions, task: Task, prompts: Prompts) -> Strategy:
    captions = None
    if options.captions is not None:
        captions = captions_from(enumerate(read_lines(options.captions), 1), str(options.captions))
    if not options.model.startswith(BASELINE):
        return build_strategy(options.strategy, prompts, captions)
    if options.strategy != "direct" or options.gen:
        raise UserError(f"{options.model} asks no model: leave --strategy and --gen out")
    return build_baseline(options.model.removeprefix(BASELINE), task, options.seed)


def _route(options: RunOptions, spec: str, role: str, prices: Prices, gen: Mapping[str, Any], *, calls: bool) -> Route:
    """A model, priced (a budget in money needs a price), and how it is asked."""
    batched = options.batch is not None and spec.startswith(f"{options.batch}:")
    if batched:
        prices = {name: price.halved for name, price in prices.items()}
    model = build_model(spec, role, prices, calls=calls, local_only=options.local_only)
    if options.max_cost is not None and model.price is None:
        raise UserError(f"--max-cost needs a price for {spec!r}; give one with --prices (see docs/running.md)")
    route = Route(model, gen, batched)
    if options.local_only:
        check_local({role: route})
    return route


def _surveyed(plan: Plan) -> Plan:
    """Count the samples and look at every picture's header and end, before anything is paid for."""
    media = MediaStore(plan.task.images)
    total, shown, missing = 0, 0, 0
    bad: dict[Media, str] = {}
    urls: dict[str, None] = {}
    for sample in plan.samples():
        total += 1
        if not plan.shown:
            continue
        if sample.media and plan.task.images is None:
            raise UserError(f"{plan.task.name} needs its pictures: {plan.task.images_help}")
        for one in sample.media:
            shown += 1
            if plan.options.allow_urls and one.is_url:
                urls[one.path] = None
            elif (why := bad.get(one) or media.fault(one)) is not None:
                bad[one] = why
                missing += why.startswith("no such file")
    media.close()
    if not total:
        raise UserError(f"{plan.task.name} has no samples to run")
    if shown > 1 and missing == shown:
        raise UserError(
            f"--images: none of the {shown:,} pictures is under {str(plan.task.images)!r} "
            f"({next(iter(bad.values()))}); {plan.task.images_help}"
        )
    return replace(plan, total=total, pictured=shown > 0, bad=bad, urls=tuple(urls))


def addresses(plan_routes: Mapping[str, Route]) -> list[dict[str, Any]]:
    """Where each role's model lives, for the manifest."""
    return [
        {"role": role, "model": route.model.name, "address": route.model.address}
        for role, route in sorted(plan_routes.items())
    ]


def absolute(path: Path | None) -> str | None:
    """A path as it is kept in run.json, so that the run can be judged again from any folder."""
    return str(path.resolve()) if path is not None else None
