"""An endpoint and a server on this machine: what goes over the wire, and what every ending is called."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from whyfeel import __version__
from whyfeel.engine import Reply, Request
from whyfeel.errors import CallFailed, KeyRefused
from whyfeel.media import Loaded
from whyfeel.models import Deadlines, Endpoint
from whyfeel.models.endpoint import _retry_after
from whyfeel.records import Ask, Media, Picture, Text, user_turn

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]

KEY = "sk-very-secret/+="
REQUEST = Request("k", Ask("answer", user_turn(Text("Why?")), {"temperature": 0}))
GOOD = {
    "model": "m-2",
    "choices": [{"message": {"content": "Rain."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
}


async def ask(base_url: str, request: Request = REQUEST, **more: Any) -> Reply:
    endpoint = Endpoint("m", base_url, **more)
    try:
        return await endpoint.answer(request)
    finally:
        await endpoint.close()


async def fail(base_url: str, **more: Any) -> CallFailed:
    with pytest.raises(CallFailed, match=r"\A[^\n]+\Z") as failed:
        await ask(base_url, **more)
    return failed.value


def always(status: int = 200, body: Any = GOOD, **headers: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A server that says one thing."""
    text = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=named)

    return handler


class TestRoundTrip:
    async def test_a_call_is_what_chat_completions_documents(self, serve: Serve) -> None:
        seen: list[tuple[str, str, dict[str, str], Any]] = []

        async def handler(request: web.Request) -> web.Response:
            seen.append((request.method, request.path_qs, dict(request.headers), await request.json()))
            return web.json_response(GOOD)

        base = await serve(handler)
        assert await ask(f"{base}/", key=KEY) == Reply("Rain.", "ok", "stop", 1, 2, "m-2")
        ((method, path, headers, body),) = seen
        assert (method, path) == ("POST", "/v1/chat/completions")
        assert headers["Authorization"] == f"Bearer {KEY}"
        assert headers["Content-Type"] == "application/json"
        assert headers["User-Agent"] == f"whyfeel/{__version__}"
        assert "Cookie" not in headers
        assert body == {"model": "m", "messages": [{"role": "user", "content": "Why?"}], "temperature": 0}

    async def test_without_a_key_none_is_sent(self, serve: Serve) -> None:
        async def handler(request: web.Request) -> web.Response:
            return web.json_response(GOOD) if "Authorization" not in request.headers else web.Response(status=500)

        assert (await ask(await serve(handler))).text == "Rain."

    async def test_cookies_are_not_kept(self, serve: Serve) -> None:
        async def handler(request: web.Request) -> web.Response:
            assert "Cookie" not in request.headers
            response = web.json_response(GOOD)
            response.set_cookie("who", "you")
            return response

        base = (await serve(handler)).replace("127.0.0.1", "localhost")  # a cookie for a bare address is never kept
        endpoint = Endpoint("m", base)
        for _ in range(2):
            assert (await endpoint.answer(REQUEST)).text == "Rain."
        await endpoint.close()

    async def test_a_large_picture_goes_in_one_piece_without_a_warning(self, serve: Serve) -> None:
        """Two megabytes of noise: aiohttp warns above one, and warnings are errors here."""
        noise = Image.frombytes("RGB", (1000, 700), os.urandom(2_100_000))
        out = io.BytesIO()
        noise.save(out, "PNG")
        loaded, lengths = Loaded(out.getvalue()), list[tuple[int | None, int]]()

        async def handler(request: web.Request) -> web.Response:
            body = await request.read()
            lengths.append((request.content_length, len(body)))
            content = json.loads(body)["messages"][0]["content"]
            assert content[0]["image_url"]["url"].encode() == b"data:image/png;base64," + loaded.base64
            return web.json_response(GOOD)

        asked = Ask("answer", user_turn(Picture(Media("1.png")), Text("Why?")))
        reply = await ask(await serve(handler), Request("k", asked, pictures={Media("1.png"): loaded}))
        assert reply.text == "Rain."
        assert lengths[0][0] == lengths[0][1] > 2_500_000

    async def test_many_calls_go_side_by_side(self, serve: Serve) -> None:
        """The engine bounds what is in flight; a hundred connections, aiohttp's own bound, must not."""
        all_here, here = asyncio.Event(), 0

        async def handler(_: web.Request) -> web.Response:
            nonlocal here
            here += 1
            if here == 120:
                all_here.set()
            await all_here.wait()
            return web.json_response(GOOD)

        endpoint = Endpoint("m", await serve(handler))
        async with asyncio.timeout(20):
            replies = await asyncio.gather(*(endpoint.answer(REQUEST) for _ in range(120)))
        assert {reply.text for reply in replies} == {"Rain."}
        await endpoint.close()

    async def test_the_models_of_a_server_are_asked_for(self, serve: Serve) -> None:
        async def handler(request: web.Request) -> web.Response:
            assert (request.method, request.path) == ("GET", "/v1/models")
            assert request.headers["Authorization"] == f"Bearer {KEY}"
            return web.json_response({"data": [{"id": "a"}, {"id": "b"}]})

        endpoint = Endpoint("m", await serve(handler), key=KEY)
        assert await endpoint.names() == ["a", "b"]
        await endpoint.close()
        await endpoint.close()

    async def test_an_endpoint_that_was_never_used_closes(self) -> None:
        await Endpoint("m", "http://127.0.0.1:1/v1").close()


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "reason", "again"),
        [
            (400, "rejected", False),
            (404, "rejected", False),
            (413, "rejected", False),
            (422, "rejected", False),
            (408, "server error", True),
            (429, "rate limited", True),
            (500, "server error", True),
            (502, "server error", True),
            (503, "server error", True),
            (529, "server error", True),
            (204, "rejected", False),
        ],
    )
    async def test_every_status_has_its_name(self, serve: Serve, status: int, reason: str, again: bool) -> None:
        failed = await fail(await serve(always(status, "" if status == 204 else "why\nthis")))
        assert (failed.reason, failed.again, failed.connected, failed.retry_after) == (reason, again, True, None)
        assert failed.detail.startswith(f"status {status}: ")
        assert status == 204 or "why this" in failed.detail

    @pytest.mark.parametrize("status", [401, 403])
    async def test_a_refused_key_is_the_users_to_mend(self, serve: Serve, status: int) -> None:
        base = await serve(always(status, {"error": f"Incorrect API key provided: {KEY}"}))
        for key, says in ((KEY, "refused the key"), (None, "carried no key")):
            with pytest.raises(KeyRefused, match=r"\A[^\n]+\Z") as refused:
                await ask(base, key=key)
            assert base in str(refused.value)
            assert says in str(refused.value)
            assert key is None or key not in str(refused.value)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed(self, serve: Serve, status: int) -> None:
        visits = []

        async def elsewhere(request: web.Request) -> web.Response:
            visits.append(request.path)
            return web.json_response(GOOD)

        other = await serve(elsewhere)
        failed = await fail(await serve(always(status, "moved", Location=f"{other}/x")), key=KEY)
        assert (failed.reason, failed.again) == ("rejected", False)
        assert visits == []

    async def test_an_error_in_a_page_is_quoted_briefly(self, serve: Serve) -> None:
        failed = await fail(await serve(always(502, "<html>" + "x" * 50_000)))
        assert "<html>" in failed.detail
        assert len(failed.detail) < 700

    async def test_a_good_status_with_a_bad_body_is_a_failed_call(self, serve: Serve) -> None:
        failed = await fail(await serve(always(200, "<html>")))
        assert (failed.reason, failed.again) == ("bad reply", True)


