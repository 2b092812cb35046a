"""The annotations of a run on their way out: what is written is counted, what is left out is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from whyfeel.annotate.finished import AnnotationRun
from whyfeel.annotate.review.final import Final, final_annotations
from whyfeel.records import Annotation

NO_TRIGGER = "no trigger counts"
NOT_ANNOTATED = "not annotated"
UNICODE = "it holds invalid Unicode"


class Outgoing:
    """A run's annotations, as people left them, and the account of what became of each.

    Attributes:
        records, triggers: how many were written.
        statuses: how many of the written records are automatic, reviewed, adjudicated or disputed.
        dropped: triggers of all annotations that do not count, by reason.
        emotions: the written records by their emotion.
        left_out: reason to the ids of the annotations that were not written.
    """

    def __init__(self, run: AnnotationRun) -> None:
        self.run = run
        self.records = self.triggers = 0
        self.statuses: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.emotions: Counter[str] = Counter()
        self.left_out: dict[str, list[str]] = {}

    def finals(self) -> Iterator[Final]:
        """The annotations that any format can hold, in the run's order; to be read once."""
        for final in final_annotations(self.run):
            annotation = final.annotation
            self.dropped.update(one.drop_reason for one in annotation.triggers if one.dropped)
            if annotation.unscored is not None and not annotation.kept:
                self.leave(final, f"{NOT_ANNOTATED}: {annotation.unscored.reason}")
            elif not _is_text(final):
                self.leave(final, UNICODE)
            else:
                yield final

    def with_triggers(self) -> Iterator[Final]:
        """Those of them in which a trigger counts."""
        for final in self.finals():
            if final.annotation.kept:
                yield final
            else:
                self.leave(final, NO_TRIGGER)

    def take(self, final: Final) -> None:
        """Count an annotation that is written."""
        self.records += 1
        self.triggers += len(final.annotation.kept)
        self.statuses[final.status] += 1
        self.emotions[final.annotation.emotion] += 1

    def leave(self, final: Final, why: str) -> None:
        """Name an annotation that is not written."""
        self.left_out.setdefault(why, []).append(final.annotation.sample_id)


def asked(annotation: Annotation) -> str:
    """The question of an annotation: as it was rebuilt for the picture, else the user's own."""
    return annotation.question if annotation.question.strip() else annotation.query


def texts(annotation: Annotation) -> list[str]:
    """The triggers that count, as texts."""
    return [trigger.text for trigger in annotation.kept]


def _is_text(final: Final) -> bool:
    """Whether UTF-8 can carry it: the name of a file on disk need not be Unicode."""
    one = final.annotation
    said = (one.sample_id, one.image or "", one.emotion, one.person, one.query, one.question)
    try:
        "".join((*said, *one.flags, *final.reviewers, *(trigger.text for trigger in one.triggers))).encode()
    except UnicodeEncodeError:
        return False
    return True
