"""A whole site: every part's pages and files, written into a folder or as one file, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.engine.tables import store_failed
from whyfeel.interop.card import code
from whyfeel.interop.placing import LISTING, placing
from whyfeel.report.words import visible
from whyfeel.runs.folder import write_whole
from whyfeel.site.annotation_page import Annotations
from whyfeel.site.book import Book, open_book
from whyfeel.site.breakdowns import Breakdowns
from whyfeel.site.differences import Differences
from whyfeel.site.explorer import Explorer
from whyfeel.site.leaderboard import Leaderboard
from whyfeel.site.leftovers import clear_left, marked
from whyfeel.site.options import SiteOptions
from whyfeel.site.pages import File, Page, Part
from whyfeel.site.published_page import PublishedPage
from whyfeel.site.run_page import RunPages
from whyfeel.site.shell import Shell, assets
from whyfeel.site.study_page import Studies

ENDINGS = (".html", ".htm")
EMBEDDED = ("data/", "plots/", "thumbs/")  # what one file holds; larger pictures would make it too large to mail


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        out: the folder, or the file.
        first: what to open.
        pages, files: how many pages, and how many files beside them.
        size: of all of them, bytes.
    """

    out: Path
    first: Path
    pages: int
    files: int
    size: int

    def to_json(self) -> dict[str, Any]:
        """What `whyfeel report --json` prints."""
        told = {"out": str(self.out), "open": str(self.first), "pages": self.pages, "files": self.files}
        return told | {"bytes": self.size}


def parts_of(options: SiteOptions) -> list[Part]:
    """The parts of a site."""
    return [
        Leaderboard(),
        Breakdowns(),
        Differences(),
        Explorer(options),
        RunPages(),
        PublishedPage(),
        Annotations(options),
        Studies(),
    ]


def write_site(paths: Sequence[Path], out: Path, options: SiteOptions) -> Written:
    """Make a site out of finished runs, annotations and studies; an older one at its place is replaced.

    Args:
        paths: their folders.
        out: the folder to write, or with `single_file` the file, see `named`.

    Raises:
        UserError: something else stands at `out`, or the folders are not what they should be.
        StoreFailed: the disk is full.
    """
    book = open_book(paths, data=options.data)
    out = named(out) if options.single_file else out
    clear_left(out)
    with (
        placing(out, () if options.single_file else (LISTING,), command="report") as place,
        marked(place.staged.parent, place.out),
    ):
        write = _write_file if options.single_file else write_folder
        pages, files, size = write(book, place.staged, options)
        place.put(_card(book, options))
        return Written(place.out, place.out if options.single_file else place.out / "index.html", pages, files, size)


def named(file: Path) -> Path:
    """A file's place under a name that browsers and mail take for a page.

    >>> [named(Path(name)).name for name in ("report", "may.v2", "a.html", "a.HTM")]
    ['report.html', 'may.v2.html', 'a.html', 'a.HTM']
    """
    return file if file.name in {"", ".."} or file.suffix.lower() in ENDINGS else file.with_name(f"{file.name}.html")


def write_folder(book: Book, folder: Path, options: SiteOptions) -> tuple[int, int, int]:
    """Write a site into an empty folder.

    Returns:
        pages, files beside them, bytes of all.

    Raises:
        StoreFailed: the disk is full.
    """
    parts = parts_of(options)
    pages = [page for part in parts for page in part.pages(book)]
    shell = Shell(pages, options)
    written: dict[str, int] = {}
    for file in _files(book, parts, pages, shell):
        path = folder / file.address
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
        except OSError as error:
            raise store_failed("the report", path, error) from None
        written[file.address] = len(file.content)
    write_whole(folder / LISTING, (f"{address}\n".encode() for address in sorted(written)))
    return len(pages), len(written) - len(pages), sum(written.values())


def _files(book: Book, parts: Sequence[Part], pages: Sequence[Page], shell: Shell) -> Iterator[File]:
    for name, content in assets().items():
        yield File(f"assets/{name}", content)
    for part in parts:
        yield from part.files(book)
    for page in pages:
        yield File(f"{page.address}.html", shell.page(page))


def _write_file(book: Book, path: Path, options: SiteOptions) -> tuple[int, int, int]:
    parts = parts_of(options)
    pages = [page for part in parts for page in part.pages(book)]
    files = (file for part in parts for file in part.files(book))
    held = {file.address: file.content for file in files if file.address.startswith(EMBEDDED)}
    pieces = list(Shell(pages, options).single(held))
    write_whole(path, pieces)
    return len(pages), 0, sum(map(len, pieces))


def _card(book: Book, options: SiteOptions) -> str:
    """What lies beside the pages, for who finds the folder."""
    made = [
        *(f"- run: {code(run.name)} on {code(board.task.name)}" for board in book.boards for run in board.runs),
        *(f"- annotations: {code(path.name)}" for path in book.annotations),
        *(f"- study: {code(path.name)}" for path in book.studies),
    ]
    told = [
        f"# {visible(options.title)}",
        "A report by whyfeel: open it in a browser. It was made from",
        "\n".join(made),
    ]
    return "\n\n".join(told)
