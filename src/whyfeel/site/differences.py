"""The page of differences: every two runs by the same judge, and the samples that make the difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from whyfeel.records import Response
from whyfeel.report import numbers
from whyfeel.report.compare_table import P_DIGITS
from whyfeel.report.words import label, visible
from whyfeel.runs import RunFolder
from whyfeel.runs.compare import ALPHA
from whyfeel.runs.lines import read_responses
from whyfeel.site.book import Board, Book, RunView
from whyfeel.site.breakdown_data import OVERALL, View, by_sample, headline_of, on_sample, views_of
from whyfeel.site.pages import File, Page
from whyfeel.stats import Series, estimate
from whyfeel.stats.multiple import holm
from whyfeel.stats.paired import Difference, differences
from whyfeel.stats.series import Floats

MOST_RUNS = 5  # of which every two are compared; of more, each with the best one
EACH_WAY = 10  # samples
FIRST_WORDS = 160  # characters of an answer
EVERYTHING = "all"


@dataclass(frozen=True)
class Common:
    """The runs of a view on the samples that all of them have, n of them.

    Attributes:
        ids, emotions, clusters: n each.
        series: the score of each run.
        seed: of the resamples and permutations: that of the first run, as in `whyfeel compare`.
    """

    ids: tuple[str, ...]
    emotions: tuple[str, ...]
    clusters: tuple[str, ...]
    series: tuple[Series, ...]
    seed: int


class Differences:
    """Pages differences/BOARD, for boards of two runs or more that a judge has in common."""

    def pages(self, book: Book) -> Iterator[Page]:
        """A page a board."""
        for board in book.boards:
            views = [view for view in views_of(board) if len(view.runs) > 1]
            if views:
                title = "Differences" if len(book.boards) == 1 else f"Differences: {board.task.name}"
                sections = [_section(view, board, several=len(views) > 1) for view in views]
                values = {"board": board, "sections": sections, "alpha": ALPHA, "each_way": EACH_WAY}
                yield Page(f"differences/{board.slug}", title, "differences.html", values)

    def files(self, book: Book) -> Iterator[File]:  # noqa: ARG002 - a part has files or not
        """None."""
        return iter(())


def common(view: View) -> Common | None:
    """A view's runs on the samples that all of them have; None where there are none."""
    finished = [judged.finished for _, judged in view.runs]
    shared = set(finished[0].ids).intersection(*(one.ids for one in finished[1:]))
    if not shared:
        return None
    first = finished[0]
    keep = [place for place, sample in enumerate(first.ids) if sample in shared]
    return Common(
        tuple(first.ids[place] for place in keep),
        tuple(first.groups[place] for place in keep),
        tuple(first.clusters[place] for place in keep),
        tuple(headline_of(one, np.array([sample in shared for sample in one.ids])) for one in finished),
        first.manifest["spec"]["seed"],
    )


def compared(found: Common) -> tuple[list[tuple[int, int]], list[Difference]]:
    """The pairs of runs that are told of, the better one first, and their differences, the best runs first."""
    groups = [EVERYTHING] * len(found.ids)
    like: dict[str, Any] = {"order": [EVERYTHING], "macro": False, "seed": found.seed}
    named = [replace(one, name=str(place)) for place, one in enumerate(found.series)]
    alone = estimate(named, groups, found.clusters, **like, resamples=1)
    values = [alone[one.name][OVERALL].value for one in named]
    order = sorted(range(len(named)), key=lambda place: (values[place] is None, -(values[place] or 0.0)))
    ranks = list(combinations(range(len(order)), 2))
    if len(order) <= MOST_RUNS:
        every = differences([found.series[place] for place in order], groups, found.clusters, **like)
        told = [every[pair][OVERALL] for pair in ranks]
    else:
        ranks = ranks[: len(order) - 1]
        two = ([found.series[order[rank]] for rank in pair] for pair in ranks)
        told = [differences(pair, groups, found.clusters, **like)[0, 1][OVERALL] for pair in two]
    return [(order[one], order[other]) for one, other in ranks], told


