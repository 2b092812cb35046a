"""Ray: processes on this machine or on others that do a part of a sitting's work (`--ray`)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from whyfeel.errors import UserError, brief
from whyfeel.runs.crew import Link, Lost
from whyfeel.runs.hand import Hand
from whyfeel.runs.options import ACTORS
from whyfeel.runs.pieces import Recipe

LOCAL = "local"
OBJECTS = 100 << 20  # bytes of shared memory; messages need far less
LISTENS = (
    "Ray listens on all of this machine's network interfaces while it runs; who can reach them and knows Ray's token "
    "can run code here (docs/scaling.md)"
)
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # tell nobody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # which otherwise is warned about
}


@contextmanager
def cluster(recipe: Recipe, note: Callable[[str], None]) -> Iterator[Callable[[], Link]]:
    """A cluster as long as it is needed; yields what starts an actor.

    Args:
        note: hears what the user should know, in one line each.

    Raises:
        UserError: Ray is not installed, no cluster answers, or it has no room for an actor.
    """
    where, size = recipe.options.ray or LOCAL, recipe.options.actors or ACTORS
    ours = signal.getsignal(signal.SIGTERM)
    ray = _connected(where, size)
    signal.signal(signal.SIGTERM, ours)  # Ray sets its own, which would end a run in bad order
    try:
        if where == LOCAL:
            note(LISTENS)
        room = ray.cluster_resources()
        needs = _needs(recipe, room)
        if (fit := int(min(room.get(name, 0.0) / much for name, much in needs.items()))) < 1:
            raise UserError(f"--ray {where}: the cluster has no room for an actor; each needs {_words(needs)}")
        if fit < size:
            note(f"--actors {size}: the cluster has room for {fit}; the others start once it has more")
        # an actor that died is replaced by us, which deal its pieces again
        options = {"num_cpus": needs.get("CPU", 0), "num_gpus": needs.get("GPU", 0), "max_restarts": 0}
        kind = ray.remote(Hand).options(**options)
        given = ray.put(recipe)
        with redirect_stdout(sys.stderr):  # Ray prints there how an actor died, and --json owns it
            yield lambda: _Actor(ray, kind.remote(given))
    finally:
        ray.shutdown()


def _connected(where: str, size: int) -> Any:  # noqa: ANN401 - a module
    """The module `ray`, with a cluster behind it."""
    try:
        os.environ.update(QUIET)  # Ray reads them as it is imported, and its processes inherit them
        import ray  # noqa: PLC0415 - an extra
    except ImportError:
        raise UserError("--ray needs the package ray: pip install 'whyfeel[ray]'") from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if where == LOCAL:
        cores = max(size, os.cpu_count() or 1)
        ray.init(num_cpus=cores, include_dashboard=False, object_store_memory=OBJECTS, **quiet)
        return ray
    try:
        ray.init(address=where, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        why = brief(str(error).partition("\n")[0])
        raise UserError(f"--ray {where}: no cluster can be used there ({why}); start one with `ray start`") from None
    return ray


def _needs(recipe: Recipe, room: dict[str, float]) -> dict[str, float]:
    """What an actor takes: a GPU where it runs a model itself and there are some, else a core."""
    local = any(model.startswith("local:") for model in recipe.models)
    return {"GPU": 1.0} if local and room.get("GPU") else {"CPU": 1.0}


def _words(needs: dict[str, float]) -> str:
    return " and ".join(f"{much:g} {name}" for name, much in needs.items())


class _Actor:
    """The way to a `Hand` that is an actor of Ray."""

    def __init__(self, ray: Any, actor: Any) -> None:  # noqa: ANN401 - Ray's are not typed
        self._ray = ray
        self._actor = actor

    async def start(self) -> str | None:
        """As the hand has it."""
        complaint: str | None = await self._said(self._actor.start.remote())
        return complaint

    async def outbox(self) -> Sequence[Any]:
        """As the hand has it."""
        batch: Sequence[Any] = await self._said(self._actor.outbox.remote())
        return batch

    def inbox(self, batch: Sequence[Any]) -> None:
        """As the hand has it; whether the process is gone is learnt from its outbox."""
        self._actor.inbox.remote(batch)

    def kill(self) -> None:
        """End the process."""
        self._ray.kill(self._actor)

    async def _said(self, said: Any) -> Any:  # noqa: ANN401
        try:
            return await said
        except self._ray.exceptions.RayTaskError:  # a fault of ours, over there
            raise
        except self._ray.exceptions.RayError as error:
            told = " ".join(str(error).split())  # how a process ended stands behind much about the actor
            raise Lost((told.partition("Worker exit detail: ")[2] or told)[:200]) from None
