"""From two preferences, one an order, to counts, and how a run's counts become scores."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from whyfeel.judging.pairwise_text import Label
from whyfeel.records import Judgement, Sample
from whyfeel.stats.series import Series

ENDS = ("won", "tied", "lost")
CONSISTENT = "consistent"
IDENTICAL: Mapping[str, float] = {"won": 0, "tied": 1, "lost": 0}  # a tie by definition; nobody was asked


def pair_counts(shown_first: Label, shown_second: Label) -> dict[str, float]:
    """How an answer fared against another, of which a judge was shown each first in turn.

    Args:
        shown_first, shown_second: the preference where the answer stood as A, and where it stood as B.

    Returns:
        won, tied, lost (one of them 1, the others 0); consistent (1 where both orders come to the same, else it is a
        tie); decided (of two orders, how many preferred one of the answers), first (of these, how many preferred A).

    >>> pair_counts("A", "B")
    {'won': 1, 'tied': 0, 'lost': 0, 'consistent': 1, 'decided': 2, 'first': 1}
    >>> pair_counts("A", "A")
    {'won': 0, 'tied': 1, 'lost': 0, 'consistent': 0, 'decided': 2, 'first': 2}
    """
    ends = {"A": "won", "B": "lost"}.get(shown_first, "tied"), {"A": "lost", "B": "won"}.get(shown_second, "tied")
    end = ends[0] if ends[0] == ends[1] else "tied"
    said = (shown_first, shown_second)
    return {
        **{name: int(name == end) for name in ENDS},
        CONSISTENT: int(ends[0] == ends[1]),
        "decided": said.count("A") + said.count("B"),
        "first": said.count("A"),
    }


class PairwiseTally:
    """Collects comparisons; each count becomes a mean over samples, led by `preferred`, won + tied / 2."""

    def __init__(self) -> None:
        self._values = {name: array("d") for name in (*ENDS, CONSISTENT, "decided", "first")}

    def add(self, sample: Sample, judgement: Judgement) -> None:  # noqa: ARG002 - a pair is worth the same everywhere
        """Take the judgement of the next sample; an unscored one keeps its place as NaN."""
        counts = judgement.counts
        judged = judgement.unscored is None
        for name, values in self._values.items():
            values.append((counts[name] if name in ENDS else counts.get(name, math.nan)) if judged else math.nan)

    def series(self) -> list[Series]:
        """preferred, won, tied and lost over all samples; consistent over those that the judge was asked of."""
        values = {name: np.array(held, dtype=np.float64) for name, held in self._values.items()}
        ones = np.ones(len(values["won"]))
        identical = ~np.isnan(values["won"]) & np.isnan(values[CONSISTENT])
        consistent = np.where(identical, 0.0, values[CONSISTENT])
        return [
            Series("preferred", values["won"] + values["tied"] / 2, ones),
            *(Series(name, values[name], ones) for name in ENDS),
            Series(CONSISTENT, consistent, np.where(identical, 0.0, ones)),
        ]

    def facts(self) -> Mapping[str, Any]:
        """How steady the judge is, as {"pairwise": …}.

        consistency is the share of the n samples asked of on which both orders come to the same; first the share of
        the `decided` preferences for one answer that went to the one shown first, 1/2 without a bias; both None where
        there are none. identical is how many ties are of equal texts.
        """
        values = {name: np.array(held, dtype=np.float64) for name, held in self._values.items()}
        asked = ~np.isnan(values[CONSISTENT])
        decided, first = (float(values[name][asked].sum()) for name in ("decided", "first"))
        return {
            "pairwise": {
                "consistency": float(values[CONSISTENT][asked].mean()) if asked.any() else None,
                "n": int(asked.sum()),
                "first": first / decided if decided else None,
                "decided": int(decided) if decided.is_integer() else decided,  # a panel's counts are means
                "identical": int((~np.isnan(values["won"]) & ~asked).sum()),
            }
        }
