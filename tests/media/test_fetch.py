"""Pictures at URLs, over sockets of this machine that stand for the internet: where nothing leads, and what arrives."""

from __future__ import annotations

import asyncio
import errno
import gzip
import hashlib
import os
import resource
import socket
import ssl
import tracemalloc
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from whyfeel import __version__
from whyfeel.errors import StoreFailed
from whyfeel.hosts import Address
from whyfeel.media.fetch import FetchLimits, fetch_pictures
from whyfeel.media.store import fetched_name

HERE = "93.184.215.14"  # a public address at which the servers of a test seem to be
THERE = "8.8.4.4"  # another
UNLIKELY = "http://a.example/x.jpg"

# made for these tests, signed by itself, for pictures.example until 2119
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBqzCCAVCgAwIBAgIUd7hlsW4/HPCiJGdKlXQ2hiHffT4wCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQcGljdHVyZXMuZXhhbXBsZTAgFw0yNjExMjExMzA3MTZaGA8y
MTE5MTIyNDEzMDcxNlowGzEZMBcGA1UEAwwQcGljdHVyZXMuZXhhbXBsZTBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABMxf6DVoHss1RSbwmYRvjCBaJenCP0BdHGbl
ivhtHnblusMgdF+X8S20MemB6cl+u1S66US+gU75REsPjD/VphajcDBuMB0GA1Ud
DgQWBBTLyUVT1q4QHZQT3glMZn5J9Do4+jAfBgNVHSMEGDAWgBTLyUVT1q4QHZQT
3glMZn5J9Do4+jAPBgNVHRMBAf8EBTADAQH/MBsGA1UdEQQUMBKCEHBpY3R1cmVz
LmV4YW1wbGUwCgYIKoZIzj0EAwIDSQAwRgIhAIZnvLGRauzxqZR83/o91pRaEvYc
X9lkkeqohoeMEBdEAiEAn7/3R8ZBNXriu6RsgQKQ4Ye2PClq29d6p130RF8JWI4=
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5cFX+WlmliD4+iN/
xyBC+hlIxNXhWCz9Fh9piliWvV6hRANCAATMX+g1aB7LNUUm8JmEb4wgWiXpwj9A
XRxm5Yr4bR525brDIHRfl/EttDHpgenJfrtUuulEvoFO+URLD4w/1aYW
-----END PRIVATE KEY-----
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Internet:
    """Public addresses that lead to servers on this machine, a resolver, and what was asked of both.

    Attributes:
        names: what each name is found at, one answer after another; the last one stays.
        looked_up, connected: names and addresses, in order.
        everywhere: the port of this machine to which addresses lead at which no server was put.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.looked_up: list[str] = []
        self.connected: list[str] = []
        self.everywhere: int | None = None
        self._ports: dict[tuple[str, int], int] = {}
        self._closing: list[Callable[[], Awaitable[None]]] = []
        loop = asyncio.get_running_loop()
        really = loop.sock_connect

        async def connect(sock: socket.socket, address: tuple[Any, ...]) -> None:
            self.connected.append(address[0])
            if (port := self._ports.get((address[0], address[1]), self.everywhere)) is None:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody is there")
            await really(sock, ("127.0.0.1", port))

        monkeypatch.setattr(loop, "sock_connect", connect)

    async def resolve(self, host: str, port: int) -> list[Address]:
        self.looked_up.append(host)
        if host not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self.names[host]
        return [ip_address(text) for text in (answers.pop(0) if len(answers) > 1 else answers[0])]

    async def serve(self, handler: Handler, at: str = HERE, port: int = 80, **options: Any) -> None:
        """Pass every request to an address and a port to a handler."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, **options).start()
        self._closing.append(runner.cleanup)
        self._ports[at, port] = runner.addresses[0][1]

    async def talk(self, talk: Talk, at: str | None = HERE) -> None:
        """Have a function say what it likes to port 80 of an address, or everywhere."""
        talks: set[asyncio.Task[None]] = set()

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    await talk(reader, writer)
            finally:
                writer.transport.abort()
                with suppress(ConnectionError):
                    await writer.wait_closed()

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.add(asyncio.get_running_loop().create_task(converse(reader, writer)))

        async def close() -> None:
            server.close()
            for one in talks:
                one.cancel()
            await asyncio.gather(*talks, return_exceptions=True)

        server = await asyncio.start_server(begin, "127.0.0.1", 0)
        self._closing.append(close)
        port = server.sockets[0].getsockname()[1]
        if at is None:
            self.everywhere = port
        else:
            self._ports[at, 80] = port

    async def close(self) -> None:
        for close in self._closing:
            await close()


