"""What stands before every page: only this machine's own names, only its own forms, and headers that keep it so."""

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
    """Refuses what did not come from a page of ours on this machine; an ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        app = self._app
        if (refused := refusal(scope["method"], Headers(scope=scope))) is not None:
            status, why = refused
            app = PlainTextResponse(why + "\n", status)
        await app(scope, receive, headed)


def refusal(method: str, headers: Headers) -> tuple[HTTPStatus, str] | None:
    """The status and the sentence with which a request is turned away; None where it may pass."""
    host = headers.get("host", "")
    if _name(f"//{host}") not in HOSTS:  # a foreign name that was made to point here: DNS rebinding
        return HTTPStatus.FORBIDDEN, "This page answers only to 127.0.0.1 and localhost."
    if method in {"GET", "HEAD"}:
        return None
    if method != "POST":
        return HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and POST are understood."
    if not _own(headers, host):
        return HTTPStatus.FORBIDDEN, "This form was sent by another site."
    return _oversize(headers.get("content-length", ""))


def _oversize(size: str) -> tuple[HTTPStatus, str] | None:
    if not size.isdecimal():
        return HTTPStatus.LENGTH_REQUIRED, "A form says how long it is."
    if len(size) > 12 or int(size) > MOST_BODY:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A form has at most {MOST_BODY:,} bytes."
    return None


def _own(headers: Headers, host: str) -> bool:
    """Whether a form comes from our own page; besides, every form carries a seal."""
    origin = headers.get("origin", "null")
    if origin != "null":
        return origin == f"http://{host}"
    # a page that sends no referrer says "null" for its origin: then the browser's word on the two sites decides
    return headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
