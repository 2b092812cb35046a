"""`whyfeel published`: every published figure, claimed beside measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from whyfeel.errors import DataError, UserError
from whyfeel.runs.folder import RunFolder, read_json
from whyfeel.tasks.published import (
    OFFICIAL,
    TOLERANCE,
    Figure,
    JudgedRun,
    Published,
    left_out,
    load_published,
    of_row,
    overall_cells,
    unfit,
)

BENCHMARK = "eibench"
VERIFIED, DIFFERS, NOT_YET = "verified", "differs", "not yet run"
NOT_COMPARABLE, GONE = "not comparable", "can no longer be run"
STATUSES = (VERIFIED, DIFFERS, NOT_COMPARABLE, NOT_YET, GONE)
MISSING_AT_MOST = 0.02  # the share of a figure's samples that may lack an official score
ROUNDING = 0.005 + 1e-9  # percentage points: a figure of two decimals stands for what rounds to it

Model = TypeVar("Model", bound=BaseModel)


class _Part(BaseModel):
    """A part of a file that is read here; what else the file holds is passed over."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class _Estimate(_Part):
    value: float | None
    low: float | None
    high: float | None
    n: int
    why: str = ""


class _Summary(_Part):
    n: int
    scores: dict[str, dict[str, _Estimate]]


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
class _Given:
    """One judge's scores of a run that was given.

    Attributes:
        path: the run folder.
        order: when the run was made, and its place among the judges that were read.
        run: what decides which figures it measures.
        scores: score to group to estimate, from 0 to 1.
    """

    path: Path
    order: tuple[str, int]
    run: JudgedRun
    scores: Mapping[str, Mapping[str, _Estimate]]

    def estimate(self, score: str, figure: Figure) -> _Estimate | None:
        """A score of the figure's group, None where this judge gives none."""
        return self.scores.get(score, {}).get(figure.group)


def published(benchmark: str, runs: Sequence[Path]) -> dict[str, Any]:
    """Hold runs against the published figures of a benchmark.

    Args:
        benchmark: "eibench".
        runs: run folders; one counts once for each judge that is done with it.

    Returns:
        what `whyfeel published --json` prints; figures, measured scores, intervals and differences in percent.

    Raises:
        UserError: there are no published figures of that benchmark.
        DataError: a folder is no run folder, or a file of it is damaged.
    """
    if benchmark != BENCHMARK:
        raise UserError(f"there are no published figures of {benchmark!r}; there are those of {BENCHMARK}")
    table = load_published()
    given: list[_Given] = []
    aside: list[dict[str, str]] = []
    for path in {path.resolve(): path for path in runs}.values():
        _read(path, table, given, aside)
    rows = [_row(figure, given, table) for figure in table.figures]
    counts = Counter(row["status"] for row in rows)
    return {
        "benchmark": BENCHMARK,
        "source": dict(table.source),
        "unit": "percent",
        "rows": rows,
        "counts": {status: counts[status] for status in STATUSES},
        "arithmetic": _arithmetic(table),
        "left_out": aside,
        "notes": list(dict.fromkeys(note for one in table.figures for note in _notes(one, given, table))),
        "bars": list(dict.fromkeys(one.bar for one in table.figures if one.bar)),
        "next": _next(table.figures, rows),
    }


def _read(path: Path, table: Published, given: list[_Given], aside: list[dict[str, str]]) -> None:
    """Add a run's judges to those given, or say why the run, or a judge of it, is left aside."""
    folder = RunFolder(path)
    manifest = _checked(_Manifest, folder.read_manifest(), folder.manifest)
    spec = manifest.spec
    if why := left_out(table.figures, spec.task, spec.model, spec.strategy):
        aside.append({"run": str(path), "why": why})
        return
    others = ((folder.judge(name).summary, one) for name, one in manifest.judges.items() if not one.is_also(spec.judge))
    for place, judge in ((folder.summary, spec.judge), *others):
        if not place.exists():
            aside.append({"run": str(path), "why": f"{judge.name} has not finished: there is no {place.name}"})
            continue
        summary = _checked(_Summary, read_json(place, "the scores of a finished run"), place)
        run = _judged_run(manifest, judge, summary.n)
        given.append(_Given(path, (manifest.created, len(given)), run, summary.scores))


def _checked(model: type[Model], value: Mapping[str, Any], path: Path) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{str(path)!r} is damaged: {where}: {first['msg']}; get it from a copy") from None


