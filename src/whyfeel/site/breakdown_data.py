"""What breakdowns are made of: the scores of runs on parts of their samples, each with its interval and its n."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.metrics.words import words
from whyfeel.records import Sample
from whyfeel.report import numbers
from whyfeel.report.words import visible
from whyfeel.runs import RunFolder
from whyfeel.runs.finished import Finished
from whyfeel.runs.lines import read_responses
from whyfeel.site.book import Board, Judged, RunView
from whyfeel.stats import Estimate, Series, estimate
from whyfeel.stats.series import Floats

FEW = 10  # samples; a group of fewer is told as such
OVERALL, MACRO = "overall", "macro"
NOTHING_SCORED = "Nothing was scored."
QUARTERS = ("quarter 1", "quarter 2", "quarter 3", "quarter 4")
Labels = Sequence[str | None]  # the group of each sample, None where it is left out


@dataclass(frozen=True)
class View:
    """The runs of a board that one judge has judged.

    Attributes:
        judge: its id in every one of them.
        title: as pages call it.
        score: its headline.
        runs: each with what the judge made of it.
    """

    judge: str
    title: str
    score: str
    runs: tuple[tuple[RunView, Judged], ...]


@dataclass(frozen=True)
class Cell:
    """One run's score on one group of samples.

    Attributes:
        run: its name.
        group: as tables head it.
        y: the score.
        x: where the group lies, on a scale that the breakdown names; None where groups have no scale.
        said: what else is told of the group.
    """

    run: str
    group: str
    y: Estimate
    x: Estimate | None = None
    said: str = ""


@dataclass(frozen=True)
class Breakdown:
    """The scores of some runs, group by group.

    Attributes:
        slug: ends the names of its files.
        title, said: what it shows, and how its groups were made.
        judge, score: whose scores they are, and which.
        cells: run by run, the groups in their order.
        x: what the scale is called, and its two ends in a CSV; () where groups have no scale.
        joined: whether a run's groups lie on a line, by `x`.
        marks: (name, x, y) of what stands beside the runs.
        nothing: why there is nothing to show, "" where there is.
        facts: (run, fact, figure): what else is known of a run.
        order: of the groups, among others.
        axes: what the chart's axes are called, where not by `x` and the score.
    """

    slug: str
    title: str
    said: str
    judge: str
    score: str
    cells: tuple[Cell, ...] = ()
    x: tuple[str, ...] = ()
    joined: bool = False
    marks: tuple[tuple[str, float, float], ...] = ()
    nothing: str = ""
    facts: tuple[tuple[str, str, Estimate], ...] = ()
    order: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that there are, in their order."""
        held = {cell.group for cell in self.cells}
        return tuple(one for one in self.order if one in held)


def views_of(board: Board) -> tuple[View, ...]:
    """A view a judge, in the order in which the runs name them."""
    found: dict[str, list[tuple[RunView, Judged]]] = {}
    for run in board.runs:
        for judged in run.judges:
            found.setdefault(judged.id, []).append((run, judged))
    return tuple(
        View(judge, visible(runs[0][1].title), headline(runs[0][1].finished).name, tuple(runs))
        for judge, runs in found.items()
    )


def headline(finished: Finished) -> Series:
    """The score that heads the judge's summary, sample by sample."""
    return next(one for one in finished.series if one.groups is None)


def headline_of(finished: Finished, keep: NDArray[np.bool_]) -> Series:
    """The headline over some of the samples, shape (n,)."""
    one = headline(finished)
    chance = None if one.chance is None else one.chance[keep]
    return replace(one, numerator=one.numerator[keep], denominator=one.denominator[keep], chance=chance)


def by_sample(one: Series) -> Floats:
    """A score's value on each sample, shape (n,), NaN where there is none; of kF1, the F1 before chance is taken off.

    >>> by_sample(Series("kf1", np.array([1.0, np.nan]), np.array([2.0, 1.0]), chance=np.array([0.5, 0.5]))).tolist()
    [0.5, nan]
    """
    values: Floats = np.full(len(one.numerator), np.nan)
    return np.divide(one.numerator, one.denominator, out=values, where=one.denominator > 0)


def on_sample(score: str) -> str:
    """What the value of a score on one sample is: kF1 is one of many samples."""
    return score.replace("kf1", "f1", 1) if score.startswith("kf1") else score


def by_emotion(view: View) -> Breakdown:
    """The judge's scores by emotion, as its summary.json has them."""
    cells = [
        Cell(run.name, visible(group), told(entry))
        for run, judged in view.runs
        for group, entry in judged.summary["scores"].get(view.score, {}).items()
        if group not in {OVERALL, MACRO}
    ]
    said = "A group for each emotion that is asked about."
    order = tuple(map(visible, view.runs[0][1].finished.task.groups))
    return _breakdown("emotion", "By emotion", said, view, cells, order, "The samples are of one emotion.")


def by_triggers(view: View, samples: Iterable[Sample]) -> Breakdown:
    """Scores by how many triggers are annotated."""
    counts = {one.id: len(one.triggers) for one in samples}
    names, said = trigger_groups(tuple(counts.values()))
    labels = [[names[counts[one]] for one in judged.finished.ids] for _, judged in view.runs]
    order = tuple(dict.fromkeys(names[count] for count in sorted(names)))
    cells = [cell for _, cell in _placed(view, labels, order)]
    single = f"Every sample is in one group ({order[0]})."
    return _breakdown("triggers", "By number of triggers", said, view, cells, order, single)


