"""Who is held out together: texts that share a source or their words are one group, and a group is in one fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyfeel.records import Sample, rng

Indices = NDArray[np.intp]
INNER = 5  # the share of the training texts that chooses settings is 1 in so many


@dataclass(frozen=True)
class Split:
    """One fold: positions of texts, ascending.

    Attributes:
        train: what a probe may learn from: `inner` and `validation` together.
        inner: what is learnt from while settings are chosen.
        validation: what chooses them.
        test: what it is measured on, and sees for that alone.
    """

    train: Indices
    inner: Indices
    validation: Indices
    test: Indices


def groups_of(samples: Sequence[Sample]) -> Indices:
    """A number for each sample's group, from 0 in the order in which they occur.

    Samples of one cluster are one group, and so are those whose texts are equal but for case and blanks and who show
    the same pictures; groups that share a member are one.
    """
    root = list(range(len(samples)))

    def top(one: int) -> int:
        while root[one] != one:
            root[one] = one = root[root[one]]
        return one

    first: dict[object, int] = {}
    for index, sample in enumerate(samples):
        for key in (("cluster", sample.cluster), (" ".join(sample.question.casefold().split()), sample.media)):
            other = first.setdefault(key, index)
            a, b = sorted((top(index), top(other)))
            root[b] = a
    tops = [top(index) for index in range(len(samples))]
    numbers = {one: number for number, one in enumerate(dict.fromkeys(tops))}
    return np.array([numbers[one] for one in tops], np.intp)


def fold_of(y: Indices, groups: Indices, folds: int, seed: int, purpose: str = "folds") -> Indices:
    """The fold of each text, from 0; whole groups are dealt out, so that each label has its share in every fold.

    Args:
        y, groups: label and group of each text, shape (n,).
        folds: at most as many as there are groups.
        seed, purpose: of the order within a label.

    Returns:
        shape (n,); the groups of one label (that of most of a group's texts) differ by at most 1 between two folds.
    """
    present, codes = np.unique(groups, return_inverse=True)
    labels: list[Counter[int]] = [Counter() for _ in present]
    for code, label in zip(codes.tolist(), y.tolist(), strict=True):
        labels[code][label] += 1
    most = np.array([min(one, key=lambda label: (-one[label], label)) for one in labels])
    order = np.lexsort((rng(seed, purpose).permutation(len(present)), most))
    dealt = np.empty(len(present), np.intp)
    dealt[order] = np.arange(len(present)) % folds
    return dealt[codes]


def splits(y: Indices, groups: Indices, folds: int, seed: int) -> Iterator[Split]:
    """The folds, each with a part of its training texts set apart for the choice of settings.

    Args:
        y, groups: label and group of each text, shape (n,).
        folds: at least 2, at most as many as there are groups; and so that two groups are left to train on.
    """
    outer = fold_of(y, groups, folds, seed)
    for fold in range(folds):
        train, test = np.flatnonzero(outer != fold), np.flatnonzero(outer == fold)
        within = fold_of(y[train], groups[train], INNER, seed, f"inner {fold}")
        yield Split(train, train[within != 0], train[within == 0], test)


def shuffled(y: Indices, groups: Indices, seed: int) -> Indices:
    """Labels that mean nothing: each group has those of another, drawn by seed; equal texts keep equal labels.

    A group of several labels counts by its first, so that the shares of labels are those of groups.
    """
    present, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    return y[first][rng(seed, "control").permutation(len(present))][codes]
