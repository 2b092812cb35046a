"""Runs beside each other: the samples they have in common, differences with intervals and tests, and who is tied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from whyfeel.errors import UserError
from whyfeel.runs.finished import Finished, read_finished
from whyfeel.runs.spec import differences as spec_differences
from whyfeel.stats import Estimate, Series, estimate
from whyfeel.stats.multiple import benjamini_hochberg, holm, letters
from whyfeel.stats.paired import Difference, differences
from whyfeel.stats.power import Spread, measured

ALPHA = 0.05  # above it, once corrected, two systems are tied
OVERALL = "overall"
ANSWER_FILE = "answers"
BASELINE = "baseline:"
Entry = dict[str, Any]
Pairs = Mapping[tuple[int, int], Mapping[str, Difference]]


@dataclass(frozen=True)
class Aligned:
    """Runs on the samples they have in common, n of them, in the task's order.

    Attributes:
        runs, names: as they were given; the names tell them apart.
        series: the score of each run.
        groups, clusters: n each.
        left_out: how many samples of each run are not in all of them.
    """

    runs: tuple[Finished, ...]
    names: tuple[str, ...]
    series: tuple[Series, ...]
    groups: tuple[str, ...]
    clusters: tuple[str, ...]
    left_out: tuple[int, ...]


def compare_runs(
    paths: Sequence[Path], *, score: str | None = None, judge: str | None = None, data: Path | None = None
) -> dict[str, Any]:
    """Compare every two of some finished runs.

    Args:
        paths: the run folders, at least two.
        score: the score that is compared; the judge's headline where not given.
        judge: the judge whose scores are compared, by id or name; the runs' first where not given.
        data: where the task's records lie now.

    Returns:
        what `whyfeel compare --json` prints: docs/comparing.md has its parts.

    Raises:
        UserError: the runs cannot be compared; says why.
    """
    return compare_finished(_read(paths, judge, data), score=score)


def compare_finished(runs: Sequence[Finished], *, score: str | None = None) -> dict[str, Any]:
    """Compare every two of some runs that have been read; arguments, result and errors as of `compare_runs`."""
    found = align_finished(runs, score=score)
    task, seed = found.runs[0].task, found.runs[0].manifest["spec"]["seed"]
    name = found.series[0].name
    like = {"order": task.groups, "macro": task.macro, "seed": seed}
    alone = [estimate([one], found.groups, found.clusters, **like)[name] for one in found.series]
    order = sorted(range(len(alone)), key=lambda place: _rank(alone[place][OVERALL]))
    pairs = differences([found.series[place] for place in order], found.groups, found.clusters, **like)
    whole = _family(found, order, pairs, [OVERALL])
    tied = letters(len(order), {pair for pair, one in zip(pairs, whole[OVERALL], strict=True) if _differ(one)})
    others = [group for group in alone[0] if group != OVERALL]
    by_group = _family(found, order, pairs, others)
    return {
        "task": task.name,
        "score": name,
        "judge": found.runs[0].judge_id,
        "n": len(found.groups),
        "alpha": ALPHA,
        "seed": seed,
        "tests": sum(one["p"] is not None for one in whole[OVERALL]),
        "systems": [
            {
                **_system(found, place, alone[place][OVERALL]),
                "letters": shared,
                "headline": found.runs[place].summary["headline"],
                "left_out": found.left_out[place],
            }
            for place, shared in zip(order, tied, strict=True)
        ],
        "comparisons": whole[OVERALL],
        "groups": {
            group: {
                "systems": [_system(found, place, alone[place][group]) for place in order],
                "comparisons": by_group[group],
            }
            for group in others
        },
        "notes": _notes(found),
    }


def measure_spread(
    paths: Sequence[Path], *, score: str | None = None, judge: str | None = None, data: Path | None = None
) -> Spread:
    """What two finished runs tell about a comparison of their like; arguments as in `compare_runs`.

    Raises:
        UserError: the runs cannot be compared, or tell nothing about it; says why.
    """
    found = align(paths, score=score, judge=judge, data=data)
    first, second = found.series
    spread = measured(first, second, found.clusters)
    if isinstance(spread, str):
        raise UserError(f"the runs cannot tell how their scores spread ({first.name}): {spread}")
    return spread


def align(
    paths: Sequence[Path], *, score: str | None = None, judge: str | None = None, data: Path | None = None
) -> Aligned:
    """Read runs that can be compared, and keep the samples that all of them have; arguments as in `compare_runs`.

    Raises:
        UserError: they are fewer than two, one of them twice, of different tasks, data or judges, or have no sample in
            common.
    """
    return align_finished(_read(paths, judge, data), score=score)


def _read(paths: Sequence[Path], judge: str | None, data: Path | None) -> list[Finished]:
    if len(paths) < 2:
        raise UserError(f"a comparison needs at least two runs, got {len(paths)}")
    twice = [path for path, times in Counter(path.resolve() for path in paths).items() if times > 1]
    if twice:
        raise UserError(f"the run {str(twice[0])!r} is named twice: a run cannot be compared with itself")
    return [read_finished(path, judge=judge, data=data) for path in paths]


def align_finished(given: Sequence[Finished], *, score: str | None = None) -> Aligned:
    """The samples that all of two or more runs have.

    Raises:
        UserError: they are of different tasks, data or judges, or have no sample in common.
    """
    runs = tuple(given)
    for other in runs[1:]:
        _check_alike(runs[0], other)
    common = set(runs[0].ids).intersection(*(run.ids for run in runs[1:]))
    if not common:
        raise UserError("the runs have no sample in common: nothing can be compared")
    name = score or next(one.name for one in runs[0].series if one.groups is None)
    kept = [np.array([sample in common for sample in run.ids]) for run in runs]
    first = [place for place, sample in enumerate(runs[0].ids) if sample in common]
    return Aligned(
        runs,
        _names(runs),
        tuple(_restricted(run.score(name), keep) for run, keep in zip(runs, kept, strict=True)),
        tuple(runs[0].groups[place] for place in first),
        tuple(runs[0].clusters[place] for place in first),
        tuple(len(run.ids) - len(common) for run in runs),
    )


def _check_alike(first: Finished, other: Finished) -> None:
    paths = f"{str(first.path)!r} and {str(other.path)!r}"
    one, two = first.manifest["spec"], other.manifest["spec"]
    if one["task"] != two["task"]:
        raise UserError(f"{paths} are runs of different tasks, {one['task']} and {two['task']}")
    if found := spec_differences(_records(one["data"]), _records(two["data"])):
        raise UserError(f"{paths} are runs on different data: {'; '.join(found[:2])}")
    if first.judge_id != other.judge_id:
        found = spec_differences(dict(first.judge), dict(other.judge))
        raise UserError(
            f"{paths} have different judges, whose scores are no comparison: {'; '.join(found[:2])}; choose one with "
            "--judge, or have both runs judged by one with `whyfeel judge`"
        )


def _records(data: Mapping[str, str]) -> Mapping[str, str]:
    """The hashes of the record files; a run of `judge-answers` has that of its answer file beside them."""
    return {name: digest for name, digest in data.items() if name != ANSWER_FILE}


def _restricted(one: Series, keep: np.ndarray[Any, np.dtype[np.bool_]]) -> Series:
    chance = None if one.chance is None else one.chance[keep]
    return replace(one, numerator=one.numerator[keep], denominator=one.denominator[keep], chance=chance)


def _names(runs: Sequence[Finished]) -> tuple[str, ...]:
    """Model and strategy, with the folder where these do not tell two runs apart."""
    times = Counter(run.name for run in runs)
    folders = Counter(run.path.name for run in runs)
    told = (run.path.name if folders[run.path.name] == 1 and run.path.name else str(run.path) for run in runs)
    return tuple(
        run.name if times[run.name] == 1 else f"{run.name} ({place})" for run, place in zip(runs, told, strict=True)
    )


def _rank(one: Estimate) -> float:
    return float("inf") if one.value is None else -one.value


def _differ(comparison: Mapping[str, Any]) -> bool:
    return comparison["p_holm"] is not None and bool(comparison["p_holm"] <= ALPHA)


def _family(found: Aligned, order: Sequence[int], pairs: Pairs, groups: Sequence[str]) -> dict[str, list[Entry]]:
    """Each group's comparisons, p corrected for the number of all of them together."""
    asked = [(group, pair) for group in groups for pair in pairs]
    tested = [pairs[pair][group].p for group, pair in asked]
    entries: dict[str, list[Entry]] = {group: [] for group in groups}
    for (group, pair), by_holm, by_bh in zip(asked, holm(tested), benjamini_hochberg(tested), strict=True):
        first, second = (str(found.runs[order[rank]].path) for rank in pair)
        one = _comparison(pairs[pair][group])
        entries[group].append({"a": first, "b": second, **one, "p_holm": by_holm, "p_bh": by_bh})
    return entries


