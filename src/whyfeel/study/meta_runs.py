"""What metrics and judges say of a run's answers, sample by sample, to be held against people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from whyfeel.errors import DataError, UserError
from whyfeel.records import storable
from whyfeel.runs.finished import Finished, read_finished
from whyfeel.runs.folder import RunFolder, misfit, read_json
from whyfeel.runs.lines import read_lines, read_responses
from whyfeel.runs.metrics import FOLDER, KEPT, SUMMARY

PAIRWISE = "pairwise"  # the judge that compares two answers itself


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric or a judge on the answers of one run.

    Attributes:
        name: "rouge-l", or "JUDGE-ID:SCORE".
        kind: what it is.
        values: sample to value; a sample without one is not there.
        opponents: of the pairwise judge, sample to the hash of the text that the answer was compared with, and the
            values are won less lost; None of all others.
        rules: what it was measured by; values of two runs under other rules are not subtracted.
    """

    name: str
    kind: Literal["metric", "judge"]
    values: Mapping[str, float]
    opponents: Mapping[str, str] | None = None
    rules: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run and what was measured of it.

    Attributes:
        path: the run folder.
        responses: SHA-256 of its responses.jsonl, by which a study knows it.
        texts: sample to answer; None where none was obtained.
        measures: by name.
        judges: what stands behind the id of each of the run's judges, in words.
    """

    path: Path
    responses: str
    texts: Mapping[str, str | None]
    measures: Mapping[str, Measure]
    judges: Mapping[str, str] = field(default_factory=dict)


def read_run(
    path: Path, metrics: Sequence[str] | None = None, judges: Sequence[str] | None = None, *, data: Path | None = None
) -> MeasuredRun:
    """The metrics that were measured of a finished run, and its judges' scores.

    Args:
        path: the run folder.
        metrics: their names; all that were measured where not given.
        judges: ids, or names, as "ID" or "ID:SCORE"; the headline of every judge where not given.
        data: where the task's records lie now, where not where run.json says.

    Raises:
        UserError: this is no finished run, or lacks a metric or judge that was asked for.
        DataError: a file is damaged.
    """
    folder = RunFolder(path)
    known = folder.read_manifest()["judges"]
    texts = {one.sample_id: None if one.unscored else storable(one.text) for one in read_responses(folder.responses)}
    digest = hashlib.sha256(folder.responses.read_bytes()).hexdigest()
    found = [*_metrics(folder, digest, metrics), *(_judge(path, asked, data) for asked in (judges or known))]
    told = {name: _in_words(entry) for name, entry in known.items()}
    return MeasuredRun(path, digest, texts, {one.name: one for one in found}, told)


def _in_words(judge: Mapping[str, Any]) -> str:
    """A judge of run.json: its name, whom it asks, and whom it compares with."""
    asks = f" asking {judge['model']}" if judge.get("model") else ""
    against = str(judge.get("against") or "")
    mark = against if against.startswith("human") else f"the run whose answers have the hash {against[:8]}…"
    return f"{judge['name']}{asks}" + (f", against {mark}" if against else "")


def _metrics(folder: RunFolder, digest: str, asked: Sequence[str] | None) -> Iterator[Measure]:
    """The metrics of the answers as they are now; those of earlier ones are none."""
    where = folder.path / FOLDER
    kept: Mapping[str, Any] = {}
    if (where / SUMMARY).exists():
        before = read_json(where / SUMMARY, "whyfeel metrics writes it anew")
        if (wrong := misfit(before, KEPT)) is not None:
            raise DataError(f"{str(where / SUMMARY)!r} is damaged: it should hold {wrong!r}; run whyfeel metrics again")
        kept = before["metrics"] if before["responses"] == digest else {}
    for name in kept if asked is None else asked:
        if name not in kept:
            told = ", ".join(kept) or "none"
            why = f"--metric: {str(folder.path)!r} was not measured by {name!r}, of its answers there are: {told}"
            raise UserError(f"{why}; run whyfeel metrics {folder.path} --metric {name}")
        yield Measure(name, "metric", _values(where / f"{name}.jsonl"), rules=_rules(kept[name]))


def _rules(entry: object) -> str:
    """The source of a metric and what identifies its checkpoint."""
    told = entry if isinstance(entry, dict) else {}
    facts = told.get("facts")
    facts = facts if isinstance(facts, dict) else {}
    return f"{told.get('source')} {facts.get('digest', facts.get('checkpoint', ''))}".strip()


def _values(path: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for place, line in enumerate(read_lines(path), 1):
        value = line.get("value")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not isinstance(line.get("id"), str) or not (value is None or number):
            wanted = "an id and a value, a number or null"
            raise DataError(f"{str(path)!r}, record {place}: expected {wanted}, got {line!r:.80}; measure it again")
        if value is not None:
            found[line["id"]] = float(value)
    return found


def _judge(path: Path, asked: str, data: Path | None) -> Measure:
    """One judge's score; a share of several parts, such as the recall of one answer, is the ratio of that answer."""
    judge, _, score = asked.partition(":")
    run = read_finished(path, judge=judge, data=data)
    if run.judge["name"] == PAIRWISE and not score:
        return _pairwise(run)
    series = run.score(score or next(one.name for one in run.series if one.groups is None))
    parts = zip(run.ids, series.numerator.tolist(), series.denominator.tolist(), strict=True)
    # NaN, which stands for an unscored sample, equals nothing
    values = {sample: above / below for sample, above, below in parts if above == above and below > 0}  # noqa: PLR0124
    return Measure(f"{run.judge_id}:{series.name}", "judge", values)


def _pairwise(run: Finished) -> Measure:
    """Won less lost, from -1 to 1, and against what."""
    values: dict[str, float] = {}
    opponents: dict[str, str] = {}
    for one in run.judgements:
        if one.unscored is None:
            values[one.sample_id] = one.counts["won"] - one.counts["lost"]
            opponents[one.sample_id] = str(one.detail.get("opponent", ""))
    return Measure(f"{run.judge_id}:won-lost", "judge", values, opponents)
