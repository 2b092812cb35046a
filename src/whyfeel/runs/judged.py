"""Runs that were given to be held against published figures: what decides which they measure, and their scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from whyfeel.errors import DataError
from whyfeel.runs.folder import RunFolder, read_json
from whyfeel.tasks.published import Figure, JudgedRun, Published, left_out

Model = TypeVar("Model", bound=BaseModel)


class _Part(BaseModel):
    """A part of a file that is read here; what else the file holds is passed over."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class Estimated(_Part):
    """A score of one group as summary.json has it, from 0 to 1."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    why: str = ""


class _Summary(_Part):
    n: int
    scores: dict[str, dict[str, Estimated]]


class _Prompt(_Part):
    origin: str
    hash: str


class _Judge(_Part):
    name: str
    model: str | None
    gen: dict[str, Any]
    prompts: dict[str, str]
    origins: dict[str, str] = Field(default_factory=dict)  # prompt id to origin, where the judge was added later

    def is_also(self, other: _Judge) -> bool:
        """Whether both are one judge, whatever is noted of it."""
        return self.model_copy(update={"origins": other.origins}) == other


class _Spec(_Part):
    task: str
    model: str
    strategy: str
    data: dict[str, str]
    prompts: dict[str, str]
    judge: _Judge


class _Manifest(_Part):
    created: str
    spec: _Spec
    judges: dict[Annotated[str, Field(pattern=r"^[\w-]{1,80}$")], _Judge]  # the names of folders
    prompts: dict[str, _Prompt]


@dataclass(frozen=True, slots=True)
class Given:
    """One judge's scores of a run that was given.

    Attributes:
        path: the run folder.
        order: when the run was made, then its place among those given and the judge's among its own.
        run: what decides which figures it measures.
        scores: score to group to estimate, from 0 to 1.
    """

    path: Path
    order: tuple[str, int, int]
    run: JudgedRun
    scores: Mapping[str, Mapping[str, Estimated]]

    def estimate(self, score: str, figure: Figure) -> Estimated | None:
        """A score of the figure's group, None where this judge gives none."""
        return self.scores.get(score, {}).get(figure.group)


def read_given(paths: Iterable[Path], table: Published) -> tuple[list[Given], list[dict[str, str]]]:
    """The runs that figures of a table are of, once for each judge that is done, and what is left out.

    Args:
        paths: run folders; one that stands twice is read once.

    Returns:
        the judged runs, and {"run", "why"} for each run, or judge of a run, that is left out.

    Raises:
        DataError: a folder is no run folder, or a file of it is damaged.
    """
    given: list[Given] = []
    aside: list[dict[str, str]] = []
    for place, path in enumerate({path.resolve(): path for path in paths}.values()):
        judged, missed = _read(path, place, table)
        given += judged
        aside += ({"run": str(path), "why": why} for why in missed)
    return given, aside


def _read(path: Path, place: int, table: Published) -> tuple[list[Given], list[str]]:
    """What each of a run's judges gave it, and why the run, or a judge of it, is left out."""
    folder = RunFolder(path)
    manifest = _checked(_Manifest, folder.read_manifest(), folder.manifest)
    spec = manifest.spec
    if why := left_out(table.figures, spec.task, spec.model, spec.strategy):
        return [], [why]
    judged: list[Given] = []
    missed: list[str] = []
    others = ((folder.judge(name).summary, one) for name, one in manifest.judges.items() if not one.is_also(spec.judge))
    for file, judge in ((folder.summary, spec.judge), *others):
        if not file.exists():
            missed.append(f"{judge.name} has not finished: there is no {file.name}")
            continue
        summary = _checked(_Summary, read_json(file, "the scores of a finished run"), file)
        order = (manifest.created, place, len(judged))
        judged.append(Given(path, order, _judged_run(manifest, judge, summary.n), summary.scores))
    return judged, missed


def _checked(model: type[Model], value: Mapping[str, Any], path: Path) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{str(path)!r} is damaged: {where}: {first['msg']}; get it from a copy") from None


def _judged_run(manifest: _Manifest, judge: _Judge, n: int) -> JudgedRun:
    spec = manifest.spec
    return JudgedRun(
        task=spec.task,
        model=spec.model,
        strategy=spec.strategy,
        hashes=frozenset(spec.data.values()),
        prompts=_origins(spec.prompts, manifest.prompts, {}),
        judge=judge.name,
        judge_model=judge.model,
        judge_gen=judge.gen,
        judge_prompts=_origins(judge.prompts, manifest.prompts, judge.origins),
        n=n,
    )


def _origins(used: Mapping[str, str], noted: Mapping[str, _Prompt], own: Mapping[str, str]) -> dict[str, str]:
    """Where texts come from, given their hashes.

    Args:
        used: prompt id to hash.
        noted: of the run and its first judge; it tells of another judge's text only where that is the same.
        own: what is noted of the judge itself.
    """
    same = {name: noted[name].origin for name, text in used.items() if name in noted and noted[name].hash == text}
    return {name: own.get(name) or same.get(name, "") for name in used}
