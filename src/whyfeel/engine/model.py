"""What the engine asks of a model: one request in, one reply out, or CallFailed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from whyfeel.media import Loaded
from whyfeel.records import Ask, Media, Outcome


@dataclass(frozen=True, slots=True)
class Request:
    """One ask, ready to be sent.

    Attributes:
        key: the ask's key in the ledger.
        ask: the ask, with the user's sampling settings applied.
        asked: the canonical text that the key is the hash of.
        purpose: what the answer is booked under.
        pictures: the bytes of its pictures.
        tokens: estimated tokens in, and the most that can come out.
        insisted: sampling settings the user asked for by name; the others may be left out where a server has none.
    """

    key: str
    ask: Ask
    asked: str = ""
    purpose: str = ""
    pictures: Mapping[Media, Loaded] = field(default_factory=dict)
    tokens: tuple[int, int] = (0, 0)
    insisted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call brought back.

    Attributes:
        source: the ledger of a replayed reply.
        reasoning: what the model thought aloud, where the server tells it apart from the reply.
        left_out: settings that the server would not take.
        cost: in US dollars, where the server says it itself.
    """

    text: str
    outcome: Outcome = "ok"
    finish: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    served: str | None = None
    source: str | None = None
    reasoning: str = ""
    left_out: tuple[str, ...] = ()
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens in and out, and the day they held."""

    tokens_in: float
    tokens_out: float
    as_of: date | None = None

    @property
    def halved(self) -> Price:
        """What a batch service charges."""
        return Price(self.tokens_in / 2, self.tokens_out / 2, self.as_of)

    def cost(self, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """The cost of a call in US dollars, None where the server did not count its tokens."""
        if tokens_in is None or tokens_out is None:
            return None
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


class Model(Protocol):
    """Something that can answer.

    Attributes:
        name: the declared name; it enters the key of every ask.
        address: where requests go, without secrets; one limiter serves each address. "" where nothing is
            computed (a replay): it costs nothing, and no time is kept.
        price: None where it is unknown.
    """

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def price(self) -> Price | None: ...

    async def answer(self, request: Request) -> Reply:
        """Make one call.

        Raises:
            CallFailed: the call brought no reply; says whether to try again.
            KeyRefused: the endpoint refuses the key; nothing else can succeed.
        """
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """Which model answers a role, and the user's sampling settings for it.

    Attributes:
        batched: whether the model gathers requests and sends them together; one that waits for its batch is no call
            in flight, and holds no slot.
    """

    model: Model
    gen: Mapping[str, Any] = field(default_factory=dict)
    batched: bool = False
