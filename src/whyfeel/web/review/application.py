"""The application: its pages, what guards them, and what is told where there is none."""

from __future__ import annotations

import socket
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.responses import Response

from whyfeel.errors import WhyfeelError
from whyfeel.report.words import visible
from whyfeel.web import serving
from whyfeel.web.guard import Guard
from whyfeel.web.pages import STATIC
from whyfeel.web.review import routes, settle
from whyfeel.web.review.desk import Desk
from whyfeel.web.review.pages import Pages
from whyfeel.web.review.visit import Gone, Stranger
from whyfeel.web.serving import HOST

NO_LINK = "Open the link that “whyfeel review” printed for you: by it this page knows who you are."


def create_app(desk: Desk) -> FastAPI:
    """The pages of one review; whoever calls keeps the desk open while they are served."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.desk = desk
    app.state.pages = pages = Pages()
    app.include_router(routes.router)
    app.include_router(settle.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_middleware(Guard)

    async def stranger(_: Request, __: Exception) -> Response:
        return pages.bare("Who are you?", NO_LINK, HTTPStatus.FORBIDDEN)

    async def nothing(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        return pages.bare("There is nothing here", "No item, and no page, has this address.", status, back=True)

    async def trouble(_: Request, error: Exception) -> Response:
        return pages.bare("This did not work", visible(str(error)), HTTPStatus.INTERNAL_SERVER_ERROR)

    app.add_exception_handler(Stranger, stranger)
    app.add_exception_handler(Gone, nothing)
    app.add_exception_handler(HTTPException, nothing)
    app.add_exception_handler(WhyfeelError, trouble)
    return app


def listening(port: int) -> socket.socket:
    """A socket of this machine's own address.

    Raises:
        UserError: something else listens there already.
    """
    return serving.listening(HOST, port)


def serve(desk: Desk, listener: socket.socket) -> None:
    """Serve until a signal ends it; an answer that is under way is given first."""
    serving.serve(create_app(desk), listener)
