"""Long-term coherence: how much an answer's neighbouring sentences are about the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from whyfeel.metrics.base import Item, Measured

SHORT = "fewer than two sentences"


class Embedder(Protocol):
    """Texts to unit vectors; 0 for a text without tokens."""

    @property
    def digest(self) -> str:
        """Hex digits of all that decides the vectors."""
        ...

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), d)."""
        ...


@dataclass(frozen=True, slots=True)
class Coherence:
    """The mean cosine of neighbouring sentences' embeddings, from -1 to 1; 1 where one sentence is said over and over.

    With unit vectors h_1 to h_n of an answer's n sentences: (h_1·h_2 + ... + h_(n-1)·h_n) / (n - 1). A high value does
    not mean that anything was understood. The released script splits with spaCy, takes BERT's first token and leaves
    out answers that score exactly 0; here a score of 0 is a score, so that only figures of one splitter and one
    embedder compare. Undefined for an answer of fewer than two sentences.

    Args:
        sentences: splits an answer.
        embedder: its vectors.
        checkpoint: what the user named the embedder by.

    Source: EIBench (Lin et al. 2024), Long-Term Coherence, as its script long_term_scores.py computes it.
    """

    sentences: Callable[[str], Sequence[str]]
    embedder: Embedder
    checkpoint: str
    name: str = "coherence"
    needs: frozenset[str] = frozenset()
    low: float = -1.0
    high: float = 1.0
    source: str = "EIBench (Lin et al. 2024), long-term coherence"

    def measure(self, items: Sequence[Item]) -> Measured:
        """The coherence of each answer."""
        split = [list(self.sentences(item.hypothesis)) for item in items]
        different = list(dict.fromkeys(one for found in split if len(found) > 1 for one in found))
        place = {sentence: row for row, sentence in enumerate(different)}
        vectors = self.embedder(different).astype(np.float64) if different else np.zeros((0, 1))
        values = [_mean(vectors[[place[one] for one in found]]) if len(found) > 1 else None for found in split]
        short = values.count(None)
        facts = {"checkpoint": self.checkpoint, "digest": self.embedder.digest}
        return Measured(values, {SHORT: short} if short else {}, facts)


def _mean(vectors: NDArray[np.float64]) -> float:
    """The mean of n - 1 products of neighbours, given vectors of shape (n, d)."""
    return float(np.clip((vectors[:-1] * vectors[1:]).sum(axis=1).mean(), -1.0, 1.0))