def _judged_run(manifest: _Manifest, judge: _Judge, n: int) -> JudgedRun:
    spec = manifest.spec
    noted = {name: one.origin for name, one in manifest.prompts.items()}
    hashes = {name: one.hash for name, one in manifest.prompts.items()}

    def origins(prompts: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
        # the run's own note is that of its first judge; another's text is known by it only where it is the same
        return {
            name: own.get(name) or (noted[name] if hashes.get(name) == used else "") for name, used in prompts.items()
        }

    return JudgedRun(
        *(spec.task, spec.model, spec.strategy, frozenset(spec.data.values()), origins(spec.prompts, {})),
        *(judge.name, judge.model, judge.gen, origins(judge.prompts, judge.origins), n),
    )


def _row(figure: Figure, given: Sequence[_Given], table: Published) -> dict[str, Any]:
    row = {
        "subset": figure.subset,
        "setting": figure.setting,
        "model": figure.model.name,
        "judge": figure.judge.name,
        "group": figure.group,
        "claimed": figure.claimed,
        **dict.fromkeys(("measured", "low", "high", "corrected", "difference")),
    }
    if not (found := _candidates(figure, given)):
        return row | {"status": GONE if figure.withdrawn else NOT_YET, "why": figure.withdrawn, "run": None}
    shown = max(found, key=lambda one: (not _why(figure, one, table), one.order))
    return row | _compared(figure, shown, _why(figure, shown, table))


def _candidates(figure: Figure, given: Sequence[_Given]) -> list[_Given]:
    """Runs of the figure's row by its judge; where no official judge judged any, those of another judge."""
    row = [one for one in given if of_row(figure, one.run)]
    official = [one for one in row if one.run.judge in OFFICIAL]
    return [one for one in official if one.run.judge == figure.judge.judge] if official else row


def _why(figure: Figure, given: _Given, table: Published) -> str:
    """Why a run may not be held against a figure of its row, "" where it may."""
    if why := unfit(figure, given.run, table):
        return why
    found = given.estimate("official_recall", figure)
    if found is None:
        return "it has no official_recall"
    if found.value is None or found.low is None or found.high is None:
        return found.why or "it has no interval"
    missing = figure.n - found.n
    return f"{missing:,} of {figure.n:,} without a score" if missing > MISSING_AT_MOST * figure.n else ""


def _compared(figure: Figure, given: _Given, why: str) -> dict[str, Any]:
    official, corrected = (given.estimate(name, figure) for name in ("official_recall", "corrected_recall"))
    measured = _percent(official.value) if official else None
    low, high = (_percent(official.low), _percent(official.high)) if official else (None, None)
    status = NOT_COMPARABLE
    if not why and low is not None and high is not None:
        status = VERIFIED if low - ROUNDING <= figure.claimed <= high + ROUNDING else DIFFERS
    return {
        "measured": measured,
        "low": low,
        "high": high,
        "corrected": _percent(corrected.value) if corrected else None,
        "difference": None if measured is None else round(measured - figure.claimed, 4),
        "status": status,
        "why": why,
        "run": str(given.path),
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 4)


def _arithmetic(table: Published) -> dict[str, Any]:
    """Whether the overall figures are the means of their classes, and each that is not."""
    cells = overall_cells(table.figures)
    off = [cell for cell in cells if not cell.agrees]
    return {
        "rule": "overall = mean of the classes weighted by their samples",
        "tolerance": TOLERANCE,
        "checked": len(cells),
        "largest_of_the_others": round(max(abs(cell.difference) for cell in cells if cell.agrees), 4),
        "exceptions": [
            {
                **_named(cell.figure),
                "published": cell.figure.claimed,
                "implied": round(cell.implied, 4),
                "difference": round(cell.difference, 4),
            }
            for cell in off
        ],
    }


def _named(figure: Figure) -> dict[str, str]:
    return {
        "subset": figure.subset,
        "setting": figure.setting,
        "model": figure.model.name,
        "judge": figure.judge.name,
    }


def _notes(figure: Figure, given: Sequence[_Given], table: Published) -> Iterator[str]:
    """Which of several runs that fit one figure is shown."""
    fit = [one for one in _candidates(figure, given) if not _why(figure, one, table)]
    if len(fit) > 1:
        last = max(fit, key=lambda one: one.order)
        row = f"{figure.setting}, {figure.model.name}, {figure.judge.name}"
        yield f"{len(fit)} runs fit {row}: the later one is shown, {str(last.path)!r}"


def _next(figures: Sequence[Figure], rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The command that would measure the first figure that can be and has not been; None where there is none."""
    for figure, row in zip(figures, rows, strict=True):
        if row["status"] == NOT_YET and not figure.bar:
            return (
                f"whyfeel run {figure.task} --data EIBENCH --images IMAGES --model {figure.model.example} "
                f"--strategy {figure.strategy} --prompts eibench:{figure.model.family} "
                f"--judge {figure.judge.judge} --judge-model {figure.judge.example} --out RUN"
            )
    return None
