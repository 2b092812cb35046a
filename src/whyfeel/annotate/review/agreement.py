"""How far two reviewers agree who annotated the same items without seeing each other's edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whyfeel.annotate.finished import AnnotationRun
from whyfeel.annotate.review.file import REVIEW, read_review, seen
from whyfeel.annotate.review.final import left_by
from whyfeel.annotate.review.fold import MERGED
from whyfeel.judging.claims import statements
from whyfeel.judging.matching import Matcher, Spans
from whyfeel.judging.overlap import assign
from whyfeel.records import AnnotatedTrigger, Annotation, Sample, Trigger
from whyfeel.stats import Estimate, Series, estimate
from whyfeel.stats.agreement import krippendorff
from whyfeel.stats.resampling import Agreement, Bootstrap
from whyfeel.stats.series import Floats
from whyfeel.strategies.self_ask.readers import words_of

Triggers = Sequence[AnnotatedTrigger]


@dataclass(frozen=True, slots=True)
class ReviewAgreement:
    """How far two reviewers of the same items agree, intervals over pictures.

    Attributes:
        n: items that two have finished.
        triggers: the triggers of these items that counted before people saw them.
        alpha: Krippendorff's, nominal, on whether each of them is kept or removed; one that was merged into another
            is kept where that one is.
        f1: the mean over items of F1 between the two sets of triggers that count in the end, 1 where both are empty.
    """

    n: int
    triggers: int
    alpha: Agreement
    f1: Estimate

    def to_json(self) -> dict[str, Any]:
        """The entry in a report."""
        return {"n": self.n, "triggers": self.triggers, "alpha": self.alpha.to_json(), "f1": self.f1.to_json()}


def agreement(run: AnnotationRun, *, seed: int = 0, resamples: int = 10_000) -> ReviewAgreement:
    """How far the reviewers of a run agree, over the items that two of them have finished.

    Whoever adjudicated has no part in it. Two triggers are the same where their words are, whatever their ids; of
    those that a person added or reworded, also where `Matcher` finds the same words and synonyms in them, one to one.

    Args:
        run: with its review, if there is one.
        seed: of the resampling.
        resamples: how many, at least 1.

    Returns:
        alpha and f1 without a value, and why, where they are undefined.

    Raises:
        DataError: an annotation is no longer the one that was reviewed, or a file is damaged.
        StoreFailed: the review cannot be read.
    """
    review = read_review(run.path / REVIEW)
    twice = {item: work for item, work in review.items() if len(work.finishers) > 1}
    same = SameTriggers(run)
    kept: list[tuple[bool, bool]] = []
    pictures: list[str] = []
    scores: list[float] = []
    clusters: list[str] = []
    for annotation in run.annotations() if twice else ():
        if (work := twice.get(seen(annotation))) is None:
            continue
        one, other = (left_by(run, annotation, work, name) for name in work.finishers[:2])
        picture = annotation.image or annotation.sample_id
        kept += zip(_kept(annotation, one), _kept(annotation, other), strict=True)
        pictures += [picture] * len(annotation.kept)
        scores.append(same.f1(annotation, one, other))
        clusters.append(picture)
    ratings = np.array(kept, np.float64).reshape(-1, 2)
    alpha = krippendorff(ratings, "nominal", Bootstrap(seed, resamples, pictures))
    return ReviewAgreement(len(scores), len(kept), alpha, _mean(scores, clusters, seed, resamples))


class SameTriggers:
    """Which triggers of two people's sets are the same.

    Args:
        run: its triggers weigh the words.
    """

    def __init__(self, run: AnnotationRun) -> None:
        self._run = run
        self._matcher: Matcher | None = None

    def f1(self, annotation: Annotation, one: Triggers, other: Triggers) -> float:
        """F1 between the triggers of two sets that count, from 0 to 1; 1 where none counts in either."""
        known = {(trigger.id, trigger.text) for trigger in annotation.triggers}
        mine, theirs = ([trigger for trigger in some if not trigger.dropped] for some in (one, other))
        matched, mine, theirs = _equal(mine, theirs)
        total = 2 * matched + len(mine) + len(theirs)
        untouched = [np.array([(trigger.id, trigger.text) in known for trigger in some]) for some in (mine, theirs)]
        if mine and theirs and not all(some.all() for some in untouched):
            near = np.maximum(self._similarity(mine, theirs), self._similarity(theirs, mine).T)
            near[np.outer(*untouched)] = 0  # two different triggers of the annotation are two causes
            matched += len(assign(near, self._match().threshold))
        return 2 * matched / total if total else 1.0

    def _similarity(self, texts: Triggers, triggers: Triggers) -> Floats:
        """How near the pieces of each text come to each trigger, from 0 to 1; shape (texts, triggers)."""
        spans = [Spans.of(statements(one.text)).clauses for one in texts]
        targets = self._match().targets([Trigger(one.text) for one in triggers])
        every = self._match().lexical([span for some in spans for span in some], targets).similarity
        parts = np.split(every, np.cumsum([len(some) for some in spans])[:-1])
        return np.array([part.max(axis=0, initial=0.0) for part in parts])

    def _match(self) -> Matcher:
        if self._matcher is None:
            self._matcher = Matcher(map(_sample, self._run.annotations()))
        return self._matcher


def _sample(annotation: Annotation) -> Sample:
    triggers = tuple(Trigger(one.text) for one in annotation.triggers)
    return Sample(annotation.sample_id, annotation.question, annotation.emotion, triggers, (), annotation.sample_id)


def _equal(mine: Triggers, theirs: Triggers) -> tuple[int, list[AnnotatedTrigger], list[AnnotatedTrigger]]:
    """How many triggers are the same by their words, and those that are left of each."""
    left = list(theirs)
    rest = []
    for trigger in mine:
        words = words_of(trigger.text)
        found = next((place for place, one in enumerate(left) if words_of(one.text) == words), None)
        if found is None:
            rest.append(trigger)
        else:
            del left[found]
    return len(mine) - len(rest), rest, left


def _kept(annotation: Annotation, triggers: Triggers) -> list[bool]:
    """Whether each trigger that counted before people saw it still does, by itself or in what it was merged into."""
    by_id = {trigger.id: trigger for trigger in triggers}
    return [_counts(by_id[trigger.id], by_id) for trigger in annotation.kept]


def _counts(trigger: AnnotatedTrigger, by_id: dict[str, AnnotatedTrigger]) -> bool:
    while trigger.dropped.startswith(MERGED):
        trigger = by_id[trigger.dropped.removeprefix(MERGED)]
    return not trigger.dropped


def _mean(scores: list[float], clusters: list[str], seed: int, resamples: int) -> Estimate:
    series = Series("f1", np.array(scores, np.float64), np.ones(len(scores)))
    groups = ["all"] * len(scores)
    found = estimate([series], groups, clusters, order=["all"], macro=False, seed=seed, resamples=resamples)
    return found["f1"]["overall"]
