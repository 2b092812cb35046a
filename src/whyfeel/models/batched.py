"""A provider's batch service behind the same face as its chat: half the price, an answer within a day.

Requests gather until no more come for a moment, go up as one file, and come home together. What was handed over is
written down first (`BatchBook`), so that a run which is killed meanwhile asks for the same batch again and pays once.
Source: the OpenAI Batch API (files, batches).
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any
from uuid import uuid4

import aiohttp

from whyfeel.engine import Batch, BatchBook, Price, Reply, Request
from whyfeel.errors import CallFailed, RunStopped, WhyfeelError
from whyfeel.models.dialects.base import Adaptation, excerpt
from whyfeel.models.endpoint import Endpoint

MOST_REQUESTS = 50_000  # that one file may hold
MOST_BYTES = 190_000_000
LARGEST_OUTPUT = 1 << 30  # bytes; the answers of one batch
ENDED = ("completed", "expired", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: how long no request must come before a batch goes up, and the first and longest wait between looks."""

    quiet: float = 0.5
    first: float = 0.5
    longest: float = 60.0


class _File:
    """The lines of the next batch, on disk, and the requests behind them."""

    def __init__(self) -> None:
        self.lines: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was uploaded, or at the end
        self.requests: dict[str, Request] = {}
        self.size = 0

    def add(self, request: Request, path: str, body: list[bytes]) -> None:
        head = json.dumps({"custom_id": request.key, "method": "POST", "url": path})[:-1].encode()
        self.size += self.lines.write(b"".join([head, b', "body": ', *body, b"}\n"]))
        self.requests[request.key] = request


class _Lines(aiohttp.BufferedReaderPayload):
    """A file that stays ours to close: aiohttp would close it in another thread, and two at once end in ValueError."""

    @property
    def autoclose(self) -> bool:
        """Whether aiohttp may leave it as it is."""
        return True