@pytest.fixture
async def net(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Internet]:
    internet = Internet(monkeypatch)
    internet.names["a.example"] = [[HERE]]
    yield internet
    await internet.close()


@pytest.fixture
def jpeg(make: Callable[[str], bytes]) -> bytes:
    return make("jpeg")


def saying(body: bytes, status: int = 200, **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, headers=named)

    return handler


def moving(where: Callable[[web.Request], str], status: int = 302) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": where(request)})

    return handler


async def heard(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def fetch(net: Internet, folder: Path, *urls: str, **more: Any) -> dict[str, str]:
    """Fetch; every reason is one short line, and nothing but whole pictures is left."""
    whys = await fetch_pictures(urls, folder, resolve=net.resolve, **more)
    assert all(0 < len(why) <= 300 and why.isprintable() for why in whys.values()), whys
    assert whys.keys() <= set(urls)
    assert set(os.listdir(folder)) == {fetched_name(url) for url in urls if url not in whys}  # noqa: PTH208
    return whys


async def why_not(net: Internet, folder: Path, url: str = UNLIKELY, **more: Any) -> str:
    return (await fetch(net, folder, url, **more))[url]


class TestFetched:
    async def test_the_bytes_lie_under_the_hash_of_the_url(self, net, tmp_path, jpeg) -> None:
        await net.serve(saying(jpeg))
        assert await fetch(net, tmp_path / "new" / "folder", UNLIKELY) == {}
        name = hashlib.sha256(UNLIKELY.encode()).hexdigest()
        assert (tmp_path / "new" / "folder" / name).read_bytes() == jpeg

    async def test_each_is_asked_for_once_and_never_again(self, net, tmp_path, jpeg) -> None:
        asked: list[str] = []

        async def handler(request: web.Request) -> web.Response:
            asked.append(request.path_qs)
            return web.Response(body=jpeg) if len(asked) <= 3 else web.Response(status=500)

        await net.serve(handler)
        urls = [f"http://a.example/{name}" for name in ("a", "b", "a", "b?c=1")]
        assert await fetch(net, tmp_path, *urls) == {}
        assert await fetch(net, tmp_path, *urls) == {}
        assert sorted(asked) == ["/a", "/b", "/b?c=1"]

    async def test_what_is_there_is_what_is_used(self, net, tmp_path) -> None:
        (tmp_path / fetched_name(UNLIKELY)).write_bytes(b"of an earlier sitting")
        assert await fetch(net, tmp_path, UNLIKELY) == {}
        assert (tmp_path / fetched_name(UNLIKELY)).read_bytes() == b"of an earlier sitting"
        assert net.looked_up == []

    async def test_one_that_fails_leaves_the_others_alone_and_is_tried_again(self, net, tmp_path, jpeg) -> None:
        down = True

        async def handler(request: web.Request) -> web.Response:
            return web.Response(status=503) if down and request.path == "/b" else web.Response(body=jpeg)

        await net.serve(handler)
        urls = [f"http://a.example/{name}" for name in "abc"]
        assert await fetch(net, tmp_path, *urls) == {urls[1]: "the server answers 503"}
        down = False
        assert await fetch(net, tmp_path, *urls) == {}

    async def test_nothing_to_fetch_makes_no_folder(self, tmp_path) -> None:
        assert await fetch_pictures([], tmp_path / "none") == {}
        assert not (tmp_path / "none").exists()

    async def test_reasons_stand_in_the_order_of_the_urls(self, net, tmp_path) -> None:
        urls = [f"http://{name}.example/" for name in "zyx"]
        assert list(await fetch(net, tmp_path, *urls)) == urls

    @pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", "image/tiff"])
    async def test_bytes_decide_and_not_the_content_type(self, net, tmp_path, jpeg, kind) -> None:
        await net.serve(saying(jpeg, Content_Type=kind))
        assert await fetch(net, tmp_path, UNLIKELY) == {}

    async def test_a_body_that_is_packed_anyway_is_unpacked(self, net, tmp_path, jpeg) -> None:
        await net.serve(saying(gzip.compress(jpeg), Content_Encoding="gzip"))
        assert await fetch(net, tmp_path, UNLIKELY) == {}
        assert (tmp_path / fetched_name(UNLIKELY)).read_bytes() == jpeg

    async def test_an_old_half_is_written_over(self, net, tmp_path, jpeg) -> None:
        await net.serve(saying(jpeg))
        (tmp_path / f"{fetched_name(UNLIKELY)}.part").write_bytes(b"x" * 100_000)
        assert await fetch(net, tmp_path, UNLIKELY) == {}
        assert (tmp_path / fetched_name(UNLIKELY)).read_bytes() == jpeg


class TestNothingIsToldAboutUs:
    async def test_headers_are_ours_alone(self, net, tmp_path, jpeg, monkeypatch) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine a.example login me password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        seen: list[dict[str, str]] = []

        async def handler(request: web.Request) -> web.Response:
            seen.append(dict(request.headers))
            if request.path == "/x.jpg":
                return web.Response(status=302, headers={"Location": "/y", "Set-Cookie": "id=1; Path=/"})
            return web.Response(body=jpeg)

        await net.serve(handler)
        assert await fetch(net, tmp_path / "pictures", UNLIKELY) == {}
        ours = {
            "Host": "a.example",
            "User-Agent": f"whyfeel/{__version__}",
            "Accept": "image/jpeg, image/png, image/webp, image/gif",
            "Accept-Encoding": "identity",
        }
        assert seen == [ours, ours]

    @pytest.mark.parametrize(
        "url", ["http://me:secret@a.example/", "http://me@a.example/", "http://:secret@a.example/"]
    )
    async def test_a_url_with_credentials_is_refused(self, net, tmp_path, url) -> None:
        assert await why_not(net, tmp_path, url) == "the URL holds a user or a password; no credentials are sent"
        assert net.looked_up == []

    async def test_no_proxy_is_used(self, net, tmp_path, jpeg, monkeypatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{THERE}:3128")
        await net.serve(saying(jpeg))
        assert await fetch(net, tmp_path, UNLIKELY) == {}
        assert net.connected == [HERE]


PRIVATE = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0"),
    *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]"),
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "100.100.100.200"),
    *("10.0.0.7", "172.16.0.1", "192.168.1.1", "[fe80::1]", "[fd00::1]", "100.64.0.1", "224.0.0.1", "255.255.255.255"),
    *("127.0.0.1:80", "①②⑦.⓪.⓪.①", "inside.example", "INSIDE.example", "inside.example."),
]


