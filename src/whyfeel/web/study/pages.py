"""The study's templates, and what every page of it is given."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from whyfeel.report.numbers import count
from whyfeel.study.design import Design
from whyfeel.web.pages import Page, templates_of

BLANK_LINE = re.compile(r"\n[ \t\r]*\n\s*")


class Pages:
    """The pages of one study; every value in them is escaped."""

    def __init__(self, design: Design) -> None:
        self._templates = templates_of("whyfeel.web.study")
        self._templates.globals.update(texts=design.texts, count=count, paragraphs=paragraphs)

    def page(self, template: str, status: int = HTTPStatus.OK, **values: Any) -> Page:  # noqa: ANN401
        """One template with its values."""
        return Page(self._templates.get_template(template).render(values), status)

    def notice(
        self, title: str, words: str, status: int, *, onward: str = "", button: str = "Go on", known: bool = False
    ) -> Page:
        """A page that says one thing, perhaps with a way on.

        Args:
            known: whether it is told to somebody with a session, who may leave.
        """
        values = {"title": title, "words": words, "onward": onward, "button": button, "known": known}
        return self.page("notice.html", status, **values)


def paragraphs(text: str) -> list[str]:
    r"""The paragraphs of a text, which blank lines part.

    >>> paragraphs("One.\n \nTwo,\nstill two.\n")
    ['One.', 'Two,\nstill two.']
    """
    return [one for one in BLANK_LINE.split(text.replace("\r\n", "\n").strip()) if one]
