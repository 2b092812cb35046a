"""Which hosts are ours: addresses of this machine and of private networks, and all others."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address


def is_private(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to this machine or to a private network (RFC 1918, RFC 4193, link-local)."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    one = mapped or address
    return one.is_loopback or (one.is_private and not one.is_unspecified and not one.is_reserved)
