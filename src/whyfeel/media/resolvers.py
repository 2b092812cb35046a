"""Which addresses a connection may go to: those that were looked up and checked, and no others."""

from __future__ import annotations

import re
import socket
from abc import abstractmethod
from collections.abc import Awaitable, Callable

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from whyfeel.hosts import Address, addresses, is_private, is_public, literal
from whyfeel.media.picture import BadPicture

Resolve = Callable[[str, int], Awaitable[list[Address]]]

NO_NAME = re.compile(r"[\d.]*|.*:.*", re.ASCII)  # what aiohttp takes for an address, and asks no resolver about
KINDS = {4: socket.AF_INET, 6: socket.AF_INET6}


class Resolver(AbstractResolver):
    """Looks a host up once a connection, and has the connection go to exactly what was found."""

    @abstractmethod
    async def checked(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, or an error where one of them is not to be spoken to."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses as aiohttp wants them; numbers, so that nobody looks them up again."""
        return [
            ResolveResult(
                hostname=host, host=str(one), port=port, family=KINDS[one.version], proto=0, flags=socket.AI_NUMERICHOST
            )
            for one in await self.checked(host, port)
            if family in {socket.AF_UNSPEC, KINDS[one.version]}
        ]

    async def close(self) -> None:
        """Nothing is held."""


class LocalResolver(Resolver):
    """Finds addresses of this machine and of private networks; a host with any other raises OSError.

    aiohttp does not ask about a host that is an address already: that needs a check before.

    Args:
        resolve: finds the addresses of a host and a port, or raises OSError.
    """

    def __init__(self, resolve: Resolve = addresses) -> None:
        self._resolve = resolve

    async def checked(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, all of them private.

        Raises:
            OSError: one is not, or there is none.
        """
        found = await self._resolve(host, port)
        for one in found:
            if not is_private(one):
                raise OSError(f"{host} is at {one}, which is neither on this machine nor in a private network")
        return found


class PublicResolver(Resolver):
    """Finds public addresses; a host with any other raises BadPicture, unless the user named it.

    Args:
        named: host names and addresses that the user named.
        resolve: finds the addresses of a host and a port, or raises OSError.
    """

    def __init__(self, named: frozenset[str] = frozenset(), resolve: Resolve = addresses) -> None:
        self._named = frozenset(map(_plain, named))
        self._resolve = resolve

    async def checked(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, all of them public if it was not named.

        Raises:
            BadPicture: one is not, or there is none.
        """
        number = literal(host)
        if number is None and NO_NAME.fullmatch(host):
            raise BadPicture(f"{host!r} is neither a name nor an address")
        try:
            found = [number] if number is not None else await self._resolve(host, port)
        except OSError as error:
            raise BadPicture(f"{host} cannot be resolved: {error.strerror or error}") from None
        if not found:
            raise BadPicture(f"{host} has no address")
        shut = [one for one in found if not is_public(one)]
        if shut and _plain(host) not in self._named:
            raise BadPicture(f"{host} is at {shut[0]}, which is not public; if you mean it, give --allow-host {host}")
        return found

    async def pinned(self, target: URL) -> URL:
        """A URL of which aiohttp will look up the host by this resolver, or whose address was checked here.

        Raises:
            BadPicture: the address is not to be spoken to, or is none.
        """
        host = target.raw_host or ""
        if not NO_NAME.fullmatch(host):
            return target
        (number,) = await self.checked(host, target.port or 0)
        return target.with_host(str(number))


def _plain(host: str) -> str:
    """One spelling for a host: an address in its usual form, a name in lower case and ASCII."""
    bare = host.removeprefix("[").removesuffix("]").rstrip(".").lower()
    if (number := literal(bare)) is not None:
        return str(number)
    try:
        return URL.build(scheme="http", host=bare).raw_host or bare
    except ValueError:
        return bare