class TestNothingLeadsInside:
    @pytest.fixture(autouse=True)
    def inside(self, net) -> None:
        net.names |= {name: [["10.0.0.7"]] for name in ("inside.example", "inside.example.")}

    @pytest.mark.parametrize("host", PRIVATE)
    async def test_a_host_inside_is_refused_however_it_is_spelt(self, net, tmp_path, host) -> None:
        why = await why_not(net, tmp_path, f"http://{host}/x.jpg")
        assert "which is not public; if you mean it, give --allow-host" in why
        assert net.connected == []

    @pytest.mark.parametrize("host", PRIVATE)
    async def test_and_so_is_a_redirect_to_it(self, net, tmp_path, host) -> None:
        # beyond ASCII it is percent-encoded, as servers do: a header carries nothing else
        await net.serve(moving(lambda _: f"http://{quote(host, safe='[]:.')}/x.jpg"))
        why = await why_not(net, tmp_path)
        assert "which is not public" in why or "%" in quote(host, safe="[]:.")
        assert net.connected == [HERE]

    async def test_localhost_is_looked_up_by_the_system_and_refused(self, net, tmp_path) -> None:
        whys = await fetch_pictures(["http://localhost/x.jpg"], tmp_path)
        assert "localhost is at " in whys["http://localhost/x.jpg"]
        assert net.connected == []

    async def test_a_name_with_one_address_inside_is_refused_whole(self, net, tmp_path) -> None:
        net.names["a.example"] = [[HERE, "10.0.0.7"]]
        assert "a.example is at 10.0.0.7" in await why_not(net, tmp_path)
        assert net.connected == []

    async def test_a_name_that_is_found_elsewhere_the_second_time_gains_nothing(self, net, tmp_path, jpeg) -> None:
        """DNS rebinding: what was checked is what is connected to, with no second look in between."""
        net.names["a.example"] = [[HERE], ["127.0.0.1"]]
        await net.serve(saying(jpeg), at="127.0.0.1")
        assert await why_not(net, tmp_path) == "no connection to a.example:80: nobody is there"
        assert (net.looked_up, net.connected) == (["a.example"], [HERE])
        assert "a.example is at 127.0.0.1" in await why_not(net, tmp_path)
        assert net.connected == [HERE]

    async def test_nor_by_a_redirect_to_itself(self, net, tmp_path, jpeg) -> None:
        net.names["a.example"] = [[HERE], ["127.0.0.1"]]
        await net.serve(saying(jpeg), at="127.0.0.1")

        async def handler(_: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": "/again", "Connection": "close"})

        await net.serve(handler)
        assert "a.example is at 127.0.0.1" in await why_not(net, tmp_path)
        assert (net.looked_up, net.connected) == (["a.example"] * 2, [HERE])

    @pytest.mark.parametrize(
        ("named", "host"),
        [
            ("inside.example", "inside.example"),
            ("Inside.Example", "INSIDE.example"),
            ("10.0.0.7", "10.0.0.7"),
            ("10.0.0.7", "0xa.7"),
            ("10.0.0.7", "167772167"),
        ],
    )
    async def test_a_host_that_the_user_named_is_fetched_from(self, net, tmp_path, jpeg, named, host) -> None:
        await net.serve(saying(jpeg), at="10.0.0.7")
        await net.serve(moving(lambda _: f"http://{host}/x.jpg"))
        urls = [f"http://{host}/x.jpg", UNLIKELY]
        assert await fetch(net, tmp_path, *urls, named=frozenset([named])) == {}
        assert set(net.connected) == {"10.0.0.7", HERE}

    async def test_but_it_leads_to_no_other_one(self, net, tmp_path) -> None:
        await net.serve(moving(lambda _: "http://10.0.0.8/x.jpg"), at="10.0.0.7")
        why = await why_not(net, tmp_path, "http://inside.example/", named=frozenset(["inside.example"]))
        assert "10.0.0.8 is at 10.0.0.8" in why

    @pytest.mark.parametrize(
        "url",
        [
            *("file:///etc/passwd", "ftp://a.example/x.jpg", "data:image/png;base64,AAAA", "gopher://a.example/"),
            *("//a.example/x.jpg", "x.jpg", "", "http://", "http:///x.jpg", "http:a.example", "https://:80/"),
            *("http://a.example:0/", "http://a.example:99999/", "http://a.example:x/", "http://[::1/", "\ud800"),
            *(
                "http://a.example/\ud800",
                "https://.a.example/",
                f"https://{'a' * 64}.example/",
                "http://a..b/",
                "http://[]@",
                "http://a%00b/",
                "unix:///run/docker.sock",
                "javascript:alert(1)",
                "ws://a.example/",
            ),
        ],
    )
    async def test_only_http_and_https_are_spoken(self, net, tmp_path, url) -> None:
        assert await why_not(net, tmp_path, url) == "expected a URL such as https://host/picture.jpg"
        assert (net.looked_up, net.connected) == ([], [])

    async def test_a_line_end_in_a_url_starts_no_second_request(self, net, tmp_path, jpeg) -> None:
        heads: list[bytes] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await heard(reader))
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            heads.append(await heard(reader))

        await net.talk(talk)
        for url in ("http://a.example/x\r\nX-Evil: 1\r\n\r\nGET /y", "http://a.example\r\nX-Evil: 1/"):
            with suppress(KeyError):
                await why_not(net, tmp_path, url)
        assert all(head.count(b"\r\n") == 6 and b"\r\nX-Evil" not in head for head in heads)
        assert heads


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_five_are_followed_and_six_are_not(self, net, tmp_path, jpeg, status) -> None:
        async def handler(request: web.Request) -> web.Response:
            left = int(request.path[1:])
            if not left:
                return web.Response(body=jpeg)
            return web.Response(status=status, headers={"Location": f"{left - 1}"})  # relative to where we are

        await net.serve(handler)
        assert await fetch(net, tmp_path, "http://a.example/5") == {}
        assert await why_not(net, tmp_path / "6", "http://a.example/6") == "it leads through more than 5 redirects"

    async def test_a_circle_ends(self, net, tmp_path) -> None:
        await net.serve(moving(lambda request: str(request.url)))
        assert "more than 5 redirects" in await why_not(net, tmp_path)

    @pytest.mark.parametrize(
        ("location", "why"),
        [
            ("file:///etc/passwd", "it is redirected: expected a URL such as https://host/picture.jpg"),
            ("data:image/png;base64,AAAA", "it is redirected: expected a URL such as https://host/picture.jpg"),
            (
                "http://me:secret@a.example/",
                "it is redirected: the URL holds a user or a password; no credentials are sent",
            ),
            ("http://[::1/", "it is redirected: expected a URL such as https://host/picture.jpg"),
            ("http://a.example:99999/", "it is redirected: expected a URL such as https://host/picture.jpg"),
            ("http://nowhere.example/", "nowhere.example cannot be resolved: Name or service not known"),
            ("http://1.2.3.4.5/", "'1.2.3.4.5' is neither a name nor an address"),
        ],
    )
    async def test_what_leads_nowhere_is_said(self, net, tmp_path, location, why) -> None:
        await net.serve(moving(lambda _: location))
        assert await why_not(net, tmp_path) == why

    async def test_one_without_a_place_to_go_is_an_answer_like_any_other(self, net, tmp_path) -> None:
        await net.serve(saying(b"", 302))
        assert await why_not(net, tmp_path) == "the server answers 302"

    async def test_from_http_to_https_and_never_back(self, net, tmp_path, jpeg) -> None:
        pem = tmp_path / "server.pem"
        pem.write_text(CERTIFICATE + KEY)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        trust = ssl.create_default_context(cadata=CERTIFICATE)
        net.names["pictures.example"] = [[THERE]]

        async def handler(request: web.Request) -> web.Response:
            if request.path == "/back":
                return web.Response(status=302, headers={"Location": "http://a.example/plain"})
            return web.Response(body=jpeg)

        await net.serve(handler, at=THERE, port=443, ssl_context=context)
        await net.serve(moving(lambda request: f"https://pictures.example{request.path}"))
        there = "https://pictures.example"
        urls = ["http://a.example/up", f"{there}/x.jpg", f"{there}/back", "http://a.example/back"]
        back = "it is redirected from https to http"
        assert await fetch(net, tmp_path / "p", *urls, trust=trust) == {urls[2]: back, urls[3]: back}
        why = await why_not(net, tmp_path / "untrusted", f"{there}/x.jpg")
        assert why.startswith("the certificate of pictures.example cannot be verified: self-signed certificate")
        net.names["other.example"] = [[THERE]]
        why = await why_not(net, tmp_path / "other", "https://other.example/x.jpg", trust=trust)
        assert why.startswith("the certificate of other.example cannot be verified: Hostname mismatch")