def _section(view: View, board: Board, *, several: bool) -> dict[str, Any]:
    found = common(view)
    section: dict[str, Any] = {
        "title": f"{label(view.score)}, judged by {view.title}",
        "score": label(view.score),
        "pairs": [],
    }
    if found is None:
        return section | {"nothing": "The runs have no sample in common."}
    pairs, told = compared(found)
    picked = [_picked(found, *pair) for pair in pairs]
    wanted: dict[int, set[str]] = {}
    for pair, (ups, downs) in zip(pairs, picked, strict=True):
        for place in pair:
            wanted.setdefault(place, set()).update(found.ids[n] for n in (*ups, *downs))
    answers = {place: first_words(view.runs[place][0], ids) for place, ids in wanted.items()}
    state = {"j": view.judge} if several else {}
    rows = [
        _row(view, pair, one, p) | {"ways": _ways(found, view, pair, ways, answers, state)}
        for pair, one, p, ways in zip(pairs, told, holm([one.p for one in told]), picked, strict=True)
    ]
    best = visible(view.runs[pairs[0][0]][0].name) if len(view.runs) > MOST_RUNS else ""
    section |= {"pairs": rows, "n": len(found.ids), "best": best, "nothing": "", "most": MOST_RUNS}
    return section | {"on_sample": label(on_sample(view.score)), "explore": f"explore/{board.slug}"}


def _row(view: View, pair: tuple[int, int], one: Difference, p: float | None) -> dict[str, Any]:
    """One line of the table of differences."""
    names = [visible(view.runs[place][0].name) for place in pair]
    tie = numbers.MISSING if p is None else "no" if p <= ALPHA else "tied"
    return {
        "names": names,
        "slugs": [view.runs[place][0].slug for place in pair],
        "difference": numbers.score(one.value),
        "interval": numbers.interval(one.low, one.high, 3),
        "p": numbers.score(one.p, P_DIGITS),
        "p_holm": numbers.score(p, P_DIGITS),
        "n": numbers.count(one.n),
        "left_out": numbers.count(one.left_out),
        "tie": tie,
        "why": one.why,
    }


def _picked(found: Common, first: int, second: int) -> tuple[list[int], list[int]]:
    """Places of the samples on which the first run is furthest ahead, and of those on which the second one is."""
    ahead = by_sample(found.series[first]) - by_sample(found.series[second])
    return furthest(ahead), furthest(-ahead)


def furthest(ahead: Floats) -> list[int]:
    """Places of the EACH_WAY largest numbers above 0, the largest first, equal ones in their order.

    >>> furthest(np.array([0.0, 0.5, np.nan, 1.0, 0.5, -1.0]))
    [3, 1, 4]
    """
    order = np.argsort(-ahead, kind="stable")  # NaN last
    return [place for place in order[:EACH_WAY].tolist() if ahead[place] > 0]


def _ways(
    found: Common,
    view: View,
    pair: tuple[int, int],
    ways: tuple[list[int], list[int]],
    answers: Mapping[int, Mapping[str, str]],
    state: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The samples of each way with both answers."""
    values = [by_sample(found.series[place]) for place in pair]
    runs = [view.runs[place][0] for place in pair]
    return [
        {
            "ahead": visible(runs[side].name),
            "samples": [
                {
                    "id": visible(found.ids[n]),
                    "emotion": visible(found.emotions[n]),
                    "scores": [numbers.score(float(one[n])) for one in values],
                    "answers": [answers[place].get(found.ids[n], "") for place in pair],
                    "state": {"s": found.ids[n], "a": runs[0].slug, "b": runs[1].slug, **state},
                }
                for n in places
            ],
        }
        for side, places in enumerate(ways)
    ]


def first_words(run: RunView, ids: set[str]) -> dict[str, str]:
    """How the answers to some samples begin, as one line."""
    responses = read_responses(RunFolder(run.path).responses)
    return {one.sample_id: _begins(one) for one in responses if one.sample_id in ids}


def _begins(response: Response) -> str:
    if response.unscored is not None:
        return f"no answer: {visible(response.unscored.reason)}"
    words = " ".join(response.text[: 4 * FIRST_WORDS].split())
    cut = f"{words[:FIRST_WORDS].rstrip()}…" if len(words) > FIRST_WORDS else words
    return visible(cut) or "(empty)"
