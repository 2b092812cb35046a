"""What a site is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from whyfeel.errors import UserError

TITLE = "whyfeel report"


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """What a site is asked for, beside the folders it is made from.

    Attributes:
        title: of the whole site.
        data: where the runs' records lie now, where not where run.json says.
        images: the root folder of the pictures now, where not where run.json says.
        pictures: False where no picture may be passed on.
        single_file: whether all pages become one HTML file.
        notes: sentences at the top of every page.
    """

    title: str = TITLE
    data: Path | None = None
    images: Path | None = None
    pictures: bool = True
    single_file: bool = False
    notes: tuple[str, ...] = ()


def check_extra() -> None:
    """That the packages are there which a site is made with.

    Raises:
        UserError: one is missing; says how to get it.
    """
    if not all(map(find_spec, ("jinja2", "matplotlib"))):
        raise UserError("a report needs Jinja2 and matplotlib: pip install 'whyfeel[report]'")
