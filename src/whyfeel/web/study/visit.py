"""One request to the study: whose it is, and what answers it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from whyfeel.study.collected import Rater, Status
from whyfeel.web.pages import Page
from whyfeel.web.study.pages import Pages
from whyfeel.web.study.site import UNKNOWN, Site, Stranger

PLACES: Mapping[Status, str] = {"consented": "/instructions", "working": "/next"}


class Foreign(Exception):
    """A form that was made for somebody else, or for another page."""


class Gone(Exception):
    """There is no such page."""


class Visit:
    """One request, by anybody; `rater` is None for whoever has no session."""

    def __init__(self, request: Request, rater: Rater | None) -> None:
        self.request, self._rater = request, rater
        self.site: Site = request.app.state.site
        self.pages: Pages = request.app.state.pages
        self.design, self.store = self.site.design, self.site.store

    @property
    def known(self) -> bool:
        """Whether it is somebody with a session."""
        return self._rater is not None

    @property
    def rater(self) -> Rater:
        """Whose request it is.

        Raises:
            Stranger: nobody's.
        """
        if self._rater is None:
            raise Stranger(UNKNOWN[self.design.terms.entry])
        return self._rater

    async def again(self) -> Rater:
        """The rater as they are by now."""
        self._rater = await _rater(self.request)
        return self.rater

    def seal(self, purpose: str) -> str:
        """What a form of this rater's carries, for one purpose."""
        return self.site.seals.form(f"rater {self.rater.id} {purpose}")

    async def form(self, purpose: str) -> Mapping[str, str]:
        """The fields of a form that was made for this rater and purpose.

        Raises:
            Foreign: it was not.
        """
        fields = await self.fields()
        if not self.site.seals.is_form(f"rater {self.rater.id} {purpose}", fields.get("seal", "")):
            raise Foreign
        return fields

    async def fields(self) -> Mapping[str, str]:
        """The fields of any form, less files."""
        return {name: value for name, value in (await self.request.form()).items() if isinstance(value, str)}

    def page(self, template: str, status: int = HTTPStatus.OK, **values: Any) -> Page:  # noqa: ANN401
        """A page of the study."""
        return self.pages.page(template, status, known=self.known, **values)

    def notice(self, title: str, words: str, status: int, onward: str = "", button: str = "Go on") -> Page:
        """A page that says one thing, perhaps with a way on."""
        return self.pages.notice(title, words, status, onward=onward, button=button, known=self.known)

    def onward(self) -> Response:
        """To where the rater is in the study."""
        return to(PLACES.get(self.rater.status, "/done"))


def to(address: str) -> Response:
    """Send the browser to another page, with a GET."""
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


async def _rater(request: Request) -> Rater | None:
    site: Site = request.app.state.site
    token = request.cookies.get(site.cookie, "")
    return await site.store.rater(token) if token else None


async def anybody(request: Request) -> Visit:
    """A request by somebody who may have no session."""
    return Visit(request, await _rater(request))


async def somebody(request: Request) -> Visit:
    """A request by a rater.

    Raises:
        Stranger: by nobody whom the study knows.
    """
    visit = await anybody(request)
    _ = visit.rater
    return visit


Anybody = Annotated[Visit, Depends(anybody)]
Guest = Annotated[Visit, Depends(somebody)]