class TestServersThatMisbehave:
    @pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 403, 404, 407, 429, 500, 503])
    async def test_only_200_is_a_picture(self, net, tmp_path, jpeg, status) -> None:
        await net.serve(saying(jpeg, status))
        assert await why_not(net, tmp_path) == f"the server answers {status}"

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "the file is empty (0 bytes)"),
            (
                b"<!doctype html><title>Sign in</title>",
                "not a JPEG, PNG, WebP or GIF: the file starts with b'<!doctype ht'",
            ),
            (b"II*\0 a TIFF", "not a JPEG, PNG, WebP or GIF"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a JPEG, PNG, WebP or GIF"),
        ],
    )
    async def test_what_is_no_picture_is_said_by_its_bytes(self, net, tmp_path, body, why) -> None:
        await net.serve(saying(body, Content_Type="image/jpeg"))
        assert (await why_not(net, tmp_path)).startswith(why)

    async def test_a_picture_that_is_cut_off_is_none(self, net, tmp_path, jpeg) -> None:
        await net.serve(saying(jpeg[:-2]))
        assert await why_not(net, tmp_path)

    @pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 200_000])
    async def test_bytes_are_counted(self, net, tmp_path, jpeg, size) -> None:
        body = jpeg[:2] + b"\xff\xfe\x40\x00" + bytes(0x4000 - 2) + jpeg[2:]
        body += bytes(size - len(body))
        await net.serve(saying(body))
        whys = await fetch(net, tmp_path, UNLIKELY, limits=FetchLimits(size=65_536))
        assert whys == ({UNLIKELY: "it is larger than 65,536 bytes"} if size > 65_536 else {})

    async def test_an_endless_body_is_cut_at_the_cap(self, net, tmp_path, jpeg) -> None:
        sent = 0

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await heard(reader)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + jpeg)
            while True:
                writer.write(bytes(65_536))
                await writer.drain()
                sent += 65_536

        await net.talk(talk)
        assert await why_not(net, tmp_path, limits=FetchLimits(size=1 << 20)) == "it is larger than 1,048,576 bytes"
        assert sent < 64 << 20

    @pytest.mark.parametrize("coding", ["gzip", "deflate"])
    async def test_a_bomb_is_counted_as_it_unpacks(self, net, tmp_path, coding) -> None:
        bits = 31 if coding == "gzip" else 15
        packer = zlib.compressobj(9, wbits=bits)
        block = bytes(1 << 20)
        bomb = b"".join([*(packer.compress(block) for _ in range(256)), packer.flush()])
        assert len(bomb) < 300_000
        await net.serve(saying(bomb, Content_Encoding=coding))
        tracemalloc.start()
        try:
            assert await why_not(net, tmp_path) == "it is larger than 33,554,432 bytes"
            assert tracemalloc.get_traced_memory()[1] < 100 << 20  # of 256 MB
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"\0" * 100,
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nab",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nabcd",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 4\r\n\r\nabcd",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX\xff\xfe: \xff\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe/\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nLocation: \x00\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nLocation:\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            b"HTTP/9.9 999 \r\n\r\n",
        ],
    )
    async def test_anything_else_is_one_line(self, net, tmp_path, said) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await heard(reader)
            writer.write(said)
            await writer.drain()

        await net.talk(talk)
        assert " object at 0x" not in await why_not(net, tmp_path)

    async def test_nobody_there_is_one_line(self, net, tmp_path) -> None:
        net.names["b.example"] = [[THERE, HERE]]
        net.names["c.example"] = [[]]
        urls = [f"http://{name}.example/" for name in "abcd"]
        assert await fetch(net, tmp_path, *urls) == {
            urls[0]: "no connection to a.example:80: nobody is there",
            urls[1]: "no connection to b.example:80: nobody is there",
            urls[2]: "c.example has no address",
            urls[3]: "d.example cannot be resolved: Name or service not known",
        }

    async def test_a_second_address_is_tried_where_the_first_is_dead(self, net, tmp_path, jpeg) -> None:
        net.names["a.example"] = [[THERE, HERE]]
        await net.serve(saying(jpeg))
        assert await fetch(net, tmp_path, UNLIKELY) == {}
        assert (net.looked_up, net.connected) == (["a.example"], [THERE, HERE])


