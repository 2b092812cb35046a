"""A small chat-completions server on 127.0.0.1 that misbehaves as it is told.

It runs in a thread of its own and knows no HTTP but what a client sends with Content-Length. A script, a function
from a call to an action, says what becomes of each request. Unless a script says otherwise, a reply depends on the
request's body alone, so that two runs get the same answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from typing import Any

PATIENCE = 20.0  # seconds a test waits for something that should have happened


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        number: from 1, in the order of arrival.
        headers: names in lower case.
        at: when it had arrived, on the monotonic clock.
        in_flight: requests not yet answered, this one included.
    """

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    at: float
    in_flight: int

    @cached_property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def model(self) -> str:
        return self.body["model"]

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def said(self, speaker: str = "user") -> str:
        """The words of the first turn of a speaker."""
        content = next(one["content"] for one in self.body["messages"] if one["role"] == speaker)
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)

    @property
    def person(self) -> int:
        """The number of the record the question, or the answer to be judged, is about."""
        found = re.search(rb"person (\d+)", self.raw) or re.search(rb"of record (\d+)", self.raw)
        assert found is not None, self.raw[-500:]
        return int(found[1])


@dataclass(frozen=True)
class Say:
    """Reply; `drip` is the pause in seconds between two bytes of the body.

    Where `headers` name a Content-Length, it stands, and the connection is closed behind the body.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    delay: float = 0.0
    drip: float = 0.0


@dataclass(frozen=True)
class Drop:
    """Close the connection without a reply, or reset it."""

    reset: bool = False


@dataclass(frozen=True)
class Hang:
    """Never reply."""


Action = Say | Drop | Hang
Script = Callable[[Call], Action]


def chat(content: Any, finish: str = "stop", delay: float = 0.0, *, message: Any = None, **top: Any) -> Say:
    """A chat completion; `message` adds to the message, `top` to the whole."""
    whole = {
        "model": "served-by-test",
        "choices": [{"finish_reason": finish, "message": {"role": "assistant", "content": content, **(message or {})}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
        **top,
    }
    return Say(json.dumps(whole).encode(), delay=delay)


def words(call: Call) -> str:
    """What an answerer or a judge says: it depends on the body alone, and names its digest."""
    if call.model.startswith("judge"):
        return f"{{score: {int(call.digest, 16) % 4}/3}} [{call.digest}] about person {call.person}"
    return f"1. The cause of person {call.person} [{call.digest}]"


def good(call: Call) -> Say:
    """Answer at once."""
    return chat(words(call))


def slow(call: Call) -> Say:
    """Answer after 5 to 20 ms."""
    return chat(words(call), delay=0.005 + int(call.digest, 16) % 16 / 1000)


def after(seconds: float) -> Script:
    """Answer after a while."""
    return lambda call: chat(words(call), delay=seconds)


class Flights:
    """Counts the requests not yet answered, of several servers where they share it."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def begin(self) -> int:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            return self.now

    def end(self) -> None:
        with self._lock:
            self.now -= 1


class ChatServer:
    """Serves from `with` to its end, on a port of its own or the one given."""

    def __init__(self, script: Script = good, port: int = 0, flights: Flights | None = None) -> None:
        self.script = script
        self.calls: list[Call] = []
        self.flights = flights or Flights()
        self.errors: list[BaseException] = []
        self.port = port
        self._arrived = threading.Condition()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="chat-server")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def model(self, name: str) -> str:
        """What stands after --model."""
        return f"{self.url}#{name}"

    def counts(self) -> Counter[str]:
        """Digest of a body to how often it came."""
        return Counter(call.digest for call in self.calls)

    def asked(self, model: str) -> list[Call]:
        return [call for call in self.calls if call.model == model]

    def about(self, person: int, model: str = "mock") -> list[Call]:
        return [call for call in self.asked(model) if call.person == person]

    def wait_for(self, count: int) -> None:
        """Until so many requests have come in all."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.calls) >= count, PATIENCE), f"only {len(self.calls)} came"

    def __enter__(self) -> ChatServer:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; what a script raised is raised here."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(PATIENCE)
        if self.errors:
            raise self.errors[0]

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._handlers: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._handlers.add(handler)
        handler.add_done_callback(self._handlers.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, as killed ones do
        except Exception as error:  # noqa: BLE001 - a fault of the test; told by `close`
            self.errors.append(error)
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and what becomes of it; whether the connection is to be kept."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        in_flight = self.flights.begin()
        try:
            call = Call(len(self.calls) + 1, method, path, headers, raw, monotonic(), in_flight)
            with self._arrived:
                self.calls.append(call)
                self._arrived.notify_all()
            action = self.script(call)
            if isinstance(action, Hang):
                await asyncio.Event().wait()
            elif isinstance(action, Say) and action.delay:
                await asyncio.sleep(action.delay)
        finally:
            self.flights.end()  # before the client can know of the reply and send the next one
        if isinstance(action, Drop):
            if action.reset:
                linger = struct.pack("ii", 1, 0)  # closing sends RST instead of FIN
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        assert isinstance(action, Say)
        await self._say(action, writer)
        return "Content-Length" not in action.headers

    async def _say(self, action: Say, writer: asyncio.StreamWriter) -> None:
        headers = {"Content-Length": len(action.body), **action.headers}
        lines = [f"HTTP/1.1 {action.status} Told", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        if not action.drip:
            writer.write(action.body)
        else:
            for byte in action.body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(action.drip)
        await writer.drain()
