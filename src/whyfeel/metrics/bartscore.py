"""BARTScore: how likely a sequence-to-sequence model finds one text after another."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence

from whyfeel.checkpoint_files import Checkpoint
from whyfeel.metrics.base import EMPTY, NO_REFERENCE, Item, Measured
from whyfeel.metrics.checkpoints import (
    Split,
    Splitter,
    batches,
    check_finite,
    find_checkpoint,
    load_model,
    padded,
)

NO_SOURCE = "no source"
DIRECTIONS = ("source-hypothesis", "hypothesis-reference", "reference-hypothesis", "f")
ROOM = 1024  # tokens computed together: a token's logits over 50,000 words take 200 kB, and the softmax as much again

Pair = tuple[str, str]  # what is read, what is to be written


class BartScore:
    r"""BARTScore: the mean log-likelihood of a text's tokens, given another text.

    1/m \sum_t log p(y_t | y_<t, x), over all m tokens of y, the marks of start and end included, as in the released
    script. The direction says what is x and what is y: source-hypothesis (faithfulness; the source is what was
    asked), reference-hypothesis (precision), hypothesis-reference (recall); f is the mean of the last two. Of several
    references it is the mean. A text that is too long is cut at its end.

    Args:
        direction: one of DIRECTIONS.
        model: what tells the likelihoods.

    Source: Yuan et al. 2021, BARTScore (arXiv 2106.11520), equation 2 with equal weights; range up to 0.
    """

    low, high = float("-inf"), 0.0
    source = "Yuan et al. 2021, arXiv 2106.11520, equation 2"

    def __init__(self, direction: str, model: Likelihood) -> None:
        self.name = f"bartscore-{direction}"
        self.needs = frozenset({"source" if direction == "source-hypothesis" else "references"})
        self._direction, self._model = direction, model

    def measure(self, items: Sequence[Item]) -> Measured:
        """The mean over each item's pairs; None for an empty answer, or without a source or reference."""
        asked = [self._pairs(item) if item.hypothesis.strip() else [] for item in items]
        self._model.compute([pair for pairs in asked for pair in pairs])
        values: list[float | None] = []
        cut, reasons = 0, Counter[str]()
        for item, pairs in zip(items, asked, strict=True):
            found = [self._model.known[pair] for pair in pairs]
            values.append(sum(value for value, _ in found) / len(found) if found else None)
            cut += any(shortened for _, shortened in found)
            if not found:
                missing = NO_SOURCE if "source" in self.needs else NO_REFERENCE
                reasons[missing if item.hypothesis.strip() else EMPTY] += 1
        return Measured(values, reasons, {**self._model.facts, "truncated": cut})

    def _pairs(self, item: Item) -> list[Pair]:
        if self._direction == "source-hypothesis":
            return [(item.source, item.hypothesis)] if item.source.strip() else []
        references = sorted(one for one in item.references if one.strip())  # the mean's last digit, too, is the same
        there = [(item.hypothesis, one) for one in references]
        back = [(one, item.hypothesis) for one in references]
        return {"hypothesis-reference": there, "reference-hypothesis": back, "f": there + back}[self._direction]


class Likelihood:
    """The model behind BARTScore; what it found is kept for the other directions.

    Args:
        checkpoint: a BART.

    Attributes:
        known: pair of texts to the mean log-likelihood of the second one's tokens, and whether one of the two was cut.
        facts: which model it is.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._model = load_model(checkpoint, "BartForConditionalGeneration", ("bart",))
        config = self._model.config
        self._split = Splitter(checkpoint, config.max_position_embeddings, config.vocab_size)
        self._start, self._fill = config.decoder_start_token_id, config.pad_token_id
        self.known: dict[Pair, tuple[float, bool]] = {}
        self.facts = {"checkpoint": checkpoint.digest, "model": checkpoint.name}

    def compute(self, pairs: Sequence[Pair]) -> None:
        """Have all pairs known."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self.known]
        texts = list(dict.fromkeys(text for pair in new for text in pair))
        split = dict(zip(texts, self._split(texts), strict=True))
        rows = [(split[read], split[written]) for read, written in new]
        for batch in batches([max(len(one.ids) for one in row) for row in rows], ROOM):
            means = self._means([rows[i] for i in batch])
            for i, mean in zip(batch, means, strict=True):
                self.known[new[i]] = mean, any(one.cut for one in rows[i])

    def _means(self, rows: Sequence[tuple[Split, Split]]) -> list[float]:
        import torch  # noqa: PLC0415 - an extra, and slow

        read, seen = padded([one.ids for one, _ in rows], self._fill, self._model.device)
        written, counted = padded([other.ids for _, other in rows], self._fill, self._model.device)
        before = written.roll(1, dims=1)  # each token is foretold from those before it
        before[:, 0] = self._start
        with torch.inference_mode():
            logits = self._model(read, attention_mask=seen, decoder_input_ids=before).logits
            lost = torch.nn.functional.cross_entropy(logits.transpose(1, 2), written, reduction="none")
            means = -(lost * counted).sum(1, dtype=torch.float64) / counted.sum(1)
        found: list[float] = means.tolist()
        check_finite(self.facts, found)
        return found


def bartscore(direction: str, spec: str, *, local_only: bool = False) -> BartScore:
    """BARTScore in one direction by the checkpoint that a user named; the directions share one model.

    Args:
        direction: one of DIRECTIONS.
        spec: a folder or Hub id.
        local_only: whether a Hub's model may come from the Hub's cache alone.

    Raises:
        UserError: the checkpoint cannot be had or used.
    """
    return BartScore(direction, _likelihood(find_checkpoint(spec, local_only=local_only)))


@functools.lru_cache(maxsize=1)
def _likelihood(checkpoint: Checkpoint) -> Likelihood:
    return Likelihood(checkpoint)