class TestDeadlines:
    @pytest.mark.parametrize(
        "said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n\xff\xd8"]
    )
    async def test_a_server_that_dribbles_is_left(self, net, tmp_path, said) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await heard(reader)
            writer.write(said)
            while True:
                if said:
                    writer.write(b"X")
                await asyncio.sleep(0.02)

        await net.talk(talk)
        assert await why_not(net, tmp_path, limits=FetchLimits(seconds=0.3)) == "it took longer than 0.3 s"

    async def test_redirects_share_one_deadline(self, net, tmp_path) -> None:
        hops = 0

        async def handler(_: web.Request) -> web.Response:
            nonlocal hops
            hops += 1
            await asyncio.sleep(0.2)
            return web.Response(status=302, headers={"Location": "/"})

        await net.serve(handler)
        assert await why_not(net, tmp_path, limits=FetchLimits(seconds=0.5)) == "it took longer than 0.5 s"
        assert hops <= 3

    async def test_waiting_for_a_turn_is_not_counted(self, net, tmp_path, jpeg) -> None:
        async def handler(_: web.Request) -> web.Response:
            await asyncio.sleep(0.25)
            return web.Response(body=jpeg)

        await net.serve(handler)
        urls = [f"http://a.example/{index}" for index in range(6)]
        assert await fetch(net, tmp_path, *urls, limits=FetchLimits(seconds=1.0, per_host=1)) == {}

    async def test_a_resolver_or_a_host_that_says_nothing_is_left(self, net, tmp_path, monkeypatch) -> None:
        async def silence(*_: object) -> list[Address]:
            await asyncio.sleep(3600)
            return []

        limits = FetchLimits(connect=0.2)
        assert (await fetch_pictures([UNLIKELY], tmp_path, resolve=silence, limits=limits))[UNLIKELY] == (
            "no connection within 0.2 s"
        )
        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", silence)
        assert await why_not(net, tmp_path, limits=limits) == "no connection within 0.2 s"

    async def test_a_run_that_is_stopped_leaves_no_half(self, net, tmp_path, jpeg) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await heard(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + jpeg)
            await asyncio.sleep(3600)

        await net.talk(talk)
        fetching = asyncio.create_task(fetch_pictures([UNLIKELY], tmp_path, resolve=net.resolve))
        while not list(tmp_path.iterdir()):
            await asyncio.sleep(0.01)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        assert list(tmp_path.iterdir()) == []
        assert not [task for task in asyncio.all_tasks() if "fetch" in repr(task.get_coro())]


