"""What is asked about: pictures, triggers and samples, and the whole data set read-only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Media:
    """A picture named by data: its path relative to the images root, with forward slashes, or its http(s) URL."""

    path: str

    @property
    def is_url(self) -> bool:
        """Whether it has to be fetched."""
        return self.path.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Trigger:
    """One annotated cause of an emotion, a short phrase or a sentence.

    Attributes:
        weight: how much it counts among its sample's triggers, above 0.
    """

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One question about one person's emotion, with the annotated triggers.

    Attributes:
        id: unique within its task and stable between releases of it.
        question: the question as released, also where it is malformed.
        emotion: the emotion asked about, in the task's own words.
        triggers: the ground truth, never with an empty text.
        media: the pictures the question is about; empty for a text-only record.
        cluster: samples that share it are not independent (the same picture); intervals resample it as one.
        flags: what is odd about the record, such as "question is a refusal".
        annotation: the ground truth as released, which the official judges show verbatim.
        rubric: what the judge of this record should mind besides, "" for nothing.
        person: whose emotion is asked about, where the record names the person apart from the question.
        caption: the released caption of the picture, "" where there is none.
        article: a text that goes with the picture, "" where there is none.
        word: what the question calls the emotion, where `emotion` is a coarser group; "" where they are the same.
    """

    id: str
    question: str
    emotion: str
    triggers: tuple[Trigger, ...]
    media: tuple[Media, ...]
    cluster: str
    flags: tuple[str, ...] = ()
    annotation: str = ""
    rubric: str = ""
    person: str = ""
    caption: str = ""
    article: str = ""
    word: str = ""


class Corpus(Protocol):
    """All samples of a task, read-only and as often as needed, for what must see the whole data set."""

    def __iter__(self) -> Iterator[Sample]:
        """Iterate over the samples in the task's order."""
        ...
