"""Where a host lies: on this machine, in a private network, on the public internet, or nowhere to be spoken to."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# Own tables after IANA's special-purpose address registries, since `is_global` differs between releases of Python.
PRIVATE = (
    *map(ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")),
    *map(ip_network, ("::1/128", "fc00::/7", "fe80::/10")),
)
SPECIAL = (
    *PRIVATE,
    *map(ip_network, ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24")),
    *map(ip_network, ("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")),
    ip_network("168.63.129.16"),  # looks public, but is the host beneath every virtual machine of Azure
    *map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")),  # Teredo, 6to4 and others
)
GIVEN_OUT = ip_network("2000::/3")  # all unicast addresses of IPv6 that anybody has
NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the address of IPv4 that is spoken to


def is_public(address: Address) -> bool:
    """Whether an address is globally routable, so that a picture may be fetched from it when data names it.

    An address of IPv4 inside one of IPv6 (mapped, NAT64) is judged by itself; 6to4 and Teredo are never public.

    >>> is_public(IPv4Address("93.184.215.14")), is_public(IPv6Address("::ffff:169.254.169.254"))
    (True, False)
    """
    address = _spoken_to(address)
    if address in NAT64:
        address = IPv4Address(int(address) & 0xFFFF_FFFF)
    routed = address.version == 4 or address in GIVEN_OUT
    return routed and not any(address in network for network in SPECIAL)


def is_private(address: Address) -> bool:
    """Whether an address belongs to this machine or to a private network: what is sent there stays in the building.

    Loopback, RFC 1918, RFC 4193, and link-local unicast. The carrier's network (100.64/10), multicast, reserved and
    unspecified addresses are neither private nor public.

    >>> is_private(IPv4Address("192.168.0.7")), is_private(IPv4Address("100.64.0.1"))
    (True, False)
    """
    address = _spoken_to(address)
    return any(address in network for network in PRIVATE)


def is_loopback(address: Address) -> bool:
    """Whether an address is this machine's own.

    >>> is_loopback(IPv6Address("::1")), is_loopback(IPv4Address("10.0.0.7"))
    (True, False)
    """
    return _spoken_to(address).is_loopback


def _spoken_to(address: Address) -> Address:
    """The address of IPv4 that a mapped one stands for; any other as it is."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def literal(host: str) -> Address | None:
    """The address that a host spells out, as the system's resolver reads it; None for a name. Asks no server.

    >>> literal("2130706433"), literal("0x7f.1"), literal("localhost")
    (IPv4Address('127.0.0.1'), IPv4Address('127.0.0.1'), None)
    """
    try:
        return _found(host, 0, socket.AI_NUMERICHOST)[0]
    except OSError:
        return None


def lookup(host: str, port: int) -> list[Address]:
    """The addresses of a host, in the order in which the system would try them; waits for the system's resolver.

    Raises:
        OSError: there is no such host, or nobody can say.
    """
    return _found(host, port, 0)


async def addresses(host: str, port: int) -> list[Address]:
    """As `lookup`, without holding up the event loop.

    Raises:
        OSError: there is no such host, or nobody can say.
    """
    return await asyncio.get_running_loop().run_in_executor(None, lookup, host, port)


def _found(host: str, port: int, flags: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except (ValueError, OverflowError):  # a name that cannot be encoded, a port above 65535
        raise socket.gaierror(socket.EAI_NONAME, "no host can have this name") from None
    return list(dict.fromkeys(_address(place) for _, _, _, _, place in found))


def _address(place: tuple[str | int | bytes, ...]) -> Address:
    """The address in what getaddrinfo says; a link-local one of IPv6 keeps the number of its interface."""
    number, _, _ = str(place[0]).partition("%")
    scope = int(place[3]) if len(place) == 4 else 0
    return ip_address(f"{number}%{scope}" if scope else number)
