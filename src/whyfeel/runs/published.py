"""`whyfeel published`: every published figure, claimed beside measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.errors import UserError
from whyfeel.runs.judged import Given, read_given
from whyfeel.tasks.published import (
    OFFICIAL,
    TOLERANCE,
    Figure,
    Published,
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


@dataclass(frozen=True, slots=True)
class _Choice:
    """The run that is shown for a figure.

    Attributes:
        given: the run, None where there is none.
        why: why it may not be held against the figure, "" where it may.
        fit: how many of those given might have been.
    """

    given: Given | None
    why: str = ""
    fit: int = 0


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
        raise UserError(f"there are no published figures of {benchmark!r}; there are those of {BENCHMARK} and socratis")
    table = load_published()
    given, aside = read_given(runs, table)
    choices = [_choice(figure, given, table) for figure in table.figures]
    rows = [_row(figure, choice) for figure, choice in zip(table.figures, choices, strict=True)]
    counts = Counter(row["status"] for row in rows)
    return {
        "benchmark": BENCHMARK,
        "source": dict(table.source),
        "unit": "percent",
        "rows": rows,
        "counts": {status: counts[status] for status in STATUSES},
        "arithmetic": _arithmetic(table),
        "left_out": aside,
        "notes": list(dict.fromkeys(_notes(table.figures, choices))),
        "bars": list(dict.fromkeys(one.bar for one in table.figures if one.bar)),
        "next": _next(table.figures, rows),
    }


def _choice(figure: Figure, given: Sequence[Given], table: Published) -> _Choice:
    """One that may be held against the figure before one that may not, then the latest."""
    found = [(one, _why(figure, one, table)) for one in _candidates(figure, given)]
    if not found:
        return _Choice(None)
    shown, why = max(found, key=lambda pair: (not pair[1], pair[0].order))
    return _Choice(shown, why, sum(not why for _, why in found))


def _candidates(figure: Figure, given: Sequence[Given]) -> list[Given]:
    """Runs of the figure's row by its judge; where no official judge judged any, those of another judge."""
    row = [one for one in given if of_row(figure, one.run)]
    official = [one for one in row if one.run.judge in OFFICIAL]
    return [one for one in official if one.run.judge == figure.judge.judge] if official else row


def _why(figure: Figure, given: Given, table: Published) -> str:
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


def _row(figure: Figure, choice: _Choice) -> dict[str, Any]:
    row = {**_named(figure), "group": figure.group, "claimed": figure.claimed}
    if choice.given is None:
        nothing = dict.fromkeys(("measured", "low", "high", "corrected", "difference"))
        status = GONE if figure.withdrawn else NOT_YET
        return {**row, **nothing, "status": status, "why": figure.withdrawn, "run": None}
    official, corrected = (choice.given.estimate(name, figure) for name in ("official_recall", "corrected_recall"))
    measured = _percent(official.value) if official else None
    low, high = (_percent(official.low), _percent(official.high)) if official else (None, None)
    return {
        **row,
        "measured": measured,
        "low": low,
        "high": high,
        "corrected": _percent(corrected.value) if corrected else None,
        "difference": None if measured is None else round(measured - figure.claimed, 4),
        "status": NOT_COMPARABLE if choice.why else _verdict(figure.claimed, low, high),
        "why": choice.why,
        "run": str(choice.given.path),
    }


def _verdict(claimed: float, low: float | None, high: float | None) -> str:
    assert low is not None  # a run without an interval is not comparable
    assert high is not None
    return VERIFIED if low - ROUNDING <= claimed <= high + ROUNDING else DIFFERS


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


def _notes(figures: Sequence[Figure], choices: Sequence[_Choice]) -> Iterator[str]:
    """Which of several runs that fit one figure is shown."""
    for figure, choice in zip(figures, choices, strict=True):
        if choice.given is not None and choice.fit > 1:
            what = f"{figure.setting}, {figure.model.name}, {figure.judge.name}"
            yield f"{choice.fit} runs fit {what}: the later one is shown, {str(choice.given.path)!r}"


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
