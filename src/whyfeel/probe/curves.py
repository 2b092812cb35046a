"""What probes say by layer, by token and under system prompts: predictions of texts that were held out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from whyfeel.probe.fitting import Features, Fold, control_probe, dense, linear_probe, majority, network_probe
from whyfeel.probe.fitting import words as counted
from whyfeel.probe.folds import Indices, Split, shuffled
from whyfeel.probe.states import States

Tick = Callable[[str, int, int], None]
"""What is done, how many, of how many."""


@dataclass(frozen=True)
class Labelled:
    """What is probed for: labels, shape (n,), how many different ones, groups, and the folds."""

    y: Indices
    classes: int
    groups: Indices
    splits: Sequence[Split]
    seed: int

    @property
    def random(self) -> Indices:
        """Labels that mean nothing, shape (n,)."""
        return shuffled(self.y, self.groups, self.seed)


@dataclass(frozen=True)
class Said:
    """One probe over all folds.

    Attributes:
        predicted: of each text by the fold that held it out, shape (n,).
        losses: the validation loss in each fold.
        strengths: the penalty in each fold; None for a network.
    """

    predicted: Indices
    losses: tuple[float, ...]
    strengths: tuple[float | None, ...]


@dataclass(frozen=True)
class Layer:
    """What the probes of one layer say; `control` of `Labelled.random`, which it learnt and is held against."""

    linear: Said
    network: Said
    control: Indices


@dataclass(frozen=True)
class Chosen:
    """The layer that a probe would have been given: in each fold the one with the least validation loss."""

    predicted: Indices
    layers: tuple[int, ...]


def over_folds(labelled: Labelled, fit: Callable[[int, Split], Fold]) -> Said:
    """A probe fitted in every fold, as many at once as there are processors; the order changes no number."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        folds = list(pool.map(fit, range(len(labelled.splits)), labelled.splits))
    predicted = np.empty(len(labelled.y), np.intp)
    for split, fold in zip(labelled.splits, folds, strict=True):
        predicted[split.test] = fold.predicted
    return Said(predicted, tuple(one.loss for one in folds), tuple(one.strength for one in folds))


def linear_said(features: Features, labelled: Labelled) -> Said:
    """A linear probe over all folds."""
    return over_folds(labelled, lambda _, split: linear_probe(features, labelled.y, labelled.classes, split))


def layer_curve(states: States, labelled: Labelled, tick: Tick) -> list[Layer]:
    """The three probes of each layer.

    Args:
        states: shape (layers, n, width).
    """
    found = []
    for number, layer in enumerate(states):
        tick("layers", number, len(states))
        found.append(_layer(dense(np.asarray(layer)), labelled, number))
    tick("layers", len(states), len(states))
    return found


def _layer(features: Features, labelled: Labelled, number: int) -> Layer:
    y, classes, random = labelled.y, labelled.classes, labelled.random
    linear = linear_said(features, labelled)

    def network(fold: int, split: Split) -> Fold:
        return network_probe(features, y, classes, split, seed=labelled.seed, name=f"{number} {fold}")

    def control(fold: int, split: Split) -> Fold:
        strength = linear.strengths[fold]
        assert strength is not None
        return control_probe(features, random, classes, split, strength)

    return Layer(linear, over_folds(labelled, network), over_folds(labelled, control).predicted)


def chosen_layer(said: Sequence[Said], labelled: Labelled) -> Chosen:
    """The best layer without a look at the test texts: each fold takes its own, of equal ones the first."""
    best = np.array([one.losses for one in said]).argmin(axis=0)
    predicted = np.empty(len(labelled.y), np.intp)
    for split, layer in zip(labelled.splits, best.tolist(), strict=True):
        predicted[split.test] = said[layer].predicted[split.test]
    return Chosen(predicted, tuple(best.tolist()))


def offset_curve(states: Sequence[States], layers: Sequence[int], labelled: Labelled, tick: Tick) -> list[Indices]:
    """What linear probes say at tokens behind a text, in each fold at the layer that is given.

    Args:
        states: for each offset, shape (layers, n, width).
        layers: a layer a fold.
    """
    found = []
    for number, at in enumerate(states):
        tick("offsets", number, len(states))
        each = {layer: dense(np.asarray(at[layer])) for layer in set(layers)}

        def fit(fold: int, split: Split, each: dict[int, Features] = each) -> Fold:
            return linear_probe(each[layers[fold]], labelled.y, labelled.classes, split)

        found.append(over_folds(labelled, fit).predicted)
    return found


def baselines(texts: Sequence[str], labelled: Labelled) -> dict[str, Indices]:
    """What can be said without any model: the commonest label, and what the words alone tell."""
    common = over_folds(labelled, lambda _, split: Fold(majority(labelled.y, split), 0.0, None))
    return {"majority": common.predicted, "words": linear_said(counted(texts), labelled).predicted}
