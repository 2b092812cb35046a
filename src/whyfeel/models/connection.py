"""A connection to one server: proxies and certificates, deadlines and caps, and no secret in anything it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakSet

import aiohttp
from yarl import URL

from whyfeel import __version__
from whyfeel.errors import CallFailed, EndpointDown, WhyfeelError
from whyfeel.models.route import local_resolver, proxy_secrets, proxy_to, refuse_public, trusted

if TYPE_CHECKING:
    from ssl import SSLContext

REDACTED = "[key removed]"
SHORTEST_SECRET = 8  # characters; a local server's "none" or "EMPTY" hides nothing, and may stand in any answer
LONGEST = 300  # characters of a network error that are kept
RESTED = 4.0  # seconds a connection may lie idle and be used again; many servers close theirs after five


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds to connect, between two pieces of a reply, and for a whole call."""

    connect: float = 10.0
    read: float = 180.0
    total: float = 600.0


@dataclass(frozen=True, slots=True)
class Received:
    """A reply, whatever its status.

    Attributes:
        body: without secrets; of what is longer than was allowed, the start.
        cut: whether there was more.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool


class Body(aiohttp.payload.Payload):
    """A request body in pieces, none of which is copied on its way to the socket, and what became of its connection.

    Attributes:
        fresh: whether it wants a connection that no call has used before.
        reused: whether it was given one that an earlier call had used.
    """

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__(pieces, content_type="application/json")
        self._size = sum(map(len, pieces))
        self.fresh = self.reused = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """All of it as text."""
        return b"".join(self._value).decode(encoding, errors)

    async def write(self, writer: aiohttp.abc.AbstractStreamWriter) -> None:
        """Send it."""
        for piece in self._value:
            await writer.write(piece)


class Connection:
    """Requests to one server.

    Args:
        address: the base URL.
        headers: sent with every request.
        key: removed from everything that is received or said.
        deadlines: when a request is given up.
        local_only: no proxy, and no address that is not of this machine or a private network.

    Raises:
        UserError: a proxy's address or a file of certificates is not one, or the address is no private one.
    """

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str],
        *,
        key: str | None = None,
        deadlines: Deadlines | None = None,
        local_only: bool = False,
    ) -> None:
        self._address = address
        self._headers = {
            "User-Agent": f"whyfeel/{__version__}",
            "Accept-Encoding": "gzip, deflate",  # what is unpacked piece by piece, whatever else is installed
            **headers,
        }
        self._deadlines = deadlines or Deadlines()
        self._local_only = local_only
        if local_only:
            refuse_public(address)
        self._proxy = None if local_only else proxy_to(address)
        self.secrets = Secrets(key, *proxy_secrets(self._proxy))
        encrypted = "https" in {URL(address).scheme, self._proxy.scheme if self._proxy else None}
        self._trust: SSLContext | bool = trusted() if encrypted else True
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, path: str, body: aiohttp.payload.Payload | aiohttp.FormData | None, most: int
    ) -> Received:
        """One request and its reply.

        Args:
            method: such as "GET".
            path: below the base URL.
            body: what is sent.
            most: bytes of the reply, after decompression, that are read.

        Raises:
            CallFailed: no whole reply came; says whether there was a connection.
            EndpointDown: the server's certificate does not verify, or the proxy lets nothing through.
        """
        try:
            async with await self._begin(method, URL(f"{self._address}{path}"), body) as response:
                said, cut = await _read(response, most)
                if response.status == 407:
                    raise self._proxy_refused(407)
                return Received(response.status, response.headers, self.secrets.removed(said), cut)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise self._failure(error) from None

    async def _begin(
        self, method: str, url: URL, body: aiohttp.payload.Payload | aiohttp.FormData | None
    ) -> aiohttp.ClientResponse:
        """Send a request; again at once, on a new connection, where one that had been kept alive turns out dead."""
        while True:
            try:
                # a redirect could carry the picture and the key to a host nobody named
                return await self._open().request(method, url, data=body, allow_redirects=False, proxy=self._proxy)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not isinstance(body, Body) or body.fresh or not body.reused:
                    raise
                body.fresh = True

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            limits = self._deadlines
            self._session = aiohttp.ClientSession(
                connector=_Connector(self._trust, local_only=self._local_only),
                timeout=aiohttp.ClientTimeout(total=limits.total, connect=limits.connect, sock_read=limits.read),
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _failure(self, error: aiohttp.ClientError | OSError) -> WhyfeelError:
        """What an error of the network means."""
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            why = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
            return EndpointDown(
                f"{self._address}: the certificate cannot be verified ({self.secrets.line(why)}). Where an authority "
                "of your own signed it, name the authority's file in SSL_CERT_FILE, then run the same command again"
            )
        if isinstance(error, aiohttp.ClientHttpProxyError) and error.status in {403, 407}:
            return self._proxy_refused(error.status)
        if isinstance(error, TimeoutError):
            # aiohttp names the connect deadline's error after the connection
            connected = not isinstance(error, aiohttp.ConnectionTimeoutError)
            return CallFailed("timeout" if connected else "connection", self._said(error), connected=connected)
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError):
            return CallFailed("connection", self._said(error), connected=False)
        return CallFailed("connection lost", self._said(error))

    def _proxy_refused(self, status: int) -> EndpointDown:
        needs = "asks for a user and a password" if status == 407 else "lets no call through"
        return EndpointDown(f"{self._address}: the proxy {self._proxy_name} {needs} (status {status})")

    def _said(self, error: Exception) -> str:
        """An error in one line, which names neither a secret nor an object in memory."""
        if isinstance(error, aiohttp.ClientHttpProxyError):
            return self.secrets.line(f"the proxy {self._proxy_name} says {error.status} {error.message}")
        if isinstance(error, aiohttp.ClientConnectorError):
            proxy = "the proxy " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
            why = error.os_error.strerror or str(error.os_error) or type(error.os_error).__name__
            return self.secrets.line(
                f"{type(error).__name__}: no connection to {proxy}{error.host}:{error.port}: {why}"
            )
        return self.secrets.line(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)

    @property
    def _proxy_name(self) -> str:
        return str(self._proxy.with_user(None)) if self._proxy else "before it"

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # lets the transports' own callbacks run before the loop ends


class Secrets:
    r"""What is removed from all that is kept or shown.

    >>> Secrets("sk-12345678").line("Bearer sk-12345678 is\nbad")
    'Bearer [key removed] is bad'
    """

    def __init__(self, *secrets: str | None) -> None:
        self._secrets = [one for one in secrets if one is not None and len(one) >= SHORTEST_SECRET]
        self._spellings = [spelling for one in self._secrets for spelling in _spellings(one)]

    def removed(self, body: bytes) -> bytes:
        """A body without them, as they stand or as JSON strings."""
        for spelling in self._spellings:
            if spelling in body:
                body = body.replace(spelling, REDACTED.encode())
        return body

    def hidden(self, text: str) -> str:
        """A text without them; the same object where there was none."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def line(self, text: str) -> str:
        """One printable line without them, of LONGEST characters at most."""
        printable = "".join(c if c.isprintable() else " " for c in self.hidden(text))
        return " ".join(printable.split())[:LONGEST]


