"""Published figures as a page: what was claimed, what the runs measured, and whether the two agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from whyfeel.prompts.published import TASKS
from whyfeel.runs.published import BENCHMARK, published
from whyfeel.runs.published_votes import SOCRATIS, published_votes
from whyfeel.site.book import Board, Book
from whyfeel.site.drawn import Scale
from whyfeel.site.pages import File, Page
from whyfeel.tasks.published.figures import OVERALL


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of one subset that one judge gave.

    Attributes:
        rows: over all samples.
        classes: of the classes of the same rows.
    """

    subset: str
    judge: str
    rows: tuple[Mapping[str, Any], ...]
    classes: tuple[Mapping[str, Any], ...]


class PublishedPage:
    """published.html, where the site has runs of a benchmark whose figures were published."""

    def pages(self, book: Book) -> Iterator[Page]:
        """One page or none."""
        figures = [board for board in book.boards if board.task.name in TASKS]
        votes = [board for board in book.boards if board.task.name == SOCRATIS]
        if figures or votes:
            values = {"figures": _figures(figures), "votes": published_votes(), "scale": Scale(0, 1)}
            yield Page("published", "Published figures", "published.html", values)

    def files(self, book: Book) -> Iterator[File]:  # noqa: ARG002 - a part of the site is asked for them
        """None."""
        yield from ()


def _figures(boards: Iterable[Board]) -> dict[str, Any] | None:
    """What `whyfeel published eibench --runs …` tells of the boards' runs, and its rows by table."""
    runs = {str(run.path): run for board in boards for run in board.runs}
    if not runs:
        return None
    document = published(BENCHMARK, [run.path for run in runs.values()])
    rows = document["rows"]
    tables = [
        Table(subset, judge, _of(rows, subset, judge, whole=True), _of(rows, subset, judge, whole=False))
        for subset, judge in dict.fromkeys((row["subset"], row["judge"]) for row in rows)
    ]
    return {**document, "tables": tables, "runs": runs}


def _of(rows: Iterable[Mapping[str, Any]], subset: str, judge: str, *, whole: bool) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        row for row in rows if (row["subset"], row["judge"]) == (subset, judge) and (row["group"] == OVERALL) == whole
    )
