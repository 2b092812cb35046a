"""What a network can do to a reply, byte by byte: each fault has its name, costs one sample at most, and ends."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat

import pytest
from chat_server import Call, ChatServer, Say, good

from peak import PEAK
from whyfeel.engine import Request
from whyfeel.models.endpoint import Deadlines, Endpoint
from whyfeel.records import Ask, Text, user_turn

TRIES = 6
CAP = 100_000
ANSWER = b'{"choices":[{"finish_reason":"stop","message":{"content":"the cause of person 3"}}]}'
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Raw(Say):
    """Bytes as they go over the wire, piece by piece; `half` closes our half of the connection behind them."""

    pieces: Callable[[], Iterable[bytes]] = tuple
    pause: float = 0.0
    ends: bool = True
    half: bool = False


class RawServer(ChatServer):
    """A server that can also talk nonsense."""

    async def _say(self, action: Say, writer: asyncio.StreamWriter) -> None:
        if not isinstance(action, Raw):
            return await super()._say(action, writer)
        for piece in action.pieces():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(action.pause)
        if action.half:
            writer.write_eof()
            await asyncio.sleep(10)
        if action.ends:
            raise ConnectionAbortedError
        return None


def raw(*pieces: bytes, **more) -> Raw:
    return Raw(pieces=lambda: pieces, **more)


def dripping(before: bytes, drops: bytes) -> Raw:
    """A byte every 50 ms, for ever."""
    return Raw(
        pieces=lambda: chain([before], (bytes([byte]) for byte in chain.from_iterable(repeat(drops)))), pause=0.05
    )


def endless(before: bytes, piece: bytes) -> Raw:
    return Raw(pieces=lambda: chain([before], repeat(piece)))


def sized(body: bytes, *headers: bytes) -> bytes:
    return OK + b"".join(h + b"\r\n" for h in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece)


@pytest.fixture
def raw_serve() -> Iterator[Callable[..., RawServer]]:
    servers: list[RawServer] = []

    def start(script) -> RawServer:
        servers.append(RawServer(script))
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def hasty(monkeypatch):
    """Endpoints that wait 0.2 s for the next piece and 0.4 s for a whole call, and take 100 kB."""
    limits = Deadlines(connect=2, read=0.2, total=0.4)
    monkeypatch.setattr(
        "whyfeel.models.registry.Endpoint", functools.partial(Endpoint, deadlines=limits, largest_reply=CAP)
    )


def one_person(action: Say) -> Callable[[Call], Say]:
    return lambda call: action if call.model == "mock" and call.person == 3 else good(call)


SLOW = {
    "a status line that drips": dripping(b"HTTP/1.1 200 ", b"O"),
    "headers that drip": dripping(OK, b"X-A: b\r\n"),
    "a body that drips in chunks": dripping(CHUNKED, chunk(b" ")),
    "chunks without an end": raw(CHUNKED, chunk(ANSWER), half=False, ends=False),
    "a chunk of no size, later": raw(CHUNKED, b"size\r\n", ANSWER, pause=0.02),  # aiohttp waits on
}
BROKEN = {
    "interim replies for ever": (endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), "timeout"),
    "headers for ever": (endless(OK, b"X-A: %s\r\n" % (b"a" * 1000)), "connection lost"),
    "a header for ever": (endless(OK + b"X-A: ", b"a" * 1000), "connection lost"),
    "a status line for ever": (endless(b"HTTP/1.1 200 ", b"O" * 1000), "connection lost"),
    "trailers for ever": (
        endless(CHUNKED + chunk(ANSWER) + b"0\r\n", b"X-A: %s\r\n" % (b"a" * 1000)),
        "connection lost",
    ),
    "a chunk of no size": (raw(CHUNKED + b"size\r\n" + ANSWER), "connection lost"),
    "a negative length": (raw(OK, b"Content-Length: -5\r\n\r\n", ANSWER), "connection lost"),
    "two lengths": (raw(OK, b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n", ANSWER), "connection lost"),
    "a length and chunks": (raw(OK, b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), "connection lost"),
    "shorter than said, half closed": (raw(OK, b"Content-Length: 900\r\n\r\n", ANSWER, half=True), "connection lost"),
    "nothing, half closed": (raw(half=True), "connection lost"),
    "half a chunk": (raw(CHUNKED, b"ff\r\n", ANSWER), "connection lost"),
    "an encoding nobody speaks": (raw(sized(b"\x00\x01", b"Content-Encoding: br")), "connection lost"),
    "a longer text than the length says": (raw(sized(ANSWER).replace(b": 84", b": 80")), "connection lost"),
}
TOO_LARGE = {
    "a body for ever": endless(OK + b"\r\n", b" " * 10_000),
    "chunks for ever": endless(CHUNKED, chunk(b" " * 10_000)),
    "a gigabyte": endless(OK + b"Content-Length: 1000000000\r\n\r\n", b" " * 10_000),
    "one chunk of an exabyte": endless(CHUNKED + b"fffffffffffffff\r\n", b" " * 10_000),
    "gzip": raw(sized(gzip.compress(b" " * 10_000_000), b"Content-Encoding: gzip")),
    "deflate": raw(sized(zlib.compress(b" " * 10_000_000), b"Content-Encoding: deflate")),
    "gzip in two members": raw(sized(gzip.compress(b" " * 60_000) * 2, b"Content-Encoding: gzip")),
}
ODD = {
    "HTTP/1.0, ended by closing": raw(b"HTTP/1.0 200 OK\r\n\r\n", ANSWER),
    "HTTP/1.0 with a length": raw(sized(ANSWER).replace(b"HTTP/1.1", b"HTTP/1.0")),
    "HTTP/1.1, ended by closing": raw(OK, b"\r\n", ANSWER),
    "100 first": raw(b"HTTP/1.1 100 Continue\r\n\r\n", sized(ANSWER)),
    "early hints first": raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3, sized(ANSWER)),
    "chunked with extensions and trailers": raw(
        CHUNKED, b"8;a=b\r\n" + ANSWER[:8] + b"\r\n", chunk(ANSWER[8:]), b"0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"
    ),
    "a byte at a time": Raw(pieces=lambda: (bytes([byte]) for byte in sized(ANSWER)), pause=0.0005),
    "gzip": raw(sized(gzip.compress(ANSWER), b"Content-Encoding: gzip")),
    "deflate": raw(sized(zlib.compress(ANSWER), b"Content-Encoding: deflate")),
    "no reason, no type": raw(sized(ANSWER).replace(b"200 OK", b"200 ")),
    "half closed behind it": raw(sized(ANSWER), half=True),
    "more behind it than was said": raw(sized(ANSWER) + sized(b'{"choices":[]}'), ends=False),
    "no UTF-8 in a header": raw(sized(ANSWER, b"X-A: caf\xe9\xff")),
}


def named(server: RawServer, person: int, told: dict) -> str:
    """The reason why a person is unscored."""
    assert TRIES <= len(server.about(person)) <= 2 * TRIES  # more, where a connection that was kept alive died
    assert told["detail"].isprintable()
    assert len(told["detail"]) < 700
    return told["reason"]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_reply_has_its_name_and_the_others_go_on(kind, hasty, few, raw_serve, here, lines, tmp_path):
    action, reason = BROKEN[kind]
    server, run = raw_serve(one_person(action)), tmp_path / "run"
    summary = here(few, server, run, concurrency=8).summary
    assert (summary["scored"], summary["unscored"]) == (few.count - 1, {reason: 1})
    assert named(server, 3, lines(run / "responses.jsonl")[3]["unscored"]) == reason


def test_replies_that_take_for_ever_are_ended_and_the_others_go_on(hasty, few, raw_serve, here, lines, tmp_path):
    """Each kind for a person of its own, side by side."""
    actions = list(SLOW.values())

    def script(call: Call) -> Say:
        return actions[call.person] if call.model == "mock" and call.person < len(actions) else good(call)

    server, run = raw_serve(script), tmp_path / "run"
    summary = here(few, server, run, concurrency=8).summary
    assert (summary["scored"], summary["unscored"]) == (few.count - len(SLOW), {"timeout": len(SLOW)})
    told = lines(run / "responses.jsonl")
    assert [named(server, person, told[person]["unscored"]) for person in range(len(SLOW))] == ["timeout"] * len(SLOW)


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_a_reply_without_end_is_cut_off_and_not_asked_for_again(kind, hasty, few, raw_serve, here, tmp_path):
    server = raw_serve(one_person(TOO_LARGE[kind]))
    summary = here(few, server, tmp_path / "run", concurrency=8).summary
    assert (summary["scored"], summary["unscored"]) == (few.count - 1, {"reply too large": 1})
    assert len(server.about(3)) == 1


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_reply_is_a_reply(kind, few, raw_serve, here, lines, ledger, tmp_path):
    server, run = raw_serve(one_person(ODD[kind])), tmp_path / "run"
    summary = here(few, server, run, concurrency=2).summary
    assert (summary["scored"], summary["unscored"]) == (few.count, {})
    assert lines(run / "responses.jsonl")[3]["text"] == "the cause of person 3"
    assert len(server.about(3)) == 1
    assert {attempts for (attempts,) in ledger(run, "attempts")} == {1}


def test_a_server_that_closes_what_it_said_to_keep_costs_no_try(data, serve, here, ledger, tmp_path):
    """Its replies name no end of the connection; it closes behind each, and the next call may be on its way."""

    def script(call):
        body = good(call).body
        return Say(body, headers={"Content-Length": str(len(body))})

    run = tmp_path / "run"
    assert here(data, serve(script), run, concurrency=16).summary["scored"] == data.count
    assert [attempts for (attempts,) in ledger(run, "attempts")] == [1] * 2 * data.count


def test_a_connection_that_dies_at_its_second_call_costs_no_call_of_the_budget(few, raw_serve, here, tmp_path):
    """Every second request kills the connection it came over, unheard; the budget is for two calls a sample."""

    class Killer(RawServer):
        async def _one(self, reader, writer):
            await super()._one(reader, writer)
            await reader.readuntil(b"\r\n\r\n")
            return False

    with Killer(good) as server:
        summary = here(few, server, tmp_path / "run", concurrency=2, max_calls=2 * few.count).summary
    assert (summary["scored"], summary["unscored"]) == (few.count, {})


def test_an_address_of_ipv6_is_an_address(few, here, tmp_path):
    class Six(ChatServer):
        async def _serve(self):
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            self._handlers = set()
            server = await asyncio.start_server(self._connected, "::1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()
            server.close()

        @property
        def url(self):
            return f"http://[::1]:{self.port}/v1"

    if not socket.has_ipv6:
        pytest.skip("not on this machine: IPv6")
    with Six(good) as server:
        assert here(few, server, tmp_path / "run").summary["scored"] == few.count


CHILD = f"""{PEAK}
import asyncio, sys
from whyfeel.engine import Request
from whyfeel.errors import CallFailed
from whyfeel.models import Endpoint
from whyfeel.records import Ask, Text, user_turn

