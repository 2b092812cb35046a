"""An endpoint and the way to its server: proxies, certificates, redirects, clocks, kept-alive connections."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from whyfeel.engine import Engine, Ledger, Request, Route
from whyfeel.environment import proxy_for
from whyfeel.errors import CallFailed, EndpointDown, KeyRefused, UserError
from whyfeel.media import MediaStore
from whyfeel.models import Deadlines, Endpoint
from whyfeel.models.connection import Secrets
from whyfeel.models.endpoint import _retry_after
from whyfeel.records import Ask, Text, user_turn

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]

REQUEST = Request("k", Ask("answer", user_turn(Text("Why?"))))
GOOD = json.dumps({"choices": [{"message": {"content": "Rain."}, "finish_reason": "stop"}]}).encode()
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD)
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

# An authority made for these tests, and a server it signed for: model.example, 127.0.0.1 and ::1, until 2120.
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIBATAKBggqhkjOPQQDAjAhMR8wHQYDVQQDDBZ3aHlmZWVs
IHRlc3QgYXV0aG9yaXR5MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAw
WjAhMR8wHQYDVQQDDBZ3aHlmZWVsIHRlc3QgYXV0aG9yaXR5MFkwEwYHKoZIzj0C
AQYIKoZIzj0DAQcDQgAEsObzhQrW0b6E4QSNsx+1TUrtrLq6KNw84GvAenCWOLx3
VfD2uWkJJg1cFHx/tZ6OnDbzTu6r4TZOrQBu+TsQh6NCMEAwDwYDVR0TAQH/BAUw
AwEB/zAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFMa+5w85G/PdjrzE8/6Ffh/3
GL5DMAoGCCqGSM49BAMCA0gAMEUCIQCp2er7/VTednsIA99BI0uF2i9PVCXaIhTg
3ZEYwtZM7AIgLg1DAeqREpNuanlzwHun1htIOMSxhzb2se7rtB4aojs=
-----END CERTIFICATE-----
"""
SERVER = """\
-----BEGIN CERTIFICATE-----
MIIBqDCCAU+gAwIBAgIBAjAKBggqhkjOPQQDAjAhMR8wHQYDVQQDDBZ3aHlmZWVs
IHRlc3QgYXV0aG9yaXR5MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAw
WjAYMRYwFAYDVQQDDA1tb2RlbC5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEKA7n9ap8+QazobmzOhCgNG7VownXFK6Do8wJ0gdOUELirv5c7MhV7a9X
ldqw5q8vBXHjI1vbp6J3qWV54v4AiqN/MH0wMAYDVR0RBCkwJ4INbW9kZWwuZXhh
bXBsZYcEfwAAAYcQAAAAAAAAAAAAAAAAAAAAATAJBgNVHRMEAjAAMB8GA1UdIwQY
MBaAFMa+5w85G/PdjrzE8/6Ffh/3GL5DMB0GA1UdDgQWBBQgZ3c7MZzIvOEEPb2Q
0AsEZZblTTAKBggqhkjOPQQDAgNHADBEAiAXTdOeans2i9cMHnNauKf+nGd+DMKT
4ExQLWc6Wu4Y5wIgTW+4VMByR7nb/8vRuqJ6JESSB4fHxrneuILScR4mpzo=
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7MnswW4A+0Zp14wt
rx6wwG3hsDpeoX9QBGoii+Li2aahRANCAAQoDuf1qnz5BrOhubM6EKA0btWjCdcU
roOjzAnSB05QQuKu/lzsyFXtr1eV2rDmry8FceMjW9unonepZXni/gCK
-----END PRIVATE KEY-----
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxies and certificates the machine has set, no test sees them."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in (*BUNDLES, "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], **options: Any
) -> AsyncIterator[int]:
    """A server that speaks whatever a function says; its port."""
    talks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await talk(reader, writer)
        finally:
            writer.transport.abort()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(converse(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def heard(reader: asyncio.StreamReader) -> bytes:
    """The head of one request; its body is read too."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))
    return head


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request."""
    while True:
        await heard(reader)
        writer.write(REPLY)


async def ask(base_url: str, times: int = 1, **more: Any) -> list[str]:
    endpoint = Endpoint("m", base_url, **more)
    try:
        return [(await endpoint.answer(REQUEST)).text for _ in range(times)]
    finally:
        await endpoint.close()


def certificate(folder: Path) -> ssl.SSLContext:
    (folder / "server.pem").write_text(SERVER)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "authority.pem"
    path.write_text(AUTHORITY)
    return path


class TestProxyFor:
    @pytest.mark.parametrize(
        ("url", "variables", "proxy"),
        [
            ("http://a.example/v1", {}, None),
            ("http://a.example/v1", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
            ("https://a.example/v1", {"HTTP_PROXY": "http://p:1"}, None),
            ("https://a.example/v1", {"https_proxy": "http://p:2", "ALL_PROXY": "http://p:3"}, "http://p:2"),
            ("https://a.example/v1", {"all_proxy": "http://p:3"}, "http://p:3"),
            ("http://a.example/v1", {"HTTP_PROXY": "p:1"}, "http://p:1"),
            ("http://a.example/v1", {"HTTP_PROXY": "http://upper:1", "http_proxy": "http://lower:1"}, "http://lower:1"),
            ("http://a.example/v1", {"HTTP_PROXY": ""}, None),
            ("http://a.example/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "example"}, None),
            ("http://a.example/v1", {"HTTP_PROXY": "http://p:1", "no_proxy": "b.example, .a.example"}, None),
            ("http://a.example/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "a.example:81"}, "http://p:1"),
            ("http://a.example/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "a.example:80"}, None),
            ("http://a.example/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
            ("http://notexample/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "example"}, "http://p:1"),
            ("http://[fd00::5]:8000/v1", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
            ("http://[fd00::5]:8000/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "fd00::5"}, None),
            ("http://[fd00::5]:8000/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "[fd00::5]"}, None),
            ("http://localhost:8000/v1", {"HTTP_PROXY": "http://p:1"}, None),
            ("http://127.0.0.1:8000/v1", {"ALL_PROXY": "http://p:1"}, None),
            ("https://127.8.8.8/v1", {"HTTPS_PROXY": "http://p:1"}, None),
            ("http://[::1]:8000/v1", {"HTTP_PROXY": "http://p:1"}, None),
            ("http://me.localhost/v1", {"HTTP_PROXY": "http://p:1"}, None),
            ("http://localhost.example/v1", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
            ("http://10.0.0.7:8000/v1", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ],
    )
    def test_it_is_what_the_environment_names(self, url, variables, proxy, monkeypatch) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert proxy_for(url) == proxy

    @pytest.mark.parametrize("value", ["socks5://u:hunter22@p:1", "http://u:hunter22@:1", "http://u:hunter22@p:99999"])
    def test_what_is_no_proxy_is_the_users_to_mend_and_not_shown(self, value, monkeypatch) -> None:
        monkeypatch.setenv("ALL_PROXY", value)
        with pytest.raises(UserError, match=r"\A[^\n]+\Z") as wrong:
            Endpoint("m", "http://a.example/v1")
        assert "ALL_PROXY" in str(wrong.value)
        assert "hunter22" not in str(wrong.value)

    def test_a_password_no_header_can_carry_is_the_users_to_mend(self, monkeypatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://u:%D1%8F@p:1")
        with pytest.raises(UserError, match="HTTP_PROXY"):
            Endpoint("m", "http://a.example/v1")


class TestProxies:
    """The host model.example does not exist: whatever answers in its name went through the proxy."""

    PASSWORD = "planted+pass/word"

    async def test_http_goes_through_it_with_its_password(self, monkeypatch) -> None:
        heads: list[bytes] = []

        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                heads.append(await heard(reader))
                writer.write(REPLY)

        async with listening(proxy) as port:
            monkeypatch.setenv("http_proxy", f"http://me:{self.PASSWORD.replace('/', '%2F')}@127.0.0.1:{port}")
            assert await ask("http://model.example/v1", times=2, key="sk-12345678") == ["Rain."] * 2
        token = base64.b64encode(f"me:{self.PASSWORD}".encode())
        for head in heads:
            assert head.startswith(b"POST http://model.example/v1/chat/completions HTTP/1.1\r\n")
            assert b"Proxy-Authorization: Basic " + token in head
        assert len(heads) == 2

    async def test_https_goes_through_a_tunnel_that_hears_no_key(self, authority, tmp_path, monkeypatch) -> None:
        heads: list[bytes] = []

        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.start_tls(certificate(tmp_path))
            heads.append(await heard(reader))
            writer.write(REPLY)
            await reader.read()

        async with listening(proxy) as port:
            monkeypatch.setenv("HTTPS_PROXY", f"http://me:{self.PASSWORD.replace('/', '%2F')}@127.0.0.1:{port}")
            monkeypatch.setenv("SSL_CERT_FILE", str(authority))
            assert await ask("https://model.example/v1", key="sk-12345678") == ["Rain."]
        tunnel, request = heads
        assert tunnel.startswith(b"CONNECT model.example:443 HTTP/1.1\r\n")
        assert b"sk-12345678" not in tunnel
        assert base64.b64encode(f"me:{self.PASSWORD}".encode()) in tunnel
        assert request.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
        assert b"Bearer sk-12345678" in request
        assert b"Proxy-Authorization" not in request

    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize(("status", "says"), [(407, "asks for a user"), (403, "lets no call through")])
    async def test_one_that_lets_nothing_through_ends_the_run(self, scheme, status, says, monkeypatch) -> None:
        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s" % (status, len(head), head))
            await reader.read()

        async with listening(proxy) as port:
            monkeypatch.setenv("ALL_PROXY", f"http://me:{self.PASSWORD.replace('/', '%2F')}@127.0.0.1:{port}")
            # a 403 that came without a tunnel may be the server's own
            ends = KeyRefused if (scheme, status) == ("http", 403) else EndpointDown
            with pytest.raises(ends, match=r"\A[^\n]+\Z") as ended:
                await ask(f"{scheme}://model.example/v1")
            assert ends is KeyRefused or (f"http://127.0.0.1:{port}" in str(ended.value) and says in str(ended.value))
        self.assert_clean(str(ended.value))

    async def test_one_that_is_not_there_is_no_connection(self, unused_tcp_port, monkeypatch) -> None:
        monkeypatch.setenv("ALL_PROXY", f"http://me:{self.PASSWORD.replace('/', '%2F')}@127.0.0.1:{unused_tcp_port}")
        for scheme in ("http", "https"):
            with pytest.raises(CallFailed) as failed:
                await ask(f"{scheme}://model.example/v1")
            assert (failed.value.reason, failed.value.connected) == ("connection", False)
            assert f"the proxy 127.0.0.1:{unused_tcp_port}" in failed.value.detail
            self.assert_clean(str(failed.value))

    async def test_one_that_never_opens_the_tunnel_is_given_up(self, monkeypatch) -> None:
        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        async with listening(proxy) as port:
            monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{port}")
            with pytest.raises(CallFailed) as failed:
                await ask("https://model.example/v1", deadlines=Deadlines(connect=0.1, total=20))
        assert (failed.value.reason, failed.value.connected) == ("connection", False)

    async def test_its_password_is_removed_from_what_it_says(self, monkeypatch) -> None:
        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await heard(reader)
            said = head + self.PASSWORD.encode()
            writer.write(b"HTTP/1.1 502 Bad\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
            await reader.read()

        async with listening(proxy) as port:
            monkeypatch.setenv("HTTP_PROXY", f"http://me:{self.PASSWORD.replace('/', '%2F')}@127.0.0.1:{port}")
            with pytest.raises(CallFailed, match="server error") as failed:
                await ask("http://model.example/v1")
        self.assert_clean(str(failed.value))

    async def test_this_machine_is_never_reached_through_one(self, unused_tcp_port, monkeypatch) -> None:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{unused_tcp_port}")
        async with listening(answering) as port:
            assert await ask(f"http://127.0.0.1:{port}/v1") == ["Rain."]

    def assert_clean(self, said: str) -> None:
        token = base64.b64encode(f"me:{self.PASSWORD}".encode()).decode()
        for secret in (self.PASSWORD, self.PASSWORD.replace("/", "%2F"), token):
            assert secret not in said


class TestCertificates:
    async def test_one_that_does_not_verify_ends_the_run_in_one_line(self, tmp_path) -> None:
        async with listening(answering, ssl=certificate(tmp_path)) as port:
            with pytest.raises(EndpointDown, match=r"\A[^\n]+\Z") as ended:
                await ask(f"https://127.0.0.1:{port}/v1")
        assert "certificate cannot be verified" in str(ended.value)
        assert "SSL_CERT_FILE" in str(ended.value)
        assert f"https://127.0.0.1:{port}/v1" in str(ended.value)
        assert " object at 0x" not in str(ended.value)

    async def test_it_stops_the_run(self, tmp_path) -> None:
        def asking() -> Any:
            yield REQUEST.ask

        ledger, media = Ledger(tmp_path / "ledger.sqlite"), MediaStore(None)
        async with listening(answering, ssl=certificate(tmp_path)) as port:
            endpoint = Endpoint("m", f"https://127.0.0.1:{port}/v1")
            engine = Engine({"answer": Route(endpoint)}, ledger, media)
            try:
                with pytest.raises(EndpointDown, match="certificate cannot be verified"):
                    await asyncio.wait_for(engine.stream([1], lambda _: engine.converse(asking(), "answer")), 20)
            finally:
                await endpoint.close()
                media.close()
                ledger.close()

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    async def test_an_authority_of_ones_own_is_trusted(self, variable, authority, tmp_path, monkeypatch) -> None:
        monkeypatch.setenv(variable, str(authority))
        async with listening(answering, ssl=certificate(tmp_path)) as port:
            assert await ask(f"https://127.0.0.1:{port}/v1") == ["Rain."]

    @pytest.mark.parametrize("variable", ["SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
    async def test_so_is_a_folder_of_authorities(self, variable, tmp_path, monkeypatch) -> None:
        folder = tmp_path / "authorities"
        folder.mkdir()
        (folder / "3a7e3585.0").write_text(AUTHORITY)
        monkeypatch.setenv(variable, str(folder))
        async with listening(answering, ssl=certificate(tmp_path)) as port:
            assert await ask(f"https://127.0.0.1:{port}/v1") == ["Rain."]

    def test_openssl_itself_reads_the_file_it_names(self, authority, monkeypatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        subjects = [dict(pair[0] for pair in one["subject"]) for one in ssl.create_default_context().get_ca_certs()]
        assert {"commonName": "whyfeel test authority"} in subjects

    async def test_a_certificate_for_another_name_is_refused(self, authority, tmp_path, monkeypatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        async with listening(answering, ssl=certificate(tmp_path)) as port:
            with pytest.raises(EndpointDown, match="certificate cannot be verified"):
                await ask(f"https://localhost:{port}/v1")

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    @pytest.mark.parametrize(
        "held", [None, b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"\0\xff"]
    )
    def test_a_file_that_is_none_is_the_users_to_mend(self, variable, held, tmp_path, monkeypatch) -> None:
        path = tmp_path / "ca.pem"
        if held is not None:
            path.write_bytes(held)
        monkeypatch.setenv(variable, str(path))
        with pytest.raises(UserError, match=rf"\A{variable}: [^\n]+\Z") as wrong:
            Endpoint("m", "https://a.example/v1")
        assert repr(str(path)) in str(wrong.value)
        Endpoint("m", "http://a.example/v1")  # needs none

    async def test_https_to_a_server_without_it_is_no_connection(self) -> None:
        async with listening(answering) as port:
            with pytest.raises(CallFailed, match=r"\A[^\n]+\Z") as failed:
                await ask(f"https://127.0.0.1:{port}/v1", deadlines=Deadlines(connect=0.2))
        assert (failed.value.reason, failed.value.connected) == ("connection", False)
        assert " object at 0x" not in failed.value.detail


class TestLocalOnly:
    @pytest.mark.parametrize("host", ["8.8.8.8", "[2001:4860:4860::8888]", "[::ffff:8.8.8.8]", "0.0.0.0"])
    def test_a_public_address_is_refused(self, host) -> None:
        with pytest.raises(UserError, match="local-only"):
            Endpoint("m", f"http://{host}/v1", local_only=True)

    async def test_this_machine_is_not_and_no_proxy_is_used(self, unused_tcp_port, monkeypatch) -> None:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{unused_tcp_port}")
        Endpoint("m", "http://10.0.0.7/v1", local_only=True)
        async with listening(answering) as port:
            assert await ask(f"http://127.0.0.1:{port}/v1", local_only=True) == ["Rain."]
            assert await ask(f"http://localhost:{port}/v1", local_only=True) == ["Rain."]


class TestKeptAlive:
    async def test_a_connection_that_died_between_calls_costs_nothing(self) -> None:
        """The server hangs up when it hears a second request, having said nothing of it before."""
        opened = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            opened.append(1)
            await heard(reader)
            writer.write(REPLY)
            await heard(reader)

        async with listening(talk) as port:
            assert await ask(f"http://127.0.0.1:{port}/v1", times=4) == ["Rain."] * 4
        assert len(opened) == 4

    async def test_one_that_dies_when_it_is_new_is_a_failed_call(self) -> None:
        opened = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            opened.append(1)
            await heard(reader)

        async with listening(talk) as port:
            with pytest.raises(CallFailed, match="connection lost"):
                await ask(f"http://127.0.0.1:{port}/v1")
        assert len(opened) == 1

    async def test_a_call_is_sent_anew_once(self) -> None:
        """The second request kills every connection, old and new."""
        answered = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await heard(reader)
                answered.append(1)
                if len(answered) > 1:
                    return
                writer.write(REPLY)

        async with listening(talk) as port:
            with pytest.raises(CallFailed, match="connection lost"):
                await ask(f"http://127.0.0.1:{port}/v1", times=2)
        assert len(answered) == 3

    async def test_it_is_sent_anew_over_a_new_connection_and_not_over_another_dead_one(self) -> None:
        """Eight connections lie idle, and each dies at its second request."""
        here, all_here = [], asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await heard(reader)
            here.append(1)
            if len(here) == 8:
                all_here.set()
            await all_here.wait()
            writer.write(REPLY)
            await reader.readuntil(b"\r\n\r\n")

        async with listening(talk) as port:
            endpoint = Endpoint("m", f"http://127.0.0.1:{port}/v1")
            await asyncio.gather(*(endpoint.answer(REQUEST) for _ in range(8)))
            assert (await endpoint.answer(REQUEST)).text == "Rain."
            await endpoint.close()
        assert len(here) == 9

    async def test_a_server_that_says_keep_and_closes_costs_no_try(self) -> None:
        """Many at once, so that connections are taken up again before their end is noticed."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await heard(reader)
            writer.write(REPLY)
            await writer.drain()

        async with listening(talk) as port:
            endpoint = Endpoint("m", f"http://127.0.0.1:{port}/v1")

            async def asker() -> None:
                for _ in range(10):
                    assert (await endpoint.answer(REQUEST)).text == "Rain."

            await asyncio.gather(*(asker() for _ in range(16)))
            await endpoint.close()

    @pytest.mark.parametrize("at_once", [True, False])
    async def test_a_reply_nobody_asked_for_answers_no_other_call(self, at_once) -> None:
        stale = REPLY.replace(b"Rain.", b"Snow.")
        opened = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            opened.append(1)
            while True:
                await heard(reader)
                writer.write(REPLY + stale if at_once else REPLY)
                if not at_once:
                    await asyncio.sleep(0.05)
                    writer.write(stale)

        async with listening(talk) as port:
            endpoint = Endpoint("m", f"http://127.0.0.1:{port}/v1")
            for _ in range(3):
                assert (await endpoint.answer(REQUEST)).text == "Rain."
                await asyncio.sleep(0.2)
            await endpoint.close()
        assert len(opened) == 3

    async def test_one_that_rested_too_long_is_not_used_again(self, monkeypatch) -> None:
        monkeypatch.setattr("whyfeel.models.connection.RESTED", 0.05)
        opened = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            opened.append(1)
            await answering(reader, writer)

        async with listening(talk) as port:
            endpoint = Endpoint("m", f"http://127.0.0.1:{port}/v1")
            for pause in (0.0, 0.15, 0.0):
                assert (await endpoint.answer(REQUEST)).text == "Rain."
                await asyncio.sleep(pause)
            await endpoint.close()
        assert len(opened) == 2


