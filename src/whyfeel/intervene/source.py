"""Where scenes come from: a file of pairs, or the samples of a task whose pictures are cut into cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whyfeel.errors import DataError, UserError
from whyfeel.intervene.options import By, InterveneOptions
from whyfeel.intervene.pairs import FILE, read_pairs
from whyfeel.intervene.scenes import Scene
from whyfeel.judging import FoilKind, Scorer
from whyfeel.records import Sample
from whyfeel.tasks import TASKS, Task, open_task
from whyfeel.tasks.reading import Malformed

PAIRS = "pairs"


@dataclass(frozen=True)
class Source:
    """Scenes, all of them.

    Attributes:
        by: how their pictures are changed.
        task: the scenes as they are: what a baseline and a judge know of the data.
        scenes: in the source's order.
        passed_over: samples of the task that show no picture, or several.
    """

    by: By
    task: Task
    scenes: Sequence[Scene]
    passed_over: int = 0


class PairsTask:
    """The scenes of a file of pairs as a task."""

    name = PAIRS
    macro = False
    scorer: Scorer = "complex"
    alternatives = False
    foils: FoilKind = "picture"  # as good as none: a difference of two recalls is not corrected for chance
    left_out: tuple[tuple[str, str], ...] = ()
    malformed: tuple[Malformed, ...] = ()
    images_help = "--images is the folder the image paths start from; default the folder of the file"

    def __init__(self, file: Path, images: Path | None, scenes: Sequence[Scene]) -> None:
        self.files: tuple[Path, ...] = (file,)
        self.images: Path | None = images or file.parent
        self.groups = tuple(dict.fromkeys(scene.sample.emotion for scene in scenes))
        self._scenes = scenes

    def __iter__(self) -> Iterator[Sample]:
        """The unchanged scenes, in the file's order."""
        return (scene.sample for scene in self._scenes)


def open_source(options: InterveneOptions) -> Source:
    """The scenes that a user names.

    Raises:
        UserError: there is no such file or task, or it cannot be changed in the way that `--by` says.
        DataError: a record file is missing or malformed.
    """
    named = options.task
    if named in {info.name for info in TASKS}:
        return _of_task(options)
    if options.by == "grid":
        raise UserError(f"--by grid cuts the pictures of a task, and {named!r} is none: write jsonl --data {named}")
    if options.data is not None:
        raise UserError(f"--data is for a task, and {named!r} is none: leave it out")
    if options.images is not None and not options.images.is_dir():
        raise UserError(f"--images: expected a folder, got {str(options.images)!r}")
    file = _file(Path(named))
    scenes = read_pairs(file)
    by: By = "drawn" if scenes[0].drawn else "region"
    if options.by not in {None, by}:
        has = "an image" if by == "drawn" else "a region"
        raise UserError(f"--by {options.by}: the changes in {str(file)!r} have {has}: leave --by out")
    return Source(by, PairsTask(file, options.images, scenes), scenes)


def _of_task(options: InterveneOptions) -> Source:
    if options.by not in {None, "grid"}:
        raise UserError(f"--by {options.by} needs a file of pairs; the pictures of a task are changed --by grid")
    task = open_task(options.task, options.data, options.images)
    samples = list(task)
    scenes = [Scene(sample) for sample in samples if len(sample.media) == 1]
    if not scenes:
        raise UserError(f"{task.name}: no sample has one picture, so there is nothing to blur")
    return Source("grid", task, scenes, len(samples) - len(scenes))


def _file(path: Path) -> Path:
    """The file of pairs that is named, or that lies in the folder that is named."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        names = ", ".join(info.name for info in TASKS)
        known = f"a folder with {FILE}, such a file, or a task ({names})"
        raise DataError(f"SOURCE: there is no file {str(file)!r}; expected {known}")
    return file