async def main():
    endpoint = Endpoint("mock", sys.argv[1])
    try:
        await endpoint.answer(Request("k", Ask("answer", user_turn(Text("person 3")))))
    except CallFailed as failed:
        print(failed.reason, peak())
    finally:
        await endpoint.close()

asyncio.run(main())
"""


@functools.cache
def bomb_of_a_gigabyte() -> bytes:
    """As a reply, packed a thousand to one."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(1000)), packer.flush()])
    assert len(packed) < 1_100_000
    return sized(packed, b"Content-Encoding: gzip")


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("kind", ["bomb", "bomb in pieces", "gigabyte", "chunk"])
def test_no_reply_fills_the_memory(kind, status, raw_serve):
    """A gigabyte, plain or packed a thousand to one, in a process of its own that may take 300 MB."""
    bomb = bomb_of_a_gigabyte()
    action = {
        "bomb": raw(bomb),
        "bomb in pieces": Raw(pieces=lambda: (bomb[at : at + 4096] for at in range(0, len(bomb), 4096))),
        "gigabyte": Raw(pieces=lambda: chain([OK, b"Content-Length: 1000000000\r\n\r\n"], repeat(bytes(10**6), 1000))),
        "chunk": Raw(pieces=lambda: chain([CHUNKED, b"3b9aca00\r\n"], repeat(bytes(10**6), 1000))),
    }[kind]
    pieces = action.pieces
    told = Raw(pieces=lambda: (piece.replace(b"200 OK", b"%d So" % status) for piece in pieces()))
    server = raw_serve(lambda call: told)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, server.url], capture_output=True, text=True, timeout=60, check=True
    )
    reason, megabytes = done.stdout.rsplit(maxsplit=1)
    assert reason == ("reply too large" if status == 200 else "server error")
    assert int(megabytes) < 300


