"""How much: what a run may spend."""

from __future__ import annotations

import asyncio

from whyfeel.engine.model import Price, Request
from whyfeel.errors import AskFailed

BUDGET = "budget"  # the reason under which an ask is counted that the budget did not allow


class Budget:
    """What a run may spend in all, earlier sittings of the same run included.

    Args:
        max_calls: requests sent, tries included; None for no limit.
        max_cost: US dollars; None for no limit.
        calls, cost: what the run's ledger already holds.
    """

    def __init__(
        self,
        max_calls: int | None = None,
        max_cost: float | None = None,
        *,
        calls: int = 0,
        cost: float = 0.0,
    ) -> None:
        self._max_calls = max_calls
        self._max_cost = max_cost
        self._calls = calls
        self._spent = cost
        self._reserved = 0.0
        self._open = 0  # reservations not settled yet; what they sum up to is only nearly 0 when there are none
        self._settled = asyncio.Event()

    async def reserve(self, request: Request, price: Price | None) -> float:
        """Set aside what a call may cost at most, so that calls in flight together cannot overspend.

        Waits where the calls in flight may yet leave enough.

        Returns:
            the amount set aside, for `settle`.

        Raises:
            AskFailed: the budget is used up.
        """
        most = price.cost(*request.tokens) or 0.0 if price else 0.0
        while True:
            if self._max_calls is not None and self._calls >= self._max_calls:
                raise AskFailed(BUDGET, f"--max-calls {self._max_calls} is used up")
            if self._max_cost is None or self._spent + self._reserved + most <= self._max_cost:
                break
            if not self._open:
                raise AskFailed(BUDGET, f"--max-cost {self._max_cost:g} would be exceeded")
            self._settled.clear()
            await self._settled.wait()
        self._calls += 1
        self._reserved += most
        self._open += 1
        return most

    def settle(self, reserved: float, cost: float | None) -> None:
        """Replace a reservation by what the call cost (None where nobody knows: then by the reservation)."""
        self._open = max(0, self._open - 1)
        self._reserved = max(0.0, self._reserved - reserved) if self._open else 0.0
        self._spent += reserved if cost is None else cost
        self._settled.set()
