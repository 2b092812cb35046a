"""A client of a study's pages: speaks ASGI to the application, with the headers that a browser would send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from asgi import Reply, asked

from whyfeel.study.folder import StudyFolder
from whyfeel.web.study.application import create_app
from whyfeel.web.study.site import Site

HOST = "127.0.0.1:8418"


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
        said = {name: value for name, value in sent.items() if value != "-"}
        reply = await asked(self.app, method, path, body, said)
        self.cookies |= reply.cookies
        return reply

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
