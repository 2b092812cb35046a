"""chrF, as sacrebleu computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from whyfeel.metrics.base import Item, Measured
from whyfeel.metrics.bleu import measured, sacrebleu


@dataclass(frozen=True, slots=True)
class Chrf:
    """chrF2: F2 over runs of 1 to 6 characters without blanks, from 0 to 100; of several references the best counts.

    100 for an answer that is one of its references. It needs no words, hence suits any language. Corpus chrF is
    `facts["corpus"]`, with sacrebleu's signature. Undefined without a reference; an empty answer has 0.

    Raises:
        UserError: sacrebleu is not installed.

    Source: Popović 2015, eq. 1; Post 2018 (sacrebleu).
    """

    name: str = "chrf"
    needs: frozenset[str] = frozenset({"references"})
    low: float = 0.0
    high: float = 100.0
    source: str = "Popović 2015, eq. 1, beta 2; sacrebleu (Post 2018)"

    def __post_init__(self) -> None:
        sacrebleu()

    def measure(self, items: Sequence[Item]) -> Measured:
        """Sentence chrF of each item, and corpus chrF of those with a reference."""
        metric = sacrebleu().CHRF()
        return measured(metric, metric, items)