def trigger_groups(counts: Sequence[int]) -> tuple[dict[int, str], str]:
    """The group of each number of triggers that occurs, and how they were made.

    >>> trigger_groups([2, 3, 4, 7])[0]
    {2: '1 or 2', 3: '3', 4: '4', 7: '5 or more'}
    """
    fixed = {n: "1 or 2" if n < 3 else "5 or more" if n > 4 else str(n) for n in sorted(set(counts))}
    held = [fixed[n] for n in counts]
    if max(map(held.count, set(held))) <= 0.75 * len(counts):
        return fixed, "Groups: 1 or 2 annotated triggers, 3, 4, and 5 or more."
    quarters = _quarters(np.array(counts))
    names: dict[int, str] = {}
    for quarter in np.unique(quarters):
        own = sorted({n for n, one in zip(counts, quarters, strict=True) if one == quarter})
        names |= dict.fromkeys(own, f"{own[0]} to {own[-1]}" if len(own) > 1 else str(own[0]))
    return names, "Groups: quarters of the samples by their number of annotated triggers; equal numbers stay together."


def by_length(view: View) -> Breakdown:
    """Scores by how many words an answer has, in quarters of each run's own answers."""
    labels, lengths = [], []
    for run, _ in view.runs:
        count = np.array([np.nan if one.unscored else len(words(one.text)) for one in responses(run)])
        known = ~np.isnan(count)
        place = np.zeros(len(count), np.intp)
        place[known] = _quarters(count[known])
        labels.append([QUARTERS[n] if sure else None for n, sure in zip(place.tolist(), known.tolist(), strict=True)])
        lengths.append(count)
    cells = []
    for n, cell in _placed(view, labels, QUARTERS):
        own = lengths[n][[one == cell.group for one in labels[n]]]
        ends = Estimate(float(own.mean()), float(own.min()), float(own.max()), len(own), None)
        least, most = numbers.count(int(own.min())), numbers.count(int(own.max()))
        cells.append(replace(cell, x=ends, said=f"{least} to {most} words" if least != most else f"{most} words"))
    said = "Quarters of each run's own answers by their number of words; equal lengths stay together."
    single = "The answers of every run are of one length."
    found = _breakdown("length", "By length of the answer", said, view, cells, QUARTERS, single)
    return replace(found, x=("words", "words_least", "words_most"), joined=True)


def responses(run: RunView) -> list[Any]:
    """A run's responses, in the order of its samples."""
    place = {one: n for n, one in enumerate(run.ids)}
    return sorted(read_responses(RunFolder(run.path).responses), key=lambda one: place[one.sample_id])


def recall_and_precision(view: View) -> Breakdown:
    """A point a run, and where its controls lie."""
    cells: list[Cell] = []
    marks: dict[str, tuple[str, float, float]] = {}
    for run, judged in view.runs:
        scores = judged.summary["scores"]
        if "recall" in scores and "precision" in scores:
            recall, precision = (told(scores[name][OVERALL]) for name in ("recall", "precision"))
            cells.append(Cell(run.name, OVERALL, precision, recall))
        for name, values in judged.summary["controls"].items():
            if values.get("recall") is not None and values.get("precision") is not None:
                marks.setdefault(name, (visible(name), values["recall"], values["precision"]))
    lacking = "" if cells else "This judge does not tell recall and precision apart."
    if cells and all(cell.y.value is None for cell in cells):
        lacking = NOTHING_SCORED
    said = "A point a run, over all its samples; crosses are controls. On a grey curve F1 is the same."
    return Breakdown(
        *("recall-precision", "Recall against precision", said, view.title, "precision", tuple(cells)),
        *(("recall", "recall_low", "recall_high"), False, tuple(marks.values()), lacking),
        order=(OVERALL,),
    )


def told(entry: Mapping[str, Any]) -> Estimate:
    """An entry of summary.json."""
    value, low, high = (entry.get(name) for name in ("value", "low", "high"))
    return Estimate(value, low, high, entry.get("n", 0), None, entry.get("why", ""))


def _quarters(values: Floats) -> NDArray[np.intp]:
    """The quarter of each number, 0 to 3; equal numbers are in one, so that some may be empty."""
    if not len(values):
        return np.zeros(0, np.intp)
    return np.searchsorted(np.quantile(values, (0.25, 0.5, 0.75)), values)


def _breakdown(
    slug: str, title: str, said: str, view: View, cells: Sequence[Cell], order: tuple[str, ...], single: str
) -> Breakdown:
    why = single if len({cell.group for cell in cells}) < 2 else ""
    if all(cell.y.value is None for cell in cells):
        why = NOTHING_SCORED
    return Breakdown(slug, title, said, view.title, view.score, tuple(cells), nothing=why, order=order)


def _placed(view: View, labels: Sequence[Labels], order: Sequence[str]) -> list[tuple[int, Cell]]:
    """The view's score on each group, with the place of its run; runs that share samples and groups are one call."""
    batches: dict[tuple[Any, ...], list[int]] = {}
    for place, ((run, judged), own) in enumerate(zip(view.runs, labels, strict=True)):
        key = (judged.finished.ids, judged.finished.clusters, tuple(own), run.manifest["spec"]["seed"])
        batches.setdefault(key, []).append(place)
    cells = []
    for (_, clusters, own, seed), places in batches.items():
        keep = np.array([one is not None for one in own])
        series = [replace(headline_of(view.runs[place][1].finished, keep), name=str(place)) for place in places]
        groups = [one for one in own if one is not None]
        pictures = [one for one, group in zip(clusters, own, strict=True) if group is not None]
        by = estimate(series, groups, pictures, order=order, macro=False, seed=seed)
        for place in places:
            name = view.runs[place][0].name
            cells += [(place, Cell(name, one, by[str(place)][one])) for one in order if one in by[str(place)]]
    return sorted(cells, key=lambda pair: pair[0])
