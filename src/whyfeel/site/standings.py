"""Who stands where: runs that one judge judged, ranked by one score, with controls and claimed figures beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from whyfeel.errors import UserError
from whyfeel.report import numbers
from whyfeel.report.words import label
from whyfeel.runs.compare import compare_finished
from whyfeel.runs.finished import Finished
from whyfeel.site.book import Board, Judged, RunView
from whyfeel.site.drawn import Scale, scale
from whyfeel.tasks.published import load_published

OVERALL, BASELINE, OFFICIAL = "overall", "baseline:", "official_recall"
# what runs are ranked by, and what stands beside it
RANKED: Mapping[str, tuple[str, ...]] = {
    "kf1": ("f1", "recall", "precision"),
    "corrected_recall": (OFFICIAL,),
    OFFICIAL: ("corrected_recall",),
    "preferred": ("won", "tied", "lost"),
}
BLIND = ("stuff", "prior", "top5", "shuffled", "echo", "empty")
ORACLE = "oracle"
NOT_COMPARED = (
    "Official recall is the released scorer's own figure, faults included: who is tied is told of corrected recall"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A run, a control or a published figure.

    Attributes:
        name: as it is shown.
        value, low, high: the score and its 95% interval, None where there is none.
        n: samples the score is the mean of.
        run: None for what is no run of the site.
        summary: the judge's summary.json of a run.
        rank: 1 for the best; runs without a value have none.
        letters: of the runs it is tied with.
        why: why a number is missing, or what should be known.
        beside: the scores that stand beside it.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    run: RunView | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    rank: int | None = None
    letters: str = ""
    why: str = ""
    beside: tuple[float | None, ...] = ()

    @property
    def unscored(self) -> float:
        """The share of a run's samples that have no score."""
        return float(1 - self.summary["scored"] / self.summary["n"]) if self.summary["n"] else 0.0

    @property
    def reasons(self) -> str:
        """Why samples are unscored, "" where none is."""
        return ", ".join(f"{reason} {numbers.count(n)}" for reason, n in self.summary["unscored"].items())


@dataclass(frozen=True, slots=True)
class Band:
    """From the best answer that was given blind to the annotation itself.

    Attributes:
        blind: the name of the control.
        low: its score.
        high: that of the oracle, None where it was not judged.
    """

    blind: str
    low: float
    high: float | None

    @property
    def drawn(self) -> bool:
        """Whether there is room between them for a run to stand in."""
        return self.high is not None and self.high > self.low


