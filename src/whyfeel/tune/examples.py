"""What a model is trained on: questions about pictures, and the triggers that it is to name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from whyfeel.annotate.finished import AnnotationRun, read_annotation_run
from whyfeel.annotate.manifest import ANNOTATIONS
from whyfeel.annotate.review.file import REVIEW
from whyfeel.errors import UserError
from whyfeel.interop.conversations import AT_URL, NO_QUESTION
from whyfeel.interop.outgoing import Outgoing, asked, texts
from whyfeel.prompts import Prompts
from whyfeel.records import Ask, Media, Message, Sample, Trigger, numbered
from whyfeel.runs.spec import file_hashes
from whyfeel.strategies import build_strategy
from whyfeel.tasks import TASKS, open_task
from whyfeel.tasks.socratis import SOCRATIS
from whyfeel.tune.options import TuneOptions

STRATEGY = "direct"
NO_TRIGGERS = "it has no trigger"
UNNAMED = "unnamed"  # the emotion of an annotation that names none


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation to learn.

    Attributes:
        sample: whose question it is.
        messages: what a run with the strategy `direct` sends.
        target: what the model is to answer.
    """

    sample: Sample
    messages: tuple[Message, ...]
    target: str


@dataclass(frozen=True)
class Source:
    """Where the examples come from.

    Attributes:
        name: the task, or "annotation".
        files: record file to the SHA-256 of its bytes.
        images: the root of the pictures, None where there are none.
        samples: with triggers, in the source's order.
        alternatives: whether each trigger is an answer of its own.
        left_out: reason to the ids of what nothing can be learnt from.
    """

    name: str
    files: Mapping[str, str]
    images: Path | None
    samples: tuple[Sample, ...]
    alternatives: bool
    left_out: Mapping[str, list[str]]


def read_source(options: TuneOptions) -> Source:
    """The samples that SOURCE names.

    Raises:
        UserError: there is no such task, it lacks its data, or it holds nothing to learn.
        DataError: a file is malformed.
    """
    known = {info.name for info in TASKS}
    if options.source not in known and Path(options.source, "run.json").is_file():
        source = _annotation(options)
    elif options.source not in known and Path(options.source).is_dir():
        raise UserError(f"SOURCE {options.source!r} is a folder without a run.json; name a task or an annotation")
    else:
        source = _task(options.source, options.data, options.images)
    if not source.samples:
        why = "; ".join(f"{reason} ({len(ids):,})" for reason, ids in source.left_out.items())
        raise UserError(f"SOURCE {options.source!r} holds no sample to train on: {why or 'it is empty'}")
    return source


def read_eval(path: Path) -> Source:
    """The samples that are measured on instead of held-out ones.

    Raises:
        UserError, DataError: the file is missing or malformed.
    """
    return _task("jsonl", path, None)


def _task(name: str, data: Path | None, images: Path | None) -> Source:
    task = open_task(name, data, images)
    left_out = _LeftOut()
    samples = tuple(left_out.sorted_out(task))
    return Source(name, file_hashes(task.files), task.images, samples, name == SOCRATIS, left_out.reasons)


def _annotation(options: TuneOptions) -> Source:
    if options.data is not None:
        raise UserError("--data: an annotation holds its records; leave it out")
    with closing(read_annotation_run(Path(options.source))) as run:
        outgoing, left_out = Outgoing(run), _LeftOut()
        samples = tuple(left_out.sorted_out(_annotated(outgoing)))
        reasons = {**outgoing.left_out, **left_out.reasons}
        images = run.images if options.images is None else options.images
        return Source("annotation", _hashes(run), images, samples, alternatives=False, left_out=reasons)


def _annotated(outgoing: Outgoing) -> Iterator[Sample]:
    for final in outgoing.with_triggers():
        one = final.annotation
        media = () if one.image is None else (Media(one.image),)
        triggers = tuple(map(Trigger, texts(one)))
        cluster = one.sample_id if one.image is None else one.image
        yield Sample(one.sample_id, asked(one), one.emotion or UNNAMED, triggers, media, cluster)


def _hashes(run: AnnotationRun) -> dict[str, str]:
    """What decides the triggers: the annotations, and what people changed."""
    files = (run.path / ANNOTATIONS, run.path / REVIEW)
    return file_hashes(file for file in files if file.is_file())


class _LeftOut:
    """Tells what can be learnt from what cannot, and keeps the reasons."""

    def __init__(self) -> None:
        self.reasons: dict[str, list[str]] = {}

    def sorted_out(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        for sample in samples:
            if (why := _unfit(sample)) is None:
                yield sample
            else:
                self.reasons.setdefault(why, []).append(sample.id)


def _unfit(sample: Sample) -> str | None:
    if any(media.is_url for media in sample.media):
        return AT_URL
    if not sample.question.strip():
        return NO_QUESTION
    return None if sample.triggers else NO_TRIGGERS


def examples_of(source: Source, samples: tuple[Sample, ...], prompts: Prompts) -> Iterator[Example]:
    """The conversations about some samples: one a sample, or one a trigger where each is an answer of its own."""
    strategy = build_strategy(STRATEGY, prompts)
    for sample in samples:
        ask = next(strategy.respond(sample))
        assert isinstance(ask, Ask)  # `direct` asks one thing
        said = [one.text for one in sample.triggers]
        for target in said if source.alternatives else [numbered(said)]:
            yield Example(sample, ask.messages, target)
