"""One request to the review: whose it is, what they may do, and what answers it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from whyfeel.annotate.review.assignment import adjudicates
from whyfeel.media import BadPicture, Loaded
from whyfeel.records import Annotation
from whyfeel.web.pages import Page
from whyfeel.web.review.desk import Desk, key_of
from whyfeel.web.review.pages import Pages, frame_of
from whyfeel.web.review.panel import Panel


class Stranger(Exception):
    """Nobody whom the review knows asked."""


class Gone(Exception):
    """There is no such item."""


class Visit:
    """One request: whose it is, and what answers it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.desk: Desk = request.app.state.desk
        self.pages: Pages = request.app.state.pages
        person = self.desk.person(request.cookies.get(cookie(self.desk), ""))
        if person is None:
            raise Stranger
        self.person = person
        self.store = self.desk.store
        self.live = request.headers.get("hx-request") == "true"  # asked by script, for a part of a page

    def annotation(self, key: str) -> Annotation:
        """The annotation that an address names."""
        if (found := self.desk.annotations.get(key)) is None:
            raise Gone
        return found

    async def form(self) -> Mapping[str, str]:
        """The fields of a form that carries this person's seal."""
        fields = {name: value for name, value in (await self.request.form()).items() if isinstance(value, str)}
        if not self.desk.seals.is_form(self.person, fields.get("seal", "")):
            raise Stranger
        return fields

    def framed(self, template: str, here: str, status: int = HTTPStatus.OK, **values: Any) -> Page:  # noqa: ANN401
        """A whole page."""
        return self.pages.page(template, status, frame=frame_of(self.desk, self.person, here), **values)

    def onward(self, address: str) -> Response:
        """Send the browser to another page; script is told so in a header of htmx's."""
        if self.live:
            return Response(status_code=HTTPStatus.OK, headers={"HX-Redirect": address})
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)

    def next(self) -> Response:
        """On to the next item, or to the list where nothing is left."""
        item = self.store.take(self.person)
        if adjudicates(self.person):
            return self.onward("/adjudicate" if item is None else f"/adjudicate/{key_of(item)}")
        return self.onward("/items?done=1" if item is None else f"/items/{key_of(item)}")

    async def picture(self, annotation: Annotation) -> tuple[Loaded | None, str]:
        """The picture, or why it cannot be shown."""
        try:
            return await self.desk.picture(annotation), ""
        except BadPicture as bad:
            return None, str(bad)

    async def item(self, annotation: Annotation, panel: Panel, status: int = HTTPStatus.OK) -> Page:
        """The item's page; its panel alone where script asks."""
        if self.live:
            return self.pages.page("_panel.html", status, panel=panel)
        picture, why = await self.picture(annotation)
        shown = {"annotation": annotation, "picture": picture and picture.header, "no_picture": why}
        return self.framed("item.html", "", status, item=shown, panel=panel)


def cookie(desk: Desk) -> str:
    """The name of the cookie: another one for each run, since cookies do not know of ports."""
    return f"whyfeel-{desk.seals.mark}"


Guest = Annotated[Visit, Depends(Visit)]
