"""The first page: the runs of each board by score, between what a blind answer reaches and what the annotation does."""

from __future__ import annotations

from collections.abc import Iterator

from whyfeel.site.book import Board, Book
from whyfeel.site.pages import File, Page
from whyfeel.site.standings import View, lead, standings


class Leaderboard:
    """The index: for each board a view for each judge and score that runs are ranked by."""

    def pages(self, book: Book) -> Iterator[Page]:
        """One page, also where there are no runs: it then leads to the others."""
        boards = [(board, _views(board)) for board in book.boards]
        yield Page("index", "Leaderboard", "leaderboard.html", {"boards": boards, "lead": lead})

    def files(self, book: Book) -> Iterator[File]:  # noqa: ARG002 - a part of the site is asked for them
        """None: what is drawn stands in the page."""
        yield from ()


def _views(board: Board) -> list[View]:
    judges = {judged.id: judged for run in board.runs for judged in run.judges}
    return [view for judge in judges.values() for view in standings(board, judge)]
