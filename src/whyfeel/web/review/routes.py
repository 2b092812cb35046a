"""The review's pages: one item at a time, the list, and where a trigger comes from.

Every handler runs on the one thread that opened the run; what it waits for is SQLite on this machine.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from whyfeel.annotate.review.edits import BadEdit, Refused, Stale
from whyfeel.annotate.review.fold import reviewed
from whyfeel.records import Annotation
from whyfeel.web.pages import Page
from whyfeel.web.review.desk import Desk
from whyfeel.web.review.forms import edit_of
from whyfeel.web.review.listing import listing_of
from whyfeel.web.review.origin import origin_of
from whyfeel.web.review.pages import Pages, sentence
from whyfeel.web.review.panel import Notice, panel_of
from whyfeel.web.review.visit import Gone, Guest, Stranger, Visit, cookie

BEHIND = "this item has changed since this page showed it, in another tab or by an earlier click; here is how it stands"

router = APIRouter()


@router.get("/")
async def start(request: Request, token: str = "") -> Response:
    """Whoever brings a token gets it as a cookie, and goes on without it in the address."""
    desk: Desk = request.app.state.desk
    if not token:
        return RedirectResponse("/next", HTTPStatus.SEE_OTHER)
    if desk.person(token) is None:
        raise Stranger
    # a page that goes on by itself, and no redirect: after a link in another program's window the browser would not
    # send a strict cookie along the redirect
    pages: Pages = request.app.state.pages
    page = pages.bare(
        "Review", "Each trigger is a cause that a model named. Keep, mend, remove and add.", onward="/next"
    )
    page.set_cookie(cookie(desk), token, httponly=True, samesite="strict", path="/")
    return page


@router.get("/alive")
async def alive(_: Guest) -> Response:
    """The server is there, and knows whoever asks."""
    return PlainTextResponse("yes\n")


@router.get("/next")
async def onward(visit: Guest) -> Response:
    """On to the item that is next."""
    return visit.next()


@router.get("/items")
async def items(visit: Guest) -> Page:
    """The list."""
    listing = listing_of(visit.desk, visit.person, visit.request.query_params)
    return visit.framed("items.html", "/items", list=listing)


@router.get("/items/{key}")
async def item(visit: Guest, key: str) -> Page:
    """One item."""
    return await _show(visit, visit.annotation(key))


@router.get("/items/{key}/picture")
async def picture(visit: Guest, key: str) -> Response:
    """The picture as it was sent to the model: less metadata, upright, shrunk."""
    loaded, why = await visit.picture(visit.annotation(key))
    if loaded is None:
        return PlainTextResponse(why.encode(errors="backslashreplace"), HTTPStatus.NOT_FOUND)
    return Response(base64.b64decode(loaded.base64), media_type=loaded.header.mime)


@router.get("/items/{key}/from")
async def origin(visit: Guest, key: str, trigger: str = "") -> Page:
    """Where a trigger comes from."""
    annotation = visit.annotation(key)
    triggers = visit.desk.triggers(annotation, visit.store.edits(annotation.sample_id, visit.person))
    found = next((one for one in triggers if one.id == trigger), None)
    if found is None:
        raise Gone
    told = origin_of(visit.desk.run, annotation, found)
    if visit.live:
        return visit.pages.page("_from.html", origin=told)
    return visit.framed("from.html", "", origin=told)


@router.post("/items/{key}/edit")
async def edit(visit: Guest, key: str) -> Response:
    """Make one edit."""
    annotation, form = visit.annotation(key), await visit.form()
    try:
        _add(visit, annotation, form)
    except Refused as refused:
        return await _refuse(visit, annotation, form, refused)
    if not visit.live:
        return visit.onward(f"/items/{key}")
    return await _show(visit, annotation)


@router.post("/items/{key}/finish")
async def finish(visit: Guest, key: str) -> Response:
    """The item is as it should be: on to the next."""
    annotation, form = visit.annotation(key), await visit.form()
    try:
        visit.store.finish(annotation.sample_id, visit.person, _number(form))
    except Refused as refused:
        return await _refuse(visit, annotation, form, refused)
    return visit.next()


@router.post("/items/{key}/skip")
async def skip(visit: Guest, key: str) -> Response:
    """Give the item back: on to the next."""
    await visit.form()
    visit.store.release(visit.annotation(key).sample_id, visit.person)
    return visit.next()


@router.post("/items/{key}/reopen")
async def reopen(visit: Guest, key: str) -> Response:
    """Take a finished item up again."""
    await visit.form()
    visit.store.reopen(visit.annotation(key).sample_id, visit.person)
    return visit.onward(f"/items/{key}")


@router.post("/items/{key}/claim")
async def claim(visit: Guest, key: str) -> Response:
    """Take an item over from whoever has it in hand."""
    await visit.form()
    visit.store.open(visit.annotation(key).sample_id, visit.person, claim=True)
    return visit.onward(f"/items/{key}")


def _add(visit: Visit, annotation: Annotation, form: Mapping[str, str]) -> None:
    """Store the edit that a form asks for.

    Raises:
        Refused: it does not fit, or comes too late.
    """
    item = annotation.sample_id
    edits = visit.store.edits(item, visit.person)
    known = any(one.id == form.get("edit") for one in edits)  # sent again: it fitted before what came after it
    if not known and (edits[-1].seq if edits else 0) != _number(form):
        raise Stale(BEHIND)
    made = edit_of(form, item, visit.person, visit.desk.triggers(annotation, edits))
    if not known:
        reviewed(annotation, (*edits, made))
    visit.store.add(made, _number(form))


async def _refuse(visit: Visit, annotation: Annotation, form: Mapping[str, str], refused: Refused) -> Page:
    """The item as it stands, with a sentence about what happened; what was typed stays in its field."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(refused, BadEdit) else HTTPStatus.CONFLICT
    held = visit.store.open(annotation.sample_id, visit.person)
    # who has not got the item is told so in any case, with what can be done about it
    notice = Notice(sentence(refused), "trouble") if held.mine else None
    panel = panel_of(visit.desk, annotation, visit.person, held, notice=notice, typed=form)
    return await visit.item(annotation, panel, status)


async def _show(visit: Visit, annotation: Annotation) -> Page:
    held = visit.store.open(annotation.sample_id, visit.person)
    return await visit.item(annotation, panel_of(visit.desk, annotation, visit.person, held))


def _number(form: Mapping[str, str]) -> int:
    """The last edit that the page knew of; what is no number is behind every other."""
    after = form.get("after", "")
    return int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else -1
