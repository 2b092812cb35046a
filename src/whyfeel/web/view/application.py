"""The application: the pages of the last edition, and the next one made when the folders have changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from time import monotonic

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from whyfeel.errors import WhyfeelError
from whyfeel.report.words import visible
from whyfeel.site.live import stamp
from whyfeel.web.guard import Guard
from whyfeel.web.view.press import Press

EVERY = 3.0  # seconds between two looks at the folders
PATIENCE = 4.0  # seconds that whoever opens a page waits for the next edition
REST = 4  # times as long as an edition took nothing is made again: a run under way changes all the time
LOG = logging.getLogger("uvicorn.error")


class Kiosk:
    """Has the last edition, and orders the next one when the folders have changed.

    Args:
        press: makes them.
        every: seconds between two looks at the folders.
        patience: seconds that a page waits for the edition that is being made.

    Raises:
        UserError, RunStopped: the first edition cannot be made.
    """

    def __init__(self, press: Press, *, every: float = EVERY, patience: float = PATIENCE) -> None:
        self._press, self._every, self._patience = press, every, patience
        self._stamp = stamp(press.paths)
        self._hold(press.make())
        self._next = monotonic() + every
        self.making: asyncio.Task[None] | None = None
        self._closed = False

    def _hold(self, folder: Path) -> None:
        self.pages = StaticFiles(directory=folder, html=True)

    def look(self) -> None:
        """Order the next edition where the folders have changed since the last one was ordered; costs a few stats."""
        if self.making is not None or monotonic() < self._next:
            return
        self._next = monotonic() + self._every
        if (now := stamp(self._press.paths)) != self._stamp:
            self._stamp = now
            self.making = asyncio.create_task(self._renew())

    async def catch_up(self) -> None:
        """Look, and wait for the next edition; not where the last one took longer than anybody would wait."""
        self.look()
        if self.making is not None and self._press.seconds <= self._patience:
            await asyncio.wait([self.making], timeout=self._patience)

    async def _renew(self) -> None:
        """The next edition; the last one stays where it cannot be made."""
        try:
            self._hold(await asyncio.to_thread(self._press.make))
        except WhyfeelError as error:
            if not self._closed:
                LOG.warning("the pages stay as they are: %s", visible(str(error)))
        finally:
            self._next = monotonic() + max(self._every, REST * self._press.seconds)
            self.making = None

    async def close(self) -> None:
        """End what is being made."""
        self._closed = True
        if (making := self.making) is not None:
            self._press.stop()
            with suppress(asyncio.CancelledError):
                await making


def create_app(kiosk: Kiosk) -> Starlette:
    """The pages of a kiosk, for this machine alone; nothing but GET and HEAD is understood."""

    async def file(request: Request) -> Response:
        path = request.path_params["path"]
        if not path or path.endswith(".html"):
            await kiosk.catch_up()
        return await kiosk.pages.get_response(path or ".", request.scope)

    async def nothing(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        return PlainTextResponse("Nothing here has this address.\n", status)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        yield
        await kiosk.close()

    return Starlette(
        routes=[Route("/{path:path}", file)],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: nothing},
        lifespan=life,
    )
