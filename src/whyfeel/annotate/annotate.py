"""The main job of this room: `whyfeel annotate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from whyfeel.annotate.execute import PURPOSE, Gathered, Inquiry, gather, prepared
from whyfeel.annotate.manifest import ANNOTATE, ANNOTATIONS
from whyfeel.annotate.options import AnnotateOptions
from whyfeel.annotate.plan import Plan, plan_annotation
from whyfeel.errors import DataError
from whyfeel.records import KINDS, Annotation, Asking, Media, Sample, Unscored, content_id
from whyfeel.runs.folder import RunFolder, write_json, write_whole
from whyfeel.runs.phases import phases_of
from whyfeel.runs.pieces import Prepared
from whyfeel.runs.sitting import Watch
from whyfeel.strategies.self_ask import SelfAsk

SCHEMA = 1


@dataclass(frozen=True)
class AnnotationResult:
    """A finished annotation.

    Attributes:
        summary: what summary.json holds.
        folder: where everything lies.
        faults: samples that an internal fault left without triggers, with the exceptions' names.
    """

    summary: dict[str, Any]
    folder: Path
    faults: tuple[str, ...] = ()


def annotate(options: AnnotateOptions, watch: Watch) -> AnnotationResult:
    """Ask a chain of questions about every picture, and leave triggers that tell where they come from.

    Run again with the same options, it makes no call whose answer is durable and writes the same annotations.

    Raises:
        UserError: an option, the source or the folder is not what it should be.
        RunStopped, Interrupted: the run cannot go on; the same command resumes it.
    """
    plan, chain = plan_annotation(options)

    def finish(folder: RunFolder, gathered: Gathered) -> AnnotationResult:
        write_whole(folder.path / ANNOTATIONS, gathered.lines.lines())
        summary = _summary(plan, map(Annotation.from_json, gathered.lines), gathered)
        write_json(folder.summary, summary)
        return AnnotationResult(summary, folder.path, gathered.faults)

    inquiry = _inquiry(plan, chain)
    return gather(replace(inquiry, recipe=lambda bad: AnnotationRecipe(options, _hash(plan), bad)), watch, finish)


@dataclass(frozen=True)
class AnnotationRecipe:
    """How another process comes by an annotation's work.

    Attributes:
        spec: the hash of what decides the answers, and of the samples' ids: a folder may have grown meanwhile.
        bad: pictures that cannot be sent, with the reason.
    """

    options: AnnotateOptions
    spec: str
    bad: Mapping[Media, str]

    @property
    def models(self) -> tuple[str, ...]:
        """Those that are asked, as the user named them."""
        return (self.options.vlm, self.options.llm or self.options.vlm)

    def prepare(self) -> Prepared:
        """The annotation, planned once more.

        Raises:
            UserError: something is not as it was where the annotation was planned.
        """
        plan, chain = plan_annotation(self.options)
        if _hash(plan) != self.spec:
            raise DataError("the source, the prompts or whyfeel itself differ from those where it was started")
        return prepared(_inquiry(plan, chain), self.bad)


def _hash(plan: Plan) -> str:
    return content_id([dict(plan.spec), [sample.id for sample in plan.samples()]])


def _inquiry(plan: Plan, chain: SelfAsk) -> Inquiry:
    return Inquiry(ANNOTATE, plan, lambda sample: _asked(chain, sample), _lost)


def _asked(chain: SelfAsk, sample: Sample) -> Asking[dict[str, Any]]:
    annotation = yield from chain.annotate(sample)
    return annotation.to_json()


def _lost(sample: Sample, why: Unscored) -> dict[str, Any]:
    image = sample.media[0].path if sample.media else None
    return Annotation(sample.id, image, sample.emotion, sample.person, sample.question, unscored=why).to_json()


def _summary(plan: Plan, annotations: Iterable[Annotation], gathered: Gathered) -> dict[str, Any]:
    """What was found, what was dropped and why, and what it took; read once, in order."""
    counts: Mapping[str, Counter[str]] = {name: Counter() for name in ("unscored", "dropped", "kinds", "flags")}
    n = found = kept = explicit = without = 0
    for annotation in annotations:
        n += 1
        counts["flags"].update(annotation.flags)
        if annotation.unscored is not None:
            counts["unscored"][annotation.unscored.reason] += 1
            continue
        found += len(annotation.triggers)
        kept += len(annotation.kept)
        without += not annotation.kept
        counts["dropped"].update(one.drop_reason for one in annotation.triggers if one.dropped)
        counts["kinds"].update(one.kind or "unsaid" for one in annotation.kept)
        explicit += sum(one.explicit is True for one in annotation.kept)
    totals = gathered.ledger.totals([PURPOSE])
    return {
        "schema": SCHEMA,
        "kind": ANNOTATE,
        "source": plan.spec["source"],
        "vlm": plan.spec["vlm"],
        "llm": plan.spec["llm"],
        "n": n,
        "annotated": n - counts["unscored"].total(),
        "unscored": dict(sorted(counts["unscored"].items())),
        "triggers": {"found": found, "kept": kept, "explicit": explicit, "dropped": dict(counts["dropped"])},
        "kinds": {kind: counts["kinds"][kind] for kind in (*KINDS, "unsaid")},
        "without_triggers": without,
        "flags": dict(sorted(counts["flags"].items())),
        "phases": phases_of(gathered.ledger, PURPOSE, plan.routes),
        "left_out": gathered.ledger.left_out([PURPOSE]),
        "calls": totals.calls,
        "tokens": {"in": totals.tokens_in, "out": totals.tokens_out},
        "cost": totals.cost,
        "seconds": round(gathered.seconds, 2),
    }
