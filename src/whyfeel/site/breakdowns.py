"""The page of breakdowns: each a chart with its CSV beside it, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from whyfeel.report import numbers
from whyfeel.report.words import label
from whyfeel.site import plots
from whyfeel.site.book import Board, Book
from whyfeel.site.breakdown_data import (
    FEW,
    Breakdown,
    Cell,
    by_emotion,
    by_length,
    by_triggers,
    recall_and_precision,
    views_of,
)
from whyfeel.site.breakdown_judges import judges_compared
from whyfeel.site.breakdown_kinds import by_kind, read_kinds
from whyfeel.site.pages import File, Page
from whyfeel.stats import Estimate
from whyfeel.study.sheets import csv_text

MOST_LINES, MOST_GROUPS = 12, 24  # that a chart shows; the table and the CSV have all
RECALL = "recall-precision"


@dataclass(frozen=True, slots=True)
class Told:
    """A breakdown and where its files lie; `address` is theirs, without ".svg" and ".csv"."""

    breakdown: Breakdown
    address: str


@dataclass(frozen=True, slots=True)
class Section:
    """What one judge says of a board's runs, or all its judges together."""

    title: str
    told: tuple[Told, ...]


class Breakdowns:
    """Pages breakdowns/BOARD, and plots/*.svg with plots/*.csv."""

    def __init__(self) -> None:
        self._read: tuple[Book, dict[str, tuple[Section, ...]]] | None = None

    def pages(self, book: Book) -> Iterator[Page]:
        """A page a board."""
        found = self._sections(book)
        for board in book.boards:
            title = "Breakdowns" if len(book.boards) == 1 else f"Breakdowns: {board.task.name}"
            values = {"board": board, "sections": [_section(one) for one in found[board.slug]]}
            yield Page(f"breakdowns/{board.slug}", title, "breakdowns.html", values)

    def files(self, book: Book) -> Iterator[File]:
        """A chart and a CSV a breakdown that has something to show."""
        for sections in self._sections(book).values():
            for one in (told for section in sections for told in section.told if not told.breakdown.nothing):
                yield File(f"{one.address}.svg", plots.svg(chart_of(one.breakdown)))
                yield File(f"{one.address}.csv", csv_of(one.breakdown).encode("utf-8"))

    def _sections(self, book: Book) -> dict[str, tuple[Section, ...]]:
        """The sections of each board; pages and files ask for them one after the other."""
        if self._read is None or self._read[0] is not book:
            self._read = book, {board.slug: tuple(_sections(book, board)) for board in book.boards}
        return self._read[1]


def _sections(book: Book, board: Board) -> Iterator[Section]:
    kinds = read_kinds(book.annotations, board.samples)
    for place, view in enumerate(views_of(board), 1):
        found = (
            by_emotion(view),
            by_triggers(view, board.samples),
            by_kind(view, board.samples, kinds),
            by_length(view),
            recall_and_precision(view),
        )
        title = f"{label(view.score)}, judged by {view.title}"
        yield Section(title, tuple(Told(one, f"plots/{board.slug}-{place}-{one.slug}") for one in found))
    if compared := judges_compared(board):
        yield Section("Judge against judge", tuple(Told(one, f"plots/{board.slug}-{one.slug}") for one in compared))


def chart_of(one: Breakdown) -> plots.Chart:
    """The chart of a breakdown: of its runs the MOST_LINES best, of its groups the MOST_GROUPS largest."""
    runs, groups = _shown(one)
    lines = []
    for place, run in enumerate(runs):
        cells = [cell for cell in one.cells if cell.run == run and cell.group in groups and cell.y.value is not None]
        aside = (place - (len(runs) - 1) / 2) * 0.7 / len(runs)
        points = [_point(cell, None if one.x else groups.index(cell.group) + aside, one) for cell in cells]
        lines.append(plots.Line(run, tuple(point for point in points if point is not None)))
    x, y = one.axes or ((label(one.x[0]), label(one.score)) if one.x else (label(one.score), ""))
    return plots.Chart(
        *(x, y, tuple(lines), () if one.x else tuple(groups)),
        joined=one.joined,
        marks=one.marks,
        isolines=one.slug == RECALL,
    )


def _shown(one: Breakdown) -> tuple[list[str], list[str]]:
    """The runs and the groups that a chart shows, in their order."""
    runs = list(dict.fromkeys(cell.run for cell in one.cells))
    mean = {run: [cell.y.value or 0.0 for cell in one.cells if cell.run == run] for run in runs}
    best = sorted(runs, key=lambda run: -sum(mean[run]) / len(mean[run]))[:MOST_LINES]
    size = {group: max(cell.y.n for cell in one.cells if cell.group == group) for group in one.groups}
    largest = sorted(one.groups, key=lambda group: -size[group])[:MOST_GROUPS]
    return [run for run in runs if run in best], [group for group in one.groups if group in largest]