class TestSideBySide:
    @pytest.mark.parametrize("redirected", [False, True])
    async def test_sixteen_in_all_and_four_of_a_host(self, net, tmp_path, jpeg, redirected) -> None:
        now: Counter[str] = Counter()
        most: Counter[str] = Counter()

        async def handler(request: web.Request) -> web.Response:
            if redirected and request.host != "cdn.example":
                return web.Response(status=302, headers={"Location": f"http://cdn.example{request.path}"})
            for name in (request.host, "all"):
                now[name] += 1
                most[name] = max(most[name], now[name])
            await asyncio.sleep(0.02)
            now.subtract([request.host, "all"])
            return web.Response(body=jpeg)

        await net.serve(handler)
        hosts = [f"h{index}.example" for index in range(7)]
        net.names |= {host: [[HERE]] for host in [*hosts, "cdn.example"]}
        urls = [f"http://{host}/{index}" for host in hosts for index in range(8)]
        assert await fetch(net, tmp_path, *urls) == {}
        assert most["all"] == (4 if redirected else 16)
        assert max(most[host] for host in [*hosts, "cdn.example"]) == 4


class TestDisk:
    async def test_a_folder_that_cannot_be_made_stops_the_run(self, net, tmp_path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(StoreFailed, match=r"\A[^\n]*file[^\n]*cannot be written: Not a directory[^\n]*\Z"):
            await fetch_pictures([UNLIKELY], tmp_path / "file" / "in it", resolve=net.resolve)
        assert net.looked_up == []

    async def test_a_disk_that_is_full_stops_the_run_and_leaves_what_is_whole(self, net, tmp_path, jpeg, make) -> None:
        """A limit on the size of files is the one full disk that a test can make."""
        small, large = sorted((jpeg, make("jpeg icc")), key=len)
        busy = asyncio.Event()

        async def handler(request: web.Request) -> web.Response:
            if request.path == "/small":
                return web.Response(body=small)
            if request.path == "/never":
                busy.set()
                await asyncio.sleep(3600)
            await busy.wait()
            return web.Response(body=large)

        await net.serve(handler)
        assert await fetch(net, tmp_path, "http://a.example/small") == {}
        urls = ["http://a.example/large", "http://a.example/never"]
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(small) + 100, hard))
        try:
            with pytest.raises(StoreFailed, match=r"\A[^\n]*cannot be written: File too large[^\n]*\Z"):
                async with asyncio.timeout(20):  # the other one is not waited for
                    await fetch_pictures(urls, tmp_path, resolve=net.resolve)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [path.name for path in tmp_path.iterdir()] == [fetched_name("http://a.example/small")]

    async def test_bytes_are_on_the_disk_before_they_have_their_name(self, net, tmp_path, jpeg, monkeypatch) -> None:
        at_sync: list[set[str]] = []
        really = os.fsync

        def fsync(handle: int) -> None:
            at_sync.append({path.name for path in tmp_path.iterdir()})
            really(handle)

        monkeypatch.setattr(os, "fsync", fsync)
        await net.serve(saying(jpeg))
        assert await fetch(net, tmp_path, UNLIKELY) == {}
        assert at_sync == [{f"{fetched_name(UNLIKELY)}.part"}, {fetched_name(UNLIKELY)}]

    async def test_a_sync_that_fails_stops_the_run(self, net, tmp_path, jpeg, monkeypatch) -> None:
        def fsync(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", fsync)
        await net.serve(saying(jpeg))
        with pytest.raises(StoreFailed, match="No space left on device"):
            await fetch_pictures([UNLIKELY], tmp_path, resolve=net.resolve)
        assert list(tmp_path.iterdir()) == []


HOSTS = st.one_of(
    st.sampled_from(
        ["127.0.0.1", "[::1]", "localhost", "0", "inside.example", "[v1.a:b]", "[fe80::1%25lo]", "%31%32%37.1"]
    ),
    st.ip_addresses().map(lambda one: f"[{one}]" if one.version == 6 else str(one)),
    st.integers(0, 2**33).map(str),
    st.text(st.characters(exclude_categories=()), max_size=12),
)
URLS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(
            ["http://", "https://", "HTTP://", "http:\\\\", "http:/", "//", "file://", "http://a@", "http://:@"]
        ),
        HOSTS,
        st.sampled_from(["", ":80", ":0", ":", ":65536", ":-1", ":٣", "@b.example", "\\@b.example", "#@b.example"]),
        st.sampled_from(["", "/", "/a b", "?q", "/../..", "/%", "/%ff", "\r\nX: y", "\0"]),
        st.text(st.characters(exclude_categories=()), max_size=8),
    ),
)


