"""The offline judge `overlap`: which annotated triggers an answer names in the annotation's own words.

It needs no model and no network, always gives the same verdict, and cannot be talked into another one. It compares
word stems: it knows no synonyms, and "not smiling" counts as "smiling".

A clause and a trigger match above the similarity THRESHOLD. The rule: the 95th percentile of the similarity of two
triggers of different images with the same emotion (5% false positives among pairs), but never less than what two
triggers of median weight have that share only the commonest stem. On EIBench basic the percentile is 0.160 (300,000
seeded pairs) and the floor 2 * 2.86 / (2 * 14.4) = 0.198, rounded to 0.20; above it lie 4.3% of the pairs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from whyfeel.judging.claims import Clause, Statement, statements, trigger_stems
from whyfeel.judging.counts import CountsTally, match_counts, weight
from whyfeel.records import Asking, Judgement, Response, Sample, Unscored

THRESHOLD = 0.20
_TIE = 1e-7  # prefers earlier clauses and keeps the annotation's order where the sum of similarities is the same


@dataclass(frozen=True, slots=True)
class Weights:
    """How telling a stem is: ln((n + 1) / (df + 1/2)) over n annotated triggers, df of which have it; above 0."""

    triggers: int
    frequency: Counter[str]

    @classmethod
    def of(cls, corpus: Iterable[Sample]) -> Weights:
        """Count the stems of all triggers in one pass."""
        frequency: Counter[str] = Counter()
        triggers = 0
        for sample in corpus:
            for trigger in sample.triggers:
                frequency.update(trigger_stems(trigger.text))
                triggers += 1
        return cls(triggers, frequency)

    def weight(self, stems: Iterable[str]) -> float:
        """The summed weight of some stems, whatever order they come in."""
        return math.fsum(math.log((self.triggers + 1) / (self.frequency[s] + 0.5)) for s in stems)

    def similarity(self, one: frozenset[str], other: frozenset[str]) -> float:
        """Weighted Dice: twice the weight in common over the sum of weights; from 0 to 1, 0 without stems.

        It is the F of the share of `one` found in `other` and of `other` found in `one`.
        """
        common = one & other
        if not common:
            return 0.0
        return 2 * self.weight(common) / (self.weight(one) + self.weight(other))


@dataclass(frozen=True, slots=True)
class Match:
    """A clause that names a trigger.

    Attributes:
        statement, clause, trigger: where, counted from 0.
        text: the words that matched: the clause, or its whole statement where that is nearer.
        similarity: above the threshold, at most 1.
    """

    statement: int
    clause: int
    trigger: int
    text: str
    similarity: float


def assign(found: Sequence[Statement], triggers: Sequence[frozenset[str]], weights: Weights) -> list[Match]:
    """The best one-to-one assignment of clauses to triggers, in the triggers' order.

    It maximises the sum of 1 + similarity over the pairs above the threshold.
    """
    slots, near = [], []
    for s, statement in enumerate(found):
        for c in range(len(statement.clauses)):
            row = _nearest(statement, c, triggers, weights)
            if any(value > THRESHOLD for value, _ in row):
                slots.append((s, c))
                near.append(row)
    if not slots:
        return []
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - takes most of a second

    similarity = np.array([[value for value, _ in row] for row in near])
    order = np.outer(np.arange(1, len(slots) + 1) / len(slots), np.arange(len(triggers)) / len(triggers) - 1)
    gain = np.where(similarity > THRESHOLD, 1 + similarity + _TIE * order, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    pairs = sorted((int(t), int(r)) for r, t in zip(rows, columns, strict=True) if gain[r, t] > 0)
    return [Match(*slots[r], t, near[r][t][1].text, near[r][t][0]) for t, r in pairs]


def _nearest(
    statement: Statement, index: int, triggers: Sequence[frozenset[str]], weights: Weights
) -> list[tuple[float, Clause]]:
    """For each trigger, the similarity of a clause, and which words gave it."""
    spans = (statement.clauses[index], *(statement.heads if index == 0 else ()))
    return [
        max(((weights.similarity(span.stems, trigger), span) for span in spans), key=lambda pair: pair[0])
        for trigger in triggers
    ]


def unsupported(
    found: Sequence[Statement], matches: Sequence[Match], triggers: Sequence[frozenset[str]], weights: Weights
) -> list[str]:
    """The clauses that name no trigger and do not merely elaborate on one.

    A clause elaborates where at least half its weight lies in the triggers that its own statement named. So
    every clause of an enumeration is paid for, however it is punctuated, and an annotated trigger of several
    clauses is not.
    """
    used = {(match.statement, match.clause) for match in matches}
    named: dict[int, frozenset[str]] = {}
    for match in matches:
        named[match.statement] = named.get(match.statement, frozenset()) | triggers[match.trigger]
    left = []
    for s, statement in enumerate(found):
        for c, clause in enumerate(statement.clauses):
            known = clause.stems & named.get(s, frozenset())
            if (s, c) not in used and 2 * weights.weight(known) < weights.weight(clause.stems):
                left.append(clause.text)
    return left


class OverlapJudge:
    """Precision, recall and F1 of an answer's clauses against the triggers, after one-to-one assignment.

    The triggers' weights enter recall. `unsupported` is the share of an answer's claims that name no trigger:
    1 - precision, and 0 (as precision is) for an answer that claims nothing.

    Args:
        corpus: all samples of the task, read once for the weights of the stems.
    """

    name = "overlap"
    headline = "f1"
    version = ""
    roles: Mapping[str, bool] = {}
    prompts: tuple[str, ...] = ()
    note = (
        "Overlap of word stems, not verification: it knows no synonyms and takes 'not smiling' for 'smiling'. "
        "What is not annotated counts as unsupported."
    )

    def __init__(self, corpus: Iterable[Sample]) -> None:
        self._weights = Weights.of(corpus)

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """The verdict on one answer; asks nothing. An answer without claims scores 0."""
        yield from ()
        if not sample.triggers:
            return Judgement(sample.id, unscored=Unscored("no triggers", "the sample has no annotated trigger"))
        triggers = [trigger_stems(trigger.text) for trigger in sample.triggers]
        found = statements(response.text)
        matches = assign(found, triggers, self._weights)
        left = unsupported(found, matches, triggers, self._weights)
        correct = weight(sample.triggers[match.trigger] for match in matches)
        counts = match_counts(correct, weight(sample.triggers), len(matches), len(matches) + len(left))
        counts["unsupported"] = 1 - counts["precision"] if counts["claims"] else 0.0
        pairs = [[match.trigger, match.text, round(match.similarity, 3)] for match in matches]
        return Judgement(sample.id, counts, {"matched": pairs, "unsupported": left})

    def tally(self) -> CountsTally:
        """An empty tally."""
        return CountsTally(("f1", "recall", "precision", "unsupported"))
