"""Pages about runs that may still be under way: each such run is taken down as far as it is, in a folder of its own.

A run under way has a ledger and no results. Its own plan is made again, and carried out against a copy of its ledger;
what is not in there yet leaves its sample unscored. Nothing is written into the run's folder, which its process holds.
"""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from whyfeel.annotate.manifest import ANNOTATE
from whyfeel.engine import Counts, Reply, Request, Route
from whyfeel.engine.tables import explained, reading
from whyfeel.errors import CallFailed, DataError, UserError
from whyfeel.report.words import visible
from whyfeel.runs.execute import execute
from whyfeel.runs.folder import RunFolder, write_json
from whyfeel.runs.options import RunOptions, parse_settings, run_options
from whyfeel.runs.plan import Plan, plan_run
from whyfeel.runs.run import job_of
from whyfeel.runs.spec import differences, run_name
from whyfeel.site.book import kind_of, open_book
from whyfeel.site.options import SiteOptions
from whyfeel.site.reproduce import run_again
from whyfeel.site.writer import write_folder

NOT_YET = "not yet"  # the reason of a sample that the run has not come to
NOWHERE = "http://127.0.0.1:9/v1"  # stands for the address of every model: none of them is asked
SWITCHES = ("allow_urls", "see_image")  # options without a value
UNTOUCHED = ("ledger.sqlite-shm", "study.sqlite-shm", ".lock")  # change while somebody only reads


@dataclass(frozen=True, slots=True)
class Taken:
    """What is shown in place of a folder.

    Attributes:
        path: what is read, None where there is nothing to show yet.
        note: what readers should know, "" where the folder is finished.
    """

    path: Path | None
    note: str = ""


def build_live(paths: Sequence[Path], out: Path, options: SiteOptions) -> None:
    """Write the pages about folders as they stand now.

    Args:
        paths: of runs, annotations and studies; a run may be under way.
        out: an empty folder, which then holds `site`; what was taken down of runs under way lies beside it.

    Raises:
        UserError: a folder is none of these, or is damaged; or none of them has anything to show yet.
        StoreFailed: the disk is full.
    """
    as_of = f"As of {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC."
    taken = [take_down(path, out / "runs" / str(place), options) for place, path in enumerate(paths)]
    notes = tuple(one.note for one in taken if one.note)
    shown = [one.path for one in taken if one.path is not None]
    if notes and not shown:
        raise DataError(f"there is nothing to show: {'; '.join(notes)}")
    site = out / "site"
    site.mkdir(parents=True)
    write_folder(open_book(shown, data=options.data), site, replace(options, notes=(as_of, *notes, *options.notes)))


def stamp(paths: Sequence[Path]) -> tuple[tuple[str, int, int], ...]:
    """The files of some folders, with their times of change and sizes: another stamp, other pages.

    What the run's pictures are is not looked at, they do not change.
    """
    return tuple(sorted(found for path in paths for found in _stamps(path)))


def _stamps(path: Path) -> Iterator[tuple[str, int, int]]:
    try:
        for one in path.iterdir():
            if one.is_dir():
                yield from () if one.name == "pictures" else _stamps(one)
            elif one.name not in UNTOUCHED and one.suffix != ".part":
                found = one.stat()
                yield str(one), found.st_mtime_ns, found.st_size
    except OSError:  # it went away while we looked: the next look sees what came
        yield str(path), 0, 0


def take_down(path: Path, scratch: Path, options: SiteOptions) -> Taken:
    """What can be shown of a folder: itself where it is finished, else what there is of it.

    Args:
        scratch: a folder that does not exist yet, for what is taken down of a run under way.

    Raises:
        UserError: it is none of ours, or damaged.
    """
    kind, folder = kind_of(path), RunFolder(path)
    if kind == ANNOTATE and not (path / "annotations.jsonl").exists():
        return Taken(None, f"{visible(path.name)} is not finished and is shown once it is.")
    if kind != "run":
        return Taken(path)
    manifest = folder.read_manifest()
    if folder.responses.exists():
        return _judged(folder, manifest, scratch)
    name = visible(run_name(manifest["spec"]))
    try:
        plan = _plan(folder, manifest, scratch, options)
    except UserError as error:
        return Taken(None, f"{name} is not finished, and is shown once it is: {visible(str(error))}.")
    return _carried_out(plan, folder, manifest, scratch / (path.name or "run"))