class TestRetryAfter:
    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(
        ("value", "seconds"), [("7", 7.0), ("0.25", 0.25), (" 3 ", 3.0), ("soon", None), ("", None)]
    )
    async def test_it_is_read_from_the_reply(
        self, serve: Serve, status: int, value: str, seconds: float | None
    ) -> None:
        assert (await fail(await serve(always(status, "x", Retry_After=value)))).retry_after == seconds

    async def test_a_date_is_read_too(self, serve: Serve) -> None:
        when = format_datetime(datetime.now(UTC) + timedelta(seconds=1000), usegmt=True)
        read = (await fail(await serve(always(429, "x", Retry_After=when)))).retry_after
        assert read is not None
        assert 900 < read <= 1000

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("-5", 0.0),
            ("1e99", 86_400.0),
            ("inf", 86_400.0),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
            ("Wed, 21 Oct 2099 07:28:00 GMT", 86_400.0),
            ("Wed, 21 Oct 2099 07:28:00", 86_400.0),
            ("Wed, 99 Oct 2099 07:28:00 GMT", None),
        ],
    )
    def test_no_value_makes_it_wait_longer_than_a_day(self, value: str, seconds: float | None) -> None:
        assert _retry_after({"Retry-After": value}) == seconds

    @settings(deadline=None, max_examples=300)
    @given(
        st.text(max_size=40)
        | st.from_regex(r"(Mon, )?[0-9]{1,2} (Jan|Foo) [0-9]{1,5} [0-9:]{1,8} ?[-+]?[0-9]{0,6}", fullmatch=True)
    )
    @example("Wed, 21 Oct 2037 07:28:00 +99999999999999999999")
    @example("nan")
    def test_no_value_is_an_error(self, value: str) -> None:
        seconds = _retry_after({"Retry-After": value})
        assert seconds is None or 0 <= seconds <= 86_400


