"""The mean of what people would say of all answers, from labels on some of them and a judge's scores on all: PPI++.

A judge's own mean has a narrow interval around the wrong place where the judge errs to one side. The labels tell how
far it errs; its scores on the answers without a label tell what luck the labelled ones had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.stats.series import Floats

Indices = NDArray[np.intp]

TAIL = 0.975
SCORES = (0.0, 1.0)
ANY = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its 95% interval.

    Attributes:
        value: None where there is nothing to average.
        low, high: the ends of the interval; None where there is none.
        error: the standard error, None where there is no interval.
        n: how many values were averaged.
        why: why a number above is missing, "" where none is.
    """

    value: float | None
    low: float | None
    high: float | None
    error: float | None
    n: int
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry in a report; "why" only where there is something to say."""
        entry: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high, "n": self.n}
        return entry | ({"why": self.why} if self.why else {})


@dataclass(frozen=True, slots=True)
class Corrected:
    """A mean of a judge's scores corrected by people's labels, and what each gives alone.

    Attributes:
        estimate: the corrected mean; its n is the number of labels.
        trust: lambda, from 0 (labels alone) to 1: how much of the judge's scores enters.
        others: how many answers have the judge's score only.
        worth: how many labels without a judge one label here stands for, above 0; None where there is no interval.
        labels: the mean of the labels alone.
        judge: the mean of the judge's scores alone on all answers, biased as the judge is.
        why: why the judge adds nothing to the labels, "" where it does.
    """

    estimate: Mean
    trust: float
    others: int
    worth: float | None
    labels: Mean
    judge: Mean
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry in a report."""
        worth = self.worth
        told = {
            "corrected": self.estimate.to_json(),
            "lambda": self.trust,
            "others": self.others,
            "worth": worth,
            "effective": None if worth is None else worth * self.estimate.n,
            "labels": self.labels.to_json(),
            "judge": self.judge.to_json(),
        }
        return told | ({"why": self.why} if self.why else {})


def mean(values: Floats, clusters: Sequence[str], span: tuple[float, float] = ANY) -> Mean:
    """A mean with a t interval from the sums of its clusters.

    Args:
        values: shape (n,), finite.
        clusters: a label a value, shape (n,); values of one label are not independent.
        span: where the ends of the interval are held.

    Returns:
        no value where n is 0; no interval with fewer than two clusters, or where all values are the same, since what
        never varied tells nothing of how it varies.

    Source: Liang & Zeger, Biometrika 73 (1986), for the sums; clusters / (clusters - 1) for few of them.

    >>> one = mean(np.array([0.0, 1, 1, 0]), ["a", "b", "c", "d"])
    >>> one.value, round(one.low, 3), round(one.high, 3)
    (0.5, -0.419, 1.419)
    """
    _check(values, clusters)
    return _mean(values, _codes(clusters), span)


def corrected_mean(labels: Floats, judge: Floats, clusters: Sequence[str]) -> Corrected:
    """PPI++ of a mean: lambda * mean(judge, unlabelled) + mean(labels - lambda * judge, labelled).

    Lambda, held from 0 to 1, makes the variance smallest. Answers without the judge's score are left out, labelled or
    not. The interval is a t interval over the sums of clusters, its degrees of freedom those of Welch.

    Args:
        labels: shape (n,), from 0 to 1, NaN where an answer has no label; the labelled ones are a random sample.
        judge: shape (n,), from 0 to 1, NaN where the judge gave no score.
        clusters: a label an answer, shape (n,); answers about one picture are not independent.

    Returns:
        the labels alone, with `why`, where the judge can add nothing: it gives every answer the same score, no answer
        is without a label, or its scores do not rise with the labels. No estimate with fewer than two labels.

    Source: Angelopoulos, Duchi & Zrnic, PPI++: Efficient Prediction-Powered Inference (2023), arXiv 2311.01453,
    example 6.1 for lambda; Angelopoulos et al., Prediction-Powered Inference (2023), arXiv 2301.09633.

    >>> labels = np.array([0.0, 1, 1, 0, np.nan, np.nan])
    >>> found = corrected_mean(labels, np.array([0.5, 1, 1, 0, 1, 1]), list("abcdef"))
    >>> round(found.estimate.value, 3), round(found.trust, 3)
    (0.634, 0.357)
    """
    _check(np.nan_to_num(labels), clusters)
    _check(np.nan_to_num(judge), clusters)
    if any(((one < 0) | (one > 1)).any() for one in (labels, judge)):
        raise ValueError("expected labels and scores from 0 to 1, NaN for none")
    known = ~np.isnan(judge)
    codes = _codes([name for name, here in zip(clusters, known, strict=True) if here])
    people, scores = labels[known], judge[known]
    labelled = ~np.isnan(people)
    alone = _mean(people[labelled], codes[labelled], SCORES)
    own = _mean(scores, codes, SCORES)
    others = int((~labelled).sum())
    if alone.n < 2:
        few = f"undefined ({'only one answer has' if alone.n else 'no answer has'} both a label and a score)"
        return Corrected(Mean(None, None, None, None, alone.n, few), 0.0, others, None, alone, own, few)
    trust, why = _trust(people[labelled], scores, labelled)
    if not trust or alone.error is None:
        return Corrected(alone, 0.0, others, None if alone.error is None else 1.0, alone, own, why)
    one = _tuned(people, scores, codes, trust)
    worth = (alone.error / one.error) ** 2 if one.error else None
    return Corrected(one, trust, others, worth, alone, own)


