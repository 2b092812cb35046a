"""The sources of a study: whose texts are shown, and the samples they are about."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from whyfeel.errors import UserError
from whyfeel.judging.references import human_answer
from whyfeel.media import max_side_of
from whyfeel.records import Sample, storable
from whyfeel.runs.finished import Finished, read_finished
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.lines import read_responses
from whyfeel.runs.spec import differences
from whyfeel.study.design import Kind, Source
from whyfeel.study.options import StudyOptions
from whyfeel.tasks import open_task

HUMAN = "human"

Voices = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    """One source and what it says.

    Attributes:
        source: who it is.
        texts: sample id to text, as it can be shown.
        lacking: sample id to why there is no text.
    """

    source: Source
    texts: Mapping[str, str]
    lacking: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Slot:
    """What can become an item: a sample, and the places of the one or two sources whose texts it shows."""

    sample: Sample
    voices: Voices


@dataclass(frozen=True, slots=True)
class Material:
    """What a study is made of.

    Attributes:
        task: its name.
        samples: those any source speaks of, in the task's order.
        voices: the sources, runs first.
        images: the root of the pictures, None where there is none.
        fetched: the folder of pictures that a run fetched from URLs, None where none did.
        max_side: pixels that the longest side of a picture has at most, None for no limit: the largest limit of the
            runs, so that people see no less than any model.
    """

    task: str
    samples: tuple[Sample, ...]
    voices: tuple[Voice, ...]
    images: Path | None
    fetched: Path | None
    max_side: int | None


def read_material(options: StudyOptions) -> Material:
    """Read the runs, and the references where they are asked for.

    Raises:
        UserError: the runs are not of the same task and records, or hold the same answers; names both.
        DataError: a run is not finished, or its files are damaged.
    """
    if not options.runs:
        return _references(options)
    _check_alike(options.runs)
    runs = [read_finished(path, data=options.data) for path in options.runs]
    voices = [_said(run, name) for run, name in zip(runs, _names(runs), strict=True)]
    _check_different(voices)
    known = {id_ for run in runs for id_ in run.ids}
    task = runs[0].task
    samples = tuple(sample for sample in task if sample.id in known)
    if options.human:
        voices.append(_human(samples, alternatives=task.alternatives, seed=options.seed))
    manifest = runs[0].manifest
    images = options.images or (Path(manifest["images"]) if manifest["images"] else task.images)
    fetched = next((folder for run in runs if (folder := RunFolder(run.path).pictures).is_dir()), None)
    sides = [max_side_of(str(run.manifest["spec"].get("pictures", ""))) for run in runs]
    limited = [side for side in sides if side is not None]
    max_side = max(limited) if len(limited) == len(sides) else None
    return Material(task.name, samples, tuple(voices), images, fetched, max_side)


def _references(options: StudyOptions) -> Material:
    """The references alone, of a task as it is."""
    task = open_task(options.task or "", options.data, options.images)
    samples = tuple(task)
    voice = _human(samples, alternatives=task.alternatives, seed=options.seed)
    return Material(task.name, samples, (voice,), task.images, None, None)


def _human(samples: Sequence[Sample], *, alternatives: bool, seed: int) -> Voice:
    answers = {one.id: storable(human_answer(one, alternatives=alternatives, seed=seed)) for one in samples}
    texts = {id_: text for id_, text in answers.items() if text}
    lacking = {id_: "nobody gave a reason" for id_, text in answers.items() if not text}
    return Voice(Source(HUMAN, "human", "", ""), texts, lacking)


def _said(run: Finished, name: str) -> Voice:
    """What a run answered; a text that was not obtained is none, an empty answer is one."""
    responses = RunFolder(run.path).responses
    texts: dict[str, str] = {}
    lacking: dict[str, str] = {}
    for one in read_responses(responses):
        if one.unscored is None:
            texts[one.sample_id] = storable(one.text)
        else:
            lacking[one.sample_id] = storable(f"not obtained: {one.unscored.reason}")
    digest = hashlib.sha256(responses.read_bytes()).hexdigest()
    return Voice(Source(storable(name), "run", storable(str(run.path.resolve())), digest), texts, lacking)


def _names(runs: Sequence[Finished]) -> list[str]:
    """What tables call the runs; those of one model and strategy are told apart by their folders."""
    names = [run.name for run in runs]
    if len(set(names)) == len(names):
        return names
    folders = [run.path.resolve() for run in runs]
    short = len({folder.name for folder in folders}) == len(folders)
    return [f"{name} ({folder.name if short else folder})" for name, folder in zip(names, folders, strict=True)]


def _check_alike(paths: Sequence[Path]) -> None:
    """That the runs are about the same samples."""
    first, *others = ((path, RunFolder(path).read_manifest()["spec"]) for path in paths)
    for path, spec in others:
        there, here = ({name: one[name] for name in ("task", "data")} for one in (first[1], spec))
        if found := differences(there, here):
            raise UserError(
                f"{str(first[0])!r} and {str(path)!r} are no runs of the same records: {'; '.join(found[:2])}"
            )


def _check_different(voices: Sequence[Voice]) -> None:
    """That no run stands there twice: people would be asked to tell a text from itself."""
    seen: dict[str, str] = {}
    for source in (voice.source for voice in voices):
        if source.responses in seen:
            raise UserError(
                f"{seen[source.responses]!r} and {source.run!r} hold the same answers: leave one of them out"
            )
        seen[source.responses] = source.run


def slots_of(material: Material, kind: Kind) -> tuple[list[Slot], Counter[str]]:
    """What can become an item, and how often something cannot, by reason; n samples and s sources.

    Of a pairwise study every two sources of every sample, but for equal texts; of a rating study every text. Only of
    samples of which every source has a text: by how many items a system has, whose it is could be told.
    """
    slots: list[Slot] = []
    left_out: Counter[str] = Counter()
    sets = list(combinations(range(len(material.voices)), 2 if kind == "pairwise" else 1))
    plain = [{id_: _plain(text) for id_, text in voice.texts.items()} for voice in material.voices]
    for sample in material.samples:
        for voices in sets:
            lacking = [one for one in material.voices if sample.id not in one.texts]
            if lacking:
                left_out[lacking[0].lacking.get(sample.id, "not asked of every source")] += 1
            elif len(voices) == 2 and plain[voices[0]][sample.id] == plain[voices[1]][sample.id]:
                left_out["identical texts"] += 1
            else:
                slots.append(Slot(sample, voices))
    return slots, left_out


def draw(slots: Sequence[Slot], n: int, generator: np.random.Generator) -> list[Slot]:
    """Draw n items: every set of sources equally often, within one, and no picture more often than need be.

    A set of sources that has too few gives all it has. Where several samples share a picture, the one used least comes
    next. What is left open is drawn.

    Args:
        slots: n of them at least.
    """
    if n == len(slots):
        return list(slots)
    choices: dict[Voices, dict[str, list[Slot]]] = {}
    for place in generator.permutation(len(slots)).tolist():
        slot = slots[place]
        choices.setdefault(slot.voices, {}).setdefault(slot.sample.cluster, []).append(slot)
    room = {voices: {cluster: len(own) for cluster, own in by.items()} for voices, by in choices.items()}
    chosen: list[Slot] = []
    used: Counter[str] = Counter()
    for (voices, cluster), many in _spread(room, n).items():
        own = sorted(choices[voices][cluster], key=lambda slot: used[slot.sample.id])[:many]
        used.update(slot.sample.id for slot in own)
        chosen += own
    return chosen


def _spread(room: Mapping[Voices, Mapping[str, int]], n: int) -> Counter[tuple[Voices, str]]:
    """How many items of each set of sources and picture, n in all.

    A maximum flow from sets to pictures; what a picture takes at most grows only where nothing else is left.
    """
    left = {voices: sum(by.values()) for voices, by in room.items()}
    taken: Counter[tuple[Voices, str]] = Counter()
    used: Counter[str] = Counter()
    most = 1
    while n:
        for voices in room:
            if left[voices] and n:
                while not _placed(voices, room, taken, used, most):
                    most += 1
                left[voices] -= 1
                n -= 1
    return taken


def _placed(
    voices: Voices,
    room: Mapping[Voices, Mapping[str, int]],
    taken: Counter[tuple[Voices, str]],
    used: Counter[str],
    most: int,
) -> bool:
    """Find a picture for one more item of a set, others moving to other pictures where that makes room."""
    came: dict[Voices, tuple[Voices, str] | None] = {voices: None}  # a set to whose item would take its picture, which
    seen: set[str] = set()
    for one in (queue := [voices]):
        for cluster, many in room[one].items():
            if cluster in seen or taken[one, cluster] == many:
                continue
            seen.add(cluster)
            if used[cluster] < most:
                used[cluster] += 1
                _move(one, cluster, came, taken)
                return True
            for other in room:
                if other not in came and taken[other, cluster]:
                    came[other] = one, cluster
                    queue.append(other)
    return False


def _move(
    voices: Voices,
    cluster: str,
    came: Mapping[Voices, tuple[Voices, str] | None],
    taken: Counter[tuple[Voices, str]],
) -> None:
    """Each set on the way gives up a picture to the one before it, and takes another."""
    taken[voices, cluster] += 1
    while (before := came[voices]) is not None:
        taken[voices, before[1]] -= 1
        voices, cluster = before
        taken[voices, cluster] += 1


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
