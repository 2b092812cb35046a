"""What stands before every page: only the names it goes by, only its own forms, and headers that keep it so."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = frozenset({"127.0.0.1", "localhost"})
MOST_BODY = 1_000_000  # bytes of a form
POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect")),
        *(f"{rule} 'none'" for rule in ("frame-ancestors", "base-uri")),
        "form-action 'self'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """Refuses what did not come from a page of ours; an ASGI middleware.

    Args:
        address: by which others reach the pages, "http(s)://host[:port]"; "" where this machine alone does.
        most: bytes of a form.
    """

    def __init__(self, app: ASGIApp, address: str = "", most: int = MOST_BODY) -> None:
        self._app, self._address, self._most = app, address, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        if scope["type"] != "http":
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        app = self._app
        if (refused := refusal(scope["method"], Headers(scope=scope), self._address, self._most)) is not None:
            status, why = refused
            app = PlainTextResponse(why + "\n", status)
        await app(scope, receive, headed)


def refusal(method: str, headers: Headers, address: str = "", most: int = MOST_BODY) -> tuple[HTTPStatus, str] | None:
    """The status and the sentence with which a request is turned away; None where it may pass."""
    hosts = headers.getlist("host")
    host = hosts[0] if len(hosts) == 1 else ""  # of two, a proxy and we might not read the same one
    named, given = _name(f"//{host}"), _name(address)
    if named not in HOSTS and (named is None or named != given):  # a foreign name that was made to point here
        known = f"{given}, 127.0.0.1 and localhost" if given else "127.0.0.1 and localhost"
        return HTTPStatus.FORBIDDEN, f"This page answers only to {known}."
    if method in {"GET", "HEAD"}:
        return None
    if method != "POST":
        return HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and POST are understood."
    if not _own(headers, f"http://{host}" if named in HOSTS else address, address):
        return HTTPStatus.FORBIDDEN, "This form was sent by another site."
    return _oversize(headers, most)


def _oversize(headers: Headers, most: int) -> tuple[HTTPStatus, str] | None:
    size = headers.get("content-length", "")
    # a body in chunks may go on for ever, whatever length it claims besides
    if not (size.isascii() and size.isdecimal()) or "transfer-encoding" in headers:
        return HTTPStatus.LENGTH_REQUIRED, "A form says how long it is."
    if len(size) > 12 or int(size) > most:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A form has at most {most:,} bytes."
    return None


def _own(headers: Headers, *origins: str) -> bool:
    """Whether a form comes from our own page; besides, every form carries a seal."""
    origin = headers.get("origin", "null")
    if origin != "null":
        return origin != "" and origin in origins
    # a page that sends no referrer says "null" for its origin: then the browser's word on the two sites decides
    return headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
