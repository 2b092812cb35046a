"""Where an address lies, against the registries of IANA written out by hand, and how a host may be spelt."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whyfeel.hosts import addresses, is_loopback, is_private, is_public, literal, lookup

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "::1"),
    *("10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"),
    *("fc00::", "fd00:ec2::254", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    *("169.254.0.1", "169.254.169.254", "fe80::1", "fe80::1%3", "febf::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.7", "::ffff:169.254.169.254"),
]
NEITHER = [
    *("0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"),
    *("100.64.0.0", "100.100.100.200", "100.127.255.255", "::ffff:100.64.0.1"),
    *("192.0.0.0", "192.0.0.192", "192.0.2.1", "198.51.100.1", "203.0.113.255", "192.88.99.1"),
    *("198.18.0.1", "198.19.255.255", "168.63.129.16"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "ff02::1", "ff0e::1"),
    *("64:ff9b::7f00:1", "64:ff9b::10.0.0.7", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"),
    *("2002:7f00:1::", "2002:a00:7::1", "2002:808:808::1", "2001:0:7f00:1::", "2001:db8::1", "3fff::1"),
    *("::7f00:1", "::808:808", "fec0::1", "100::1", "5f00::1", "4000::1", "2001:1ff:ffff::1"),
]
PUBLIC = [
    *("93.184.215.14", "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "126.255.255.255", "128.0.0.1"),
    *("172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "169.253.255.255", "169.255.0.0"),
    *("100.63.255.255", "100.128.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "192.0.1.0", "1.0.0.0"),
    *("2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2001:4860:4860::8888", "2001:200::", "2a00::1", "2003::1"),
    *("::ffff:8.8.8.8", "64:ff9b::808:808"),
]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_stays_in_the_building(text: str) -> None:
    assert is_private(ip_address(text))
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", NEITHER)
def test_what_is_neither_in_the_building_nor_on_the_internet(text: str) -> None:
    assert not is_private(ip_address(text))
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_anybody_can_reach(text: str) -> None:
    assert is_public(ip_address(text))
    assert not is_private(ip_address(text))


def test_this_machine_is_loopback_and_nothing_else() -> None:
    loopback = {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"}
    assert {text for text in PRIVATE + NEITHER + PUBLIC if is_loopback(ip_address(text))} == loopback


@given(st.ip_addresses(v=4))
def test_what_python_holds_for_special_is_never_public(address: IPv4Address) -> None:
    """`is_global` knows fewer special networks than we do, but none that we do not know."""
    assert address.is_global or not is_public(address)
    assert is_private(IPv6Address(f"::ffff:{address}")) == is_private(address)
    assert is_public(IPv6Address(f"::ffff:{address}")) == is_public(IPv6Address(f"64:ff9b::{address}"))
    assert is_public(IPv6Address(f"::ffff:{address}")) == is_public(address)


@given(st.ip_addresses(v=6))
def test_no_address_is_both(address: IPv6Address) -> None:
    assert not (is_public(address) and is_private(address))
    mapped_or_nat64 = address.ipv4_mapped is not None or str(address).startswith("64:ff9b::")
    assert mapped_or_nat64 or address.is_global or not is_public(address)


SPELT = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0X7F.0.0.1", "017700000001", "0177.0.0.01"]


@pytest.mark.parametrize("host", SPELT)
async def test_every_spelling_of_an_address_is_read_as_the_system_reads_it(host: str) -> None:
    assert literal(host) == IPv4Address("127.0.0.1")
    assert await addresses(host, 80) == lookup(host, 80) == [IPv4Address("127.0.0.1")]


def test_addresses_of_ipv6_keep_their_interface() -> None:
    assert literal("::1") == IPv6Address("::1")
    assert literal("::FFFF:7f00:1") == IPv6Address("::ffff:127.0.0.1")
    loopback = socket.if_nametoindex("lo")
    assert literal("fe80::1%lo") == IPv6Address(f"fe80::1%{loopback}")


STRANGE = [
    "",
    "..",
    ".a",
    "a\0b",
    "x" * 300,
    "\ud800",
    "localhost",
    "1.2.3.4.5",
    "256.1.1.1",
    "::1::",
    "[::1]",
    "127.0.0.1 x",
]


@pytest.mark.parametrize("host", STRANGE)
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None


@given(
    st.text(st.characters(exclude_categories=()), max_size=30)
    | st.from_regex(r"[0-9a-fx.:%\[\]]{1,20}", fullmatch=True)
)
@example("127.0.0.1\0.example")
@example("a" * 64 + ".example")
def test_any_text_is_an_address_the_system_agrees_with_or_none(host: str) -> None:
    found = literal(host)
    assert found is None or lookup(host, 80) == [found]


def test_localhost_is_this_machine() -> None:
    found = lookup("localhost", 80)
    assert found
    assert all(map(is_loopback, found))
    assert len(found) == len(set(found))


@pytest.mark.parametrize("host", ["\ud800.example", "x" * 64 + ".example"])
async def test_a_name_that_no_host_can_have_is_an_error_of_the_network(host: str) -> None:
    with pytest.raises(OSError, match="no host can have this name"):
        await addresses(host, 80)


async def test_waiting_for_the_resolver_does_not_hold_up_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    turned = asyncio.Event()

    def slow(*_: object, **__: object) -> list[tuple[object, ...]]:
        asyncio.run_coroutine_threadsafe(asyncio.wait_for(turned.wait(), 5), loop).result(5)
        place = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 80))
        return [place, place]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    looking = asyncio.ensure_future(addresses("slow.example", 80))
    loop.call_later(0.01, turned.set)
    assert await looking == [IPv4Address("10.0.0.7")]
