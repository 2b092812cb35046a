"""What a connection is told about a host: exactly what was found, or nothing."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest
from aiohttp import ClientSession, TCPConnector, web
from yarl import URL

from whyfeel.hosts import Address
from whyfeel.media.headers import BadPicture
from whyfeel.media.resolvers import LocalResolver, PublicResolver, Resolve


def finds(*texts: str) -> Resolve:
    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address(text) for text in texts]

    return resolve


async def broken(host: str, port: int) -> list[Address]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class TestLocal:
    @pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.7", "192.168.1.1", "fd00::1", "::1"])
    async def test_a_private_address_is_handed_on_as_a_number(self, text: str) -> None:
        (one,) = await LocalResolver(finds(text)).resolve("box", 8000, socket.AF_UNSPEC)
        family = socket.AF_INET6 if ":" in text else socket.AF_INET
        assert (one["hostname"], one["host"], one["port"], one["family"]) == ("box", text, 8000, family)
        assert one["flags"] & socket.AI_NUMERICHOST

    @pytest.mark.parametrize(
        "found", [["8.8.8.8"], ["10.0.0.7", "8.8.8.8"], ["::1", "2001:4860::1"], ["0.0.0.0"], ["100.64.0.1"]]
    )
    async def test_any_other_is_an_error_of_the_network_that_names_it(self, found: list[str]) -> None:
        with pytest.raises(OSError, match=rf"\Abox is at {found[-1]}, which is neither on this machine"):
            await LocalResolver(finds(*found)).resolve("box", 80)

    async def test_what_cannot_be_found_stays_an_error_of_the_network(self) -> None:
        with pytest.raises(OSError, match="not known"):
            await LocalResolver(broken).resolve("box", 80)

    async def test_only_the_family_that_is_asked_for_is_told(self) -> None:
        resolver = LocalResolver(finds("::1", "127.0.0.1"))
        told = [one["host"] for one in await resolver.resolve("box", 80, socket.AF_INET)]
        assert told == ["127.0.0.1"]
        both = [one["host"] for one in await resolver.resolve("box", 80, socket.AF_UNSPEC)]
        assert both == ["::1", "127.0.0.1"]

    async def test_aiohttp_connects_to_what_it_was_told(self) -> None:
        async def hello(request: web.Request) -> web.Response:
            return web.Response(text=request.host)

        app = web.Application()
        app.router.add_get("/", hello)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        try:
            async with ClientSession(connector=TCPConnector(resolver=LocalResolver(finds("127.0.0.1")))) as session:
                async with session.get(f"http://no-such-host.example:{port}/") as response:
                    assert await response.text() == f"no-such-host.example:{port}"
            async with ClientSession(connector=TCPConnector(resolver=LocalResolver())) as session:
                async with session.get(f"http://localhost:{port}/") as response:
                    assert await response.text() == f"localhost:{port}"
        finally:
            await runner.cleanup()


class TestPublic:
    async def test_public_addresses_are_handed_on(self) -> None:
        found = await PublicResolver(resolve=finds("8.8.8.8", "2606:4700::1")).checked("a.example", 80)
        assert found == [ip_address("8.8.8.8"), ip_address("2606:4700::1")]

    @pytest.mark.parametrize("found", [["10.0.0.7"], ["8.8.8.8", "10.0.0.7"], ["10.0.0.7", "8.8.8.8"]])
    async def test_one_other_shuts_the_host_and_says_how_to_open_it(self, found: list[str]) -> None:
        with pytest.raises(BadPicture, match=r"a\.example is at 10\.0\.0\.7.* --allow-host a\.example"):
            await PublicResolver(resolve=finds(*found)).checked("a.example", 80)

    @pytest.mark.parametrize(
        ("named", "host"),
        [
            ("a.example", "a.example"),
            ("A.Example.", "a.example"),
            ("a.example", "A.EXAMPLE."),
            ("bücher.example", "xn--bcher-kva.example"),
            ("10.0.0.7", "10.0.0.7"),
            ("10.0.0.7", "0x0a.7"),
            ("10.0.0.7", "167772167"),
            ("[::1]", "::1"),
            ("0:0::1", "::1"),
        ],
    )
    async def test_a_host_that_the_user_named_may_be_anywhere(self, named: str, host: str) -> None:
        assert await PublicResolver(frozenset([named]), finds("10.0.0.7")).checked(host, 80)

    @pytest.mark.parametrize("named", ["b.example", "example", "*", ".example", "", "a.example:80", "\ud800", "a b"])
    async def test_another_name_opens_nothing(self, named: str) -> None:
        with pytest.raises(BadPicture, match="not public"):
            await PublicResolver(frozenset([named]), finds("10.0.0.7")).checked("a.example", 80)

    async def test_a_named_address_does_not_open_the_names_that_lie_at_it(self) -> None:
        with pytest.raises(BadPicture, match="not public"):
            await PublicResolver(frozenset(["10.0.0.7"]), finds("10.0.0.7")).checked("a.example", 80)

    async def test_a_host_without_an_address_is_a_reason(self) -> None:
        with pytest.raises(BadPicture, match=r"\Aa\.example cannot be resolved: Name or service not known\Z"):
            await PublicResolver(resolve=broken).checked("a.example", 80)
        with pytest.raises(BadPicture, match=r"\Aa\.example has no address\Z"):
            await PublicResolver(resolve=finds()).checked("a.example", 80)

    @pytest.mark.parametrize(
        "host", ["1.2.3.4.5", "256.1.1.1", "v1.a:b.example", "fe80::1%nowhere", "127.0.0.1.", "..."]
    )
    async def test_what_aiohttp_would_take_for_an_address_is_never_looked_up(self, host: str) -> None:
        with pytest.raises(BadPicture, match="neither a name nor an address"):
            await PublicResolver(frozenset([host]), finds("8.8.8.8")).checked(host, 80)

    @pytest.mark.parametrize(
        ("url", "pinned"),
        [
            ("http://134744072:8080/a%20b?c=%2F", "http://8.8.8.8:8080/a%20b?c=%2F"),
            ("http://010.010.010.010/", "http://8.8.8.8/"),
            ("https://[2606:4700:0::1]/x", "https://[2606:4700::1]/x"),
            ("http://0x8.8.8.8/", "http://0x8.8.8.8/"),  # a name to aiohttp, which asks the resolver
            ("http://a.example/", "http://a.example/"),
        ],
    )
    async def test_an_address_is_spelt_out_and_a_name_is_left_to_the_connection(self, url: str, pinned: str) -> None:
        assert await PublicResolver(resolve=broken).pinned(URL(url)) == URL(pinned)

    @pytest.mark.parametrize("url", ["http://2130706433/", "http://[::1]/", "http://0/", "http://[::ffff:7f00:1]/"])
    async def test_an_address_that_is_not_public_is_not(self, url: str) -> None:
        with pytest.raises(BadPicture, match="not public"):
            await PublicResolver(resolve=broken).pinned(URL(url))
