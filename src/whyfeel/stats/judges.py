"""One judge held against another, or against people, on the same answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.stats.ppi import Mean, mean
from whyfeel.stats.proportions import wilson
from whyfeel.stats.ranks import spearman
from whyfeel.stats.resampling import Agreement, Bootstrap
from whyfeel.stats.series import Floats

Labels = NDArray[np.bool_]

Z = 1.959963984540054  # the 97.5% quantile of the normal distribution
NONE = "undefined (nothing to compare)"


@dataclass(frozen=True, slots=True)
class Paired:
    """How far one judge's scores lie from another's.

    Attributes:
        n: answers that both scored.
        bias: the mean of judge - other, from -1 to 1.
        absolute: the mean of |judge - other|.
        spearman: whether they put the answers in the same order; blind to a bias.
    """

    n: int
    bias: Mean
    absolute: Mean
    spearman: Agreement

    def to_json(self) -> dict[str, Any]:
        """The entry in a report."""
        told = {"bias": self.bias.to_json(), "absolute": self.absolute.to_json(), "spearman": self.spearman.to_json()}
        return {"n": self.n, **told}


def paired(judge: Floats, other: Floats, clusters: Sequence[str], seed: int = 0) -> Paired:
    """The differences of two judges on the answers that both scored, with intervals clustered by picture.

    Args:
        judge: shape (n,), from 0 to 1, NaN where an answer has no score.
        other: the same of another judge, or of people.
        clusters: a label an answer, shape (n,).
        seed: of the resampling for the rank correlation.

    >>> found = paired(np.array([0.5, 1, 0.25, np.nan]), np.array([0.5, 0.5, 0, 1]), list("abcd"))
    >>> found.n, found.bias.value, found.spearman.value
    (3, 0.25, 0.8660254037844387)
    """
    both = ~np.isnan(judge) & ~np.isnan(other)
    names = [name for name, here in zip(clusters, both, strict=True) if here]
    apart = judge[both] - other[both]
    return Paired(
        int(both.sum()),
        mean(apart, names, (-1.0, 1.0)),
        mean(np.abs(apart), names, (0.0, 1.0)),
        spearman(np.stack([judge[both], other[both]], axis=1), Bootstrap(seed, clusters=names)),
    )


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of n things with its 95% interval; no value where n is 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, Any]:
        """The entry in a report; "why" only where there is something to say."""
        entry: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high, "n": self.n}
        return entry | ({"why": NONE} if self.value is None else {})


def _share(found: int, n: int) -> Proportion:
    ends = wilson(found, n)
    return Proportion(found / n if n else None, ends.low, ends.high, n)


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a judge's yes and no are another's.

    Attributes:
        accuracy: the share of all labels on which they agree.
        true_positive: of what the other says yes to, the share the judge says yes to.
        false_positive: of what the other says no to, the share the judge says yes to.
    """

    accuracy: Proportion
    true_positive: Proportion
    false_positive: Proportion

    def to_json(self) -> dict[str, Any]:
        """The entry in a report."""
        return {
            "accuracy": self.accuracy.to_json(),
            "true_positive_rate": self.true_positive.to_json(),
            "false_positive_rate": self.false_positive.to_json(),
        }


def rates(judge: Labels, other: Labels) -> Rates:
    """Accuracy, true and false positive rate of a judge's labels, with Wilson intervals.

    Args:
        judge: shape (n,).
        other: shape (n,), what is held to be true.

    >>> found = rates(np.array([True, True, False, True]), np.array([True, False, False, True]))
    >>> found.accuracy.value, found.true_positive.value, found.false_positive.value
    (0.75, 1.0, 0.5)
    """
    yes = int(other.sum())
    return Rates(
        _share(int((judge == other).sum()), len(judge)),
        _share(int((judge & other).sum()), yes),
        _share(int((judge & ~other).sum()), len(other) - yes),
    )


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of a yes that is left when a judge's known errors are taken off.

    Attributes:
        value: from 0 to 1, None where it is undefined.
        low, high: the ends of the 95% interval.
        judged: the share of a yes as the judge has it.
        why: why there is no value, "" where there is one.
    """

    value: float | None
    low: float | None
    high: float | None
    judged: float | None
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry in a report; "why" only where there is something to say."""
        entry: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high, "judged": self.judged}
        return entry | ({"why": self.why} if self.why else {})


def rogan_gladen(found: int, of: int, judge: Labels, other: Labels) -> Rate:
    """The share of a yes, corrected for a judge's errors: (p - FPR) / (TPR - FPR), held between 0 and 1.

    For reports only: it takes the labels as independent, and the two rates as those of every answer.

    Args:
        found: how many of all labels of the judge are a yes.
        of: how many there are, those of `judge` among them or not.
        judge, other: shape (n,): labels of both, from which the two rates are estimated.

    Returns:
        undefined where the other's labels are all the same, or the judge says yes no more often to what is true than
        to what is false.

    Source: Rogan & Gladen, American Journal of Epidemiology 107 (1978); its interval by the delta method, with counts
    enlarged as Agresti & Coull do, so that rates of 0 and 1 have errors too; Lee et al. (2025), arXiv 2511.21140.

    >>> labels = np.array([True] * 10 + [False] * 10)
    >>> round(rogan_gladen(60, 100, labels ^ (np.arange(20) == 15), labels).value, 4)
    0.5556
    """
    yes, no = int(other.sum()), int((~other).sum())
    if not of or not yes or not no:
        return Rate(None, None, None, found / of if of else None, NONE)
    hits, alarms = int((judge & other).sum()), int((judge & ~other).sum())
    if hits * no <= alarms * yes:
        return Rate(None, None, None, found / of, "undefined (the judge tells nothing from its opposite)")
    value = _clipped((found / of - alarms / no) / (hits / yes - alarms / no))
    share, true, false = (found + Z**2 / 2) / (of + Z**2), (hits + 1) / (yes + 2), (alarms + 1) / (no + 2)
    if true <= false:
        return Rate(value, None, None, found / of, "no interval (too few labels)")
    middle = (share - false) / (true - false)
    variance = share * (1 - share) / (of + Z**2)
    variance += middle**2 * true * (1 - true) / (yes + 2) + (1 - middle) ** 2 * false * (1 - false) / (no + 2)
    width = Z * math.sqrt(variance) / (true - false)
    return Rate(value, _clipped(middle - width), _clipped(middle + width), found / of)


def _clipped(value: float) -> float:
    return min(max(value, 0.0), 1.0)
