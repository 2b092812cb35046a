"""What people made of a run's annotations: the triggers that count in the end, and who says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from whyfeel.annotate.finished import AnnotationRun
from whyfeel.annotate.review.edits import BadEdit
from whyfeel.annotate.review.file import REVIEW, Work, read_review, seen
from whyfeel.annotate.review.fold import differ, in_effect, reviewed
from whyfeel.errors import DataError
from whyfeel.records import AnnotatedTrigger, Annotation

Status = Literal["automatic", "reviewed", "adjudicated", "disputed"]


@dataclass(frozen=True, slots=True)
class Final:
    """One annotation in the end.

    Attributes:
        annotation: its triggers are as people left them.
        status: "automatic" where nobody has finished it; "reviewed" by one, or by two whose edits come to the same;
            "adjudicated"; "disputed" where two differ and nobody settled it: then its triggers are the first one's.
        reviewers: who finished it, the first one first, an adjudicator ("adjudicator:" and a name) last.
        edits: how many of the edits that led to these triggers are in effect.
    """

    annotation: Annotation
    status: Status
    reviewers: tuple[str, ...]
    edits: int


def final_annotations(run: AnnotationRun) -> Iterator[Final]:
    """The annotations of a run as people left them, in its order; as they were made where nobody reviewed.

    Raises:
        DataError: an annotation is no longer the one that was reviewed, or a file is damaged.
        StoreFailed: the review cannot be read.
    """
    review = read_review(run.path / REVIEW)
    for annotation in run.annotations():
        yield _final(run, annotation, review.get(seen(annotation), Work()))


def left_by(run: AnnotationRun, annotation: Annotation, work: Work, reviewer: str) -> tuple[AnnotatedTrigger, ...]:
    """The triggers as one person left them.

    Raises:
        DataError: the annotation is no longer the one that was reviewed.
    """
    try:
        return reviewed(annotation, work.edits.get(reviewer, ()))
    except BadEdit as error:
        file, item = str(run.path / REVIEW), annotation.sample_id
        why = f"{file!r}: what {reviewer!r} changed in {item!r} does not fit its annotation ({error})"
        raise DataError(f"{why}; put back the annotation that was reviewed") from None


def _final(run: AnnotationRun, annotation: Annotation, work: Work) -> Final:
    names = (*work.finishers, *filter(None, [work.adjudicator]))
    if not names:
        return Final(annotation, "automatic", (), 0)
    decisive = work.adjudicator or names[0]
    triggers = left_by(run, annotation, work, decisive)
    count = len(in_effect(work.edits.get(decisive, ())))
    return Final(replace(annotation, triggers=triggers), _status(work), names, count)


def _status(work: Work) -> Status:
    if work.adjudicator:
        return "adjudicated"
    one, *others = (work.edits.get(name, ()) for name in work.finishers)
    return "disputed" if any(differ(one, other) for other in others) else "reviewed"
