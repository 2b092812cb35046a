"""CIDEr and CIDEr-D: n-grams in common with what people wrote, weighted by how few pictures they belong to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from whyfeel.metrics.base import NO_REFERENCE, Item, Measured
from whyfeel.metrics.words import Gram, grams, stems, words

ORDERS = 4  # words of the longest n-gram
SIGMA = 6.0  # words by which lengths may differ before CIDEr-D minds
SCALE = 10.0  # of CIDEr-D
ONE_PICTURE = "references of one picture only"

Weights = Mapping[Gram, float]
Similarity = Callable[["Vectors", "Vectors"], float]


@dataclass(frozen=True, slots=True)
class Vectors:
    """A text as tf-idf weights.

    Attributes:
        weights: of the n-grams of 1, 2, 3 and 4 words.
        norms: the lengths of these four vectors.
        length: words of the text.
    """

    weights: tuple[Weights, ...]
    norms: tuple[float, ...]
    length: int


@dataclass(frozen=True, slots=True)
class Cider:
    """CIDEr, from 0 to 1: the mean over 1 to 4 words, and over the references, of the cosine of tf-idf vectors.

    Words are stemmed. The weight of an n-gram is its count times log(pictures / pictures whose references have it);
    the pictures are those of the run, the items of one picture taken together, so that values of different runs on
    different samples do not compare. A text of fewer than n words, or of n-grams that all pictures share, has cosine
    0 at n: a reference of two words cannot give more than 1/2. Undefined without a reference, and where only one
    picture has references, since every weight is 0 then. An empty answer has 0.

    Source: Vedantam et al. 2015, eq. 1 to 3, uniform weights (the counts are not divided by the text's length, which
    no cosine sees).
    """

    name: str = "cider"
    needs: frozenset[str] = frozenset({"references"})
    low: float = 0.0
    high: float = 1.0
    source: str = "Vedantam et al. 2015, eq. 1-3, Snowball stems, idf of this run's pictures"

    def measure(self, items: Sequence[Item]) -> Measured:
        """CIDEr of each item."""
        return _measured(items, stems, _cosine)


@dataclass(frozen=True, slots=True)
class CiderD:
    """CIDEr-D, from 0 to 10: CIDEr made harder to game, as the COCO evaluation reports it under the name CIDEr.

    As CIDEr, but words are not stemmed, an n-gram counts at most as often as the reference has it, and a difference
    of d words in length costs the factor exp(-d² / 72); times 10.

    Source: Vedantam et al. 2015, eq. 4, sigma 6.
    """

    name: str = "cider-d"
    needs: frozenset[str] = frozenset({"references"})
    low: float = 0.0
    high: float = SCALE
    source: str = "Vedantam et al. 2015, eq. 4, sigma 6, idf of this run's pictures"

    def measure(self, items: Sequence[Item]) -> Measured:
        """CIDEr-D of each item."""
        return _measured(items, words, _clipped)


def _measured(items: Sequence[Item], split: Callable[[str], list[str]], alike: Similarity) -> Measured:
    rarity = _rarity(items, split)
    lacking = sum(not item.references for item in items)
    why = {NO_REFERENCE: lacking} if lacking else {}
    if rarity is None:
        alone = len(items) - lacking
        return Measured([None] * len(items), why | ({ONE_PICTURE: alone} if alone else {}))
    values = [_mean(item, split, rarity, alike) if item.references else None for item in items]
    return Measured(values, why)


def _mean(item: Item, split: Callable[[str], list[str]], rarity: Callable[[Gram], float], alike: Similarity) -> float:
    said = _vectors(split(item.hypothesis), rarity)
    return math.fsum(alike(said, _vectors(split(one), rarity)) for one in item.references) / len(item.references)


def _rarity(items: Sequence[Item], split: Callable[[str], list[str]]) -> Callable[[Gram], float] | None:
    """log(pictures / pictures that have it) of an n-gram, one that nobody wrote counting as one picture's.

    None where references are of fewer than two pictures.
    """
    of_picture: dict[str, set[Gram]] = {}
    for item in items:
        for reference in item.references:
            of_picture.setdefault(item.cluster, set()).update(_counts(split(reference)))
    if len(of_picture) < 2:
        return None
    pictures = Counter(gram for found in of_picture.values() for gram in found)
    whole = math.log(len(of_picture))
    return lambda gram: whole - math.log(max(pictures[gram], 1))


def _counts(tokens: Sequence[str]) -> Counter[Gram]:
    return Counter(gram for order in range(1, ORDERS + 1) for gram in grams(tokens, order))


def _vectors(tokens: Sequence[str], rarity: Callable[[Gram], float]) -> Vectors:
    weights: tuple[dict[Gram, float], ...] = tuple({} for _ in range(ORDERS))
    for gram, count in _counts(tokens).items():
        weights[len(gram) - 1][gram] = count * rarity(gram)
    norms = tuple(math.sqrt(math.fsum(weight**2 for weight in one.values())) for one in weights)
    return Vectors(weights, norms, len(tokens))


def _cosine(said: Vectors, reference: Vectors) -> float:
    """The mean of the four cosines."""
    return min(_products(said, reference, clip=False) / ORDERS, 1.0)


def _clipped(said: Vectors, reference: Vectors) -> float:
    """The same, with the answer's weights held to the reference's, times what the lengths cost."""
    cost = math.exp(-((said.length - reference.length) ** 2) / (2 * SIGMA**2))
    return SCALE * min(_products(said, reference, clip=True) / ORDERS, 1.0) * cost


def _products(said: Vectors, reference: Vectors, *, clip: bool) -> float:
    total = 0.0
    for ours, theirs, size in zip(
        said.weights,
        reference.weights,
        (a * b for a, b in zip(said.norms, reference.norms, strict=True)),
        strict=True,
    ):
        common = ours.keys() & theirs.keys()
        if size:
            pairs = ((min(ours[gram], theirs[gram]) if clip else ours[gram], theirs[gram]) for gram in common)
            total += math.fsum(a * b for a, b in pairs) / size
    return total
