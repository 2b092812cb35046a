"""Whether a published table adds up: an overall figure should be the mean of its classes, weighted by their samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from whyfeel.tasks.published.figures import OVERALL, Figure

# Percentage points. Two decimals of five figures account for 0.01; the rest is left to the released scorer, whose
# classes and overall mean do not count the same samples where it could not read a score.
TOLERANCE = 0.06


@dataclass(frozen=True, slots=True)
class Cell:
    """An overall figure beside what its classes imply, in percent.

    Attributes:
        figure: the overall figure.
        implied: the mean of its classes, weighted by their samples.
    """

    figure: Figure
    implied: float

    @property
    def difference(self) -> float:
        """Percentage points from the implied to the published one."""
        return self.figure.claimed - self.implied

    @property
    def agrees(self) -> bool:
        """Whether they are the same within TOLERANCE."""
        return abs(self.difference) <= TOLERANCE


def overall_cells(figures: Iterable[Figure]) -> list[Cell]:
    """Every overall figure that has classes, in order; one without classes implies nothing and is left out."""
    rows: dict[tuple[str, ...], list[Figure]] = {}
    for one in figures:
        rows.setdefault((one.subset, one.setting, one.model.name, one.judge.name), []).append(one)
    return [cell for row in rows.values() for cell in _cells(row)]


def _cells(row: list[Figure]) -> list[Cell]:
    classes = [one for one in row if one.group != OVERALL]
    weight = sum(one.n for one in classes)
    return [
        Cell(one, sum(part.claimed * part.n for part in classes) / weight)
        for one in row
        if one.group == OVERALL and classes
    ]
