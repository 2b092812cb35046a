"""Templates filled, and pages in bytes that UTF-8 can carry."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

STATIC = Path(__file__).parent / "static"


class Page(HTMLResponse):
    """A page; a lone surrogate, which UTF-8 cannot carry, is written as its escape."""

    def render(self, content: str) -> bytes:
        """The page's bytes."""
        return content.encode("utf-8", "backslashreplace")


def templates_of(package: str) -> Environment:
    """The templates of a package; every value in them is escaped."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
