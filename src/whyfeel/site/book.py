"""What a site is made from: finished runs, together where they are about the same samples; annotations; studies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from whyfeel.annotate.manifest import ANNOTATE
from whyfeel.errors import UserError
from whyfeel.records import Sample, content_id
from whyfeel.runs.finished import Finished, read_finished
from whyfeel.runs.folder import RunFolder, read_json
from whyfeel.study.folder import StudyFolder
from whyfeel.tasks import Task

MOST_SLUG = 60  # characters


@dataclass(frozen=True)
class Judged:
    """What one judge made of one run.

    Attributes:
        id: its folder below RUN/judges.
        title: as pages call it: its name, and the model or panel it asks.
        finished: scores and judgements, sample by sample, with the judge's summary.json.
    """

    id: str
    title: str
    finished: Finished

    @property
    def summary(self) -> Mapping[str, Any]:
        """Its summary.json."""
        return self.finished.summary


@dataclass(frozen=True)
class RunView:
    """A run as pages show it.

    Attributes:
        slug: stands for it in addresses and file names; no other run of the site has it.
        name: model and strategy; runs of one name are told apart by their folders.
        path, manifest: the folder, and its run.json.
        judges: the run's first one first.
    """

    slug: str
    name: str
    path: Path
    manifest: Mapping[str, Any]
    judges: tuple[Judged, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its samples, in the task's order."""
        return self.judges[0].finished.ids


@dataclass(frozen=True)
class Board:
    """The runs about one task's records, which can be held against each other.

    Attributes:
        slug: stands for it in addresses and file names.
        task: read from the records of its first run.
        runs: in the order in which they were given.
    """

    slug: str
    task: Task
    runs: tuple[RunView, ...]

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The samples that any of the runs has, in the task's order."""
        wanted = {one for run in self.runs for one in run.ids}
        return tuple(sample for sample in self.task if sample.id in wanted)


@dataclass(frozen=True)
class Book:
    """Everything a site tells.

    Attributes:
        boards: in the order of their first runs.
        annotations: folders of `whyfeel annotate`.
        studies: study folders.
    """

    boards: tuple[Board, ...]
    annotations: tuple[Path, ...]
    studies: tuple[Path, ...]


def open_book(paths: Sequence[Path], *, data: Path | None = None) -> Book:
    """Read what a site is made from.

    Args:
        paths: folders of runs, of annotations and of studies, in any order.
        data: where the runs' records lie now, where not where run.json says.

    Raises:
        UserError: a folder is given twice, or there is none.
        DataError: a folder is none of the three, is not finished, or is damaged.
    """
    if not paths:
        raise UserError("expected one or more folders of runs, annotations or studies")
    real = [path.resolve() for path in paths]
    if again := next((one for place, one in enumerate(paths) if real[place] in real[:place]), None):
        raise UserError(f"{str(again)!r} is given twice")
    kinds = [(kind_of(path), path) for path in paths]
    runs, annotations, studies = ([path for kind, path in kinds if kind == one] for one in ("run", ANNOTATE, "study"))
    return Book(_boards(runs, data), tuple(annotations), tuple(studies))


def kind_of(path: Path) -> str:
    """What a folder holds: "run", "annotate" or "study".

    Raises:
        DataError: none of them.
    """
    if StudyFolder(path).design.is_file():
        return "study"
    manifest = read_json(RunFolder(path).manifest, "a folder of a run has one, and one of a study a design.json")
    return ANNOTATE if manifest.get("kind") == ANNOTATE else "run"


def _boards(paths: Iterable[Path], data: Path | None) -> tuple[Board, ...]:
    slug = slugs()
    boards: dict[str, list[RunView]] = {}
    paths = [*paths]
    read = [(path, _judged(path, data)) for path in paths]
    names = [judges[0].finished.name for _, judges in read]
    for (path, judges), shown in zip(read, _told_apart(paths, names), strict=True):
        manifest = judges[0].finished.manifest
        spec = manifest["spec"]
        # answers made elsewhere have a hash of their own beside those of the records
        records = {file: digest for file, digest in spec["data"].items() if file != "answers"}
        view = RunView(slug(shown), shown, path, manifest, judges)
        boards.setdefault(content_id([spec["task"], records]), []).append(view)
    titles = slugs()
    return tuple(
        Board(titles(runs[0].judges[0].finished.task.name), runs[0].judges[0].finished.task, tuple(runs))
        for runs in boards.values()
    )


def _told_apart(paths: Sequence[Path], names: Sequence[str]) -> Iterator[str]:
    """The names of runs; those of one name with as much of their folders as tells them apart."""
    folders = [path.absolute().parts for path in paths]
    for name, own in zip(names, folders, strict=True):
        others = [one for one, other in zip(folders, names, strict=True) if other == name and one != own]
        most = next((n for n in range(1, len(own)) if all(one[-n:] != own[-n:] for one in others)), len(own))
        yield f"{name} ({'/'.join(own[-most:])})" if others else name


def _judged(path: Path, data: Path | None) -> tuple[Judged, ...]:
    manifest = RunFolder(path).read_manifest()
    found = []
    for judge_id in manifest["judges"]:
        finished = read_finished(path, judge=judge_id, data=data)
        model = finished.judge.get("model")
        found.append(
            Judged(judge_id, f"{finished.judge['name']} ({model})" if model else finished.judge["name"], finished)
        )
    return tuple(found)


def slugs() -> Callable[[str], str]:
    """Names made fit for addresses, each another one."""
    used: set[str] = set()

    def slug(name: str) -> str:
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MOST_SLUG].strip("-") or "run"
        found, n = plain, 2
        while found in used:
            found, n = f"{plain}-{n}", n + 1
        used.add(found)
        return found

    return slug
