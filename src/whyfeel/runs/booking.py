"""What would be asked, and what it would cost at most: models that answer nothing and write everything down."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from whyfeel.engine import Engine, Ledger, Model, Reply, Request, Route, ledger_file
from whyfeel.errors import CallFailed
from whyfeel.media import MediaStore
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.options import SittingOptions
from whyfeel.runs.sitting import media_store
from whyfeel.strategies.self_ask import stand_in

STAND_IN = "stand-in "


@dataclass
class Book:
    """What would be asked.

    Attributes:
        calls, tokens_in, tokens_out: by role.
        parts: calls by what they are for.
        known: answers that are known already.
        again: how often an answer that is not known yet is judged once more, against a foil or in the other order.
        seen: keys; equal asks are one call, though no answer is kept.
    """

    calls: Counter[str] = field(default_factory=Counter)
    tokens_in: Counter[str] = field(default_factory=Counter)
    tokens_out: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)
    known: int = 0
    again: int = 0
    seen: set[str] = field(default_factory=set)

    def told(self, routes: Mapping[str, Route]) -> dict[str, Any]:
        """Calls by role, estimated tokens, the cost at most, and where and at which prices it would be asked."""
        costs = {role: self._cost(route.model, role) for role, route in routes.items() if self.calls[role]}
        return {
            "known": self.known,
            "calls": {role: self.calls[role] for role in routes},
            "parts": dict(self.parts),
            "tokens": {"in": self.tokens_in.total(), "out_at_most": self.tokens_out.total()},
            "cost_at_most": None if None in costs.values() else sum(cost or 0.0 for cost in costs.values()),
            "prices_as_of": {role: _as_of(route.model) for role, route in routes.items()},
            "addresses": {role: route.model.address for role, route in routes.items()},
        }

    def _cost(self, model: Model, role: str) -> float | None:
        return model.price.cost(self.tokens_in[role], self.tokens_out[role]) if model.price else None


def _as_of(model: Model) -> str | None:
    return model.price.as_of.isoformat() if model.price and model.price.as_of else None


class _StandIn:
    """Stands in for a model: books what it is asked.

    Args:
        judges: whether it judges; its verdict is then not there, rather than one that would be asked for again.
    """

    address = ""  # no limiter, no budget: nothing is sent

    def __init__(self, model: Model, book: Book, *, judges: bool) -> None:
        self.name, self.price, self._book, self._judges = model.name, model.price, book, judges

    async def answer(self, request: Request) -> Reply:
        if request.key not in self._book.seen:
            self._book.seen.add(request.key)
            role, (tokens_in, tokens_out) = request.ask.role, request.tokens
            self._book.calls[role] += 1
            self._book.parts[request.purpose] += 1
            self._book.tokens_in[role] += tokens_in
            self._book.tokens_out[role] += tokens_out
        if self._judges:
            raise CallFailed("dry run", "nothing is sent", again=False)
        own = f"{STAND_IN}{request.key[:8]}"  # so that a strategy goes on to its next ask, no two of them equal
        return Reply(stand_in(request.ask, own) or own)

    async def close(self) -> None:
        """Nothing was opened."""


@asynccontextmanager
async def booking(
    options: SittingOptions,
    routes: Mapping[str, Route],
    images: Path | None,
    judging: Iterable[str] = (),
    shown: MediaStore | None = None,
) -> AsyncIterator[tuple[Engine, Book]]:
    """An engine that sends nothing, and its book; what the run's own ledger and the reused ones hold is known.

    Args:
        routes: role to the model that would answer it.
        images: the root of the pictures.
        judging: the roles of judges.
        shown: the pictures, where not all lie below that root; closed at the end.
    """
    book, judges = Book(), set(judging)
    standing = {
        role: Route(_StandIn(route.model, book, judges=role in judges), route.gen) for role, route in routes.items()
    }
    folder = RunFolder(options.out)
    paths = [folder.ledger] if folder.ledger.exists() else []
    paths += [ledger_file(path) for path in options.reuse]
    with ExitStack() as opened:
        reuse = {str(path): opened.enter_context(closing(Ledger(path, readonly=True))) for path in paths}
        media = opened.enter_context(closing(shown or media_store(images, options, folder)))
        scratch = opened.enter_context(TemporaryDirectory(prefix="whyfeel-dry-run-"))
        ledger = opened.enter_context(closing(Ledger(Path(scratch) / "ledger.sqlite")))
        yield Engine(standing, ledger, media, concurrency=options.concurrency, reuse=reuse), book
        book.known = ledger.reused()
