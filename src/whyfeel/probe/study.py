"""`whyfeel probe` from its options to its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyfeel.errors import DataError
from whyfeel.models.local.checkpoint import find_local
from whyfeel.probe.curves import Labelled, Layer, Tick, baselines, chosen_layer, layer_curve, linear_said, offset_curve
from whyfeel.probe.extract import extracted
from whyfeel.probe.figures import Entry, Measured
from whyfeel.probe.files import probe_folder, write_files
from whyfeel.probe.fitting import dense
from whyfeel.probe.folds import groups_of, splits
from whyfeel.probe.options import ProbeOptions, slot_of
from whyfeel.probe.source import Material, read_source
from whyfeel.probe.states import States

SCHEMA = 1


@dataclass(frozen=True)
class Prepared:
    """What is probed, and for what.

    Attributes:
        names: of the labels, by number.
        left_out: how many texts were, with why.
    """

    material: Material
    labelled: Labelled
    names: tuple[str, ...]
    left_out: Counter[str]


def probe(options: ProbeOptions, tick: Tick = lambda *_: None) -> dict[str, Any]:
    """Probe a model's hidden states, and write probe.json and its CSV files.

    States that an earlier command has read into the folder are not read again; a command that was killed goes on
    after its last whole block.

    Args:
        tick: is told what is done, how many and of how many.

    Raises:
        UserError: an option names nothing known or is not for the source.
        SpecMismatch: the folder holds the states of another model, of other texts or of other tokens.
        DataError: a file is not what it should be, there is one label only, or there are fewer groups than folds.
        StoreFailed: the disk is full.
    """
    prepared = prepare(options)
    checkpoint = find_local(options.checkpoint)
    with probe_folder(options.out):
        states = extracted(options, checkpoint, prepared.material, tick)
        document = _document(options, prepared, states, tick)
        write_files(options.out, document)
    return document


def prepare(options: ProbeOptions) -> Prepared:
    """The texts whose label has a group for each fold, with their labels, groups and folds.

    Raises:
        UserError, DataError: as `probe`.
    """
    material, left_out = read_source(options)
    samples, folds = material.samples, options.folds
    groups = groups_of(samples)
    have: dict[str, set[int]] = {}
    for sample, group in zip(samples, groups.tolist(), strict=True):
        have.setdefault(sample.emotion, set()).add(group)
    names = tuple(sorted(name for name, those in have.items() if len(those) >= folds))
    if len(names) < 2:
        got = f"got {len(have)} ({len(set().union(*have.values()))} groups in all), {len(names)} of them with so many"
        raise DataError(f"expected at least two labels with a group for each of {folds} folds, {got}; see --folds")
    kept = [place for place, one in enumerate(samples) if one.emotion in names]
    few = Counter(one.emotion for one in samples if one.emotion not in names)
    left_out.update({f"labelled {name!r}, in fewer than {folds} groups": n for name, n in few.items()})
    y = np.array([names.index(samples[place].emotion) for place in kept], np.intp)
    numbered = np.unique(groups[kept], return_inverse=True)[1]
    labelled = Labelled(y, len(names), numbered, tuple(splits(y, numbered, folds, options.seed)), options.seed)
    return Prepared(replace(material, samples=tuple(samples[place] for place in kept)), labelled, names, left_out)


def _document(options: ProbeOptions, prepared: Prepared, states: Sequence[States], tick: Tick) -> dict[str, Any]:
    labelled = prepared.labelled
    measured = Measured(labelled.y, labelled.groups, labelled.classes, options.seed)
    bare = states[0]
    layers = layer_curve(bare[0], labelled, tick)
    known = baselines([one.question for one in prepared.material.samples], labelled)
    chosen = {
        "linear": chosen_layer([one.linear for one in layers], labelled),
        "network": chosen_layer([one.network for one in layers], labelled),
    }
    at = [bare[options.slots.index(slot_of(offset))] for offset in options.offsets]
    offsets = measured.figures(offset_curve(at, chosen["linear"].layers, labelled, tick))
    best = {
        name: figures | {"layers": list(chosen[name].layers)}
        | {"over_words": measured.difference(chosen[name].predicted, known["words"])}
        for name, figures in zip(chosen, measured.figures([one.predicted for one in chosen.values()]), strict=True)
    }  # fmt: skip
    return {
        "schema": SCHEMA,
        "source": options.source,
        "model": options.model,
        "labels": {name: int((labelled.y == number).sum()) for number, name in enumerate(prepared.names)},
        "n": len(labelled.y),
        "groups": int(labelled.groups.max()) + 1,
        "left_out": dict(prepared.left_out),
        "settings": {
            "position": options.position,
            "pictures": options.pictures,
            "folds": options.folds,
            "seed": options.seed,
            "width": bare.shape[3],
        },
        "baselines": dict(zip(known, measured.figures(list(known.values())), strict=True)),
        "best": best,
        "layers": _layers(layers, labelled, measured),
        "offsets": [{"offset": one} | found for one, found in zip(options.offsets, offsets, strict=True)],
        "contrast": [
            {"system": system, "layers": _contrast(under[0], layers, measured, labelled, tick)}
            for system, under in zip(options.systems, states[1:], strict=True)
        ],
    }


def _layers(layers: Sequence[Layer], labelled: Labelled, measured: Measured) -> list[Entry]:
    random = labelled.random
    linear = measured.figures([one.linear.predicted for one in layers])
    network = measured.figures([one.network.predicted for one in layers])
    control = replace(measured, y=random).figures([one.control for one in layers])
    return [
        {
            "layer": number,
            "linear": linear[number],
            "network": network[number],
            "control": control[number],
            "selectivity": measured.difference(layer.linear.predicted, layer.control, random),
        }
        for number, layer in enumerate(layers)
    ]


def _contrast(
    states: States, layers: Sequence[Layer], measured: Measured, labelled: Labelled, tick: Tick
) -> list[Entry]:
    """Linear probes of states under a system prompt, and their difference from those without one."""
    said = []
    for number, layer in enumerate(states):
        tick("layers under a system prompt", number, len(states))
        said.append(linear_said(dense(np.asarray(layer)), labelled).predicted)
    return [
        {"layer": number} | figures | {"difference": measured.difference(under, layer.linear.predicted)}
        for number, (figures, under, layer) in enumerate(zip(measured.figures(said), said, layers, strict=True))
    ]
