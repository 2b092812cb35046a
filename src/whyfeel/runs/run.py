"""The main job: `whyfeel run`."""

from __future__ import annotations

from itertools import repeat
from time import monotonic

from whyfeel.errors import DataError
from whyfeel.runs.execute import Job, RunResult, Watch, execute
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.manifest import open_run
from whyfeel.runs.options import RunOptions
from whyfeel.runs.plan import Plan, plan_run

SHOWN = 3  # bad pictures that are named before the first call


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
        for remark in [*remarks, *_bad_pictures(plan)]:
            watch.note(remark)
        return execute(job_of(plan), folder, watch, begun)


def job_of(plan: Plan) -> Job:
    """The plan as work: no response is there yet."""
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
    )


def _bad_pictures(plan: Plan) -> list[str]:
    if not plan.bad:
        return []
    named = [f"{media.path}: {why}" for media, why in list(plan.bad.items())[:SHOWN]]
    more = f" … and {len(plan.bad) - SHOWN} more (`whyfeel data check` lists them)" if len(plan.bad) > SHOWN else ""
    return [f"{len(plan.bad)} pictures cannot be sent and stay unscored: {'; '.join(named)}{more}"]
