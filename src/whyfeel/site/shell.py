"""Pages in the site's layout: what a template is given, links that hold in any folder, a policy that lets nothing in.

What a template can call besides its page's values:

- `link("runs/llava")`: to a page; `link("explore/scenes", s=…, a=…)`: to a state of one. `has("runs/llava")`: whether
  there is such a page.
- `src("plots/recall.svg")`: to a file of the site.
- `numbers`: all number formatting. `label("kf1")`: a score's name as people write it. `visible(text)`: with what
  cannot be seen told as escapes.
- `site`: the `SiteOptions`.

A page begins with its own h1. All pages may stand in one file: ids begin with something that no other page has, and
nothing links to "#…" within a page, since the hash is its state.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from itertools import groupby
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from whyfeel import __version__
from whyfeel.report import numbers
from whyfeel.report.words import label, visible
from whyfeel.site.options import SiteOptions
from whyfeel.site.pages import Page, relative

KINDS: Mapping[str, str] = {
    "index": "Leaderboard",
    "breakdowns": "Breakdowns",
    "differences": "Differences",
    "explore": "Samples",
    "runs": "Runs",
    "published": "Published",
    "annotations": "Annotations",
    "studies": "Studies",
}
POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src {images}; base-uri 'none'; "
    "form-action 'none'"
)
Source = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """Pages of one kind, as the navigation shows them: a link, or where they are several a menu.

    Attributes:
        words: what it is called.
        pages: (address, title).
    """

    words: str
    pages: tuple[tuple[str, str], ...]


def assets() -> dict[str, bytes]:
    """The style sheets, scripts and icon of every site by name; site.js before the scripts that stand on it."""
    found = {one.name: one.read_bytes() for one in files("whyfeel.site").joinpath("static").iterdir() if one.is_file()}
    return {name: found[name] for name in sorted(found, key=lambda name: (not name.startswith("site."), name))}


class Shell:
    """Renders the pages of one site."""

    def __init__(self, pages: Sequence[Page], options: SiteOptions) -> None:
        self._options = options
        self._pages = pages
        self._addresses = frozenset(page.address for page in pages)
        self._assets = assets()
        self._templates = Environment(
            loader=PackageLoader("whyfeel.site"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "site": options,
            "numbers": numbers,
            "label": label,
            "visible": visible,
            "has": self._addresses.__contains__,
            "version": __version__,
            "kinds": _kinds(pages),
        }

    def page(self, page: Page) -> bytes:
        """One page as a file of its own."""

        def link(address: str, /, **state: str) -> str:
            return relative(page.address, f"{address}.html") + (f"#{urlencode(state)}" if state else "")

        def src(address: str) -> str:
            return relative(page.address, address)

        named = [f"assets/{name}" for name in self._assets]
        return _encoded(
            self._templates.get_template("layout.html").render(
                page=page,
                sections=[(page, self._main(page, link, src))],
                link=link,
                src=src,
                root=relative(page.address, "index")[: -len("index")],
                icon=src("assets/icon.svg"),
                styles=[src(name) for name in named if name.endswith(".css")],
                scripts=[src(name) for name in [*(name for name in named if name.endswith(".js")), *page.scripts]],
                policy=POLICY.format(scripts="'self'", styles="'self'", images="'self' data:"),
            )
        )

    def single(self, files: Mapping[str, bytes]) -> Iterable[bytes]:
        """All pages as one file.

        Args:
            files: address to content of the plots, thumbnails and data that it holds.
        """
        scripts = [_inline(content) for name, content in self._assets.items() if name.endswith(".js")]
        styles = [_inline(content) for name, content in self._assets.items() if name.endswith(".css")]
        src = Embedded(files)
        text = self._templates.get_template("layout.html").render(
            page=self._pages[0],
            sections=[(page, self._main(page, _within, src)) for page in self._pages],
            link=_within,
            src=src,
            root=None,
            icon=_data_uri("icon.svg", self._assets["icon.svg"]),
            styles=styles,
            scripts=scripts,
            policy=POLICY.format(scripts=_hashes(scripts), styles=_hashes(styles), images="data:"),
        )
        head, tail = text.split("<!-- files -->")
        yield _encoded(head)
        for address, content in files.items():
            yield _held(address, content)
        yield _encoded(tail)

    def _main(self, page: Page, link: Callable[..., str], src: Source) -> Markup:
        given = {**page.values, "link": link, "src": src, "page": page}
        # its own escaping has been done
        return Markup(self._templates.get_template(page.template).render(given))  # noqa: S704


def _kinds(pages: Iterable[Page]) -> list[Kind]:
    def kind(page: Page) -> str:
        return page.address.split("/")[0]

    return [
        Kind(KINDS[name], tuple((page.address, page.title) for page in group))
        for name, group in groupby(sorted(pages, key=lambda page: list(KINDS).index(kind(page))), kind)
    ]


def _within(address: str, /, **state: str) -> str:
    """A link in a file that holds all pages."""
    return f"#{address}" + (f"?{urlencode(state)}" if state else "")


class Embedded:
    """Addresses of files as data: URIs; a picture is there as its thumbnail."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def __call__(self, address: str) -> str:
        """The URI of the file at an address; KeyError where the site has none."""
        if address.startswith("pictures/"):
            address = f"thumbs/{address.removeprefix('pictures/').rsplit('.', 1)[0]}.jpg"
        return _data_uri(address, self._files[address])


TYPES = {"svg": "image/svg+xml", "jpg": "image/jpeg", "csv": "text/csv;charset=utf-8"}


def _data_uri(address: str, content: bytes) -> str:
    return f"data:{TYPES[address.rsplit('.', 1)[1]]};base64,{b64encode(content).decode()}"


def _held(address: str, content: bytes) -> bytes:
    """A file for scripts: the value that a data file tells, or a thumbnail as a data: URI."""
    if address.startswith("data/"):
        name, _, value = content.decode("utf-8").removeprefix("whyfeel.data(").partition(",")
        opening = f'<script type="application/json" data-name="{Markup.escape(json.loads(name))}">'
        return _encoded(f"{opening}{value.strip().removesuffix(';').removesuffix(')')}</script>\n")
    if address.startswith("thumbs/"):
        opening = f'<script type="text/plain" data-file="{Markup.escape(address)}">'
        return _encoded(f"{opening}{_data_uri(address, content)}</script>\n")
    return b""


def _inline(content: bytes) -> Markup:
    # ours, and nothing in it ends the element
    return Markup(content.decode("utf-8"))  # noqa: S704


def _hashes(contents: Iterable[str]) -> str:
    return " ".join(f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in contents)


def _encoded(text: str) -> bytes:
    """In UTF-8; a lone surrogate, which it cannot carry, is written as its escape, and NUL, which HTML cannot, too."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace")
