"""A model behind any OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn

import aiohttp
from yarl import URL

from whyfeel import __version__
from whyfeel.engine import Price, Reply, Request
from whyfeel.errors import RATE_LIMITED, CallFailed, KeyRefused
from whyfeel.models.wire import decode, decode_names, encode, excerpt

LARGEST_REPLY = 2 * 1024 * 1024  # bytes, after decompression
REDACTED = "[key removed]"
SHORTEST_SECRET = 8  # characters; a local server's "none" or "EMPTY" hides nothing, and may stand in any answer


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds to connect, between two pieces of a reply, and for a whole call."""

    connect: float = 10.0
    read: float = 180.0
    total: float = 600.0


class Endpoint:
    """One model of one server, spoken to by chat completions.

    Args:
        name: the model's name, as the server knows it.
        base_url: up to and including /v1.
        key: sent as a bearer token, and removed from everything that is kept or shown.
        price: None where it is unknown.
        deadlines: when a call is given up.
        largest_reply: bytes after which a reply is cut off and the call fails.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        key: str | None = None,
        price: Price | None = None,
        deadlines: Deadlines | None = None,
        largest_reply: int = LARGEST_REPLY,
    ) -> None:
        self.name = name
        self.address = base_url.rstrip("/")
        self.price = price
        self._url = URL(f"{self.address}/chat/completions")
        self._key = key
        self._secret = key if key is not None and len(key) >= SHORTEST_SECRET else None
        self._spellings = _spellings(self._secret) if self._secret is not None else ()
        self._deadlines = deadlines or Deadlines()
        self._largest_reply = largest_reply
        self._session: aiohttp.ClientSession | None = None

    async def answer(self, request: Request) -> Reply:
        """Make one call.

        Raises:
            CallFailed: no reply; says whether another try may help.
            KeyRefused: 401 or 403.
        """
        reply = decode(await self._fetch("POST", self._url, _Body(encode(self.name, request))))
        if self._secret is None or not any(self._secret in (said or "") for said in _words(reply)):
            return reply
        text, served, finish = (said and said.replace(self._secret, REDACTED) for said in _words(reply))
        return replace(reply, text=text or "", served=served, finish=finish)

    async def names(self) -> list[str]:
        """The models the server says it has.

        Raises:
            CallFailed, KeyRefused: as for `answer`.
        """
        return decode_names(await self._fetch("GET", URL(f"{self.address}/models")))

    async def _fetch(self, method: str, url: URL, body: aiohttp.payload.Payload | None = None) -> bytes:
        """The body of a reply with status 200, the key removed from it."""
        try:
            # a redirect could carry the picture and the key to a host nobody named
            async with self._open().request(method, url, data=body, allow_redirects=False) as response:
                said = self._redact(await self._read(response))
                if response.status != 200:
                    self._fail(response.status, response.headers, said)
                return said
        except TimeoutError as error:
            # aiohttp names the connect deadline's error after the connection
            connected = not isinstance(error, aiohttp.ConnectionTimeoutError)
            raise CallFailed(
                "timeout" if connected else "connection", self._clean(error), connected=connected
            ) from None
        except aiohttp.ClientConnectorError as error:
            raise CallFailed("connection", self._clean(error), connected=False) from None
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailed("connection lost", self._clean(error)) from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"User-Agent": f"whyfeel/{__version__}"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            limits = self._deadlines
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # the engine bounds what is in flight
                timeout=aiohttp.ClientTimeout(
                    total=limits.total, connect=None, sock_connect=limits.connect, sock_read=limits.read
                ),
                headers=headers,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > self._largest_reply:
                response.close()
                raise CallFailed("reply too large", f"more than {self._largest_reply:,} bytes", again=False)
        return b"".join(pieces)

    def _fail(self, status: int, headers: Mapping[str, str], body: bytes) -> NoReturn:
        said = f"status {status}: {excerpt(body)}"
        if status in {401, 403}:
            raise KeyRefused(
                f"{self.address} refused the {'key' if self._key else 'call, which carried no key'} ({said}); "
                "check the key's variable (`whyfeel models` names it) and what the key may use"
            )
        if status == 429:
            raise CallFailed(RATE_LIMITED, said, retry_after=_retry_after(headers))
        if status == 408 or status >= 500:
            raise CallFailed("server error", said, retry_after=_retry_after(headers))
        raise CallFailed("rejected", said, again=False)

    def _redact(self, body: bytes) -> bytes:
        for key in self._spellings:
            if key in body:
                body = body.replace(key, REDACTED.encode())
        return body

    def _clean(self, error: BaseException) -> str:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return text.replace(self._secret, REDACTED) if self._secret else text

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # lets the transports' own callbacks run before the loop ends


def _spellings(key: str) -> tuple[bytes, ...]:
    """A key as it may stand in a body: as it is, or as a JSON string, of which some servers escape the slashes."""
    escaped = json.dumps(key)[1:-1]
    return tuple({spelling.encode(): None for spelling in (key, escaped, escaped.replace("/", "\\/"))})


def _words(reply: Reply) -> tuple[str | None, ...]:
    """What of a reply is kept; JSON has more ways to write a key than can be looked for before it is read."""
    return reply.text, reply.served, reply.finish


class _Body(aiohttp.payload.Payload):
    """A request body in pieces, none of which is copied on its way to the socket."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__(pieces, content_type="application/json")
        self._size = sum(map(len, pieces))

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return b"".join(self._value).decode(encoding, errors)

    async def write(self, writer: aiohttp.abc.AbstractStreamWriter) -> None:
        for piece in self._value:
            await writer.write(piece)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from either form of Retry-After: a number, or a date."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return min(86_400.0, max(0.0, float(value)))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return min(86_400.0, max(0.0, (when - datetime.now(UTC)).total_seconds()))
