"""How near two word stems are in meaning, by WordNet 3.0.

The table in wordnet/ says which synsets a stem stands for and which synsets are neighbours; scripts/make_synonyms.py
made it and tells by which rules. Nearness is counted in tenths, so that it fits a byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

SAME, SYNSET, NEIGHBOUR = 10, 8, 6  # tenths: one stem, a synset in common, synsets that are neighbours

Tenths = NDArray[np.uint8]


class Synonyms:
    """Stems and their synsets.

    Args:
        table: stems (UTF-8, one a line, sorted); of each stem how many synsets it has (`senses`) and which (`synsets`,
            behind each other); of each synset how many neighbours of a higher number it has (`neighbours`) and which
            (`others`).
    """

    def __init__(self, table: Mapping[str, NDArray[Any]]) -> None:
        self._number = {stem: n for n, stem in enumerate(table["stems"].tobytes().decode().split("\n"))}
        self._first = _starts(table["senses"])
        self._synsets = table["synsets"].astype(np.intp)
        count = len(table["neighbours"])
        here, there = np.repeat(np.arange(count), table["neighbours"]), table["others"].astype(np.intp)
        one, two = np.concatenate([here, there]), np.concatenate([there, here])  # a neighbour is one both ways
        self._others = two[np.argsort(one, kind="stable")].astype(np.int32)
        self._first_other = _starts(np.bincount(one, minlength=count))
        self._none = count  # stands for "no synset", so that each stem has one

    def synsets(self, stem: str) -> NDArray[np.intp]:
        """The numbers of a stem's synsets, at least one: a last one that is no stem's own."""
        at = self._number.get(stem)
        own = self._synsets[:0] if at is None else self._synsets[self._first[at] : self._first[at + 1]]
        return np.append(own, self._none)

    def tags(self, stem: str) -> Tenths:
        """Of each synset what a stem that stands for it is to this one: SYNSET, NEIGHBOUR or 0."""
        tags = np.zeros(self._none + 1, np.uint8)
        own = self.synsets(stem)[:-1]
        for synset in own.tolist():
            tags[self._others[self._first_other[synset] : self._first_other[synset + 1]]] = NEIGHBOUR
        tags[own] = SYNSET
        return tags


class Vocabulary:
    """Some stems, to find how near each of them is to any other.

    Args:
        table: the synsets.
        numbers: the stems, numbered from 0 in their order.
    """

    def __init__(self, table: Synonyms, numbers: Mapping[str, int]) -> None:
        self._table = table
        self._numbers = numbers
        synsets = [table.synsets(stem) for stem in numbers]
        self._synsets = np.concatenate(synsets).astype(np.int32)
        self._first = _starts([len(own) for own in synsets])[:-1]

    def nearness(self, stem: str) -> Tenths:
        """Of each stem of the vocabulary, in tenths: SAME, SYNSET, NEIGHBOUR or 0; shape (stems,).

        >>> stems = ["cake", "tart", "dessert", "quarrel"]
        >>> Vocabulary(synonyms(), {stem: n for n, stem in enumerate(stems)}).nearness("cake").tolist()
        [10, 0, 0, 0]
        """
        near: Tenths = np.maximum.reduceat(self._table.tags(stem)[self._synsets], self._first)
        if stem in self._numbers:
            near[self._numbers[stem]] = SAME
        return near


@cache
def synonyms() -> Synonyms:
    """The table that is shipped; read when it is first needed, in some 40 ms and 8 MB."""
    shipped = files("whyfeel.judging").joinpath("wordnet/synonyms.npz")
    with shipped.open("rb") as file, np.load(file, allow_pickle=False) as table:
        return Synonyms(table)


def _starts(counts: ArrayLike) -> NDArray[np.intp]:
    """Where each of some pieces that lie behind each other starts, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.intp)])
