"""Pages and the files beside them, before anything is written: what each part of the site hands to the writer."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from whyfeel.site.book import Book


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        address: "index", "runs/llava": its file without ".html".
        title: of the page.
        template: fills the page's main part.
        values: what the template is given besides `site`.
        scripts: addresses of data files that it loads before site.js runs.
    """

    address: str
    title: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    scripts: Sequence[str] = ()


@dataclass(frozen=True)
class File:
    """A file beside the pages: its address, and its bytes, which may be made as they are written."""

    address: str
    content: bytes


class Part(Protocol):
    """A part of the site: it makes pages and files out of a book."""

    def pages(self, book: Book) -> Iterable[Page]:
        """The part's pages, in the order of the navigation."""
        ...

    def files(self, book: Book) -> Iterator[File]:
        """The files that its pages show, such as plots with their CSV, one after the other."""
        ...


def relative(here: str, there: str) -> str:
    """A link from one address of the site to another, so that the site works in any folder.

    >>> relative("runs/llava", "plots/recall.svg"), relative("index", "runs/llava.html")
    ('../plots/recall.svg', 'runs/llava.html')
    """
    return posixpath.relpath(there, posixpath.dirname(here) or ".")