def test_thousands_of_answers_over_one_connection_stay_apart(raw_serve):
    """Replies of every framing in turn, over connections that are kept: each call gets its own."""

    def framed(call: Call) -> Say:
        body = json.dumps({"choices": [{"message": {"content": f"about {call.person}"}}]}).encode()
        kind = call.person % 4
        if kind == 0:
            return Say(body)
        if kind == 1:
            return raw(CHUNKED, chunk(body[:9]), chunk(body[9:]), b"0\r\n\r\n", ends=False)
        if kind == 2:
            return raw(sized(gzip.compress(body), b"Content-Encoding: gzip"), ends=False)
        return raw(b"HTTP/1.1 100 Continue\r\n\r\n" + sized(body), ends=False)

    async def main(url: str) -> list[str]:
        endpoint = Endpoint("mock", url)

        async def asker(first: int) -> list[str]:
            asks = (Ask("answer", user_turn(Text(f"person {n}"))) for n in range(first, first + 250))
            return [(await endpoint.answer(Request("k", ask))).text for ask in asks]

        texts = await asyncio.gather(*(asker(first) for first in range(0, 2000, 250)))
        await endpoint.close()
        return [text for many in texts for text in many]

    assert asyncio.run(main(raw_serve(framed).url)) == [f"about {n}" for n in range(2000)]