def _point(cell: Cell, place: float | None, one: Breakdown) -> plots.Point | None:
    """Where a cell lies: among groups, or on the breakdown's scale."""
    score, few = cell.y, cell.y.n < FEW
    assert score.value is not None
    ends = None if score.low is None or score.high is None else (score.low, score.high)
    if place is not None:
        return plots.Point(score.value, place, ends, None, few)
    across = cell.x
    if across is None or across.value is None:
        return None
    # on a line a point's own interval is that of its height
    aside = None if one.joined or across.low is None or across.high is None else (across.low, across.high)
    return plots.Point(across.value, score.value, aside, ends, few)


def csv_of(one: Breakdown) -> str:
    """The tidy CSV of a breakdown: a line a run and group, and a line for what else is known of a run."""
    heads = ("judge", "score", "run", "group", "n", "value", "low", "high", *one.x, "few", "note")
    rows = [
        [*(one.judge, one.score, cell.run, cell.group), *_figures(cell.y), *_across(cell, one), *_remarks(cell.y)]
        for cell in one.cells
    ]
    rows += [
        [*(one.judge, fact, run, ""), *_figures(figure), *("" for _ in one.x), *_remarks(figure)]
        for run, fact, figure in one.facts
    ]
    return csv_text(heads, rows)


def _figures(figure: Estimate) -> list[Any]:
    return [figure.n, figure.value, figure.low, figure.high]


def _across(cell: Cell, one: Breakdown) -> list[Any]:
    return [cell.x.value, cell.x.low, cell.x.high] if one.x and cell.x is not None else ["" for _ in one.x]


def _remarks(figure: Estimate) -> list[Any]:
    return [int(figure.n < FEW), figure.why]


def _section(section: Section) -> dict[str, Any]:
    return {"title": section.title, "told": [_shown_in_page(one) for one in section.told]}


def _shown_in_page(told: Told) -> dict[str, Any]:
    one = told.breakdown
    page: dict[str, Any] = {"title": one.title, "said": one.said, "nothing": one.nothing, "address": told.address}
    if one.nothing:
        return page
    runs = list(dict.fromkeys(cell.run for cell in one.cells))
    drawn = _shown(one)
    left_out = [
        f"the {len(shown)} {which} of {numbers.count(len(every))}"
        for shown, every, which in ((drawn[0], runs, "best runs"), (drawn[1], one.groups, "largest groups"))
        if len(shown) < len(every)
    ]
    width, height = (round(points * 4 / 3) for points in chart_of(one).size)
    heads, rows = table_of(one)
    said = f"{one.said} Drawn: {', '.join(left_out)}; the table and the CSV have all." if left_out else one.said
    return page | {"said": said, "width": width, "height": height, "heads": heads, "rows": rows}


def table_of(one: Breakdown) -> tuple[list[str], list[dict[str, Any]]]:
    """The heads of a breakdown's table, and a row a run: its name and a list of texts a cell."""
    runs = list(dict.fromkeys([*(cell.run for cell in one.cells), *(run for run, _, _ in one.facts)]))
    facts = list(dict.fromkeys(fact for _, fact, _ in one.facts))
    rows = []
    for run in runs:
        own = {cell.group: cell for cell in one.cells if cell.run == run}
        told = {fact: figure for name, fact, figure in one.facts if name == run}
        cells = [_texts(told[fact]) if fact in told else [] for fact in facts]
        if one.slug == RECALL:
            cells += [_texts(figure) for cell in own.values() for figure in (cell.x, cell.y) if figure is not None]
        else:
            cells += [_cell_texts(own[group], one) if group in own else [] for group in one.groups]
        rows.append({"run": run, "cells": cells})
    heads = ["recall", "precision"] if one.slug == RECALL else list(one.groups)
    return [*facts, *heads], rows


def _texts(figure: Estimate) -> list[str]:
    """Value, interval and n; whether they are few, and why a number is missing."""
    texts = [numbers.score(figure.value), numbers.interval(figure.low, figure.high, 3), f"n {numbers.count(figure.n)}"]
    return [*texts, *(["few"] if figure.n < FEW else []), *([figure.why] if figure.why else [])]


def _cell_texts(cell: Cell, one: Breakdown) -> list[str]:
    at = [f"at {numbers.score(cell.x.value)}"] if one.axes and cell.x is not None else []
    return [*_texts(cell.y), *at, *([cell.said] if cell.said else [])]
