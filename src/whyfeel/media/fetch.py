"""Pictures at URLs, fetched into a folder before the first call; data names the URLs, so nothing there is trusted."""

from __future__ import annotations

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from whyfeel import __version__
from whyfeel.errors import StoreFailed
from whyfeel.hosts import addresses
from whyfeel.media.headers import BadPicture, read_header
from whyfeel.media.resolvers import PublicResolver, Resolve
from whyfeel.media.store import fetched_name

if TYPE_CHECKING:
    from ssl import SSLContext

REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOST = re.compile(r"[\w.-]+|[\w.%-]*:[\w.:%-]*", re.ASCII)  # a name, or an address of IPv6
LONGEST = 300  # characters of a reason that are kept
HEADERS = {
    "User-Agent": f"whyfeel/{__version__}",
    "Accept": "image/jpeg, image/png, image/webp, image/gif",
    "Accept-Encoding": "identity",  # pictures are compressed already
}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a picture at a URL may cost.

    Attributes:
        size: bytes after decompression.
        seconds: for one picture with all its redirects; waiting for its turn does not count.
        connect: seconds to look a host up and connect.
        redirects: how many are followed.
        together, per_host: how many are fetched side by side, in all and from one host.
    """

    size: int = 32 * 1024 * 1024
    seconds: float = 30.0
    connect: float = 10.0
    redirects: int = 5
    together: int = 16
    per_host: int = 4


async def fetch_pictures(
    urls: Iterable[str],
    folder: Path,
    *,
    named: frozenset[str] = frozenset(),
    limits: FetchLimits | None = None,
    resolve: Resolve = addresses,
    trust: SSLContext | bool = True,
) -> dict[str, str]:
    """Fetch each picture once into `folder / fetched_name(url)`; those that are there already stay as they are.

    Only public addresses are spoken to, unless the user named the host: it is looked up once a connection, and the
    connection goes to what was found and checked. Every redirect is checked anew, and none leads from https to http.
    No credentials, cookies or referrer are sent. A proxy in the environment (HTTP_PROXY and the like) is not used,
    since it would look the host up itself.

    Args:
        urls: http and https; anything else is refused with a reason.
        folder: made where it is missing.
        named: hosts that may be at any address.
        limits: what a picture may cost.
        resolve: finds the addresses of a host and a port, or raises OSError.
        trust: the certificates that https servers are checked by; True for the machine's.

    Returns:
        Why, in one line, for each URL that could not be fetched; in the order of `urls`.

    Raises:
        StoreFailed: the folder cannot be written.
    """
    missing = _missing(urls, folder)
    if not missing:
        return {}
    fetcher = _Fetcher(PublicResolver(named, resolve), limits or FetchLimits(), trust)
    tasks = [asyncio.create_task(fetcher.fetch(url, path)) for url, path in missing.items()]
    try:
        whys = await asyncio.gather(*tasks)
        await asyncio.to_thread(_sync, folder)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await fetcher.close()
    return {url: why for url, why in zip(missing, whys, strict=True) if why is not None}


class _Fetcher:
    def __init__(self, resolver: PublicResolver, limits: FetchLimits, trust: SSLContext | bool) -> None:
        self._resolver = resolver
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.together)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(limits.per_host))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=resolver, use_dns_cache=False, ssl=trust),
            timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect),
            headers=HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def fetch(self, url: str, path: Path) -> str | None:
        """Fetch one picture; why not, or None."""
        part = path.with_name(f"{path.name}.part")
        try:
            await self._follow(_target(url), part)
            await asyncio.to_thread(_settle, part, path)
        except BadPicture as bad:
            return _one_line(str(bad))
        except TimeoutError:
            return f"it took longer than {self._limits.seconds:g} s"
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return None

    async def _follow(self, target: URL, part: Path) -> None:
        """Put the bytes at a URL, or where it leads, into a file."""
        left, clock = self._limits.seconds, asyncio.get_running_loop().time
        for _ in range(self._limits.redirects + 1):
            async with self._hosts[target.raw_host or ""], self._turns:
                begun = clock()
                async with asyncio.timeout(left):
                    location = await self._hop(target, part)
                left -= clock() - begun
            if location is None:
                return
            target = _redirected(target, location)
        raise BadPicture(f"it leads through more than {self._limits.redirects} redirects")

    async def _hop(self, target: URL, part: Path) -> str | None:
        """One request: the bytes into a file, or where the server says they are."""
        with self._reasons():
            pinned = await self._resolver.pinned(target)
            response = await self._session.get(pinned, allow_redirects=False)
        async with response:
            if response.status in REDIRECTS and "Location" in response.headers:
                return response.headers["Location"]
            if response.status != 200:
                raise BadPicture(f"the server answers {response.status}")
            await self._receive(response, part)
        return None

    async def _receive(self, response: aiohttp.ClientResponse, part: Path) -> None:
        size = 0
        with _storing(part), part.open("wb") as file:
            while piece := await self._piece(response):
                size += len(piece)
                if size > self._limits.size:
                    raise BadPicture(f"it is larger than {self._limits.size:,} bytes")
                file.write(piece)

    async def _piece(self, response: aiohttp.ClientResponse) -> bytes:
        """What has come since the last piece, b"" at the end."""
        with self._reasons():
            return await response.content.readany()

    @contextmanager
    def _reasons(self) -> Iterator[None]:
        """Whatever the network or a server does becomes one line."""
        try:
            yield
        except aiohttp.ConnectionTimeoutError:
            raise BadPicture(f"no connection within {self._limits.connect:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise BadPicture(_said(error)) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
        await asyncio.sleep(0)  # lets the transports' own callbacks run before the loop ends


def _target(url: str, base: URL | None = None) -> URL:
    """A URL that may be asked."""
    try:
        url.encode()  # yarl passes lone surrogates over, and would ask for something else
        target = URL(url) if base is None else base.join(URL(url))
        host = target.raw_host or ""
        host.rstrip(".").encode("idna")  # raises for a part that is empty or too long, which ssl finds out too late
        good = target.scheme in {"http", "https"} and HOST.fullmatch(host) is not None and target.port != 0
    except (ValueError, IndexError):  # yarl stumbles over "http://[]@"
        good = False
    if not good:
        raise BadPicture("expected a URL such as https://host/picture.jpg")
    if target.raw_user is not None or target.raw_password is not None:
        raise BadPicture("the URL holds a user or a password; no credentials are sent")
    return target


def _redirected(target: URL, location: str) -> URL:
    """Where a redirect leads; a new URL, trusted no more than the first."""
    try:
        following = _target(location, target)
    except BadPicture as bad:
        raise BadPicture(f"it is redirected: {bad}") from None
    if target.scheme == "https" and following.scheme == "http":
        raise BadPicture("it is redirected from https to http")
    return following


def _said(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "") or error.certificate_error
        return f"the certificate of {error.host} cannot be verified: {why}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to {error.host}:{error.port}: {_said(error.os_error)}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _one_line(why: str) -> str:
    """A reason without what data or a server could smuggle into a terminal, and no longer than anybody reads."""
    printable = "".join(c if c.isprintable() else " " for c in why)
    return " ".join(printable.split())[:LONGEST]


def _missing(urls: Iterable[str], folder: Path) -> dict[str, Path]:
    """The URLs whose pictures are not there yet, and where they will lie; the folder is made for them."""
    paths = {url: folder / fetched_name(url) for url in urls}
    with _storing(folder):
        missing = {url: path for url, path in paths.items() if not path.is_file()}
        if missing:
            folder.mkdir(parents=True, exist_ok=True)
    return missing


def _settle(part: Path, path: Path) -> None:
    """Keep a file that is a picture; its bytes are on the disk before it has its name."""
    with _storing(part), part.open("rb") as file:
        read_header(file)
        os.fsync(file.fileno())
        part.replace(path)


def _sync(folder: Path) -> None:
    """Make the new names durable too: other bytes under a URL after a power cut would be other questions."""
    with _storing(folder):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _storing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreFailed(
            f"{str(path)!r} cannot be written: {error.strerror}. The pictures that were fetched before are kept: make "
            "room or mend the cause, then run the same command again"
        ) from None