def _comparison(one: Difference) -> Entry:
    told = asdict(one)
    bca, why = told.pop("bca"), told.pop("why")
    entry = {"difference": told.pop("value"), **told}
    entry |= {"bca": [bca["low"], bca["high"]]} if bca["low"] is not None else {}
    return entry | ({"why": why} if why else {})


def _system(found: Aligned, place: int, one: Estimate) -> dict[str, Any]:
    entry = one.to_json()
    del entry["bounds"]
    return {"run": str(found.runs[place].path), "name": found.names[place], **entry}


def _notes(found: Aligned) -> list[str]:
    """What a reader of the comparison should know about the runs."""
    notes = []
    for run, name, left_out in zip(found.runs, found.names, found.left_out, strict=True):
        if why := run.summary["headline"].get("refused"):
            notes.append(f"{name}: its headline is refused: {why}")
        if not run.summary["controls"] and not run.manifest["spec"]["model"].startswith(BASELINE):
            notes.append(f"{name}: no controls stand beside it, so that its score may be had without an answer")
        if (taken := run.manifest["selection"].get("taken")) is not None:
            notes.append(
                f"{name}: stopped itself (--until) after {taken:,} samples; p and intervals do not know of stopping"
            )
        if left_out:
            notes.append(f"{name}: {left_out:,} of its {len(run.ids):,} samples are not in every run and are left out")
    seeds = {run.manifest["spec"]["seed"] for run in found.runs}
    if found.series[0].chance is not None and len(seeds) > 1:
        notes.append(f"the runs' seeds differ ({', '.join(map(str, sorted(seeds)))}), and with them their foils")
    return notes
