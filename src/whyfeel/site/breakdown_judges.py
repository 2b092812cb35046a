"""Judge against judge: do two of them give the same samples high scores?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from whyfeel.report import numbers
from whyfeel.report.words import label, visible
from whyfeel.site.book import Board, Judged, RunView
from whyfeel.site.breakdown_data import Breakdown, Cell, by_sample, headline, on_sample
from whyfeel.stats import Estimate, Series, estimate
from whyfeel.stats.ranks import spearman
from whyfeel.stats.resampling import Bootstrap

FIFTHS = ("0 to 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 to 1")
RESAMPLES = 2_000  # of a correlation: each costs as much as twenty of a mean
NOT_BOTH = "No sample was scored by both judges."
RHO = "Spearman's rho"


def judges_compared(board: Board) -> list[Breakdown]:
    """Every two judges that judged a run, or more of them: do they give the same samples high scores?"""
    found: dict[tuple[str, str], list[tuple[RunView, Judged, Judged]]] = {}
    for run in board.runs:
        for one, other in combinations(run.judges, 2):
            found.setdefault((one.id, other.id), []).append((run, one, other))
    return [_two_judges(place, runs) for place, runs in enumerate(found.values(), 1)]


def _two_judges(place: int, runs: Sequence[tuple[RunView, Judged, Judged]]) -> Breakdown:
    _, first, second = runs[0]
    names = [label(on_sample(headline(one.finished).name)) for one in (first, second)]
    titles = [f"{visible(one.title)}, {name}" for one, name in zip((first, second), names, strict=True)]
    said = f"Samples in five groups by {titles[0]}: the mean of it, and that of {titles[1]}, in each group. "
    said += f"The interval of the rank correlation is by {numbers.count(RESAMPLES)} resamples."
    told_of = [_judged_twice(*one) for one in runs]
    cells = tuple(cell for own, _ in told_of for cell in own)
    return Breakdown(
        *(f"judges-{place}", f"{titles[0]} against {titles[1]}", said, f"{first.title} and {second.title}"),
        *(on_sample(headline(second.finished).name), cells),
        *(("first_judge", "first_judge_low", "first_judge_high"), True),
        nothing="" if cells else NOT_BOTH,
        order=FIFTHS,
        axes=tuple(titles),
        facts=tuple((run.name, RHO, rho) for (run, _, _), (_, rho) in zip(runs, told_of, strict=True)),
    )


def _judged_twice(run: RunView, first: Judged, second: Judged) -> tuple[list[Cell], Estimate]:
    finished, seed = first.finished, run.manifest["spec"]["seed"]
    ratings = np.array([by_sample(headline(one.finished)) for one in (first, second)]).T
    both = ~np.isnan(ratings).any(axis=1)
    ratings, clusters = ratings[both], [one for one, sure in zip(finished.clusters, both, strict=True) if sure]
    if not len(ratings):
        return [], Estimate(None, None, None, 0, None, NOT_BOTH)
    rho = spearman(ratings, Bootstrap(seed, RESAMPLES, clusters))
    groups = [FIFTHS[n] for n in np.clip((ratings[:, 0] * 5 + 1e-9).astype(np.intp), 0, 4).tolist()]
    pair = [Series(name, column, np.ones(len(ratings))) for name, column in zip("xy", ratings.T, strict=True)]
    by = estimate(pair, groups, clusters, order=FIFTHS, macro=False, seed=seed)
    cells = [Cell(run.name, name, by["y"][name], by["x"][name]) for name in FIFTHS if name in by["y"]]
    return cells, Estimate(rho.value, rho.low, rho.high, len(ratings), None, rho.why)
