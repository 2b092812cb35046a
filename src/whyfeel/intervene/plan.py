"""From options to everything an intervention needs, checked before the first call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from whyfeel.engine import Route
from whyfeel.errors import DataError, UserError
from whyfeel.intervene.again import again
from whyfeel.intervene.blur import BLUR, upright_size
from whyfeel.intervene.options import InterveneOptions
from whyfeel.intervene.scenes import AGAIN, Scene, View, change_name, views_of
from whyfeel.intervene.source import Source, open_source
from whyfeel.judging import Judge
from whyfeel.media import BadPicture, MediaStore, conversion
from whyfeel.media.headers import walk
from whyfeel.models import load_prices
from whyfeel.prompts import Prompts, load_prompts
from whyfeel.records import Asking, Media, Response, Sample
from whyfeel.runs.pictures import Sendable, survey_pictures
from whyfeel.runs.plan import roles_shown
from whyfeel.runs.plan_judge import BASELINE, kinship, plan_judge
from whyfeel.runs.routing import routes_to
from whyfeel.runs.select import choose
from whyfeel.runs.spec import JudgeSpec, file_hashes, prompt_hashes
from whyfeel.strategies import Strategy, build_baseline, build_strategy
from whyfeel.tasks import Task


@dataclass(frozen=True)
class Plan:
    """An intervention that is ready to start.

    Attributes:
        scenes: those chosen, in the source's order.
        strategy, judge: what is done with each picture.
        routes: role to model; empty where nothing is asked.
        spec: what decides the answers and the verdicts; two sittings of one spec may share a folder.
        prompts: for the manifest.
        bad: pictures of the user's that cannot be sent, with the reason.
    """

    options: InterveneOptions
    source: Source
    scenes: Sequence[Scene]
    strategy: Strategy
    judge: Judge
    judge_spec: JudgeSpec
    routes: Mapping[str, Route]
    spec: Mapping[str, Any]
    prompts: Prompts
    warnings: tuple[str, ...] = ()
    bad: Mapping[Media, str] = field(default_factory=dict)

    @property
    def cells(self) -> tuple[int, int] | None:
        """Rows and columns of the grid, None where scenes have changes of their own."""
        return self.options.shape if self.source.by == "grid" else None

    @property
    def shown(self) -> list[str]:
        """The roles whose asks show pictures."""
        return roles_shown(self.strategy, self.judge)

    def views(self) -> Iterator[View]:
        """All pictures that are asked about, scene by scene, as often as needed."""
        return (view for scene in self.scenes for view in views_of(scene, self.cells))


def plan_intervention(options: InterveneOptions, *, calls: bool = True) -> Plan:
    """Build and check everything.

    Args:
        calls: whether models will be called, and so need their keys.

    Raises:
        UserError: an option names nothing known, pictures are missing, a region leaves its picture, or a price is
            needed and unknown.
    """
    prompts = load_prompts(options.prompts, data=options.data, task=options.task, judge=options.judge)
    prices = load_prices(options.prices)
    source = open_source(options)
    task = source.task
    strategy = _strategy(options, task, prompts)
    routes = routes_to(options, dict.fromkeys(strategy.roles, (options.model, options.gen)), prices, calls=calls)
    model = next((route.model.name for route in routes.values()), options.model)
    chosen = choose(_samples(source.scenes), limit=options.limit, sample=options.sample, seed=options.seed)
    judging = plan_judge(options, task, chosen, prompts, prices, calls=calls)
    routes |= judging.routes
    scenes = [scene for place, scene in enumerate(source.scenes) if chosen is None or place in chosen]
    shown = roles_shown(strategy, judging.bare)
    return Plan(
        *(options, source, scenes, strategy, judging.bare, judging.spec, routes),
        _spec(options, source, model, strategy, prompts) | {"judge": judging.spec.to_json()},
        prompts,
        warnings=tuple(dict.fromkeys(kinship(model, judging.spec.model) + judging.warnings)),
        bad=_surveyed(source, scenes) if shown else {},
    )


def _spec(
    options: InterveneOptions, source: Source, model: str, strategy: Strategy, prompts: Prompts
) -> dict[str, Any]:
    """What decides the answers."""
    return {
        "source": source.task.name,
        "data": file_hashes(source.task.files),
        "by": source.by,
        "grid": options.grid if source.by == "grid" else "",
        "model": model,
        "strategy": strategy.name,
        "gen": dict(options.gen),
        "prompts": prompt_hashes(prompts, strategy.prompts),
        "seed": options.seed,
        "pictures": conversion(options.max_side),
        "blur": BLUR if source.by != "drawn" else "",
    }


def responding(plan: Plan, view: View, sample: Sample) -> Asking[Response]:
    """The strategy's conversation about a view whose sample has its picture."""
    conversation = plan.strategy.respond(sample)
    return again(conversation) if view.name == AGAIN else conversation


def _samples(scenes: Sequence[Scene]) -> list[Sample]:
    return [scene.sample for scene in scenes]


def _strategy(options: InterveneOptions, task: Task, prompts: Prompts) -> Strategy:
    if not options.model.startswith(BASELINE):
        return build_strategy(options.strategy, prompts, None, Sendable(task, task.images), options.seed)
    if options.strategy != "direct" or options.gen:
        raise UserError(f"{options.model} asks no model: leave --strategy and --gen out")
    return build_baseline(options.model.removeprefix(BASELINE), task, options.seed)


def _surveyed(source: Source, scenes: Sequence[Scene]) -> Mapping[Media, str]:
    """A look at every picture of the user's: its header and end, and whether its regions lie inside.

    Raises:
        UserError: no picture is there.
        DataError: a changed picture is missing, or a region leaves its picture.
    """
    task = source.task
    shown = _samples(scenes) if source.by != "drawn" else [view.sample for one in scenes for view in views_of(one)]
    bad = survey_pictures(iter(shown), task.images, task.name, task.images_help, look=True, allow_urls=False).bad
    for scene in scenes if source.by != "grid" else ():
        for number, change in enumerate(scene.changes, 1):
            why = bad.get(change.media, "") if change.media is not None else ""
            if why.startswith("no such file"):
                raise DataError(f"{_where(source, scene, number)}: {why}; draw the pairs again, or name --images")
    if source.by == "region":
        _check_regions(source, scenes, bad)
    return bad


def _check_regions(source: Source, scenes: Sequence[Scene], bad: Mapping[Media, str]) -> None:
    store = MediaStore(source.task.images)
    try:
        for scene in scenes:
            media = scene.sample.media[0]
            if media in bad:
                continue
            try:
                width, height = upright_size(walk(store.read(media)))
            except BadPicture:  # it will be unscored
                continue
            for number, change in enumerate(scene.changes, 1):
                if change.region is not None and change.region.box(width, height) is None:
                    why = f"its region leaves the picture {media.path!r}, which has {width}x{height} pixels upright"
                    raise DataError(f"{_where(source, scene, number)}: {why}; expected [left, top, width, height]")
    finally:
        store.close()


def _where(source: Source, scene: Scene, number: int) -> str:
    return f"{str(source.task.files[0])!r}, record {scene.sample.id!r}, {change_name(number)}"