def _trust(labels: Floats, scores: Floats, labelled: NDArray[np.bool_]) -> tuple[float, str]:
    """Lambda, or 0 and why the judge adds nothing."""
    n, others = len(labels), len(scores) - len(labels)
    if not others:
        return 0.0, "every answer has a label"
    spread = float(np.var(scores, ddof=1))
    if np.ptp(scores) == 0 or not spread:
        return 0.0, "the judge gives every answer the same score"
    if np.ptp(labels) == 0:
        return 0.0, "all labels are the same"
    own = scores[labelled]
    together = float(np.mean((labels - labels.mean()) * (own - own.mean())))
    if together <= 0:
        return 0.0, "the judge's scores do not rise with the labels"
    return min(together / ((1 + n / others) * spread), 1.0), ""


def _tuned(labels: Floats, scores: Floats, codes: Indices, trust: float) -> Mean:
    """The estimate for a lambda above 0, where labels differ and are about several pictures."""
    labelled = ~np.isnan(labels)
    rectified, imputed = labels[labelled] - trust * scores[labelled], trust * scores[~labelled]
    value = _average(rectified) + _average(imputed)
    return _with_interval(value, [(rectified, codes[labelled]), (imputed, codes[~labelled])], SCORES)


def _mean(values: Floats, codes: Indices, span: tuple[float, float]) -> Mean:
    if not len(values):
        return Mean(None, None, None, None, 0, "undefined (no answer)")
    if why := _no_interval(values, codes):
        return Mean(_average(values), None, None, None, len(values), why)
    return _with_interval(_average(values), [(values, codes)], span)


def _with_interval(value: float, parts: Sequence[tuple[Floats, Indices]], span: tuple[float, float]) -> Mean:
    """A sum of means of `parts` with its interval, all of them held within `span`.

    What a cluster adds to the errors of the means is summed before it is squared: a picture with a labelled and an
    unlabelled answer is in both. The degrees of freedom are those of Welch.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - takes a tenth of a second

    many = max(int(codes.max()) for _, codes in parts) + 1
    shares, below = np.zeros(many), 0.0
    for values, codes in parts:
        clusters = len(np.unique(codes))
        share = np.bincount(codes, values - values.mean(), many) / len(values)
        if clusters > 1:
            share *= math.sqrt(clusters / (clusters - 1))
        shares += share
        below += float(share @ share) ** 2 / max(clusters - 1, 1)
    variance = float(shares @ shares)
    width = float(stdtrit(variance**2 / below, TAIL)) * math.sqrt(variance) if below else 0.0
    low, middle, high = (min(max(end, span[0]), span[1]) for end in (value - width, value, value + width))
    return Mean(middle, low, high, math.sqrt(variance), len(parts[0][0]))


def _average(values: Floats) -> float:
    return math.fsum(values.tolist()) / len(values)


def _no_interval(values: Floats, codes: Indices) -> str:
    if np.ptp(values) == 0:
        return "no interval (all are the same)" if len(values) > 1 else "no interval (only one answer)"
    return "no interval (all of one picture)" if np.ptp(codes) == 0 else ""


def _check(values: Floats, clusters: Sequence[str]) -> None:
    if values.shape != (len(clusters),) or not np.isfinite(values).all():
        raise ValueError(f"expected finite values of shape ({len(clusters)},), as many as clusters, got {values.shape}")


def _codes(clusters: Sequence[str]) -> Indices:
    number: dict[str, int] = {}
    return np.array([number.setdefault(name, len(number)) for name in clusters], np.intp)
