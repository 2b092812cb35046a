"""The engine: drives strategies and judges over samples, side by side, and loses nothing.

A generator yields asks; the engine looks each up in the ledger, sends what is not known yet, and hands an answer
on only when it is durable. `concurrency` bounds the calls in flight over all models together; a call holds its
slot until its answer is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from whyfeel.engine.budget import BUDGET, Budget
from whyfeel.engine.calls import Caller, Counts, Pace, entry
from whyfeel.engine.ledger import Ledger
from whyfeel.engine.model import Request, Route
from whyfeel.engine.retry import Retries
from whyfeel.engine.stream import Stream
from whyfeel.errors import AskFailed
from whyfeel.media import BadPicture, Loaded, MediaStore
from whyfeel.records import Answer, Ask, Asking, Failure, Media, Text, ask_key

T = TypeVar("T")
S = TypeVar("S")

CHARACTERS_A_TOKEN = 4  # English text; only estimates use it
PIXELS_A_TOKEN, PICTURE_TOKENS = 750, 1600  # what the large providers document for pictures, roughly
TOKENS_OUT = 1024  # assumed where an ask sets no max_tokens
BATCH = 2_000  # samples live at once where a model gathers requests: their pictures stay in memory


class Engine:
    """Answers asks.

    Args:
        routes: role to the model that answers it.
        ledger: remembers every answer.
        media: the pictures.
        concurrency: calls in flight at most, over all models together.
        budget: what the run may spend.
        reuse: ledgers of other runs, looked up before a call is made; name to ledger.
        pace: the user's limits, applied to each endpoint.
        retries: when to try again.
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
        self._routes = routes
        self._ledger = ledger
        self._media = media
        self._reuse = reuse or {}
        self._flights: dict[str, asyncio.Future[Answer]] = {}
        gathering = any(route.batched for route in routes.values())
        self._stream = Stream(max(concurrency, BATCH) if gathering else concurrency, lambda: self.counts.in_flight)
        self._caller = Caller(
            ledger,
            self.counts,
            self._stream,
            concurrency=concurrency,
            budget=budget or Budget(),
            pace=pace or Pace(),
            retries=retries or Retries(),
        )

    async def stream(self, items: Iterable[S], work: Callable[[S], Coroutine[Any, Any, None]]) -> None:
        """Do `work` on every item, as many side by side as keep all slots busy; items are drawn as they are needed.

        Raises:
            BaseException: the cause given to `stop`, once the calls in flight have come home.
        """
        await self._stream.run(items, work)

    def stop(self, cause: BaseException) -> None:
        """Start no more calls, give those in flight a moment, then end `stream` with `cause`. Twice: at once."""
        self._stream.stop(cause)

    async def converse(self, asking: Asking[T], purpose: str) -> T:
        """Drive one generator to its end.

        Args:
            asking: a strategy's or judge's generator, not yet started.
            purpose: what its answers are booked under in the ledger.

        Returns:
            what the generator returns.

        Raises:
            AskFailed: an ask failed and the generator did not catch it.
        """
        held: dict[Media, Loaded] = {}  # keeps a picture in memory from the first ask that shows it to the last
        try:
            step = next(asking)
            while True:
                if isinstance(step, Ask):
                    try:
                        answer = await self.ask(step, purpose, held)
                    except AskFailed as failed:
                        step = asking.throw(failed)
                    else:
                        step = asking.send(answer)
                else:
                    step = asking.send(await self._side_by_side(step, purpose, held))
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            asking.close()

    async def _side_by_side(
        self, asks: Sequence[Ask], purpose: str, held: dict[Media, Loaded]
    ) -> list[Answer | Failure]:
        async def attempt(ask: Ask) -> Answer | Failure:
            try:
                return await self.ask(ask, purpose, held)
            except AskFailed as failed:
                return Failure(failed.reason, failed.detail)

        # after a fault of ours the others still come home: they may be paid for
        replies = await asyncio.gather(*(attempt(ask) for ask in asks), return_exceptions=True)
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return [reply for reply in replies if not isinstance(reply, BaseException)]

    async def ask(self, ask: Ask, purpose: str, held: dict[Media, Loaded]) -> Answer:
        """The answer to one ask: from the ledger, from an identical ask in flight, or from the model.

        Raises:
            AskFailed: no answer could be obtained.
        """
        request = await self._prepare(ask, purpose, held)
        while True:
            if (answer := await self._known(request)) is not None:
                self.counts.known += 1
                return answer
            if (flight := self._flights.get(request.key)) is None:
                return await self._lead(request)
            try:
                return await asyncio.shield(flight)
            except asyncio.CancelledError:
                # either we are cancelled, or the one we waited for was: then another takes the lead
                task = asyncio.current_task()
                if not flight.cancelled() or (task is not None and task.cancelling()):
                    raise

    async def _lead(self, request: Request) -> Answer:
        """Obtain an answer for all who ask the same meanwhile; what happens to it happens to them."""
        flight = self._flights[request.key] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._caller.obtain(self._routes[request.ask.role], request)
        except Exception as error:
            if isinstance(error, AskFailed) and error.reason != BUDGET:
                self.counts.failures[error.reason] += 1
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

    async def _known(self, request: Request) -> Answer | None:
        """Look in this run's ledger, then in the reused ones; what is found there is copied, and marked."""
        if (answer := self._ledger.get(request.key)) is not None:
            return answer
        for name, ledger in self._reuse.items():
            if (found := ledger.get(request.key)) is not None:
                answer = replace(found, source=name)
                await self._ledger.put(entry(self._routes[request.ask.role].model, request, answer))
                return answer
        return None

    async def _prepare(self, ask: Ask, purpose: str, held: dict[Media, Loaded]) -> Request:
        """The request to send: the user's settings applied, the pictures read, the key known."""
        route = self._routes[ask.role]
        if route.gen:  # a setting of None takes the strategy's own setting away
            merged = {**ask.gen, **route.gen}
            ask = replace(ask, gen={name: value for name, value in merged.items() if value is not None})
        for media in ask.pictures:
            if media not in held:
                try:
                    held[media] = await self._media.load(media)
                except BadPicture as bad:
                    raise AskFailed("bad picture", str(bad)) from None
        pictures = {media: held[media] for media in ask.pictures}
        asked = ask.canonical(route.model.name, {media: loaded.token for media, loaded in pictures.items()})
        insisted = frozenset(route.gen)
        return Request(ask_key(asked), ask, asked, purpose, pictures, _estimate(ask, pictures), insisted)

    async def close(self) -> None:
        """Let the models' connections go."""
        for model in {id(route.model): route.model for route in self._routes.values()}.values():
            await model.close()


def _estimate(ask: Ask, pictures: Mapping[Media, Loaded]) -> tuple[int, int]:
    """Tokens in, roughly, and the most tokens out."""
    letters = sum(len(p.text) for m in ask.messages for p in m.parts if isinstance(p, Text))
    shown = (pictures[media].header for media in ask.pictures)
    pixels = sum(min(PICTURE_TOKENS, -(-h.width * h.height // PIXELS_A_TOKEN)) for h in shown)
    most = ask.gen.get("max_completion_tokens", ask.gen.get("max_tokens", TOKENS_OUT))
    return letters // CHARACTERS_A_TOKEN + pixels, most if isinstance(most, int) else TOKENS_OUT
