"""What the user asked for, in one validated record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from whyfeel.errors import UserError
from whyfeel.judging import PAIRWISE
from whyfeel.runs.options import RunOptions, checked

By = Literal["drawn", "region", "grid"]
GRID = re.compile(r"([1-9][0-9]?)x([1-9][0-9]?)")
MOST_CELLS = 100


def _grid(text: str) -> str:
    found = GRID.fullmatch(text.strip())
    if found is None or not 2 <= int(found[1]) * int(found[2]) <= MOST_CELLS:
        raise ValueError(f"expected rows and columns such as 3x3, of 2 to {MOST_CELLS} cells in all")
    return found[0]


class InterveneOptions(RunOptions):
    """The options of `whyfeel intervene`; of those of a run, the ones that the command offers.

    Attributes:
        task: the source: a file or folder of pairs, or a task.
        by: how the pictures are changed; None for what the source has.
        grid: rows and columns into which a picture is cut.
    """

    by: By | None = None
    grid: Annotated[str, AfterValidator(_grid)] = "3x3"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        rows, _, columns = self.grid.partition("x")
        return int(rows), int(columns)


def intervene_options(given: Mapping[str, Any]) -> InterveneOptions:
    """The options of an intervention.

    Raises:
        UserError: an option is wrong by itself, or two of them contradict each other; one line.
    """
    options = checked(InterveneOptions, given)
    if options.limit is not None and options.sample is not None:
        raise UserError("--limit takes the first scenes and --sample draws some: give one of them")
    if options.judge == PAIRWISE:
        raise UserError("--judge pairwise compares two answers and finds no trigger: take a judge that has a recall")
    return options
