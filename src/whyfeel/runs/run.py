"""The main job: `whyfeel run`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import repeat
from time import monotonic

from whyfeel.engine import Route
from whyfeel.errors import DataError, UserError
from whyfeel.judging import Judge
from whyfeel.media.fetch import fetch_pictures
from whyfeel.models.route import trusted
from whyfeel.records import Media, Sample
from whyfeel.runs.destinations import announcement, picture_hosts
from whyfeel.runs.execute import Job, RunResult, execute
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.manifest import open_run
from whyfeel.runs.options import RunOptions, SittingOptions
from whyfeel.runs.pictures import bad_pictures
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
        return execute(job_of(plan), folder, watch, begun)


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
