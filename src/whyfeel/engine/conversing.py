"""Drives strategies and judges: a generator yields asks, and what it asks next depends on the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from whyfeel.engine.desk import Desk
from whyfeel.engine.model import Request, Route
from whyfeel.errors import AskFailed
from whyfeel.media import BadPicture, Loaded, MediaStore
from whyfeel.records import Answer, Ask, Asking, Failure, Media, Text, ask_key

T = TypeVar("T")

CHARACTERS_A_TOKEN = 4  # English text; only estimates use it
PIXELS_A_TOKEN, PICTURE_TOKENS = 750, 1600  # what the large providers document for pictures, roughly
TOKENS_OUT = 1024  # assumed where an ask sets no max_tokens


class Conversing:
    """Makes a request of each ask, and hands the answers on.

    Args:
        routes: role to the model that answers it.
        media: the pictures.
        desk: brings the answers.
    """

    def __init__(self, routes: Mapping[str, Route], media: MediaStore, desk: Desk) -> None:
        self._routes = routes
        self._media = media
        self._desk = desk

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
        """The durable answer to one ask.

        Raises:
            AskFailed: no answer could be obtained.
        """
        return await self._desk.obtain(await self._prepare(ask, purpose, held), self._routes[ask.role])

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
