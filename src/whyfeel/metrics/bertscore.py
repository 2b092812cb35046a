"""BERTScore: how well the tokens of an answer and of a reference match, each by the most alike vector of the other."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.checkpoint_files import Checkpoint
from whyfeel.errors import UserError, brief
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

NO_TOKENS = "no tokens"  # only characters that the model's tokenizer leaves out
PARTS = ("precision", "recall", "f1")
LAYERS = {  # the layer that agreed best with people: Zhang et al. 2020, appendix, as the package bert-score has them
    "google-bert/bert-base-uncased": 9,
    "google-bert/bert-large-uncased": 18,
    "google-bert/bert-base-multilingual-cased": 9,
    "FacebookAI/roberta-base": 10,
    "FacebookAI/roberta-large": 17,
    "FacebookAI/xlm-roberta-base": 9,
    "FacebookAI/xlm-roberta-large": 17,
    "microsoft/deberta-xlarge-mnli": 40,
}
STATED = re.compile(r"(.+)#(\d{1,4})", re.ASCII)
CHUNK = 16_384  # tokens whose vectors are held at a time

Vectors = NDArray[np.float32]
Found = tuple[float, float, float]  # precision, recall, F1


class BertScore:
    r"""BERTScore of an answer, the best of its references; neither rescaled nor weighted by how rare words are.

    With x the vectors of the reference's tokens and y those of the answer's, all of length 1, taken from one layer:
    R = 1/|x| \sum_i max_j x_i y_j, P = 1/|y| \sum_j max_i x_i y_j, F = 2PR / (P + R). The marks of start and end may
    be matched but are not averaged over. Each figure is the maximum over the references, as in the package bert-score.

    Args:
        part: "precision", "recall" or "f1".
        model: what computes the vectors.

    Source: Zhang et al. 2020, BERTScore (arXiv 1904.09675), equations in section 3; range -1 to 1, and F is 0 where
    P + R is not above 0.
    """

    needs = frozenset({"references"})
    low, high = -1.0, 1.0
    source = "Zhang et al. 2020, arXiv 1904.09675, section 3"

    def __init__(self, part: str, model: Matching) -> None:
        self.name = "bertscore" if part == "f1" else f"bertscore-{part}"
        self._part, self._model = PARTS.index(part), model

    def measure(self, items: Sequence[Item]) -> Measured:
        """The best of each item's references; None for an empty answer, or where there is nothing to compare."""
        asked = [(item.hypothesis.strip(), _kept(item.references)) for item in items]
        why = [
            EMPTY if not hypothesis else NO_REFERENCE if not references else None for hypothesis, references in asked
        ]
        found = self._model([one for one, reason in zip(asked, why, strict=True) if reason is None])
        values: list[float | None] = []
        cut, reasons = 0, Counter[str]()
        for reason in why:
            scores, shortened = ([], False) if reason else next(found)
            values.append(max((one[self._part] for one in scores), default=None))
            cut += shortened
            if values[-1] is None:
                reasons[reason or NO_TOKENS] += 1
        return Measured(values, reasons, {**self._model.facts, "truncated": cut})


