"""How near the pieces of a text are to annotated triggers, by their words or by sentence vectors.

Nearness of words, lexical: r is the share of a trigger's stems, by weight, that the text has or has a synonym of (a
synset in common counts .8, neighbouring synsets .6), p the share of the text's stems, but for padding, that the
trigger has; their F, 2pr / (p + r). With a sentence embedder, hybrid: .7 max(cosine, 0) + .3 F. A piece matches a
trigger above the threshold: the similarity that 5% of the pairs of a claim and a trigger of another picture with the
same emotion exceed, as measured on paraphrases of EIBench's triggers.

An answer is held against its own triggers and those of its foils at once, in arrays. Of the corpus a few numbers a
trigger are kept, of the words of answers their nearness to the corpus' stems, within a bound.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from whyfeel.judging.claims import Clause, Statement, bare, statements, trigger_stems
from whyfeel.judging.synonyms import SAME, Tenths, Vocabulary, synonyms
from whyfeel.records import Sample, Trigger
from whyfeel.stats.series import Floats

Embed = Callable[[list[str]], NDArray[np.float32]]  # n texts to unit rows, shape (n, d)
Places = NDArray[np.intp]

LEXICAL, HYBRID = 0.228, 0.290  # thresholds
COSINE = 0.7  # its share of a hybrid similarity
ROWS = 6 << 20  # bytes of nearness that are remembered
TEXTS = 1 << 14  # embeddings that are remembered: 25 MB of 384 numbers each


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The pieces of a text that may name a trigger, in their order.

    A slot is a clause, which may name one trigger; its spans are the words by which it may: itself, and the heads of
    its statement where it is the first of it.

    Attributes:
        clauses: the spans.
        slots: the first span of each slot, the clause itself.
        statement: of each slot, the number of its statement.
    """

    clauses: tuple[Clause, ...]
    slots: tuple[int, ...]
    statement: tuple[int, ...]

    @classmethod
    def of(cls, found: Sequence[Statement]) -> Spans:
        """The spans of some statements."""
        spans: list[Clause] = []
        slots, of = [], []
        for number, statement in enumerate(found):
            for place, clause in enumerate(statement.clauses):
                slots.append(len(spans))
                of.append(number)
                spans.append(clause)
                if place == 0:
                    spans += (head for head in statement.heads if head != clause)
        return cls(tuple(spans), tuple(slots), tuple(of))

    def best(self, similarity: Floats) -> Floats:
        """The similarity of each slot, from that of each span: shape (spans, triggers) to (slots, triggers)."""
        return np.maximum.reduceat(similarity, self.slots) if self.slots else similarity[:0]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Triggers that a text is held against, those of one sample behind those of another.

    Attributes:
        stems: numbers of all their stems, one trigger's behind another's; beyond the vocabulary those of `strange`.
        strange: stems that the corpus does not have.
        first: where each trigger starts among the stems.
        samples: where each sample starts among the triggers, and where the last one ends.
        weights: of each trigger.
        texts: of each trigger, as an embedder is shown it; empty without one.
    """

    stems: Places
    strange: tuple[str, ...]
    first: Places
    samples: Places
    weights: Floats
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lexical:
    """How near some spans are to some triggers by their words.

    Attributes:
        similarity: F, from 0 to 1; shape (spans, triggers).
        words: numbers of the spans' words but for padding, one span's behind another's.
        first: where each span starts among them, and where the last one ends.
        weights: of each word.
        held: whether a trigger has a word itself; shape (words, triggers).
    """

    similarity: Floats
    words: Places
    first: Places
    weights: Floats
    held: NDArray[np.bool_]

    def of_span(self, span: int) -> Places:
        """The words of one span."""
        return self.words[self.first[span] : self.first[span + 1]]


class Matcher:
    """Similarity to the triggers of a corpus, and to others by the corpus' weights.

    A stem weighs ln((n + 1) / (df + 1/2)), where df of the corpus' n triggers have it.

    Args:
        corpus: all samples of the task, read once.
        embed: a sentence embedder, or None to compare words only.

    Attributes:
        threshold: the similarity above which a piece of a text names a trigger.
    """

    def __init__(self, corpus: Iterable[Sample], embed: Embed | None = None) -> None:
        self.threshold = LEXICAL if embed is None else HYBRID
        self._embed = embed
        self._texts: list[str] = []  # of the corpus' triggers, for an embedder
        self._remembered: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._read(corpus)
        self._row = lru_cache(maxsize=max(256, ROWS // (len(self._numbers) + 1)))(self._nearness)

    def _read(self, corpus: Iterable[Sample]) -> None:
        numbers: dict[str, int] = {}
        frequency = array("i")
        stems, first, samples, weights = array("i"), array("i", [0]), array("i", [0]), array("d")
        for sample in corpus:
            for trigger in sample.triggers:
                for stem in _stems(trigger):
                    number = numbers.setdefault(stem, len(numbers))
                    if number == len(frequency):
                        frequency.append(0)
                    frequency[number] += 1
                    stems.append(number)
                first.append(len(stems))
                weights.append(trigger.weight)
                if self._embed is not None:
                    self._texts.append(bare(trigger.text))
            samples.append(len(weights))
        self._numbers = numbers
        self._stems = np.array(stems, np.min_scalar_type(len(numbers)))
        self._first = np.array(first, np.int32)
        self._samples = np.array(samples, np.int32)
        self._of_triggers = np.array(weights, np.float64)
        self._weight = np.log((len(weights) + 1) / (np.array(frequency, np.float64) + 0.5))
        self._unseen = float(np.log((len(weights) + 1) / 0.5))

    def targets(self, triggers: Sequence[Trigger], places: Sequence[int] = ()) -> Targets:
        """A sample's own triggers, and behind them those of the samples at some places of the corpus."""
        own = [_stems(trigger) for trigger in triggers]
        strange = tuple(dict.fromkeys(stem for some in own for stem in some if stem not in self._numbers))
        beyond = {stem: len(self._numbers) + n for n, stem in enumerate(strange)}
        mine = [self._numbers[stem] if stem in self._numbers else beyond[stem] for some in own for stem in some]
        bounds = [(int(self._samples[place]), int(self._samples[place + 1])) for place in places]
        at = np.concatenate([np.arange(0), *(np.arange(start, end) for start, end in bounds)])
        pieces = [self._stems[self._first[start] : self._first[end]] for start, end in bounds]
        lengths = np.concatenate([[len(some) for some in own], self._first[at + 1] - self._first[at]])
        return Targets(
            np.concatenate([np.array(mine, np.intp), *pieces]),
            strange,
            np.cumsum(lengths, dtype=np.intp) - lengths.astype(np.intp),
            np.cumsum([0, len(own), *(end - start for start, end in bounds)], dtype=np.intp),
            np.concatenate([[trigger.weight for trigger in triggers], self._of_triggers[at]]),
            (*(bare(trigger.text) for trigger in triggers), *(self._texts[n] for n in at)) if self._embed else (),
        )

    def lexical(self, spans: Sequence[Clause], targets: Targets) -> Lexical:
        """How near each span is to each trigger by its words."""
        names = sorted(frozenset().union(*(span.stems | span.padding for span in spans)))
        number = {name: n for n, name in enumerate(names)}
        words, first = _flat([sorted(number[stem] for stem in span.stems) for span in spans])
        weights = np.array([self._weight_of(name) for name in names])
        if not names or not len(targets.first):
            shape = len(spans), len(targets.first)
            return Lexical(np.zeros(shape), words, first, weights, np.zeros((len(names), shape[1]), np.bool_))
        near = self._near(names, targets)
        weight = np.append(self._weight, [self._unseen] * len(targets.strange))[targets.stems]
        every, first_of_all = _flat([sorted(number[stem] for stem in span.stems | span.padding) for span in spans])
        covered = np.maximum.reduceat(near[every], first_of_all[:-1]) * weight
        recall = np.add.reduceat(covered, targets.first, axis=1) / (SAME * np.add.reduceat(weight, targets.first))
        nearest = np.maximum.reduceat(near, targets.first, axis=1)
        hits = np.add.reduceat((nearest * weights[:, None])[words], first[:-1])
        precision = hits / (SAME * np.add.reduceat(weights[words], first[:-1]))[:, None]
        total = precision + recall
        f = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
        return Lexical(f, words, first, weights, nearest == SAME)

    def similarity(self, spans: Sequence[Clause], targets: Targets, lexical: Floats) -> Floats:
        """What decides a match: the lexical similarity, or the hybrid one where there is an embedder."""
        if self._embed is None or not spans or not targets.texts:
            return lexical
        vectors = self._vectors([*(span.text for span in spans), *targets.texts])
        cosine = vectors[: len(spans)] @ vectors[len(spans) :].T
        hybrid: Floats = COSINE * np.maximum(cosine, 0).astype(np.float64) + (1 - COSINE) * lexical
        return hybrid

    def given_away(self, question: str, triggers: Sequence[Trigger]) -> frozenset[int]:
        """The places of the triggers that a question names by itself: some slot of it matches one lexically."""
        spans = Spans.of(statements(question))
        near = self.lexical(spans.clauses, self.targets(triggers)).similarity
        return frozenset(np.flatnonzero(given_away(near)).tolist())

    def _weight_of(self, stem: str) -> float:
        number = self._numbers.get(stem)
        return self._unseen if number is None else float(self._weight[number])

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(synonyms(), self._numbers)

    def _nearness(self, stem: str) -> Tenths:
        return self._vocabulary.nearness(stem)

    def _near(self, names: Sequence[str], targets: Targets) -> Tenths:
        """Nearness of each word to each stem of the triggers, in tenths; shape (words, stems)."""
        near = np.empty((len(names), len(targets.stems)), np.uint8)
        known = np.minimum(targets.stems, len(self._numbers) - 1)
        for n, name in enumerate(names):
            if self._numbers:
                np.take(self._row(name), known, out=near[n])
        if targets.strange:
            beyond = Vocabulary(synonyms(), {stem: n for n, stem in enumerate(targets.strange)})
            columns = np.flatnonzero(targets.stems >= len(self._numbers))
            for n, name in enumerate(names):
                near[n, columns] = beyond.nearness(name)[targets.stems[columns] - len(self._numbers)]
        return near

    def _vectors(self, texts: list[str]) -> NDArray[np.float32]:
        """The unit vectors of some texts; those not remembered are asked for at once."""
        assert self._embed is not None
        distinct = list(dict.fromkeys(texts))
        known = {text: self._remembered[text] for text in distinct if text in self._remembered}
        new = [text for text in distinct if text not in known]
        if new:
            known |= zip(new, self._embed(new), strict=True)
        for text in distinct:
            self._remembered[text] = known[text]
            self._remembered.move_to_end(text)
        while len(self._remembered) > TEXTS:
            self._remembered.popitem(last=False)
        return np.stack([known[text] for text in texts])


def given_away(similarity: Floats) -> NDArray[np.bool_]:
    """Which triggers a question gives away, from the lexical similarity of its spans; shape (triggers,)."""
    given: NDArray[np.bool_] = np.any(similarity > LEXICAL, axis=0)
    return given


def _flat(pieces: Sequence[Sequence[int]]) -> tuple[Places, Places]:
    """Some pieces behind each other; and where each of them starts, and where the last one ends."""
    return np.array(list(chain.from_iterable(pieces)), np.intp), np.cumsum([0, *map(len, pieces)], dtype=np.intp)


def _stems(trigger: Trigger) -> list[str]:
    """A trigger's stems, sorted; one that no text has where it is without words."""
    return sorted(trigger_stems(trigger.text)) or [""]
