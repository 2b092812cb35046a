"""Asks of other processes: conversations and calls there, the ledger and all limits here.

A `FarDesk` there sends each request, without its pictures, to the `Counter` here. The counter puts it to the desk of
this process, whose model for it is a `FarModel`: its call is the word "go" to the far desk, which makes the call with
the model it has and tells what came of it. The far desk gets its answer once that is durable here.

Messages may overtake each other on the way; each names the request that it is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

from whyfeel.engine.desk import Desk
from whyfeel.engine.model import Model, Price, Reply, Request, Route
from whyfeel.errors import AskFailed, CallFailed, KeyRefused, RunStopped
from whyfeel.records import Answer, Ask

# named tuples: of all records they travel at the least cost


class Asked(NamedTuple):
    """There to here: a request."""

    number: int
    key: str
    role: str
    asked: str
    purpose: str
    tokens: tuple[int, int]


class Go(NamedTuple):
    """Here to there: make the call."""

    number: int


class Replied(NamedTuple):
    """There to here: what the call brought."""

    number: int
    reply: Reply


class Failed(NamedTuple):
    """There to here: the call failed; the parts of a CallFailed."""

    number: int
    reason: str
    detail: str
    again: bool
    retry_after: float | None
    connected: bool


class Ended(NamedTuple):
    """There to here: no call can succeed."""

    number: int
    cause: KeyRefused | RunStopped


class Answered(NamedTuple):
    """Here to there: the durable answer."""

    number: int
    answer: Answer


class Hopeless(NamedTuple):
    """Here to there: there will be no answer; the parts of an AskFailed."""

    number: int
    reason: str
    detail: str


class Broken(NamedTuple):
    """Either way: a fault of ours, by the name of its exception and its text."""

    number: int
    name: str
    text: str

    @classmethod
    def of(cls, number: int, fault: Exception) -> Broken:
        """The message about a fault."""
        return cls(number, type(fault).__name__, str(fault))

    @property
    def fault(self) -> Exception:
        """An exception of that name, so that a sample's record says the same wherever the fault came up."""
        made: Exception = type(self.name, (Exception,), {})(self.text)
        return made


ToDesk = Go | Answered | Hopeless | Broken
ToCounter = Asked | Replied | Failed | Ended | Broken


class FarDesk:
    """Brings answers from the desk of another process, and makes the calls that it asks for.

    Args:
        send: puts a message on its way.
    """

    def __init__(self, send: Callable[[ToCounter], None]) -> None:
        self._send = send
        self._open: dict[int, tuple[Request, Route, asyncio.Future[Answer]]] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._asked = 0

    async def obtain(self, request: Request, route: Route) -> Answer:
        """The answer to a request, once it is durable over there.

        Raises:
            AskFailed: no answer could be obtained.
        """
        self._asked += 1
        number = self._asked
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[number] = request, route, answered
        self._send(Asked(number, request.key, request.ask.role, request.asked, request.purpose, request.tokens))
        try:
            return await answered
        finally:
            del self._open[number]

    def hear(self, message: ToDesk) -> None:
        """Act on a message."""
        if (found := self._open.get(message.number)) is None:
            if isinstance(message, Go):  # its asker was cancelled; over there it holds a slot
                self._send(Broken(message.number, "CancelledError", "nobody waits for the answer any more"))
            return
        request, route, answered = found
        if isinstance(message, Go):
            call = asyncio.get_running_loop().create_task(self._call(message.number, route.model, request))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        elif answered.done():
            return
        elif isinstance(message, Answered):
            answered.set_result(message.answer)
        elif isinstance(message, Hopeless):
            answered.set_exception(AskFailed(message.reason, message.detail))
        else:
            answered.set_exception(message.fault)

    async def _call(self, number: int, model: Model, request: Request) -> None:
        """One call; however it ends, the counter hears of it."""
        told: ToCounter
        try:
            told = Replied(number, await model.answer(request))
        except CallFailed as failed:
            reasons = failed.reason, failed.detail
            told = Failed(number, *reasons, failed.again, failed.retry_after, failed.connected)
        except (KeyRefused, RunStopped) as fatal:
            told = Ended(number, fatal)
        except Exception as fault:  # noqa: BLE001 - one sample is isolated from the next, over there as here
            told = Broken.of(number, fault)
        self._send(told)


class FarModel:
    """A model that another process asks, as its own stands there.

    Args:
        model: the same here, for its name, address and price; it is never asked.
        go: tells the other process to make the call.
    """

    __slots__ = ("_go", "_reply", "address", "name", "price")

    def __init__(self, model: Model, go: Callable[[], None]) -> None:
        self.name: str = model.name
        self.address: str = model.address
        self.price: Price | None = model.price
        self._go = go
        self._reply: asyncio.Future[Reply] | None = None

    @property
    def replied(self) -> bool:
        """Whether the last call has brought a reply, which is then on its way into the ledger."""
        reply = self._reply
        return reply is not None and reply.done() and not reply.cancelled() and reply.exception() is None

    async def answer(self, request: Request) -> Reply:  # noqa: ARG002 - the other process has it
        """Have the call made.

        Raises:
            CallFailed, KeyRefused: as over there.
        """
        self._reply = asyncio.get_running_loop().create_future()
        self._go()
        return await self._reply

    def hear(self, message: Replied | Failed | Ended | Broken) -> None:
        """What came of the call."""
        if self._reply is None or self._reply.done():
            return
        if isinstance(message, Replied):
            self._reply.set_result(message.reply)
        elif isinstance(message, Failed):
            _, reason, detail, again, retry_after, connected = message
            failed = CallFailed(reason, detail, again=again, retry_after=retry_after, connected=connected)
            self._reply.set_exception(failed)
        else:
            self._reply.set_exception(message.cause if isinstance(message, Ended) else message.fault)

    async def close(self) -> None:
        """Nothing was opened here."""


class Counter:
    """Where one far process asks.

    Args:
        desk: brings the answers, and keeps the limits.
        routes: role to the model that answers it over there.
        send: puts a message on its way to the far desk.
    """

    def __init__(self, desk: Desk, routes: Mapping[str, Route], send: Callable[[ToDesk], None]) -> None:
        self._desk = desk
        self._routes = routes
        self._send = send
        self._open: dict[int, tuple[FarModel, asyncio.Task[None]]] = {}

    def hear(self, message: ToCounter) -> None:
        """Act on a message."""
        number = message.number
        if isinstance(message, Asked):
            model = FarModel(self._routes[message.role].model, lambda: self._send(Go(number)))
            serving = asyncio.get_running_loop().create_task(self._serve(message, Route(model)))
            self._open[number] = model, serving
        elif (found := self._open.get(number)) is not None:
            found[0].hear(message)

    async def _serve(self, asked: Asked, route: Route) -> None:
        number = asked.number
        request = Request(asked.key, Ask(asked.role, ()), asked.asked, asked.purpose, tokens=asked.tokens)
        try:
            self._send(Answered(number, await self._desk.obtain(request, route)))
        except AskFailed as failed:
            self._send(Hopeless(number, failed.reason, failed.detail))
        except Exception as fault:  # noqa: BLE001 - one sample is isolated from the next, over there as here
            self._send(Broken.of(number, fault))
        finally:
            del self._open[number]

    def close(self) -> None:
        """The far process is gone: what it was asked gives back its slot and its budget, what it said is kept."""
        for model, serving in self._open.values():
            if not model.replied:
                serving.cancel()
