"""What is probed: GoEmotions' comments, or a task's questions or pictures, each with its label."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from whyfeel.errors import DataError, UserError
from whyfeel.probe.goemotions import FINE, read_goemotions
from whyfeel.probe.options import GOEMOTIONS, ProbeOptions
from whyfeel.records import Sample
from whyfeel.runs.select import choose, selected
from whyfeel.tasks import open_task

LOOK = "Look at the person in the picture."  # what goes with a picture: a record's own question may name the emotion


@dataclass(frozen=True)
class Material:
    """What the model reads.

    Attributes:
        samples: `question` is the text that is read and `media` the pictures that are shown with it; `emotion` is the
            label.
        images: the root of the pictures.
    """

    samples: tuple[Sample, ...]
    images: Path | None


def read_source(options: ProbeOptions) -> tuple[Material, Counter[str]]:
    """The chosen samples, and how many others were left out, with why.

    Raises:
        UserError: there is no such source, or an option is not for it.
        DataError: its data are not what they should be, or there are none.
    """
    found, images, left_out = _goemotions(options) if options.source == GOEMOTIONS else _task(options)
    chosen = choose(found, limit=options.limit, sample=options.sample, seed=options.seed, purpose="probe")
    samples = tuple(selected(found, chosen))
    if not samples:
        raise DataError("there is no text to probe" + "".join(f"; {n:,} {why}" for why, n in left_out.items()))
    return Material(samples, images), left_out


def _goemotions(options: ProbeOptions) -> tuple[list[Sample], None, Counter[str]]:
    if options.data is None:
        raise UserError("goemotions needs --data: a folder with dev.tsv or test.tsv, or one of them, and labels.txt")
    if options.pictures or options.images is not None:
        raise UserError("goemotions has no pictures: leave --pictures and --images out")
    samples, left_out = read_goemotions(options.data, options.labels or FINE)
    return samples, None, left_out


def _task(options: ProbeOptions) -> tuple[list[Sample], Path | None, Counter[str]]:
    """Texts alone or pictures with one sentence for all."""
    if options.labels is not None:
        raise UserError("--labels is for goemotions; a task's labels are its emotions")
    task = open_task(options.source, options.data, options.images)
    if not options.pictures:
        return [replace(one, media=()) for one in task], task.images, Counter()
    samples = [replace(one, question=LOOK) for one in task if one.media]
    left_out = Counter({"without a picture": sum(not one.media for one in task)})
    return samples, task.images, +left_out
