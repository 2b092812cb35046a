"""The application of a study: its pages, what guards them, and what is told where something is wrong."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from whyfeel.errors import StoreFailed, WhyfeelError
from whyfeel.report.words import visible
from whyfeel.study.opened import open_store
from whyfeel.study.store import Refusal
from whyfeel.web import serving
from whyfeel.web.guard import HEADERS, Guard
from whyfeel.web.pages import STATIC
from whyfeel.web.study import routes, trials
from whyfeel.web.study.pages import Pages
from whyfeel.web.study.site import Site, Stranger
from whyfeel.web.study.visit import Foreign, Gone

MOST_BODY = 64_000  # bytes of a form: a comment and a few words
LOG = logging.getLogger("uvicorn.error")
KEPT = "Something went wrong here. Nothing that you sent before is lost; please try again in a moment."
FOREIGN = "This form was made for somebody else, or by an earlier start of the study. Nothing was changed."


def create_app(site: Site, place: str | Path) -> FastAPI:
    """The pages of one study.

    Args:
        site: the study.
        place: of its store; it is open as long as the application lives.
    """

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async with open_store(site.design, place) as site.store:
            yield

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=life)
    app.state.site = site
    app.state.pages = Pages(site.design)
    app.include_router(routes.router)
    app.include_router(trials.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_middleware(Guard, address=site.address, most=MOST_BODY)
    _tell_errors(app, app.state.pages)
    return app


def _tell_errors(app: FastAPI, pages: Pages) -> None:
    """What people read where something is wrong."""

    async def stranger(_: Request, error: Exception) -> Response:
        return pages.notice("This page does not know you", str(error), HTTPStatus.FORBIDDEN)

    async def foreign(_: Request, __: Exception) -> Response:
        return pages.notice("This form cannot be used", FOREIGN, HTTPStatus.FORBIDDEN, onward="/")

    async def nothing(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        return pages.notice("There is nothing here", "No page has this address.", status, onward="/")

    async def refused(_: Request, error: Exception) -> Response:
        return pages.notice("Not now", str(error), HTTPStatus.CONFLICT, onward="/")

    async def trouble(_: Request, error: Exception) -> Response:
        if isinstance(error, WhyfeelError):  # whoever runs the study is told; any other fault comes with a traceback
            LOG.error("the study: %s", visible(str(error)))
        page = pages.notice("This did not work", KEPT, HTTPStatus.INTERNAL_SERVER_ERROR, onward="/", button="Try again")
        page.headers.update(HEADERS)  # the last resort stands outside the guard
        return page

    async def left(_: Request, __: Exception) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)

    told = {Stranger: stranger, Foreign: foreign, Gone: nothing, HTTPException: nothing, Refusal: refused}
    for kind, handler in {**told, ClientDisconnect: left, WhyfeelError: trouble, Exception: trouble}.items():
        app.add_exception_handler(kind, handler)


async def check_store(site: Site, place: str | Path) -> None:
    """Open the store once, so that what is wrong with it is told in one line before anything is served.

    Raises:
        UserError, StoreFailed: as `open_store`.
    """
    async with open_store(site.design, place):
        pass


def serve(site: Site, place: str | Path, listener: socket.socket) -> None:
    """Serve until a signal ends it.

    Raises:
        StoreFailed: the store, which could be opened a moment ago, cannot be.
    """
    try:
        serving.serve(create_app(site, place), listener)
    except SystemExit:
        raise StoreFailed("the study's store could not be opened; see above") from None
