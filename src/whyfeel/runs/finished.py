"""A finished run, read back: its scores sample by sample, for what compares runs and what holds them against people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from whyfeel.errors import DataError, UserError
from whyfeel.judging import build_tally
from whyfeel.records import Judgement
from whyfeel.runs.folder import RunFolder, misfit, read_json
from whyfeel.runs.lines import read_judgements, read_responses
from whyfeel.runs.spec import differences, file_hashes, run_name
from whyfeel.stats import Series
from whyfeel.tasks import Task, open_task

SUMMARY: Mapping[str, Any] = dict.fromkeys(("headline", "scores", "controls"), dict)  # what its readers rely on


@dataclass(frozen=True)
class Finished:
    """One judge's scores of one run, in the order of the run's responses; n samples.

    Attributes:
        path: the run folder.
        manifest: its run.json.
        judge: the judge's entry in run.json, and its id.
        summary: the judge's summary.json.
        task: the task, opened anew.
        ids, groups, clusters: of the samples, n each.
        judgements: n.
        series: the scores, over n samples each.
    """

    path: Path
    manifest: Mapping[str, Any]
    judge_id: str
    judge: Mapping[str, Any]
    summary: Mapping[str, Any]
    task: Task
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    clusters: tuple[str, ...]
    judgements: tuple[Judgement, ...]
    series: tuple[Series, ...]

    @property
    def name(self) -> str:
        """Model and strategy, as tables name a run."""
        return run_name(self.manifest["spec"])

    def score(self, name: str) -> Series:
        """The score of that name over all samples.

        Raises:
            UserError: the judge gives no such score.
        """
        for one in self.series:
            if one.name == name and one.groups is None:
                return one
        known = ", ".join(dict.fromkeys(one.name for one in self.series if one.groups is None))
        raise UserError(f"{str(self.path)!r}: the judge {self.judge['name']} gives no score {name!r}; it gives {known}")


def read_finished(path: Path, *, judge: str | None = None, data: Path | None = None) -> Finished:
    """Read a finished run.

    Args:
        path: the run folder.
        judge: the id of one of its judges, or its name where only one has it; the first judge where not given.
        data: where the task's records lie now, where not where run.json says.

    Raises:
        DataError: this is no finished run, or its files do not belong together.
        SpecMismatch, UserError: there is no such judge, or the records are others than those of the run.
    """
    folder = RunFolder(path)
    manifest = folder.read_manifest()
    judge_id = _judge_id(path, _judges(folder, manifest), judge)
    entry = _judges(folder, manifest)[judge_id]
    spec = manifest["spec"]
    task = open_task(spec["task"], data or (Path(manifest["data"]) if manifest["data"] else None), None)
    if found := differences(spec["data"], {**spec["data"], **file_hashes(task.files)}):
        raise DataError(f"{str(path)!r}: the record files are not those of the run: {'; '.join(found)}")
    members = tuple((entry.get("model") or "").split(","))
    tally = build_tally(entry["name"], task.scorer, members=members, see_image=bool(entry.get("pictures")))
    known = {one.sample_id for one in read_responses(folder.responses)}
    samples = [sample for sample in task if sample.id in known]
    own = folder.judge(judge_id)
    judgements = []
    for sample, judgement in zip_longest(samples, read_judgements(own.judgements)):
        if sample is None or judgement is None or sample.id != judgement.sample_id:
            raise DataError(
                f"{str(own.judgements)!r} does not hold the run's samples: finish the run, or judge it again"
            )
        try:
            tally.add(sample, judgement)
        except KeyError as lacking:
            why = f"the judgement of {sample.id!r} lacks {lacking}; run the judge again, which writes the file anew"
            raise DataError(f"{str(own.judgements)!r}: {why}") from None
        judgements.append(judgement)
    summary = read_json(own.summary, "the judge's scores")
    if (wrong := misfit(summary, SUMMARY)) is not None:
        raise DataError(f"{str(own.summary)!r} is damaged: it should hold {wrong!r}; run the judge again")
    return Finished(
        *(path, manifest, judge_id, entry, summary, task),
        ids=tuple(sample.id for sample in samples),
        groups=tuple(sample.emotion for sample in samples),
        clusters=tuple(sample.cluster for sample in samples),
        judgements=tuple(judgements),
        series=tuple(tally.series()),
    )


def _judges(folder: RunFolder, manifest: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The judges of a run by their ids."""
    judges: Mapping[str, Any] = manifest["judges"]
    for judge_id, entry in judges.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise DataError(
                f"{str(folder.manifest)!r} is damaged: the judge {judge_id!r} has no name; get it from a copy"
            )
    if not judges:
        raise DataError(f"{str(folder.manifest)!r} names no judge: it is damaged; get it from a copy")
    return judges


def _judge_id(path: Path, judges: Mapping[str, Mapping[str, Any]], asked: str | None) -> str:
    if asked is None:
        return next(iter(judges))
    found = [one for one, entry in judges.items() if asked in {one, entry["name"]}]
    if len(found) == 1:
        return found[0]
    why = "more than one judge of the name" if found else "no judge"
    raise UserError(f"{str(path)!r} has {why} {asked!r}; it has: {', '.join(judges)}")
