"""BLEU, as sacrebleu computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from whyfeel.errors import UserError
from whyfeel.metrics.base import NO_REFERENCE, Item, Measured

MISSING = (
    "the metrics bleu and chrf need the package sacrebleu: pip install 'whyfeel[metrics]', "
    "or name others, such as --metric rouge-l,cider"
)


@dataclass(frozen=True, slots=True)
class Bleu:
    """BLEU of 1 to 4 words with the brevity penalty, from 0 to 100; 100 for an answer that is one of its references.

    An item's value is sentence BLEU: exponential smoothing, and only the orders that the answer is long enough for
    (effective order). Corpus BLEU, which is no mean of these, is `facts["corpus"]`; it and sacrebleu's signature are
    what to publish. Undefined without a reference; an empty answer has 0.

    Raises:
        UserError: sacrebleu is not installed.

    Source: Papineni et al. 2002, eq. 1 to 3; Post 2018 (sacrebleu).
    """

    name: str = "bleu"
    needs: frozenset[str] = frozenset({"references"})
    low: float = 0.0
    high: float = 100.0
    source: str = "Papineni et al. 2002, eq. 1-3; sacrebleu (Post 2018), tokeniser 13a"

    def __post_init__(self) -> None:
        sacrebleu()

    def measure(self, items: Sequence[Item]) -> Measured:
        """Sentence BLEU of each item, and corpus BLEU of those with a reference."""
        library = sacrebleu()
        return measured(library.BLEU(effective_order=True), library.BLEU(), items)


def sacrebleu() -> Any:  # noqa: ANN401 - a library without types
    """The package's metrics.

    Raises:
        UserError: it is not installed.
    """
    try:
        from sacrebleu import metrics  # noqa: PLC0415 - an extra
    except ImportError:
        raise UserError(MISSING) from None
    return metrics


def measured(single: Any, corpus: Any, items: Sequence[Item]) -> Measured:  # noqa: ANN401
    """What a metric of sacrebleu finds: of each item by one of its settings, of all items by another."""
    usable = [item for item in items if item.references]
    values = [_value(single.sentence_score(i.hypothesis, list(i.references))) if i.references else None for i in items]
    lacking = len(items) - len(usable)
    facts: dict[str, Any] = {"corpus": None}
    if usable:
        most = max(len(item.references) for item in usable)
        streams = [[item.references[k] if k < len(item.references) else None for item in usable] for k in range(most)]
        facts["corpus"] = _value(corpus.corpus_score([item.hypothesis for item in usable], streams))
        facts["signature"] = str(corpus.get_signature())
    return Measured(values, {NO_REFERENCE: lacking} if lacking else {}, facts)


def _value(score: Any) -> float:  # noqa: ANN401
    return min(float(score.score), 100.0)  # it comes out as 100.00000000000004 for a text against itself