@dataclass(frozen=True, slots=True)
class View:
    """One judge's ranking by one score.

    Attributes:
        key: stands for it in addresses.
        runs: best first.
        controls: best first.
        claimed: published figures of the same score by the same kind of judge.
        missing: the names of runs that this judge did not judge.
        notes: what should be known about the letters.
    """

    key: str
    judge: Judged
    score: str
    beside: tuple[str, ...]
    runs: tuple[Row, ...]
    controls: tuple[Row, ...]
    claimed: tuple[Row, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    band: Band | None
    scale: Scale

    @property
    def samples(self) -> str:
        """How many samples the runs have."""
        have = sorted({row.summary["n"] for row in self.runs})
        return numbers.count(have[0]) if len(have) == 1 else f"{numbers.count(have[0])} to {numbers.count(have[-1])}"


def standings(board: Board, judge: Judged) -> Iterator[View]:
    """A judge's view for each score that runs are ranked by, its headline first.

    Args:
        judge: one of the board's judges, as it judged the first run that it judged.
    """
    first = str(judge.summary["headline"].get("score") or next(iter(judge.summary["scores"])))
    scores = [first, *(name for name in RANKED if name != first and name in judge.summary["scores"])]
    judged = {run.slug: one for run in board.runs for one in run.judges if one.id == judge.id}
    for score in scores:
        yield _view(board, judge, judged, score)


def _view(board: Board, judge: Judged, judged: Mapping[str, Judged], score: str) -> View:
    beside = tuple(name for name in RANKED.get(score, ()) if name in judge.summary["scores"])
    runs = [run for run in board.runs if run.slug in judged]
    tied, notes = _tied([judged[run.slug].finished for run in runs], score)
    rows = [_run(run, judged[run.slug].summary, score, beside, tied.get(str(run.path), "")) for run in runs]
    rows = [_ranked(row, place) for place, row in enumerate(sorted(rows, key=_order), 1)]
    controls = _controls([one.summary for one in judged.values()], score, beside)
    claimed = tuple(_claimed(board.task.name, judge.finished.judge["name"])) if score == OFFICIAL else ()
    band = _band({row.name: row.value for row in controls} or _baselines(rows))
    return View(
        *(f"{judge.id}.{score}", judge, score, beside, tuple(rows), controls, claimed),
        missing=tuple(run.name for run in board.runs if run.slug not in judged),
        notes=notes,
        band=band,
        scale=scale(end for row in (*rows, *controls, *claimed) for end in (row.value, row.low, row.high)),
    )


def _tied(runs: Sequence[Finished], score: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Path to letters of the runs, and what should be known about them."""
    if len(runs) < 2:
        return {}, ()
    if score == OFFICIAL:
        return {}, (NOT_COMPARED,)
    try:
        found = compare_finished(runs, score=score)
    except UserError as error:
        return {}, (f"Who is tied cannot be said: {error}",)
    # a refused headline is told in the run's own row
    notes = tuple(note for note in found["notes"] if "its headline is refused" not in note)
    return {one["run"]: one["letters"] for one in found["systems"]}, notes


def _run(run: RunView, summary: Mapping[str, Any], score: str, beside: Sequence[str], letters: str) -> Row:
    one = summary["scores"].get(score, {}).get(OVERALL, {})
    others = tuple(summary["scores"].get(name, {}).get(OVERALL, {}).get("value") for name in beside)
    refused = summary["headline"].get("refused", "")
    return Row(
        *(run.name, one.get("value"), one.get("low"), one.get("high"), one.get("n", 0), run, summary),
        letters=letters,
        why=f"No headline: {refused}" if refused else one.get("why", ""),
        beside=others,
    )


def _ranked(row: Row, place: int) -> Row:
    return replace(row, rank=None if row.value is None else place)


def _order(row: Row) -> tuple[bool, float]:
    return row.value is None, -(row.value or 0.0)


def _controls(summaries: Iterable[Mapping[str, Any]], score: str, beside: Sequence[str]) -> tuple[Row, ...]:
    """Those of the run that has most of them judged: controls of other runs are the same answers, or some of them."""
    most: Mapping[str, Any] = max(summaries, key=lambda one: sum(told["n"] for told in one["controlled"].values()))
    rows = [
        _control(name, values, most["controlled"][name], score, beside)
        for name, values in most["controls"].items()
        if score in values
    ]
    return tuple(sorted(rows, key=_order))


def _control(
    name: str, values: Mapping[str, float | None], told: Mapping[str, Any], score: str, beside: Sequence[str]
) -> Row:
    low, high = told["intervals"].get(score, (None, None))
    why = f"{numbers.count(told['unscored'])} could not be judged" if told["unscored"] else ""
    return Row(name, values[score], low, high, told["n"], why=why, beside=tuple(values.get(one) for one in beside))


def _baselines(rows: Iterable[Row]) -> dict[str, float | None]:
    """Runs of baselines, which tell as much where no run has controls."""
    models = {row.summary["model"]: row.value for row in rows}
    return {name.removeprefix(BASELINE): value for name, value in models.items() if name.startswith(BASELINE)}


def _band(controls: Mapping[str, float | None]) -> Band | None:
    blind = {name: value for name in BLIND if (value := controls.get(name)) is not None}
    if not blind:
        return None
    best = max(blind, key=lambda name: blind[name])
    return Band(best, blind[best], controls.get(ORACLE))


def _claimed(task: str, judge: str) -> Iterator[Row]:
    """The overall figures of the paper for the task that this kind of judge gave, highest first."""
    figures = [
        one for one in load_published().figures if (one.task, one.judge.judge, one.group) == (task, judge, OVERALL)
    ]
    for one in sorted(figures, key=lambda one: -one.claimed):
        yield Row(f"{one.model.name}, {one.setting}", one.claimed / 100, n=one.n)


def lead(board: Board, view: View) -> str:
    """What is compared with what, in plain sentences."""
    many = "1 run" if len(view.runs) == 1 else f"{numbers.count(len(view.runs))} runs"
    said = (
        f"{many} on {board.task.name}, {view.samples} samples: {label(view.score)} as the judge {view.judge.title} "
        "gives it, each with its 95% interval."
    )
    if view.band is None:
        return f"{said} No controls stand beside them, so it is not known what a blind answer would reach."
    blind = f"The best answer given without a look at the picture ({view.band.blind}) reaches "
    ends = [f"{blind}{numbers.score(view.band.low)}"]
    if view.band.high is not None:
        only = "" if view.band.drawn else "only "
        ends.append(f"the annotation itself {only}{numbers.score(view.band.high)}")
    return f"{said} {', '.join(ends)}."
