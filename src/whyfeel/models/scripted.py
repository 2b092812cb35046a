"""A model for tests, yours and ours: it says what a script says."""

from __future__ import annotations

from collections.abc import Callable

from whyfeel.engine import Price, Reply, Request


class Scripted:
    """Answers every request with what a function returns or raises.

    Args:
        script: from a request to the reply, or its text; it may raise CallFailed.
        name: the declared name.
        price: of its tokens.
        address: gives it a limiter and makes its calls count against the budget, as a real endpoint's do.

    >>> model = Scripted(lambda request: "1. Rain")
    >>> model.name
    'scripted'
    """

    def __init__(
        self,
        script: Callable[[Request], Reply | str],
        *,
        name: str = "scripted",
        price: Price | None = None,
        address: str = "scripted",
    ) -> None:
        self.name = name
        self.price = price
        self.address = address
        self.requests: list[Request] = []
        self._script = script

    async def answer(self, request: Request) -> Reply:
        """Record the request and answer it by the script."""
        self.requests.append(request)
        reply = self._script(request)
        return Reply(reply) if isinstance(reply, str) else reply

    async def close(self) -> None:
        """Nothing to let go."""