class Batched:
    """A model asked through its provider's batch service.

    Args:
        endpoint: the provider; its price must be that of batches.
        book: where what was handed over is written down.
        tell: told, in one line, when a batch goes up and when it comes home.
        patience: how long to wait for what.
    """

    def __init__(
        self, endpoint: Endpoint, book: BatchBook, tell: Callable[[str], None], patience: Patience | None = None
    ) -> None:
        self.name = endpoint.name
        self.address = endpoint.address
        self._endpoint = endpoint
        self._book = book
        self._tell = tell
        self._patience = patience or Patience()
        self._file = _File()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._batch_of: dict[str, Batch] | None = None  # the batch that each key went up with
        self._sent: dict[str, Adaptation] = {}
        self._at_home: dict[str, bytes] = {}  # lines that came before anybody asked for them
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def price(self) -> Price | None:
        """That of the endpoint."""
        return self._endpoint.price

    async def answer(self, request: Request) -> Reply:
        """Hand the request over with others, or find it in a batch of an earlier sitting, and wait for its reply.

        Raises:
            CallFailed: the batch has no reply to it; another try goes into another batch.
            KeyRefused: the endpoint refuses the key.
            RunStopped: the provider turned the batch down.
        """
        if self._batch_of is None:
            self._batch_of = {key: batch for batch in self._book.open() for key in batch.keys}
        future = self._waiting[request.key] = asyncio.get_running_loop().create_future()
        try:
            if (line := self._at_home.pop(request.key, None)) is not None:
                return self._reply(request, line)
            if (batch := self._batch_of.get(request.key)) is not None:
                self._follow(batch, self._bring_home)
            else:
                self._gather(request)
            return self._reply(request, await future)
        finally:
            del self._waiting[request.key]

    def _gather(self, request: Request) -> None:
        """Put a request into the next file, which goes up when no more come."""
        adapted = self._sent[request.key] = self._endpoint.adapted(request)
        self._file.add(request, "/v1" + self._endpoint.path, self._endpoint.pieces(request, adapted))
        if self._timer is not None:
            self._timer.cancel()
        if len(self._file.requests) >= MOST_REQUESTS or self._file.size >= MOST_BYTES:
            self._go_up()
        else:
            self._timer = asyncio.get_running_loop().call_later(self._patience.quiet, self._go_up)

    def _go_up(self) -> None:
        file, self._file, self._timer = self._file, _File(), None
        batch = Batch(uuid4().hex, None, tuple(file.requests))
        self._follow(batch, lambda batch: self._hand_over(batch, file))

    def _follow(self, batch: Batch, work: Callable[[Batch], Coroutine[Any, Any, None]]) -> None:
        """One task a batch; how it fails is how all who wait for the batch fail."""
        if (task := self._tasks.get(batch.tag)) is None or task.done():
            self._tasks[batch.tag] = asyncio.get_running_loop().create_task(self._guarded(batch, work(batch)))

    async def _guarded(self, batch: Batch, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except WhyfeelError as error:
            for key in batch.keys:
                self._fail(key, error)

    async def _hand_over(self, batch: Batch, file: _File) -> None:
        """Upload a file and make a batch of it; written down before the provider hears of it."""
        file.lines.seek(0)
        form = aiohttp.FormData()
        form.add_field("purpose", "batch")
        lines = _Lines(file.lines, content_type="application/jsonl")
        form.add_field("file", lines, filename="whyfeel.jsonl", content_type="application/jsonl")
        with file.lines:
            uploaded = _object(await self._endpoint.fetch("POST", "/files", form))
        self._book.begin(batch.tag, batch.keys)
        self._remember(batch)
        asked = {
            "input_file_id": _name(uploaded),
            "endpoint": "/v1" + self._endpoint.path,
            "completion_window": "24h",
            "metadata": {"whyfeel": batch.tag},
        }
        made = _object(await self._endpoint.fetch("POST", "/batches", aiohttp.JsonPayload(asked)))
        batch = self._named(batch, _name(made))
        self._tell(
            f"{len(batch.keys):,} requests went to {self.address} as {batch.id}; the answers come within a day. "
            "To wait is not needed: stop, and run the same command again later"
        )
        await self._bring_home(batch)

    def _remember(self, batch: Batch) -> None:
        if self._batch_of is not None:
            self._batch_of |= dict.fromkeys(batch.keys, batch)

    def _named(self, batch: Batch, id_: str) -> Batch:
        self._book.name(batch.tag, id_)
        batch = replace(batch, id=id_)
        self._remember(batch)
        return batch

    async def _bring_home(self, batch: Batch) -> None:
        """Wait for a batch to end, and give everybody the line that belongs to them."""
        if batch.id is None:  # its making was not heard of: it may have been made all the same
            id_ = await self._look_for(batch.tag)
            if id_ is None:
                self._book.close(batch.tag)
                self._forget(*batch.keys)
                raise CallFailed("batch lost", "the provider has no such batch; its requests go up again")
            batch = self._named(batch, id_)
        state = await self._end_of(batch)
        for field in ("output_file_id", "error_file_id"):
            if isinstance(file := state.get(field), str):
                self._hand_out(await self._endpoint.fetch("GET", f"/files/{file}/content", most=LARGEST_OUTPUT))
        self._tell(f"{batch.id} is {state['status']}")
        missing = CallFailed("batch incomplete", f"{batch.id} ({state['status']}) has no answer to it")
        for key in batch.keys:
            if key not in self._at_home and not self._has_line(key):
                self._forget(key)
                self._fail(key, missing)

    async def _end_of(self, batch: Batch) -> dict[str, Any]:
        """The state of a batch that has ended with answers.

        Raises:
            RunStopped: it ended without.
        """
        pause = self._patience.first
        while (state := _object(await self._endpoint.fetch("GET", f"/batches/{batch.id}"))).get("status") not in ENDED:
            await asyncio.sleep(pause)
            pause = min(self._patience.longest, pause * 1.5)
        if state["status"] in {"failed", "cancelled"}:
            self._book.close(batch.tag)
            raise RunStopped(
                f"the batch {batch.id} at {self.address} is {state['status']}{_why(state)}. Its requests are not "
                "answered: run the same command again to hand them over anew"
            )
        return state

    async def _look_for(self, tag: str) -> str | None:
        """The id of the batch that carries our tag, among all the account has."""
        after = ""
        while True:
            page = _object(await self._endpoint.fetch("GET", f"/batches?limit=100{after}"))
            batches = [one for one in page.get("data") or [] if isinstance(one, dict)]
            for one in batches:
                if isinstance(one.get("metadata"), dict) and one["metadata"].get("whyfeel") == tag:
                    return _name(one)
            if not page.get("has_more") or not batches:
                return None
            after = f"&after={_name(batches[-1])}"

    def _hand_out(self, lines: bytes) -> None:
        for line in lines.splitlines():
            key = _key(line)
            future = self._waiting.get(key)
            if future is not None and not future.done():
                future.set_result(line)
            else:
                self._at_home[key] = line

    def _has_line(self, key: str) -> bool:
        """Whether somebody has just been handed the key's line."""
        future = self._waiting.get(key)
        return future is not None and future.done()

    def _forget(self, *keys: str) -> None:
        """The next try goes into another batch."""
        for key in keys:
            if self._batch_of is not None:
                self._batch_of.pop(key, None)

    def _fail(self, key: str, error: WhyfeelError) -> None:
        future = self._waiting.get(key)
        if future is not None and not future.done():
            future.set_exception(error)

    def _reply(self, request: Request, line: bytes) -> Reply:
        """The reply in one line of an output or error file."""
        self._forget(request.key)  # whatever the line says, the batch has no other for it
        said = json.loads(line)
        response, error = said.get("response"), said.get("error")
        if not isinstance(response, dict) or not isinstance(response.get("status_code"), int):
            why = error.get("message") if isinstance(error, dict) else None
            raise CallFailed("batch incomplete", why if isinstance(why, str) else "a line without a response")
        adapted = self._sent.get(request.key, Adaptation())  # what an earlier sitting had learned is not known
        body = json.dumps(response.get("body")).encode()
        return self._endpoint.read(request, adapted, response["status_code"], body)

    async def close(self) -> None:
        """Let the connections go; the batches stay with the provider."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._file.lines.close()
        if self._timer is not None:
            self._timer.cancel()
        await self._endpoint.close()


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CallFailed("bad reply", f"expected a JSON object, got {excerpt(body)}")
    return value


def _name(value: Mapping[str, Any]) -> str:
    if not isinstance(name := value.get("id"), str):
        raise CallFailed("bad reply", f"expected an object with an id, got {sorted(value)[:8]}")
    return name


def _key(line: bytes) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    key = value.get("custom_id") if isinstance(value, dict) else None
    return key if isinstance(key, str) else ""


def _why(state: Mapping[str, Any]) -> str:
    """What the provider says about a batch it turned down."""
    errors = state.get("errors")
    found = errors.get("data") if isinstance(errors, dict) else None
    first = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    message = first.get("message")
    return f": {' '.join(message.split())[:300]}" if isinstance(message, str) else ""