class TestSecrets:
    @pytest.mark.parametrize("status", [400, 429, 500])
    async def test_a_key_that_comes_back_in_an_error_is_removed(self, serve: Serve, status: int) -> None:
        failed = await fail(await serve(always(status, f"Bearer {KEY} is bad")), key=KEY)
        assert KEY not in str(failed)
        assert "[key removed]" in failed.detail

    async def test_a_key_that_comes_back_in_an_answer_is_removed(self, serve: Serve) -> None:
        body = json.loads(json.dumps(GOOD))
        body["choices"][0]["message"]["content"] = f"Your key is {KEY}, isn't it?"
        for text in (json.dumps(body), json.dumps(body).replace("/", "\\/").replace("sk-", "\\u0073k-")):
            reply = await ask(await serve(always(200, text)), key=KEY)
            assert reply.text == "Your key is [key removed], isn't it?"

    async def test_a_key_stays_out_of_the_endpoints_address(self) -> None:
        assert KEY not in Endpoint("m", "http://h/v1", key=KEY).address


class TestBrokenConnections:
    async def test_nobody_listens(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            failed = await fail(f"http://127.0.0.1:{closed.getsockname()[1]}/v1", key=KEY)
        assert (failed.reason, failed.again, failed.connected) == ("connection", True, False)

    async def test_the_server_hangs_up_before_it_answers(self, serve: Serve) -> None:
        async def handler(request: web.Request) -> web.Response:
            assert request.transport is not None
            request.transport.close()
            return web.Response()

        failed = await fail(await serve(handler))
        assert (failed.reason, failed.again, failed.connected) == ("connection lost", True, True)

    async def test_the_server_hangs_up_in_the_middle(self, serve: Serve) -> None:
        async def handler(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"choices": [')
            assert request.transport is not None
            request.transport.close()
            return response

        failed = await fail(await serve(handler))
        assert (failed.reason, failed.again, failed.connected) == ("connection lost", True, True)

    async def test_the_server_falls_silent(self, serve: Serve) -> None:
        async def handler(request: web.Request) -> web.Response:
            await asyncio.sleep(0.3)
            return web.json_response(GOOD)

        for deadlines in (Deadlines(read=0.05), Deadlines(total=0.05)):
            failed = await fail(await serve(handler), deadlines=deadlines)
            assert (failed.reason, failed.again, failed.connected) == ("timeout", True, True)

    async def test_a_reply_that_is_no_http_is_a_lost_connection(self) -> None:
        async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        failed = await fail(f"http://{host}:{port}/v1")
        assert (failed.reason, failed.again) == ("connection lost", True)
        server.close()
        await server.wait_closed()

    async def test_after_a_failure_the_same_endpoint_works_on(self, serve: Serve) -> None:
        calls = 0

        async def handler(_: web.Request) -> web.Response:
            nonlocal calls
            calls += 1
            return web.Response(status=500) if calls == 1 else web.json_response(GOOD)

        endpoint = Endpoint("m", await serve(handler))
        with pytest.raises(CallFailed):
            await endpoint.answer(REQUEST)
        assert (await endpoint.answer(REQUEST)).text == "Rain."
        await endpoint.close()


class TestLargeReplies:
    @staticmethod
    def long_answer(size: int) -> str:
        return json.dumps({"choices": [{"message": {"content": "x" * size}}]})

    async def test_a_long_answer_is_read(self, serve: Serve) -> None:
        assert len((await ask(await serve(always(200, self.long_answer(1_500_000))))).text) == 1_500_000

    async def test_a_reply_without_end_is_given_up(self, serve: Serve) -> None:
        failed = await fail(await serve(always(200, self.long_answer(5000))), largest_reply=4096)
        assert (failed.reason, failed.again) == ("reply too large", False)
        assert "4,096 bytes" in failed.detail

    async def test_a_small_reply_that_unpacks_to_a_large_one_is_given_up(self, serve: Serve) -> None:
        packed = gzip.compress(self.long_answer(5_000_000).encode())
        assert len(packed) < 10_000

        async def handler(_: web.Request) -> web.Response:
            return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

        assert (await fail(await serve(handler))).reason == "reply too large"