FOUND = st.lists(st.sampled_from([HERE, THERE]).map(ip_address) | st.ip_addresses(v=4), max_size=2)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that says nothing at all."""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(urls=st.lists(URLS, max_size=4), found=FOUND)
@example(urls=["https://a%00b/"], found=[ip_address(HERE)])
@example(urls=["https://.a/", "https://a..b/"], found=[ip_address(HERE)])
def test_any_text_for_a_url_has_an_outcome(urls: list[str], found: list[Address], tmp_path: Path) -> None:
    async def run() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            net = Internet(monkeypatch)
            await net.talk(hang_up, at=None)

            async def resolve(host: str, port: int) -> list[Address]:
                return found

            try:
                whys = await fetch_pictures(urls, tmp_path, resolve=resolve)
            finally:
                await net.close()
            assert whys.keys() == set(urls)
            assert all(why.isprintable() for why in whys.values())
            assert all(ip_address(one).is_global for one in net.connected)

    asyncio.run(run())


PIECES = st.sampled_from(
    [
        *(
            b"HTTP/1.1 ",
            b"200",
            b"302",
            b" OK",
            b"\r\n",
            b"\r\n\r\n",
            b"Content-Length: ",
            b"Location: ",
            b"http://",
            b"\n",
        ),
        *(b"a.example", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"5\r\n", b"0\r\n\r\n"),
        *(b"Connection: close\r\n", b"\xff\xd8\xff", b"GIF89a", b"99999999999", b"-1", b"\x1f\x8b\x08", b": ", b" "),
    ]
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(PIECES | st.binary(max_size=20), max_size=20).map(b"".join), started=st.booleans())
def test_any_reply_has_an_outcome(said: bytes, started: bool, tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write((b"HTTP/1.1 200 OK\r\n" if started else b"") + said)
        await writer.drain()

    async def run() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            net = Internet(monkeypatch)
            net.names["a.example"] = [[HERE]]
            await net.talk(talk)
            try:
                assert await why_not(net, tmp_path, limits=FetchLimits(seconds=5))
            finally:
                await net.close()

    asyncio.run(run())
