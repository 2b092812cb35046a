"""Foils: other samples' triggers. What an answer earns against them it earns by chance, or by knowing the data set."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from whyfeel.records import Corpus, Sample, rng

FoilKind = Literal["emotion", "picture"]
Places = NDArray[np.intp]


class Foils:
    """Which samples' triggers an answer is held against besides its own.

    Kind "emotion": samples of other pictures with the same emotion; of any emotion where that one has no other
    picture. An answer that knows no more than the emotion names their triggers as often as its own.
    Kind "picture": the other questions about the same picture. An answer that describes the scene, whatever was
    asked, names their triggers as often as its own.

    Args:
        corpus: all samples of the task, read once; those without triggers are no foils.
        kind: where the foils come from.
        each: how many a sample has at most.
        seed: of the draw, which depends on nothing else but the sample's id and the corpus.
    """

    def __init__(self, corpus: Corpus, kind: FoilKind, each: int, seed: int) -> None:
        self.each = each
        self._kind: FoilKind = kind
        self._seed = seed
        places: list[int] = []
        codes: list[tuple[int, int]] = []
        of_emotion: dict[str, list[int]] = {}
        for place, sample in enumerate(corpus):
            if sample.triggers:
                of_emotion.setdefault(sample.emotion, []).append(len(places))
                places.append(place)
                codes.append(_codes(sample))
        self._places = np.array(places, np.intp)
        self._ids, self._clusters = np.array(codes, np.int64).reshape(-1, 2).T
        self._of_emotion = {emotion: np.array(rows, np.intp) for emotion, rows in of_emotion.items()}

    def places(self, sample: Sample) -> list[int]:
        """The positions in the corpus of a sample's foils, ascending; [] where it has none."""
        own_id, own_cluster = _codes(sample)
        if self._kind == "picture":
            return self._drawn(np.flatnonzero((self._clusters == own_cluster) & (self._ids != own_id)), sample)
        pool = self._of_emotion.get(sample.emotion, np.empty(0, np.intp))
        others = pool[self._clusters[pool] != own_cluster]
        return self._drawn(others if len(others) else np.flatnonzero(self._clusters != own_cluster), sample)

    def _drawn(self, rows: Places, sample: Sample) -> list[int]:
        if len(rows) > self.each:
            generator = rng(self._seed, "foils", sample.id)
            rows = np.sort(rows[generator.choice(len(rows), self.each, replace=False, shuffle=False)])
        return [int(place) for place in self._places[rows]]


def _codes(sample: Sample) -> tuple[int, int]:
    """Numbers that are equal for one id, and for one picture; they are compared, never ordered or kept."""
    return hash(sample.id), hash(sample.cluster)
