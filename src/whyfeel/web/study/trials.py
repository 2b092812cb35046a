"""One trial at a time, and the pictures."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from fastapi import APIRouter
from starlette.responses import Response

from whyfeel.study.collected import Trial
from whyfeel.study.design import SKIP
from whyfeel.study.store import AlreadyAnswered, NoPlace, NotNow, PassedOn, Refusal
from whyfeel.web.pages import Page
from whyfeel.web.study.sheet import sheet_of, told
from whyfeel.web.study.visit import Gone, Guest, Visit, to

LONGEST = 2_000  # characters of a comment
MOST_PLACES = 6  # digits

router = APIRouter()


@router.get("/next")
async def onward(visit: Guest) -> Response:
    """On to the trial that is next, or to the end where none is left."""
    try:
        trial = await visit.store.next(visit.rater.id)
        if trial is not None:
            return to(f"/trials/{trial.place}")
        await visit.store.finish(visit.rater.id)
    except NoPlace as refused:
        return visit.notice("Nothing is left to judge just now", str(refused), HTTPStatus.OK, "/next", "Look again")
    except NotNow:
        if (await visit.again()).status != "working":
            return visit.onward()
        raise
    return to("/about-you" if visit.design.texts.demographics else "/done")


@router.get("/trials/{place}")
async def trial(visit: Guest, place: str) -> Response:
    """One trial; one that was answered says how."""
    found = await _trial(visit, place)
    return _closed(visit, found, HTTPStatus.OK) or await _show(visit, found)


@router.post("/trials/{place}")
async def answer(visit: Guest, place: str) -> Response:
    """Take an answer: on to the next."""
    found = await _trial(visit, place)
    fields = await visit.form(f"trial {found.place}")
    given = SKIP if fields.get("do") == SKIP else fields.get("answer", "")
    comment = fields.get("comment", "").replace("\r\n", "\n").strip()
    if given != SKIP and given not in visit.design.answers:
        wrong = "Please choose one of the answers, or skip this one."
    elif len(comment) > LONGEST:
        wrong = f"A comment has at most {LONGEST:,} characters; yours has {len(comment):,}."
    else:
        wrong = ""
    if wrong:
        closed = _closed(visit, found, HTTPStatus.CONFLICT)
        return closed or await _show(visit, found, HTTPStatus.UNPROCESSABLE_ENTITY, wrong, given, comment)
    try:
        await visit.store.answer(visit.rater.id, found.place, given, comment)
    except AlreadyAnswered:
        return _answered(visit, await _trial(visit, place), HTTPStatus.CONFLICT)
    except PassedOn:
        return _passed_on(visit)
    except NotNow:
        await visit.again()
        return visit.onward()
    return to(await _next(visit))


@router.get("/pictures/{name}")
async def picture(visit: Guest, name: str) -> Response:
    """One of the study's pictures."""
    if name not in visit.site.pictures or (header := visit.site.header(name)) is None:
        raise Gone
    try:
        data = await asyncio.to_thread((visit.site.folder.pictures / name).read_bytes)
    except OSError:
        raise Gone from None
    return Response(data, media_type=header.mime)


async def _next(visit: Visit) -> str:
    """The address of what comes after an answer: at once, which saves the browser a way."""
    try:
        trial = await visit.store.next(visit.rater.id)
    except Refusal:
        trial = None
    return "/next" if trial is None else f"/trials/{trial.place}"


async def _trial(visit: Visit, place: str) -> Trial:
    if not (place.isascii() and place.isdecimal() and len(place) <= MOST_PLACES):
        raise Gone
    found: Trial | None = await visit.store.trial(visit.rater.id, int(place))
    if found is None:
        raise Gone
    return found


async def _show(
    visit: Visit, trial: Trial, status: int = HTTPStatus.OK, notice: str = "", chosen: str = "", comment: str = ""
) -> Page:
    sheet = sheet_of(visit.site, trial, await visit.store.outline(visit.rater.id))
    values = {"notice": notice, "chosen": chosen, "comment": comment, "longest": LONGEST, "skip": SKIP}
    return visit.page("trial.html", status, sheet=sheet, seal=visit.seal(f"trial {trial.place}"), **values)


def _closed(visit: Visit, trial: Trial, status: int) -> Response | None:
    """What is told of a trial that waits for no answer, or not yet."""
    if trial.answer:
        return _answered(visit, trial, status)
    if trial.passed_on:
        return _passed_on(visit)
    return visit.onward() if visit.rater.status != "working" or trial.shown is None else None


def _answered(visit: Visit, trial: Trial, status: int) -> Page:
    words = f"{told(trial.answer)} The first answer stands."
    return visit.notice("You have answered this one", words, status, "/")


def _passed_on(visit: Visit) -> Page:
    words = (
        "You were away for a while, so this one went to somebody else. Your other answers are kept, and you can go on."
    )
    return visit.notice("This one went to somebody else", words, HTTPStatus.CONFLICT, "/")
