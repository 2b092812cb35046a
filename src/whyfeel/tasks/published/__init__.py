"""Figures that a benchmark's authors published, and what a run must be to be held against one."""

from whyfeel.tasks.published.arithmetic import TOLERANCE, Cell, overall_cells
from whyfeel.tasks.published.figures import Figure, Published, load_published
from whyfeel.tasks.published.fit import OFFICIAL, JudgedRun, left_out, of_row, unfit
from whyfeel.tasks.published.votes import PublishedVotes, load_votes

__all__ = [
    "OFFICIAL",
    "TOLERANCE",
    "Cell",
    "Figure",
    "JudgedRun",
    "Published",
    "PublishedVotes",
    "left_out",
    "load_published",
    "load_votes",
    "of_row",
    "overall_cells",
    "unfit",
]
