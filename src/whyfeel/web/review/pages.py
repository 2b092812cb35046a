"""Templates filled: what every page of the review is given."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from whyfeel.annotate.review.assignment import Progress, adjudicates
from whyfeel.annotate.review.edits import ADJUDICATOR, Refused
from whyfeel.records import KINDS, content_id
from whyfeel.report import numbers
from whyfeel.web.pages import Page, templates_of
from whyfeel.web.review.desk import Desk

KEYS: Sequence[tuple[Sequence[str], str]] = (
    (("j", "k", "↓", "↑"), "next, previous trigger"),
    (("x",), "remove: a hallucination"),
    (("i",), "remove: irrelevant"),
    (("e",), "edit the words"),
    (("a",), "add what the model missed"),
    (("m",), "merge into another"),
    (("J", "K"), "move down, up"),
    (tuple(map(str, range(1, len(KINDS) + 1))), ", ".join(KINDS)),
    (("t",), "explicit or implicit"),
    (("r",), "restore what was set aside"),
    (("w",), "say why, before a step"),
    (("p",), "where it comes from"),
    (("u",), "undo"),
    (("Enter",), "save what is typed; else finish and next"),
    (("Esc",), "give up what is typed"),
    (("s",), "skip"),
    (("o",), "open again, or take over"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page.

    Attributes:
        pages: address and name of each page in the head.
        here: the address of this one.
        settles: whether the person is an adjudicator.
        drafts: stands for this review and person in the names of drafts.
    """

    person: str
    pages: Sequence[tuple[str, str]]
    here: str
    settles: bool
    progress: Progress
    yours: int
    drafts: str


class Pages:
    """The templates; every value in them is escaped."""

    def __init__(self) -> None:
        self._templates = templates_of("whyfeel.web.review")
        self._templates.globals.update(
            count=numbers.count, score=numbers.score, kinds=KINDS, keys=KEYS, new_id=lambda: secrets.token_hex(16)
        )

    def page(self, template: str, status: int = HTTPStatus.OK, **values: Any) -> Page:  # noqa: ANN401
        """One template with its values."""
        return Page(self._templates.get_template(template).render(values), status)

    def bare(
        self, title: str, words: str, status: int = HTTPStatus.OK, *, onward: str = "", back: bool = False
    ) -> Page:
        """A page of one sentence, for whoever has no place yet; perhaps with a way back to the list."""
        return self.page("bare.html", status, title=title, words=words, onward=onward, back=back)


def frame_of(desk: Desk, person: str, here: str) -> Frame:
    """What stands around a page of this person."""
    pages = [("/items", "Items"), ("/agreement", "Agreement")]
    if adjudicates(person):
        pages.insert(0, ("/adjudicate", "Adjudicate"))
    progress = desk.store.progress()
    return Frame(
        person=_shown(person),
        pages=pages,
        here=here,
        settles=adjudicates(person),
        progress=progress,
        yours=progress.by_reviewer.get(person, 0),
        drafts=content_id([desk.seals.mark, person])[:12],
    )


def sentence(refused: Refused) -> str:
    """Why a change was not taken, as it stands on a page."""
    words = str(refused)
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _shown(person: str) -> str:
    return f"{person.removeprefix(ADJUDICATOR)}, adjudicator" if adjudicates(person) else person


def figures(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """The coefficients of the agreement page, each with its interval or the reason why there is none."""
    told = (
        ("alpha", "Keep or remove: Krippendorff's alpha", "nominal, over the triggers that the model found"),
        ("f1", "Trigger sets: mean F1", "between the two sets that the reviewers left"),
    )
    return [
        {
            "name": name,
            "value": numbers.score(document[key]["value"]),
            "interval": _interval(document[key]),
            "says": says if document[key]["value"] is not None else document[key].get("why", ""),
        }
        for key, name, says in told
    ]


def _interval(one: Mapping[str, Any]) -> str:
    return numbers.interval(one["low"], one["high"]) if one.get("low") is not None else ""
