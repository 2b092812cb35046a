"""Where requests become durable answers: those known already, those that another ask obtains anyway, and calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from whyfeel.engine.budget import BUDGET
from whyfeel.engine.calls import Caller, Counts, entry
from whyfeel.engine.ledger import Ledger
from whyfeel.engine.model import Request, Route
from whyfeel.errors import AskFailed
from whyfeel.records import Answer


class Desk(Protocol):
    """Whoever brings durable answers."""

    async def obtain(self, request: Request, route: Route) -> Answer:
        """The answer to a request, once it is durable.

        Raises:
            AskFailed: no answer could be obtained.
        """
        ...


class LedgerDesk:
    """Brings answers from a ledger, and makes the calls whose answers it does not hold.

    Args:
        ledger: remembers every answer.
        reuse: ledgers of other runs, looked up before a call is made; name to ledger.
        counts: told what happens.
        caller: makes the calls.
    """

    def __init__(self, ledger: Ledger, reuse: Mapping[str, Ledger], counts: Counts, caller: Caller) -> None:
        self._ledger = ledger
        self._reuse = reuse
        self._counts = counts
        self._caller = caller
        self._flights: dict[str, asyncio.Future[Answer]] = {}

    async def obtain(self, request: Request, route: Route) -> Answer:
        """The answer to a request: from the ledger, from an identical request in flight, or from the model.

        Raises:
            AskFailed: no answer could be obtained.
        """
        while True:
            if (answer := await self._known(request, route)) is not None:
                self._counts.known += 1
                return answer
            if (flight := self._flights.get(request.key)) is None:
                return await self._lead(request, route)
            try:
                return await asyncio.shield(flight)
            except asyncio.CancelledError:
                # either we are cancelled, or the one we waited for was: then another takes the lead
                task = asyncio.current_task()
                if not flight.cancelled() or (task is not None and task.cancelling()):
                    raise

    async def _lead(self, request: Request, route: Route) -> Answer:
        """Obtain an answer for all who ask the same meanwhile; what happens to it happens to them."""
        flight = self._flights[request.key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._caller.obtain(route, request)
        except Exception as error:
            if isinstance(error, AskFailed) and error.reason != BUDGET:
                self._counts.failures[error.reason] += 1
            flight.set_exception(error)
            flight.exception()  # mark as seen: usually nobody else waits for it
            raise
        except BaseException:
            flight.cancel()
            raise
        else:
            flight.set_result(answer)
            return answer
        finally:
            del self._flights[request.key]

    async def _known(self, request: Request, route: Route) -> Answer | None:
        """Look in this run's ledger, then in the reused ones; what is found there is copied, and marked."""
        if (answer := self._ledger.get(request.key)) is not None:
            return answer
        for name, ledger in self._reuse.items():
            if (found := ledger.get(request.key)) is not None:
                answer = replace(found, source=name)
                await self._ledger.put(entry(route.model, request, answer))
                return answer
        return None
