"""The pages of agreement and adjudication: how far two reviewers agree, and what is settled where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import APIRouter
from starlette.responses import Response

from whyfeel.annotate.review.assignment import adjudicates
from whyfeel.annotate.review.edits import BadEdit, NotHeld, Refused
from whyfeel.annotate.review.fold import decision
from whyfeel.records import Annotation
from whyfeel.report import numbers
from whyfeel.web.pages import Page
from whyfeel.web.review.adjudication import PICK, Case, case_of, chosen
from whyfeel.web.review.desk import agreement_of, key_of
from whyfeel.web.review.pages import figures, sentence
from whyfeel.web.review.visit import Gone, Guest, Visit

router = APIRouter()


@router.get("/agreement")
async def agreement(visit: Guest) -> Page:
    """How far those who reviewed the same items agree."""
    progress = visit.store.progress()
    told = (
        f"{numbers.count(progress.doubles_finished)} of {numbers.count(progress.doubles)} items that two reviewers "
        "annotate have been finished by both."
    )
    shown = figures(agreement_of(visit.desk.run))
    return visit.framed(
        "agreement.html", "/agreement", words=told, figures=shown, finished=progress.by_reviewer.items()
    )


@router.get("/adjudicate")
async def adjudications(visit: Guest) -> Page:
    """What is left to settle."""
    _check(visit)
    rows = [(key_of(one), one) for one in visit.store.to_adjudicate()]
    return visit.framed("adjudications.html", "/adjudicate", rows=rows)


@router.get("/adjudicate/{key}")
async def adjudication(visit: Guest, key: str) -> Response:
    """One item, the two sets side by side."""
    _check(visit)
    annotation = visit.annotation(key)
    return await _case(visit, annotation, case_of(visit.desk, annotation, visit.person, {}))


@router.post("/adjudicate/{key}")
async def settle(visit: Guest, key: str) -> Response:
    """Settle an item as picked: on to the next."""
    _check(visit)
    annotation, form = visit.annotation(key), await visit.form()
    picks = {name.removeprefix(PICK): value for name, value in form.items() if name.startswith(PICK)}
    why = form.get("why", "")
    case = case_of(visit.desk, annotation, visit.person, picks, why=why)
    try:
        _settle(visit, annotation, case, form, picks)
    except Refused as refused:
        again = case_of(visit.desk, annotation, visit.person, picks, notice=sentence(refused), why=why)
        return await _case(visit, annotation, again, HTTPStatus.CONFLICT)
    return visit.next()


def _settle(
    visit: Visit, annotation: Annotation, case: Case | None, form: Mapping[str, str], picks: Mapping[str, str]
) -> None:
    """Store the decision.

    Raises:
        Refused: something is not decided, or the item is not what the page showed, or another adjudicator has it.
    """
    held = visit.store.open(annotation.sample_id, visit.person)
    if not held.mine and held.by != visit.person:
        raise NotHeld(f"{held.by} has settled this item, or is about to")
    if case is None or case.seen != form.get("seen"):
        raise BadEdit(
            "a reviewer has changed this item since the page showed it; picks that no longer fit are open again"
        )
    made = [{**one, "why": form.get("why", "")} for one in decision(annotation, chosen(case, picks))]
    visit.store.adjudicate(annotation.sample_id, visit.person, made)


async def _case(visit: Visit, annotation: Annotation, case: Case | None, status: int = HTTPStatus.OK) -> Page:
    if case is None:
        raise Gone
    loaded, why = await visit.picture(annotation)
    shown = {"annotation": annotation, "picture": loaded and loaded.header, "no_picture": why}
    return visit.framed("adjudicate.html", "", status, item=shown, case=case)


def _check(visit: Visit) -> None:
    """Only an adjudicator may see two reviewers side by side; for anybody else there is no such page."""
    if not adjudicates(visit.person):
        raise Gone
