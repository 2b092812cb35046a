"""The offline judge `overlap`: which annotated triggers an answer names in the annotation's words or near ones.

It needs no model and no network, always gives the same verdict, and cannot be talked into another one. It compares
words, by their stems and WordNet's synonyms (`matching`), and sentences where it has an embedder: either way it sees
what is spoken of and not what is said of it, so that "not smiling" counts as "smiling".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.judging.claims import Statement, negates, statements
from whyfeel.judging.counts import CountsTally, match_counts, unleaked_counts, weight
from whyfeel.judging.foils import Foils
from whyfeel.judging.matching import Embed, Lexical, Matcher, Spans, Targets, given_away
from whyfeel.records import Asking, Corpus, Judgement, Response, Sample, Unscored
from whyfeel.stats.series import Floats

_NOTE = "It cannot see a negation: 'not smiling' counts as 'smiling'. What is not annotated counts as unsupported."
Pair = tuple[int, int]  # a trigger and the slot that names it

_TIE = 1e-7  # prefers earlier clauses and keeps the annotation's order where the sum of similarities is the same
_EQUAL = 1e-9  # sums of the same weights may differ in the last digit


def overlap_tally() -> CountsTally:
    """An empty tally of overlap."""
    return CountsTally(("f1", "recall", "precision", "unsupported", "contradicted"))


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """An answer held against triggers: its own sample's, and behind them those of foils.

    Attributes:
        spans: of the answer.
        targets: the triggers.
        similarity: of each span to each trigger.
        slots: of each slot to each trigger.
        lexical: the words of the answer's spans, and which trigger has them.
        leaked: whether the question gives a trigger away.
    """

    spans: Spans
    targets: Targets
    similarity: Floats
    slots: Floats
    lexical: Lexical
    leaked: NDArray[np.bool_]

    def words(self, trigger: int, slot: int) -> tuple[str, float]:
        """The words of a slot that are nearest to a trigger, and how near; the clause itself where others equal it."""
        first, end = (*self.spans.slots, len(self.spans.clauses))[slot : slot + 2]
        best = first + int(self.similarity[first:end, trigger].argmax())
        return self.spans.clauses[best].text, float(self.similarity[best, trigger])

    def unsupported(self, pairs: Sequence[Pair]) -> list[int]:
        """The slots that name no trigger and do not merely elaborate on one.

        A clause elaborates where at least half its weight lies in the triggers that its own statement named. So
        every clause of an enumeration is paid for, however it is punctuated, and an annotated trigger of several
        clauses is not.
        """
        used = {slot for _, slot in pairs}
        statement = self.spans.statement
        named: dict[int, list[int]] = {}
        for trigger, slot in pairs:
            named.setdefault(statement[slot], []).append(trigger)
        left = [slot for slot in range(len(statement)) if slot not in used]
        return [n for n in left if statement[n] not in named or not self._elaborates(n, named[statement[n]])]

    def _elaborates(self, slot: int, named: list[int]) -> bool:
        words = self.lexical.of_span(self.spans.slots[slot])
        weights = self.lexical.weights[words]
        known = weights @ self.lexical.held[words][:, named].any(axis=1)
        return bool(2 * known >= weights.sum() - _EQUAL)


class OverlapJudge:
    """Precision, recall and F1 of an answer's clauses against the triggers, after one-to-one assignment.

    Counts, beside those of `match_counts` (the triggers' weights enter recall):

    - unsupported: the share of the claims that name no trigger: 1 - precision, 0 for an answer that claims nothing.
    - contradicted: the share of the triggers that were matched by words of the other polarity: there is a negation
      in the words or in the trigger, and not in both. They count as found; they are only flagged.
    - leaked: how many triggers the question gives away.
    - recall, precision, f1 `..._unleaked`: without those, and without the claims that matched one.
    - chance, chance_unleaked: the mean F1 of the same answer against each foil; not there without foils.

    Args:
        corpus: all samples of the task, read once.
        foils: drawn from that corpus, or None.
        embed: a sentence embedder, or None to compare words only.
    """

    name = "overlap"
    headline = "kf1"
    roles: Mapping[str, bool] = {}
    prompts: tuple[str, ...] = ()
    version = "2"  # changes where the same answer would get another score

    def __init__(self, corpus: Corpus, foils: Foils | None = None, *, embed: Embed | None = None) -> None:
        self._matcher = Matcher(corpus, embed)
        self._foils = foils
        by = "words and their synonyms" if embed is None else "words, their synonyms and sentence embeddings"
        self.note = f"Overlap of {by}, not verification. {_NOTE}"

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """The verdict on one answer; asks nothing. An answer without claims scores 0."""
        yield from ()
        return self.verdict(sample, statements(response.text))

    def verdict(self, sample: Sample, found: Sequence[Statement]) -> Judgement:
        """The verdict on what an answer states."""
        if not sample.triggers:
            return Judgement(sample.id, unscored=Unscored("no triggers", "the sample has no annotated trigger"))
        held = self._hold(sample, found, self._foils.places(sample) if self._foils else ())
        counts, detail = _counted(sample, held, self._assigned(held, 0, len(sample.triggers)))
        return Judgement(sample.id, counts | self._chance(held), detail)

    def tally(self) -> CountsTally:
        """An empty tally."""
        return overlap_tally()

    def _hold(self, sample: Sample, found: Sequence[Statement], foils: Sequence[int]) -> Held:
        spans, asked = Spans.of(found), Spans.of(statements(sample.question))
        targets = self._matcher.targets(sample.triggers, foils)
        lexical = self._matcher.lexical((*spans.clauses, *asked.clauses), targets)
        count = len(spans.clauses)
        similarity = self._matcher.similarity(spans.clauses, targets, lexical.similarity[:count])
        leaked = given_away(lexical.similarity[count:])
        return Held(spans, targets, similarity, spans.best(similarity), lexical, leaked)

    def _assigned(self, held: Held, start: int, end: int) -> list[Pair]:
        near = assign(held.slots[:, start:end], self._matcher.threshold)
        return [(start + trigger, slot) for trigger, slot in near]

    def _chance(self, held: Held) -> dict[str, float]:
        """The mean F1 against the foils, and that without what the question gives away; a foil of such is left out."""
        bounds, weights, leaked = held.targets.samples.tolist(), held.targets.weights.tolist(), held.leaked.tolist()
        near = np.any(held.slots > self._matcher.threshold, axis=0).tolist()
        every: list[float] = []
        rest: list[float] = []
        for start, end in pairwise(bounds[1:]):
            pairs = self._assigned(held, start, end) if any(near[start:end]) else []
            claims = len(pairs) + len(held.unsupported(pairs)) if pairs else 0
            every.append(_f1([weights[n] for n, _ in pairs], weights[start:end], claims))
            over = [weights[n] for n in range(start, end) if not leaked[n]]
            if over:
                kept = [weights[n] for n, _ in pairs if not leaked[n]]
                rest.append(_f1(kept, over, claims - len(pairs) + len(kept)))
        counts = {"chance": every, "chance_unleaked": [] if all(leaked[: bounds[1]]) else rest}
        return {name: math.fsum(values) / len(values) for name, values in counts.items() if values}


def assign(similarity: Floats, threshold: float) -> list[tuple[int, int]]:
    """The best one-to-one assignment of slots to triggers: pairs of a trigger and a slot, in the triggers' order.

    It maximises the sum of 1 + similarity over the pairs above the threshold.

    Args:
        similarity: shape (slots, triggers).
        threshold: what does not exceed it is no match.

    >>> assign(np.array([[0.9, 0.8], [0.7, 0.1]]), 0.5)
    [(0, 1), (1, 0)]
    """
    above = similarity > threshold
    slots = np.flatnonzero(np.any(above, axis=1))
    if not len(slots):
        return []
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - takes most of a second

    count = similarity.shape[1]
    order = np.arange(1, len(slots) + 1)[:, None] / len(slots) * (np.arange(count) / count - 1)
    gain = np.where(above[slots], 1 + similarity[slots] + _TIE * order, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    matched = gain[rows, columns] > 0
    return sorted(zip(columns[matched].tolist(), slots[rows[matched]].tolist(), strict=True))


def _counted(sample: Sample, held: Held, pairs: Sequence[Pair]) -> tuple[dict[str, float], dict[str, Any]]:
    """The counts of an answer against its own triggers, and their evidence."""
    gold = sample.triggers
    left = held.unsupported(pairs)
    claims = len(pairs) + len(left)
    matched = [(trigger, *held.words(trigger, slot)) for trigger, slot in pairs]
    leaked = np.flatnonzero(held.leaked[: len(gold)]).tolist()
    flagged = [trigger for trigger, text, _ in matched if negates(text) != negates(gold[trigger].text)]
    kept = [gold[trigger] for trigger, _ in pairs if trigger not in leaked]
    rest = [one for place, one in enumerate(gold) if place not in leaked]

    counts = match_counts(weight(gold[trigger] for trigger, _ in pairs), weight(gold), len(pairs), claims)
    counts["unsupported"] = 1 - counts["precision"] if claims else 0.0
    counts["contradicted"] = len(flagged) / len(gold)
    counts["leaked"] = len(leaked)
    counts |= unleaked_counts(rest, kept, claims - len(pairs) + len(kept))
    detail: dict[str, Any] = {
        "matched": [[trigger, text, round(similarity, 3)] for trigger, text, similarity in matched],
        "unsupported": [held.spans.clauses[held.spans.slots[slot]].text for slot in left],
    }
    return counts, detail | {name: some for name, some in (("leaked", leaked), ("flagged", flagged)) if some}


def _f1(found: Sequence[float], weights: Sequence[float], claims: int) -> float:
    return match_counts(math.fsum(found), math.fsum(weights), len(found), claims)["f1"]