class TestReplies:
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    async def test_a_redirect_says_where_to(self, serve: Serve, status) -> None:
        async def handler(_: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": "http://other.example/v1?k=sk-12345678"})

        with pytest.raises(CallFailed) as failed:
            await ask(await serve(handler), key="sk-12345678")
        assert (failed.value.reason, failed.value.again) == ("rejected", False)
        assert "'http://other.example/v1?k=[key removed]'" in failed.value.detail

    @pytest.mark.parametrize(
        ("status", "reason", "again"),
        [(500, "server error", True), (429, "rate limited", True), (400, "reply too large", False)],
    )
    async def test_an_error_above_the_cap_is_still_that_error(self, serve: Serve, status, reason, again) -> None:
        async def handler(_: web.Request) -> web.Response:
            return web.Response(status=status, body=b"x" * 100_000, headers={"Retry-After": "3"})

        with pytest.raises(CallFailed) as failed:
            await ask(await serve(handler), largest_reply=4096)
        assert (failed.value.reason, failed.value.again) == (reason, again)
        assert failed.value.retry_after == (3.0 if again else None)
        assert len(failed.value.detail) < 700

    async def test_a_refused_key_is_that_however_much_is_said_of_it(self, serve: Serve) -> None:
        async def handler(_: web.Request) -> web.Response:
            return web.Response(status=401, body=b"x" * 100_000)

        with pytest.raises(KeyRefused):
            await ask(await serve(handler), largest_reply=4096)

    async def test_fetch_takes_a_path_a_body_and_a_cap(self, serve: Serve) -> None:
        async def handler(request: web.Request) -> web.Response:
            return web.Response(
                text=f"{request.method} {request.path_qs} sk-12345678 {await request.text()}" + "x" * 99
            )

        endpoint = Endpoint("m", await serve(handler), key="sk-12345678", largest_reply=10)
        with pytest.raises(CallFailed, match="more than 10 bytes"):
            await endpoint.fetch("GET", "/batches?limit=1")
        said = await endpoint.fetch("GET", "/batches?limit=1", most=1000)
        assert said == b"GET /v1/batches?limit=1 [key removed] " + b"x" * 99
        await endpoint.close()

    async def test_the_thoughts_of_a_model_are_kept_without_the_key(self, serve: Serve) -> None:
        async def handler(_: web.Request) -> web.Response:
            text = json.dumps({"choices": [{"message": {"content": "Rain.", "reasoning": "sk-12345678?"}}]})
            return web.Response(text=text.replace("sk-", "\\u0073k-"))

        endpoint = Endpoint("m", await serve(handler), key="sk-12345678")
        assert (await endpoint.answer(REQUEST)).reasoning == "[key removed]?"
        await endpoint.close()

    async def test_only_what_is_unpacked_within_the_cap_is_asked_for(self, serve: Serve) -> None:
        async def handler(request: web.Request) -> web.Response:
            assert request.headers["Accept-Encoding"] == "gzip, deflate"
            return web.Response(body=GOOD)

        assert await ask(await serve(handler)) == ["Rain."]


class TestClocks:
    """A date is measured against the server's own clock, however wrong the one here is."""

    @pytest.mark.parametrize(
        ("date", "seconds"),
        [
            ("Wed, 21 Oct 2015 07:28:00 GMT", 30.0),
            ("Wed, 21 Oct 2015 07:28:30 GMT", 0.0),
            ("Wed, 21 Oct 2015 07:29:00 GMT", 0.0),
            ("Wed, 21 Oct 2015 07:28:00", 30.0),
            ("Wed, 21 Oct 2015 08:28:00 +0100", 30.0),
            ("Wed, 21 Oct 1915 07:28:00 GMT", 86_400.0),
            ("yesterday", 0.0),
        ],
    )
    def test_the_date_of_the_reply_counts(self, date, seconds) -> None:
        assert _retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": date}) == seconds

    def test_seconds_are_seconds(self) -> None:
        assert _retry_after({"Retry-After": "7", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 7.0


class TestSecrets:
    @pytest.mark.parametrize("text", ["", "a\0b\x1b[2J\n", "\ud800", "x" * 5000])
    def test_a_line_is_one_printable_line(self, text) -> None:
        line = Secrets(None).line(text)
        assert line.isprintable()
        assert len(line) <= 300

    def test_short_words_are_no_secrets(self) -> None:
        assert Secrets("none", "", None).removed(b"none") == b"none"
        assert Secrets("sk-12345678", "password").removed(b"sk-12345678:password") == b"[key removed]:[key removed]"