def _judged(folder: RunFolder, manifest: Mapping[str, Any], scratch: Path) -> Taken:
    """A run with its answers, less the judges that are at work on them."""
    judges = {one: entry for one, entry in manifest["judges"].items() if folder.judge(one).summary.exists()}
    if len(judges) in {0, len(manifest["judges"])}:
        return Taken(folder.path)
    stand_in = scratch / (folder.path.name or "run")
    stand_in.mkdir(parents=True)
    for one in folder.path.resolve().iterdir():
        if one != folder.manifest.resolve():
            (stand_in / one.name).symlink_to(one)
    write_json(stand_in / folder.manifest.name, {**manifest, "judges": judges})
    missing = ", ".join(str(entry.get("name")) for one, entry in manifest["judges"].items() if one not in judges)
    return Taken(stand_in, f"{visible(run_name(manifest['spec']))}: the judge {visible(missing)} has not finished.")


def _plan(folder: RunFolder, manifest: Mapping[str, Any], scratch: Path, options: SiteOptions) -> Plan:
    """The run's own plan made again, with models that answer nothing, and without controls.

    Raises:
        UserError: run.json does not tell all that decides it, or the data have changed.
    """
    plan = plan_run(_options(folder, manifest, scratch, options), calls=False)
    if found := differences(manifest["spec"], plan.spec.to_json()):
        raise DataError(f"its plan cannot be made again ({'; '.join(found[:2])})")
    routes = {role: Route(_NotYet(route.model.name), route.gen) for role, route in plan.routes.items()}
    return replace(plan, routes=routes)


def _options(folder: RunFolder, manifest: Mapping[str, Any], scratch: Path, options: SiteOptions) -> RunOptions:
    """The options of the command that makes a run again."""
    nowhere = [{**entry, "address": NOWHERE} for entry in manifest["addresses"]]
    again = run_again(folder.path, {**manifest, "addresses": nowhere}, ())
    if again.remarks:
        raise DataError(f"its plan cannot be made again without {'; '.join(again.remarks)}")
    _, _, task, *words = shlex.split(again.command)
    given: dict[str, Any] = {"task": task, "allow_urls": True}
    rest = iter(words)
    for flag in rest:
        name = flag.removeprefix("--").replace("-", "_")
        value = True if name in SWITCHES else next(rest)
        given[name] = parse_settings([str(value)], flag) if name in {"gen", "judge_gen"} else value
    named = {"data": options.data, "images": options.images}
    return run_options(given | {name: one for name, one in named.items() if one is not None} | {"out": scratch})


def _carried_out(plan: Plan, folder: RunFolder, manifest: Mapping[str, Any], scratch: Path) -> Taken:
    own = RunFolder(scratch)
    scratch.mkdir(parents=True)
    if folder.pictures.is_dir():
        own.pictures.symlink_to(folder.pictures.resolve())
    taken = _copied(folder.ledger, own.ledger, manifest.get("created"))
    write_json(own.manifest, manifest)
    # --until orders the samples, and has nothing to decide while they come
    job = replace(job_of(plan), until=None)
    summary = execute(job, own, _Unseen(), monotonic() - taken).summary
    told = f"{summary['scored']:,} of {summary['n']:,} samples are scored"
    return Taken(
        scratch, f"{visible(run_name(manifest['spec']))} is not finished: {told}, and no controls. Reload to see more."
    )


def _copied(ledger: Path, copy: Path, created: object) -> float:
    """Copy a ledger to which its run may write meanwhile; returns the seconds from the run's start to its last answer.

    Raises:
        DataError, StoreFailed: it cannot be read.
    """
    if not ledger.exists() or not isinstance(created, str):
        return 0.0
    try:
        with closing(reading(ledger)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
            (last,) = new.execute("SELECT max(at) FROM answers").fetchone()
    except (sqlite3.Error, OSError) as error:
        raise explained(ledger, error) from None
    return max(0.0, (datetime.fromisoformat(last) - datetime.fromisoformat(created)).total_seconds()) if last else 0.0


class _NotYet:
    """Stands in for a model whose answers are all in the ledger, so far."""

    address, price = "", None

    def __init__(self, name: str) -> None:
        self.name = name

    async def answer(self, request: Request) -> Reply:
        raise CallFailed(NOT_YET, f"the run has no answer yet to what it asks as {request.ask.role!r}", again=False)

    async def close(self) -> None:
        """Nothing was opened."""


class _Unseen:
    """Nobody looks on."""

    def note(self, text: str) -> None:
        """Nobody is told."""

    def start(self, total: int, counts: Counts) -> None:
        """Nobody waits."""

    def tick(self, done: int) -> None:
        """Nobody counts."""

    def finish(self) -> None:
        """Nobody leaves."""
