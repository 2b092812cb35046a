"""What a sitting works with: the engine and its pictures, who looks on, and how signals stop it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from whyfeel.engine import BatchBook, Budget, Counts, Engine, Ledger, Pace, Retries, Route
from whyfeel.errors import Interrupted, UserError
from whyfeel.media import MediaStore
from whyfeel.models import Batched, Endpoint
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.options import ACTORS, SittingOptions
from whyfeel.runs.pieces import Piece, Recipe, Work
from whyfeel.runs.routing import remarks
from whyfeel.runs.spool import Spool

S = TypeVar("S")

TICK = 0.25  # seconds between two looks at the progress


class Watch(Protocol):
    """Who looks on: gets remarks and, a few times a second, how far the run is."""

    def note(self, text: str) -> None:
        """Something the user should know, in one line."""
        ...

    def start(self, total: int, counts: Counts) -> None:
        """The samples start; `counts` keeps changing."""
        ...

    def tick(self, done: int) -> None:
        """So many samples are done."""
        ...

    def finish(self) -> None:
        """The samples are done, or the run stopped."""
        ...


def media_store(images: Path | None, options: SittingOptions, folder: RunFolder) -> MediaStore:
    """The pictures under a folder as a run sends them; those at URLs lie in the run's own folder."""
    return MediaStore(images, max_side=options.max_side, fetched=folder.pictures)


def engine_of(
    options: SittingOptions,
    routes: Mapping[str, Route],
    ledger: Ledger,
    reuse: Mapping[str, Ledger],
    media: MediaStore,
    watch: Watch,
) -> Engine:
    """The engine of a run: its limits from the options, its spending from the ledger.

    Raises:
        UserError: a bound on cost is given, and what earlier answers cost is not known.
    """
    spent = ledger.totals()
    if options.max_cost is not None and spent.cost is None:
        raise UserError("--max-cost: what this run's earlier answers cost is not known, so it cannot be kept")
    for remark in remarks(routes):
        watch.note(remark)
    return Engine(
        {role: _batched(route, ledger, watch) if route.batched else route for role, route in routes.items()},
        ledger,
        media,
        concurrency=options.concurrency,
        budget=Budget(options.max_calls, options.max_cost, calls=spent.tries, cost=spent.cost or 0.0),
        reuse=reuse,
        pace=Pace(options.rpm, options.tpm),
        retries=Retries(seed=options.seed),
    )


def _batched(route: Route, ledger: Ledger, watch: Watch) -> Route:
    """The same model, asked through its provider's batch service."""
    model = route.model
    assert isinstance(model, Endpoint)  # what a provider's name stands for
    return replace(route, model=Batched(model, BatchBook(ledger.path, model.address), watch.note))


async def do_all(
    engine: Engine,
    work: Work,
    watch: Watch,
    total: int,
    spools: Sequence[Spool],
    routes: Mapping[str, Route],
    recipe: Recipe | None = None,
) -> None:
    """Do all pieces of a sitting's work, and keep their lines.

    Args:
        work: done in this process, unless there is a recipe.
        total: how many pieces it has.
        spools: the sitting's files.
        routes: role to model.
        recipe: how other processes come by the same work, where they are to do it.

    Raises:
        RunStopped, KeyRefused, Interrupted: the sitting cannot go on; the ledger holds all that was answered.
        UserError: other processes cannot be had, or cannot do the work.
    """
    done = 0

    async def do(piece: Piece) -> None:
        nonlocal done
        for file, index, record in await piece():
            spools[file].put(index, record)
        done += 1

    async with _pieces(engine, work, watch, total, routes, recipe) as pieces:
        with signals(engine):
            await watched(engine, pieces, do, watch, total, lambda: done)


@asynccontextmanager
async def _pieces(
    engine: Engine, work: Work, watch: Watch, total: int, routes: Mapping[str, Route], recipe: Recipe | None
) -> AsyncIterator[Iterator[Piece]]:
    """The pieces, as work for this process or as its orders to others."""
    if recipe is None:
        yield work.pieces()
        return
    from whyfeel.runs.crew import Crew  # noqa: PLC0415 - only --ray needs them
    from whyfeel.runs.ray_cluster import cluster  # noqa: PLC0415

    with cluster(recipe, watch.note) as hire:
        size = recipe.options.actors or ACTORS
        async with Crew(hire, size, engine.width, engine, routes, watch.note, work.faults) as crew:
            yield (partial(crew.do, number) for number in range(total))


async def watched(
    engine: Engine,
    items: Iterable[S],
    work: Callable[[S], Coroutine[Any, Any, None]],
    watch: Watch,
    total: int,
    done: Callable[[], int],
) -> None:
    """Do `work` on every item, with somebody looking on.

    Args:
        total: how many items there are.
        done: how many of them are done.

    Raises:
        BaseException: the cause for which the engine was stopped.
    """

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK)
            watch.tick(done())

    watch.start(total, engine.counts)
    ticking = asyncio.create_task(tick())
    try:
        await engine.stream(items, work)
    finally:
        ticking.cancel()
        watch.tick(done())
        watch.finish()


@contextmanager
def signals(engine: Engine) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop the engine in good order; a second one at once."""
    loop = asyncio.get_running_loop()
    caught: Iterable[signal.Signals] = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.getsignal(one) for one in caught}
    for one in caught:
        loop.add_signal_handler(one, engine.stop, Interrupted(one))
    try:
        yield
    finally:
        for one in caught:
            loop.remove_signal_handler(one)
            signal.signal(one, before[one])  # asyncio would leave the system's own
