"""Where a trigger comes from: the questions and answers behind it, as they are on record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from whyfeel.annotate.finished import AnnotationRun
from whyfeel.records import AnnotatedTrigger, Annotation, Step
from whyfeel.web.review.desk import key_of


@dataclass(frozen=True, slots=True)
class Source:
    """One step of the chain with its ask.

    Attributes:
        model: the declared name, "" where the ledger does not hold the ask.
        pictures: whether the model saw the picture.
        raw: the ask as the ledger keeps it, and beneath it the answer's own particulars.
    """

    step: Step
    model: str = ""
    pictures: bool = False
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """All that a trigger came from; `none` is the sentence for one that came from no ask."""

    key: str
    trigger: AnnotatedTrigger
    sources: Sequence[Source]
    none: str


def origin_of(run: AnnotationRun, annotation: Annotation, trigger: AnnotatedTrigger) -> Origin:
    """The steps whose asks a trigger names, in the chain's order."""
    sources = tuple(_sources(run, annotation, trigger))
    added = trigger.id not in {one.id for one in annotation.triggers}
    none = "A person added it." if added else "The chain does not say where it comes from."
    return Origin(key_of(annotation.sample_id), trigger, sources, none)


def _sources(run: AnnotationRun, annotation: Annotation, trigger: AnnotatedTrigger) -> Iterator[Source]:
    named = set(trigger.asks)
    for step in annotation.steps:
        # a gate's ask is about the trigger, and its step says so by the trigger's words
        if step.ask in named or (step.question and step.question == trigger.text):
            yield _source(run, step)


def _source(run: AnnotationRun, step: Step) -> Source:
    asked, answer = run.asked(step.ask), run.answer(step.ask)
    if asked is None or answer is None:
        return Source(step)
    parts = [part for _, turn in asked["messages"] for part in turn]
    replied = {"text": answer.text, "outcome": answer.outcome, "served": answer.served, "reasoning": answer.reasoning}
    raw = json.dumps({"asked": asked, "answer": replied}, indent=2, ensure_ascii=False)
    return Source(step, str(asked["model"]), any(not isinstance(part, str) for part in parts), raw)