class _Connector(aiohttp.TCPConnector):
    """Connections that are known to be new or used; a used one with unasked-for bytes in it is not used again."""

    def __init__(self, trust: SSLContext | bool, *, local_only: bool) -> None:
        super().__init__(
            limit=0,  # the engine bounds what is in flight
            ssl=trust,
            keepalive_timeout=RESTED,
            resolver=local_resolver() if local_only else None,
        )
        self._known: WeakSet[asyncio.BaseProtocol] = WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the name is aiohttp's
    ) -> aiohttp.connector.Connection:
        """A connection; the body is told which kind it goes over."""
        body = req.body if isinstance(req.body, Body) else None
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            assert protocol is not None
            used = protocol in self._known
            if used and (protocol.should_close or (body is not None and body.fresh)):
                connection.close()
                continue
            self._known.add(protocol)
            if body is not None:
                body.reused = used
            return connection


async def _read(response: aiohttp.ClientResponse, most: int) -> tuple[bytes, bool]:
    """A body up to `most` bytes, and whether there was more."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            return b"".join(pieces)[:most], True  # the connection goes with the rest
    return b"".join(pieces), False


def _spellings(key: str) -> tuple[bytes, ...]:
    """A key as it may stand in a body: as it is, or as a JSON string, of which some servers escape the slashes."""
    escaped = json.dumps(key)[1:-1]
    return tuple({spelling.encode(): None for spelling in (key, escaped, escaped.replace("/", "\\/"))})
