"""A client of a study's pages: speaks ASGI to the application, with the headers that a browser would send."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from whyfeel.study.folder import StudyFolder
from whyfeel.web.study.application import create_app
from whyfeel.web.study.site import Site

HOST = "127.0.0.1:8418"


@dataclass
class Reply:
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


class Forms(HTMLParser):
    """The forms of a page: address, and fields that are sent with them untouched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert told["method"] == "post"
            self.found.append((told["action"], {}))
        elif tag == "input" and (told["type"] == "hidden" or "checked" in told):
            self.found[-1][1][told["name"]] = told["value"]


@dataclass
class Client:
    """One browser."""

    app: Any
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, form: dict[str, str] | bytes = b"", **headers: str) -> Reply:
        body = form if isinstance(form, bytes) else urlencode(form, errors="surrogatepass").encode()
        sent = {"host": HOST}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            sent |= {"origin": "null", "sec-fetch-site": "same-origin", "content-length": str(len(body))}
            sent["content-type"] = "application/x-www-form-urlencoded"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._ask(method, path, body, {name: value for name, value in sent.items() if value != "-"})

    async def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        address, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": address,
            "raw_path": address.encode(),
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

        await self.app(scope, receive, send)
        named = {name.decode(): value.decode() for name, value in told[0]["headers"]}
        self.cookies |= {name: one.value for name, one in SimpleCookie(named.get("set-cookie", "")).items()}
        return Reply(told[0]["status"], named, b"".join(one.get("body", b"") for one in told[1:]))

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.ask("GET", path, **headers)

    async def send(self, page: Reply, **fields: str) -> Reply:
        """The first form of a page, with these fields over its own; nothing is sent for a field that is "-"."""
        action, own = Forms(page.text).found[0]
        given = {name: value for name, value in (own | fields).items() if value != "-"}
        return await self.ask("POST", action, given)

    async def consent(self, path: str = "/") -> None:
        assert (await self.send(await self.get(path))).onward == "/instructions"

    async def begin(self, path: str = "/") -> Reply:
        """Consent and pass the check; the first trial's page."""
        await self.consent(path)
        right = {f"q{n}": str(one.right) for n, one in enumerate(self.app.state.site.design.texts.comprehension)}
        assert (await self.send(await self.get("/instructions"), **right)).onward == "/next"
        return await self.next()

    async def next(self) -> Reply:
        """The page of the next trial, or of what comes instead."""
        return await self.follow(await self.get("/next"))

    async def follow(self, reply: Reply) -> Reply:
        """What a browser shows in the end."""
        while reply.status == 303:
            reply = await self.get(reply.onward)
        return reply

    async def finish(self, page: Reply, **fields: str) -> int:
        """Answer what there is from this page on, the same everywhere; returns how many trials that were."""
        for done in range(1000):
            if "/trials/" not in page.text:
                return done
            page = await self.follow(await self.send(page, **fields))
        raise AssertionError("it never ends")


@asynccontextmanager
async def served(folder: StudyFolder, address: str = "") -> AsyncIterator[Any]:
    """The application of a study, alive."""
    app = create_app(Site(folder, address), folder.store)
    async with app.router.lifespan_context(app):
        yield app