class Matching:
    """The encoder behind BERTScore, cut off above its layer; what it found is kept for the other figures.

    Args:
        checkpoint: a BERT, RoBERTa or another encoder.
        layer: whose states are used, counted from 1.

    Raises:
        UserError: the model has no such layer, or is no encoder.
    """

    def __init__(self, checkpoint: Checkpoint, layer: int) -> None:
        self._model = load_model(checkpoint, "AutoModel", ())
        config = self._model.config
        layers = getattr(getattr(self._model, "encoder", None), "layer", None)
        if layers is None or getattr(config, "is_decoder", False):
            raise UserError(f"BERTScore needs an encoder like BERT, and {checkpoint.name!r} is a {config.model_type}")
        if not 1 <= layer <= len(layers):
            raise UserError(f"BERTScore: {checkpoint.name!r} has the layers 1 to {len(layers)}, and not {layer}")
        del layers[layer:]
        # RoBERTa's vocabulary tells a word at the start from one behind a blank. The package asks for a blank, and
        # published figures have it; transformers 5 does not heed how it asks
        blank = config.model_type == "roberta"
        self._split = Splitter(checkpoint, _positions(self._model), config.vocab_size, blank=blank)
        self._fill = config.pad_token_id or 0
        self._known: dict[tuple[str, str], tuple[Found | None, bool]] = {}
        self.facts = {"checkpoint": checkpoint.digest, "model": checkpoint.name, "layer": layer}

    def __call__(self, asked: Sequence[tuple[str, Sequence[str]]]) -> Iterator[tuple[list[Found], bool]]:
        """For each answer its scores against its references, and whether a text of theirs was cut.

        A reference without tokens is passed over.
        """
        pairs = dict.fromkeys((one, other) for one, others in asked for other in others)
        self._compute([pair for pair in pairs if pair not in self._known])
        for one, others in asked:
            found = [self._known[one, other] for other in others]
            yield [scores for scores, _ in found if scores is not None], any(cut for _, cut in found)

    def _compute(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Pairs in their order, so many at a time that the vectors of their texts fit into memory."""
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        split = dict(zip(texts, self._split(texts), strict=True))
        some: list[tuple[str, str]] = []
        held: dict[str, Split] = {}
        room = CHUNK
        for pair in pairs:
            some.append(pair)
            for text in pair:
                room -= 0 if text in held else len(split[text].ids)
                held[text] = split[text]
            if room <= 0:
                self._match(some, held)
                some, held, room = [], {}, CHUNK
        if some:
            self._match(some, held)

    def _match(self, pairs: Sequence[tuple[str, str]], split: Mapping[str, Split]) -> None:
        vectors = self._vectors(split)
        for pair in pairs:
            (one, other), (these, those) = (split[text] for text in pair), (vectors[text] for text in pair)
            scores = _greedy(these, those, one, other) if any(one.own) and any(other.own) else None
            self._known[pair] = scores, one.cut or other.cut

    def _vectors(self, split: Mapping[str, Split]) -> dict[str, Vectors]:
        """For each text a vector of length 1 a token: shape (tokens, hidden)."""
        import torch  # noqa: PLC0415 - an extra, and slow

        texts = list(split)
        vectors = {}
        for batch in batches([len(split[text].ids) for text in texts]):
            ids, mask = padded([split[texts[i]].ids for i in batch], self._fill, self._model.device)
            with torch.inference_mode():
                states = self._model(ids, attention_mask=mask).last_hidden_state
                states = torch.nn.functional.normalize(states, dim=-1)
            found = states.cpu().numpy()
            check_finite(self.facts, found)
            for i, rows in zip(batch, found, strict=True):
                vectors[texts[i]] = rows[: len(split[texts[i]].ids)]
        return vectors


def bertscore(part: str, spec: str, *, local_only: bool = False) -> BertScore:
    """BERTScore's precision, recall or f1 by the checkpoint that a user named; the figures share one model.

    Args:
        part: "precision", "recall" or "f1".
        spec: a folder or Hub id and the layer, as in "FOLDER#9"; a Hub id of LAYERS needs no layer.
        local_only: whether a Hub's model may come from the Hub's cache alone.

    Raises:
        UserError: no layer is stated, or the checkpoint cannot be had or used.
    """
    stated = STATED.fullmatch(spec)
    name, layer = (stated[1], int(stated[2])) if stated else (spec, LAYERS.get(spec))
    if layer is None:
        raise UserError(f"BERTScore: expected the layer whose states are compared behind {brief(spec)}, such as #9")
    return BertScore(part, _matching(find_checkpoint(name, local_only=local_only), layer))


@functools.lru_cache(maxsize=1)
def _matching(checkpoint: Checkpoint, layer: int) -> Matching:
    return Matching(checkpoint, layer)


def _greedy(one: Vectors, other: Vectors, split: Split, others: Split) -> Found:
    """Precision, recall and F1 of the vectors of an answer against those of a reference."""
    alike = (one @ other.T).astype(np.float64)
    precision = float(alike.max(axis=1)[list(split.own)].mean())
    recall = float(alike.max(axis=0)[list(others.own)].mean())
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both > 0 else 0.0


def _positions(model: Any) -> int:  # noqa: ANN401 - torch's modules are loaded late
    """Tokens that an encoder has places for; RoBERTa counts its places from behind the number that fills up."""
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    filled = getattr(table, "padding_idx", None)
    places: int = model.config.max_position_embeddings
    return places if filled is None else places - filled - 1


def _kept(references: Sequence[str]) -> tuple[str, ...]:
    return tuple(one.strip() for one in references if one.strip())
