"""The main job: `whyfeel run`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import repeat
from time import monotonic

from whyfeel.engine import Route
from whyfeel.errors import DataError, UserError
from whyfeel.judging import Judge
from whyfeel.media.fetch import fetch_pictures
from whyfeel.models.route import trusted
from whyfeel.records import Media, Sample, content_id
from whyfeel.runs.answering import Answering, Job
from whyfeel.runs.destinations import announcement, check_sight, picture_hosts
from whyfeel.runs.execute import RunResult, execute
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.manifest import open_run
from whyfeel.runs.options import RunOptions, SittingOptions
from whyfeel.runs.pictures import bad_pictures
from whyfeel.runs.pieces import Prepared
from whyfeel.runs.plan import Plan, plan_run, roles_shown
from whyfeel.runs.sitting import Watch
from whyfeel.runs.until import Until
from whyfeel.tasks import Task


def run(options: RunOptions, watch: Watch) -> RunResult:
    """Ask a model about every sample, have the answers judged, and leave a run folder.

    Run again with the same options, it makes no call whose answer is durable and writes the same files.

    Raises:
        UserError: an option, the data or the folder is not what it should be.
        RunStopped, Interrupted: the run cannot go on; the same command resumes it.
    """
    begun = monotonic()
    plan = plan_run(options)
    for path in options.reuse:
        if not path.exists():
            raise DataError(f"--reuse: there is no run at {str(path)!r}")
    folder = RunFolder(options.out)
    folder.make()
    with folder.locked():
        remarks = open_run(folder, plan.spec, options, plan.prompts, plan.routes)
        plan = replace(plan, bad={**plan.bad, **fetched(plan.urls, options, folder)})
        told = destinations(plan.routes, plan.shown, options) if plan.pictured else []
        for remark in [*remarks, *bad_pictures(plan.bad, "`whyfeel data check` lists them"), *plan.warnings, *told]:
            watch.note(remark)
        recipe = RunRecipe(options, plan.bad, content_id(plan.spec.to_json())) if options.ray is not None else None
        return execute(job_of(plan), folder, watch, begun, recipe)


@dataclass(frozen=True)
class RunRecipe:
    """How another process comes by a run's work.

    Attributes:
        bad: pictures that cannot be sent, with the reason.
        spec: the hash of the run's spec.
    """

    options: RunOptions
    bad: Mapping[Media, str]
    spec: str

    @property
    def models(self) -> tuple[str, ...]:
        """Those that are asked, as the user named them."""
        options = self.options
        named = (options.model, options.helper, options.captioner, *(options.judge_model or "").split(","))
        return tuple(name for name in named if name)

    def prepare(self) -> Prepared:
        """The run, planned once more.

        Raises:
            UserError: something is not as it was where the run was planned.
        """
        plan = plan_run(self.options)
        if content_id(plan.spec.to_json()) != self.spec:
            raise DataError("the data, the prompts or whyfeel itself differ from those where the run was started")
        job = job_of(replace(plan, bad=self.bad))
        return Prepared(job.routes, job.task.images, lambda engine: Answering(job, engine))


def show_pictures(
    judge: Judge,
    routes: Mapping[str, Route],
    task: Task,
    samples: Iterator[Sample],
    options: RunOptions,
    folder: RunFolder,
) -> list[str]:
    """Make the pictures ready that a judge will be shown; says which hosts they go to.

    Raises:
        UserError: the judge is to see pictures, and none were named.
    """
    if not (shown := roles_shown(None, judge)):
        return []
    if task.images is None:
        raise UserError(f"--see-image: {task.name} needs its pictures: {task.images_help}")
    check_sight(routes, shown)
    if options.allow_urls:
        fetched({one.path for sample in samples for one in sample.media if one.is_url}, options, folder)
    return destinations(routes, shown, options)


def destinations(routes: Mapping[str, Route], shown: Collection[str], options: SittingOptions) -> list[str]:
    """The remark that names the hosts which pictures go to, if they go to any."""
    hosts = picture_hosts(routes, shown, local_only=options.local_only)
    return [announcement(hosts)] if hosts else []


def fetched(urls: Collection[str], options: SittingOptions, folder: RunFolder) -> dict[Media, str]:
    """Fetch the pictures at URLs into the run's folder, where a later sitting finds the same bytes.

    Returns:
        those that cannot be sent, with the reason.
    """
    if not urls:
        return {}
    named = frozenset(host.lower() for host in options.allow_host)
    trust = trusted() if any(url.startswith("https:") for url in urls) else True
    missed = asyncio.run(fetch_pictures(urls, folder.pictures, named=named, trust=trust))
    return {Media(url): why for url, why in missed.items()}


def job_of(plan: Plan) -> Job:
    """The plan as work: no response is there yet."""
    points, seed = plan.options.until, plan.options.seed
    until = Until(list(plan.samples()), plan.judge, points, seed) if points is not None else None
    return Job(
        spec=plan.spec,
        options=plan.options,
        task=plan.task,
        total=plan.total,
        samples=plan.samples,
        responses=lambda: repeat(None),
        strategy=plan.strategy,
        judge=plan.judge,
        routes=plan.routes,
        bad=plan.bad,
        warnings=plan.warnings,
        controls=plan.controls,
        until=until,
    )
