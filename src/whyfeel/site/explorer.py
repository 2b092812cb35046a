"""The sample explorer: one page a board, on which its script shows any sample with picture, answers and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from whyfeel.media import max_side_of
from whyfeel.runs.folder import RunFolder
from whyfeel.site.book import Board, Book
from whyfeel.site.options import SiteOptions
from whyfeel.site.pages import File, Page
from whyfeel.site.payload import Payload
from whyfeel.site.people import People, hear
from whyfeel.site.pictures import LEFT_OUT, Pictures, Shown


class Explorer:
    """The part of a site that tells samples one by one."""

    def __init__(self, options: SiteOptions) -> None:
        self._options = options

    def pages(self, book: Book) -> Iterable[Page]:
        """One page a board."""
        for board in book.boards:
            yield Page(
                f"explore/{board.slug}",
                f"Samples of {board.task.name}",
                "explorer.html",
                {"board": board, "pictures": self._options.pictures},
                (f"data/{board.slug}/index.js",),
            )

    def files(self, book: Book) -> Iterator[File]:
        """Pictures and data, board after board."""
        heard = hear(book)
        for board in book.boards:
            people = People(heard, board)
            if self._options.pictures:
                pictures = pictures_of(board, self._options.images)
                yield from pictures.files(one for sample in board.samples for one in sample.media)
                yield from Payload(board, pictures.shown.__getitem__, people).files()
            else:
                yield from Payload(board, lambda _: Shown(why=LEFT_OUT), people).files()


def pictures_of(board: Board, images: Path | None) -> Pictures:
    """The pictures of a board, as they were sent in its first run; of those at URLs what any of its runs fetched.

    Args:
        board: whose samples show them.
        images: their root folder now, None for where the first run.json that names one says, or else the task.
    """
    named = next((one.manifest["images"] for one in board.runs if one.manifest["images"]), None)
    root = images or (Path(named) if named else board.task.images)
    fetched = [RunFolder(run.path).pictures for run in board.runs]
    return Pictures(root, fetched, max_side_of(str(board.runs[0].manifest["spec"].get("pictures", ""))))
