"""The way into a study and out of it: consent, instructions, what raters say of themselves, the end."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from whyfeel.study.collected import Rater
from whyfeel.study.design import Question
from whyfeel.study.store import AlreadyBegun, NotNow
from whyfeel.web.pages import Page
from whyfeel.web.study.site import PID, SEAT
from whyfeel.web.study.visit import Anybody, Foreign, Guest, Visit, to

COOKIE_DAYS = 14
BROUGHT = (SEAT, PID)

router = APIRouter()


@router.get("/alive")
async def alive() -> Response:
    """The server is there."""
    return PlainTextResponse("yes\n")


@router.get("/")
async def start(visit: Anybody) -> Response:
    """What the study is, and whether one agrees; whoever has agreed goes on where they were."""
    given = {name: visit.request.query_params[name] for name in BROUGHT if name in visit.request.query_params}
    if visit.known and not given:
        return visit.onward()
    entrant = visit.site.entrant(given)
    if visit.known and entrant == visit.rater.entrant:
        return visit.onward()
    consent = secrets.token_hex(16)
    hidden = {**given, "consent": consent, "seal": visit.site.seals.form(f"consent {entrant} {consent}")}
    return visit.pages.page("consent.html", hidden=hidden, known=False)


@router.post("/consent")
async def consent(visit: Anybody) -> Response:
    """Somebody agrees: from here on the store knows of them, and their browser has a token."""
    fields = await visit.fields()
    entrant, one = visit.site.entrant(fields), fields.get("consent", "")
    if not visit.site.seals.is_form(f"consent {entrant} {one}", fields.get("seal", "")):
        raise Foreign
    if visit.known and visit.rater.entrant == entrant:  # a second tab
        return visit.onward()
    try:
        token = await visit.site.enter(entrant, one)
    except AlreadyBegun:
        words = "You have begun this study in another browser. Please go on there; your answers are kept."
        return visit.pages.notice("You take part already", words, HTTPStatus.CONFLICT)
    reply = to("/instructions")
    # lax: a link from another site, Prolific's, finds whoever has begun
    https, age = visit.site.address.startswith("https:"), COOKIE_DAYS * 86_400
    reply.set_cookie(visit.site.cookie, token, max_age=age, path="/", secure=https, httponly=True, samesite="lax")
    return reply


@router.get("/instructions")
async def instructions(visit: Guest) -> Response:
    """How to judge, and the comprehension check for whoever has not passed it."""
    if visit.rater.status not in {"consented", "working"}:
        return visit.onward()
    return _instructions(visit)


@router.post("/instructions")
async def comprehension(visit: Guest) -> Response:
    """The comprehension check. A form that was sent before, or goes back to an earlier try, changes nothing."""
    tried = (await visit.fields()).get("tries", "")
    fields = await visit.form(f"check {tried}")
    async with visit.site.checking:
        rater = await visit.again()
        if rater.status != "consented" or tried != str(rater.tries):
            return visit.onward()
        given = _given(visit.design.texts.comprehension, fields)
        if None in given:
            return _instructions(visit, fields, "Please answer every question.", HTTPStatus.UNPROCESSABLE_ENTITY)
        right = all(one == asked.right for one, asked in zip(given, visit.design.texts.comprehension, strict=True))
        with suppress(NotNow):  # another process was quicker
            await visit.store.comprehend(rater.id, right=right, tries=rater.tries)
        await visit.again()
    return visit.onward()


@router.get("/about-you")
async def about_you(visit: Guest) -> Response:
    """Questions about the rater, for whoever has finished."""
    if visit.rater.status != "finished" or not visit.design.texts.demographics:
        return visit.onward()
    return _about_you(visit)


@router.post("/about-you")
async def describe(visit: Guest) -> Response:
    """What a rater says of themselves, which may be nothing."""
    fields = await visit.form("about")
    questions = visit.design.texts.demographics
    if fields.get("do") == "skip":
        return visit.onward()
    given = _given(questions, fields)
    if any(one is None and fields.get(f"q{n}") for n, one in enumerate(given)):
        return _about_you(visit, HTTPStatus.UNPROCESSABLE_ENTITY)
    told = {one.name: one.options[at] for one, at in zip(questions, given, strict=True) if at is not None}
    with suppress(NotNow):  # they have left meanwhile: nothing is kept, and the next page says so
        await visit.store.describe(visit.rater.id, told)
    return visit.onward()


@router.get("/done")
async def done(visit: Guest) -> Response:
    """How it ended."""
    if visit.rater.status in {"consented", "working"}:
        return visit.onward()
    return visit.page("done.html", ended=visit.rater.status, code=visit.design.terms.completion_code)


@router.get("/leave")
async def leave(visit: Guest) -> Response:
    """Ask once whether somebody means to leave."""
    if visit.rater.status in {"screened out", "withdrawn"}:
        return visit.onward()
    return visit.page("leave.html", seal=visit.seal("leave"), finished=visit.rater.status == "finished")


@router.post("/leave")
async def withdraw(visit: Guest) -> Response:
    """Somebody leaves, and none of their answers counts."""
    await visit.form("leave")
    with suppress(NotNow):  # they were screened out, and the next page says so
        await visit.store.withdraw(visit.rater.id)
    return to("/done")


def _instructions(
    visit: Visit, chosen: Mapping[str, str] | None = None, notice: str = "", status: int = HTTPStatus.OK
) -> Page:
    rater = visit.rater
    tries = str(rater.tries)
    values = {
        "check": rater.status == "consented",
        "tries": tries,
        "seal": visit.seal(f"check {tries}"),
        "chosen": chosen or {},
        "notice": notice or (_failed(visit, rater) if rater.tries and rater.status == "consented" else ""),
    }
    return visit.page("instructions.html", status, **values)


def _failed(visit: Visit, rater: Rater) -> str:
    left = visit.design.rules.tries - rater.tries
    again = "one more time" if left == 1 else f"{left} more times"
    return f"Not every answer was right. Please read the instructions once more; you can try {again}."


def _about_you(visit: Visit, status: int = HTTPStatus.OK) -> Page:
    return visit.page("about_you.html", status, seal=visit.seal("about"))


def _given(questions: tuple[Question, ...], fields: Mapping[str, str]) -> list[int | None]:
    """The place of the option that was chosen for each question; None where none was."""
    asked = [(fields.get(f"q{n}", ""), len(one.options)) for n, one in enumerate(questions)]
    return [int(given) if given in map(str, range(options)) else None for given, options in asked]
