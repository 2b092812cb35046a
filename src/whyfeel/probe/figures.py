"""Predictions become accuracy and macro-F1, with intervals over groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyfeel.probe.folds import Indices
from whyfeel.stats.intervals import OVERALL, TAILS, estimate
from whyfeel.stats.paired import differences
from whyfeel.stats.ratios import product, resampling_weights
from whyfeel.stats.series import Floats, Series

RESAMPLES = 2_000  # of each of a hundred figures; an end of an interval is sure to about a tenth of its length
ALL = "all"
Entry = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """The texts on which predictions are measured.

    Attributes:
        y: labels from 0 to `classes` - 1, shape (n,), each of them there.
        groups: shape (n,), from 0, each of them there.
        classes: how many labels there are.
        seed: of the resamples, which all figures share.
    """

    y: Indices
    groups: Indices
    classes: int
    seed: int

    def figures(self, predicted: Sequence[Indices]) -> list[Entry]:
        """Accuracy and macro-F1 of each prediction, each {"value", "low", "high", "n"}.

        Args:
            predicted: labels of all texts, shape (n,) each.
        """
        series = [self._hits(one, str(number)) for number, one in enumerate(predicted)]
        label = [ALL] * len(self.y)
        settings: Any = {"order": [ALL], "macro": False, "seed": self.seed, "resamples": RESAMPLES}
        accuracy = estimate(series, label, self._clusters(), **settings)
        f1 = self._macro_f1(predicted)
        n = len(self.y)
        return [
            {"accuracy": _entry(found.value, found.low, found.high, n), "macro_f1": _entry(*macro, n)}
            for found, macro in zip((accuracy[one.name][OVERALL] for one in series), f1, strict=True)
        ]

    def difference(self, one: Indices, other: Indices, other_y: Indices | None = None) -> Entry:
        """One prediction's accuracy less another's on the same texts, {"value", "low", "high", "n", "p"}.

        Args:
            other_y: the labels that the other one is held against, None for the same.
        """
        against = self if other_y is None else replace(self, y=other_y)
        pair = [self._hits(one, "accuracy"), against._hits(other, "accuracy")]
        settings: Any = {"order": [ALL], "macro": False, "seed": self.seed, "resamples": RESAMPLES}
        found = differences(pair, [ALL] * len(self.y), self._clusters(), **settings)[0, 1][OVERALL]
        return _entry(found.value, found.low, found.high, len(self.y)) | {"p": found.p}

    def _clusters(self) -> list[str]:
        return [f"{one:09}" for one in self.groups.tolist()]  # sorted as the numbers are, so that draws are shared

    def _hits(self, predicted: Indices, name: str) -> Series:
        return Series(name, (predicted == self.y).astype(np.float64), np.ones(len(self.y)))

    def _macro_f1(self, predicted: Sequence[Indices]) -> list[tuple[float, float, float]]:
        """Value and interval of each; whole groups are drawn, the same for all."""
        groups = int(self.groups.max()) + 1
        tables = [self._counts(one, groups) for one in predicted]
        drawn = np.empty((len(predicted), RESAMPLES))
        for start, weights in resampling_weights(groups, self.seed, RESAMPLES):
            times = weights.astype(np.float64)
            for row, table in zip(drawn, tables, strict=True):
                row[start : start + len(times)] = macro_f1(product(table, times), self.classes)
        values = [float(macro_f1(table.sum(axis=1, keepdims=True), self.classes)[0]) for table in tables]
        ends = [np.quantile(row[np.isfinite(row)], TAILS) for row in drawn]
        return [(value, float(low), float(high)) for value, (low, high) in zip(values, ends, strict=True)]

    def _counts(self, predicted: Indices, groups: int) -> Floats:
        """A group's counts by class, shape (2 classes, groups): found, then in truth and said together."""
        table = np.zeros((2 * self.classes, groups))
        hit = predicted == self.y
        np.add.at(table, (self.y[hit], self.groups[hit]), 1)
        np.add.at(table, (self.classes + self.y, self.groups), 1)
        np.add.at(table, (self.classes + predicted, self.groups), 1)
        return table


def macro_f1(counts: Floats, classes: int) -> Floats:
    """The mean over classes of F1 = 2 found / (in truth + said), of the classes that are in truth or said.

    Args:
        counts: shape (2 classes, any), as `Measured` makes them.

    Returns:
        shape (any,), from 0 to 1.

    >>> macro_f1(np.array([[1.0], [0.0], [2.0], [1.0]]), 2).tolist()
    [0.5]
    """
    found, both = 2 * counts[:classes], counts[classes:]
    ratio = np.divide(found, both, out=np.zeros_like(found), where=both > 0)
    mean: Floats = ratio.sum(axis=0) / (both > 0).sum(axis=0)
    return mean


def _entry(value: float | None, low: float | None, high: float | None, n: int) -> Entry:
    return {"value": value, "low": low, "high": high, "n": n}
