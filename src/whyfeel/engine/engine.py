"""The engine: drives strategies and judges over samples, side by side, and loses nothing.

A generator yields asks; the engine looks each up in the ledger, sends what is not known yet, and hands an answer
on only when it is durable. `concurrency` bounds the calls in flight over all models together; a call holds its
slot until its answer is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from whyfeel.engine.budget import Budget
from whyfeel.engine.calls import Caller, Counts, Pace
from whyfeel.engine.conversing import Conversing
from whyfeel.engine.desk import LedgerDesk
from whyfeel.engine.ledger import Ledger
from whyfeel.engine.model import Route
from whyfeel.engine.retry import Retries
from whyfeel.engine.stream import Stream
from whyfeel.media import MediaStore

S = TypeVar("S")

BATCH = 2_000  # samples live at once where a model gathers requests: their pictures stay in memory


class Engine(Conversing):
    """Answers asks, of many samples side by side.

    Args:
        routes: role to the model that answers it.
        ledger: remembers every answer.
        media: the pictures.
        concurrency: calls in flight at most, over all models together.
        budget: what the run may spend.
        reuse: ledgers of other runs, looked up before a call is made; name to ledger.
        pace: the user's limits, applied to each endpoint.
        retries: when to try again.

    Attributes:
        desk: where its answers come from; others may ask there, too, within the same bounds.
        width: items that are live in a stream at most.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        ledger: Ledger,
        media: MediaStore,
        *,
        concurrency: int = 32,
        budget: Budget | None = None,
        reuse: Mapping[str, Ledger] | None = None,
        pace: Pace | None = None,
        retries: Retries | None = None,
    ) -> None:
        self.counts = Counts()
        gathering = any(route.batched for route in routes.values())
        self._stream = Stream(max(concurrency, BATCH) if gathering else concurrency, lambda: self.counts.in_flight)
        caller = Caller(
            ledger,
            self.counts,
            self._stream,
            concurrency=concurrency,
            budget=budget or Budget(),
            pace=pace or Pace(),
            retries=retries or Retries(),
        )
        self.width = self._stream.width
        self.desk = LedgerDesk(ledger, reuse or {}, self.counts, caller)
        super().__init__(routes, media, self.desk)

    async def stream(self, items: Iterable[S], work: Callable[[S], Coroutine[Any, Any, None]]) -> None:
        """Do `work` on every item, as many side by side as keep all slots busy; items are drawn as they are needed.

        Raises:
            BaseException: the cause given to `stop`, once the calls in flight have come home.
        """
        await self._stream.run(items, work)

    def stop(self, cause: BaseException) -> None:
        """Start no more calls, give those in flight a moment, then end `stream` with `cause`. Twice: at once."""
        self._stream.stop(cause)
