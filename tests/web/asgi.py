"""Speaks ASGI to an application, in this thread, with the headers that a browser would send."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from html import unescape
from http.cookies import SimpleCookie
from typing import Any


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def words(self) -> str:
        """What a person reads."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.text)).split())

    @property
    def onward(self) -> str:
        assert self.status == 303, (self.status, self.words)
        return self.headers["location"]

    @property
    def cookies(self) -> dict[str, str]:
        """Those that it sets."""
        return {name: one.value for name, one in SimpleCookie(self.headers.get("set-cookie", "")).items()}


async def asked(app: Any, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
    """One request."""
    address, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": address,
        "raw_path": address.encode("utf-8", "surrogatepass"),
        "query_string": query.encode(),
        "root_path": "",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8418),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    told: list[dict[str, Any]] = []
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return parts.pop() if parts else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await app(scope, receive, send)
    named = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return Reply(told[0]["status"], named, b"".join(one.get("body", b"") for one in told[1:]))
