"""How large a comparison must be: from what is asked and how scores spread to the answer `whyfeel power` prints."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from whyfeel.errors import UserError
from whyfeel.runs.compare import measure_spread
from whyfeel.stats.power import LEAST, assumed, detectable, needed

SD, RHO = 0.3, 0.5
SIZES = (50, 200, 1615)  # EIBench-Complex, a sample of Basic, and Basic
ASSUMED = (
    "The spread is assumed, not measured (an sd of 0.30 and a correlation of 0.5 are usual for trigger recall; samples "
    "that share a picture are taken for independent): --runs RUN RUN measures it."
)


def plan_power(
    n: int | None,
    difference: float | None,
    runs: tuple[Path, Path] | None,
    sd: float | None,
    rho: float | None,
    *,
    alpha: float,
    power: float,
    score: str | None = None,
    judge: str | None = None,
    data: Path | None = None,
) -> dict[str, Any]:
    """The difference that n samples show, or the samples that show a difference; one of the two is given.

    Args:
        difference: in points, at most 100.
        runs: two finished runs whose scores tell the spread; `score`, `judge` and `data` as in `compare_runs`.
        sd, rho: of a sample's score and between the systems, instead of runs.
        alpha, power: as in `stats.power.detectable`.

    Returns:
        {"asked": "n" or "difference", "n", "difference" (0 to 1), "alpha", "power", "spread", "sizes": [{"n",
        "difference"}] for EIBench's sizes, "source"}.

    Raises:
        UserError: too much is given, or too little, or a number is out of its range; or the runs do not serve.
    """
    _check(n, difference, runs, sd, rho)
    if runs is None and (score, judge, data) != (None, None, None):
        raise UserError("--score, --judge and --data are for --runs, which is not given")
    source = ASSUMED if runs is None else f"Measured on {' and '.join(repr(str(run)) for run in runs)}."
    spread = None if runs is None else measure_spread(runs, score=score, judge=judge, data=data)
    levels = {"alpha": alpha, "power": power}
    try:
        spread = spread or assumed(SD if sd is None else sd, RHO if rho is None else rho)
        if n is not None:
            answer = {"asked": "n", "n": n, "difference": detectable(spread, n, **levels)}
        else:
            gap = (difference or 0.0) / 100
            answer = {"asked": "difference", "n": needed(spread, gap, **levels), "difference": gap}
        sizes = [{"n": size, "difference": detectable(spread, size, **levels)} for size in SIZES]
    except ValueError as error:
        raise UserError(f"--n, --sd, --rho, --alpha, --power: {error}") from None
    return {**answer, **levels, "spread": asdict(spread), "sizes": sizes, "source": source}


def _check(
    n: int | None, difference: float | None, runs: tuple[Path, Path] | None, sd: float | None, rho: float | None
) -> None:
    if (n is None) == (difference is None):
        raise UserError("give either --n SAMPLES or --difference POINTS: the other one is what is answered")
    if runs is not None and (sd, rho) != (None, None):
        raise UserError("--runs measures the spread: leave --sd and --rho out")
    if difference is not None and not 100 * LEAST <= difference <= 100:
        raise UserError(f"--difference: expected points from {100 * LEAST:g} to 100, got {difference:g}")
