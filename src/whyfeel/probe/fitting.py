"""A probe in one fold: settings are chosen and rows prepared from its training texts alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyfeel.probe.folds import Indices, Split
from whyfeel.probe.linear import STRENGTHS, Linear, Rows, fit_linear, log_loss, standardised
from whyfeel.probe.network import fit_network

WORD = re.compile(r"\w+|[^\w\s]")  # an exclamation mark or an emoji is a word here
TEXTS = 2  # training texts that a word must be in

Features = Callable[[Indices], Rows]
"""All rows, prepared from the known ones: their positions to shape (n, width)."""


@dataclass(frozen=True)
class Fold:
    """What a probe said of the texts that were held out.

    Attributes:
        predicted: labels, in the order of `Split.test`.
        loss: mean cross-entropy over the validation texts, nats: what layers are chosen by.
        strength: of the penalty, that had the least loss; None for a network.
    """

    predicted: Indices
    loss: float
    strength: float | None


def dense(states: NDArray[np.float32]) -> Features:
    """Hidden states, shape (n, width), standardised by the known ones."""
    return lambda known: standardised(states, known)


def words(texts: Sequence[str]) -> Features:
    """How often each text has each word (in any case) that at least two of the known texts have; sparse."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - loads slowly

    ids: dict[str, int] = {}
    found = [[ids.setdefault(word, len(ids)) for word in WORD.findall(text.casefold())] for text in texts]
    row = np.repeat(np.arange(len(texts)), [len(one) for one in found])
    column = np.array([one for each in found for one in each], np.intp)
    counts = csr_array((np.ones(len(column), np.float32), (row, column)), shape=(len(texts), max(1, len(ids))))

    def features(known: Indices) -> Rows:
        return counts[:, np.flatnonzero((counts[known] > 0).sum(axis=0) >= TEXTS)]

    return features


def linear_probe(features: Features, y: Indices, classes: int, split: Split) -> Fold:
    """Logistic regression, its penalty chosen on the validation texts, then fitted on all training texts.

    Penalties are tried from the strongest; the first that is worse than the one before ends it.
    """
    rows = features(split.inner)
    seen, held = rows[split.inner], rows[split.validation]
    best: tuple[float, float, Linear] | None = None
    for strength in STRENGTHS:
        found = fit_linear(seen, y[split.inner], classes, strength, None if best is None else best[2])
        loss = log_loss(found.logits(held), y[split.validation])
        if best is not None and loss >= best[0]:
            break
        best = loss, strength, found
    assert best is not None
    return Fold(_refitted(features, y, classes, split, best[1]), best[0], best[1])


def control_probe(features: Features, y: Indices, classes: int, split: Split, strength: float) -> Fold:
    """The same probe, with a penalty that is given, on labels that mean nothing."""
    return Fold(_refitted(features, y, classes, split, strength), 0.0, strength)


def network_probe(features: Features, y: Indices, classes: int, split: Split, *, seed: int, name: str) -> Fold:
    """A network of two layers, which the validation texts stop."""
    rows = features(split.inner)
    logits, loss = fit_network(rows, y, classes, split.inner, split.validation, seed=seed, name=name)
    return Fold(logits[split.test].argmax(axis=1), loss, None)


def majority(y: Indices, split: Split) -> Indices:
    """The commonest label of the training texts, for each text held out; of equally common ones the first."""
    return np.full(len(split.test), np.bincount(y[split.train]).argmax())


def _refitted(features: Features, y: Indices, classes: int, split: Split, strength: float) -> Indices:
    rows = features(split.train)
    found = fit_linear(rows[split.train], y[split.train], classes, strength)
    predicted: Indices = found.logits(rows[split.test]).argmax(axis=1)
    return predicted
