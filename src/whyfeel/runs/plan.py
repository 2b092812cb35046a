"""From options to everything a run needs, checked before the first call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from whyfeel.engine import Route
from whyfeel.errors import UserError
from whyfeel.judging import Judge
from whyfeel.media import conversion
from whyfeel.models import Prices, load_prices
from whyfeel.prompts import Prompts, load_prompts
from whyfeel.records import Media, Sample
from whyfeel.runs.controls import Control, control_samples, model_controls, plan_controls
from whyfeel.runs.destinations import check_sight
from whyfeel.runs.lines import read_lines
from whyfeel.runs.options import NO_CONTROLS, RunOptions
from whyfeel.runs.pictures import Sendable, survey_pictures
from whyfeel.runs.plan_judge import BASELINE, Judging, kinship, plan_judge
from whyfeel.runs.routing import routes_to
from whyfeel.runs.select import Chosen, choose, selected
from whyfeel.runs.spec import RunSpec, file_hashes, prompt_hashes
from whyfeel.strategies import Strategy, build_baseline, build_strategy, captions_from
from whyfeel.strategies.self_ask import HELPED
from whyfeel.tasks import Task, open_task

ANSWER = "answer"  # the role of the model under test, and the purpose its answers are booked under
CAPTION = "caption"


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
        cautions: the judge's own warnings.
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
    cautions: tuple[str, ...] = ()

    @property
    def shown(self) -> list[str]:
        """The roles whose asks show pictures."""
        return roles_shown(self.strategy, self.judge)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the scores should know."""
        return tuple(dict.fromkeys(kinship(self.spec.model, self.spec.judge.model) + self.cautions))

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
    model = next(_declared(routes), options.model)
    chosen = choose(task, limit=options.limit, sample=options.sample, seed=options.seed)
    judging = plan_judge(options, task, chosen, prompts, prices, calls=calls)
    routes |= judging.routes
    if options.batch is not None and not any(route.batched for route in routes.values()):
        raise UserError(f"--batch {options.batch} is for models named {options.batch}:NAME, and this run asks none")
    spec = RunSpec(
        *(task.name, file_hashes(task.files), model, strategy.name, options.gen),
        *(prompt_hashes(prompts, strategy.prompts), options.seed, judging.spec),
        captions=_captions_spec(options, routes),
        helper=next((routes[role].model.name for role in routes if role in HELPED), ""),
        pictures=conversion(options.max_side) if _shows(strategy, task) else "",
    )
    plan = _surveyed(Plan(options, task, chosen, 0, strategy, judging.judge, routes, spec, prompts))
    if plan.pictured:
        check_sight(routes, plan.shown)
    return replace(plan, controls=_controls(plan, judging), cautions=judging.warnings)


def _controls(plan: Plan, judging: Judging) -> tuple[Control, ...]:
    """A baseline's own run has none: it is one."""
    options = plan.options
    if options.model.startswith(BASELINE):
        if options.controls is not None:
            raise UserError("--controls: a baseline is a control, and has none of its own")
        return ()
    asks = options.controls not in {None, NO_CONTROLS}
    held = judging.held or (control_samples(options, plan.samples) if asks else [])
    asking = model_controls(options, plan.task, held, plan.strategy, judging.controls, plan.prompts, plan.bad)
    judges = judging.bare, judging.controls
    return plan_controls(options, plan.task, plan.samples, plan.total, judges, judging.held, asking)


def _routes(options: RunOptions, strategy: Strategy, prices: Prices, *, calls: bool) -> dict[str, Route]:
    """The model of each role of a strategy; `--gen` is for the model under test."""
    if options.captioner is not None and CAPTION not in strategy.roles:
        raise UserError(f"--captioner: the strategy {strategy.name} asks for no captions")
    if options.helper is not None and HELPED.isdisjoint(strategy.roles):
        raise UserError(f"--helper: the strategy {strategy.name} asks no helper; self-ask does")
    helpers = {CAPTION: options.captioner, **dict.fromkeys(HELPED, options.helper)}
    asked = {
        role: (helpers.get(role) or options.model, {} if role in helpers else options.gen) for role in strategy.roles
    }
    return routes_to(options, asked, prices, calls=calls)


def _declared(routes: Mapping[str, Route]) -> Iterator[str]:
    """The declared name of the model under test, once a role that it answers."""
    return (route.model.name for role, route in routes.items() if role != CAPTION and role not in HELPED)


def _shows(strategy: Strategy, task: Task) -> bool:
    """Whether pictures are sent, whichever samples are chosen."""
    return any(strategy.roles.values()) and any(sample.media for sample in task)


def _captions_spec(options: RunOptions, routes: Mapping[str, Route]) -> dict[str, str]:
    if options.captions is not None:
        return {"file": next(iter(file_hashes([options.captions]).values()))}
    return {"captioner": routes[CAPTION].model.name} if CAPTION in routes else {}


def roles_shown(strategy: Strategy | None, judge: Judge) -> list[str]:
    """The roles whose asks show pictures."""
    roles = {**(strategy.roles if strategy is not None else {}), **judge.roles}
    return [role for role, shown in roles.items() if shown]


def _strategy(options: RunOptions, task: Task, prompts: Prompts) -> Strategy:
    captions = None
    if options.captions is not None:
        captions = captions_from(enumerate(read_lines(options.captions), 1), str(options.captions))
    if not options.model.startswith(BASELINE):
        return build_strategy(options.strategy, prompts, captions, Sendable(task, task.images), options.seed)
    if options.strategy != "direct" or options.gen:
        raise UserError(f"{options.model} asks no model: leave --strategy and --gen out")
    return build_baseline(options.model.removeprefix(BASELINE), task, options.seed)


def _surveyed(plan: Plan) -> Plan:
    """Count the samples and look at every picture's header and end, before anything is paid for."""
    task = plan.task
    found = survey_pictures(
        *(plan.samples(), task.images, task.name, task.images_help),
        look=bool(plan.shown),
        allow_urls=plan.options.allow_urls,
    )
    return replace(plan, total=found.samples, pictured=found.shown > 0, bad=found.bad, urls=found.urls)


def absolute(path: Path | None) -> str | None:
    """A path as it is kept in run.json, so that the run can be judged again from any folder."""
    return str(path.resolve()) if path is not None else None
