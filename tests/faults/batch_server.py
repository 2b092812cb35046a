"""A batch service on 127.0.0.1 in the shape that OpenAI documents: files, batches, and their output.

A batch ends when a test says so (`looks` looks after it was made). What becomes of each request is a function of its
body. The server outlives the processes that talk to it.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answerer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]] | None]


def completion(text: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-test-2026-01-01",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


def answers(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """An answer that depends on the request alone; a verdict where one is asked for."""
    said = json.dumps(body["messages"])
    if "reference triggers" in said:
        return 200, completion("{score: 1/2}")
    person = re.search(r"person (\d+)", said)
    return 200, completion(f"1. reason {person[1] if person else said[-40:]}")


@dataclass
class Made:
    """One batch."""

    id: str
    tag: str
    requests: list[dict[str, Any]]
    looks: int = 0
    status: str = "in_progress"
    files: dict[str, str] = field(default_factory=dict)


class BatchServer:
    """The service; use as a context manager.

    Attributes:
        answer: from the body of a request to (status, body); None leaves the request without a line.
        needed: looks at a batch until it has ended.
        final: the status it then has.
        deaf: the moments at which the connection is dropped before the client hears: "files" or "batches".
        key: what the client must send.
    """

    def __init__(self, answer: Answerer = answers, *, needed: int = 1, final: str = "completed") -> None:
        self.answer = answer
        self.needed = needed
        self.final = final
        self.deaf: list[str] = []
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, Made] = {}
        self.counts: Counter[str] = Counter()
        self.keys: set[str | None] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def asked(self) -> Counter[str]:
        """How often each ask was handed over in a batch."""
        return Counter(request["custom_id"] for batch in self.batches.values() for request in batch.requests)

    def __enter__(self) -> BatchServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=1 << 28)
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._make)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._look)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    def _saw(self, what: str, request: web.Request) -> None:
        self.counts[what] += 1
        self.keys.add(request.headers.get("Authorization"))

    def _drop(self, what: str, request: web.Request) -> None:
        if what in self.deaf:
            self.deaf.remove(what)
            assert request.transport is not None
            request.transport.abort()

    async def _upload(self, request: web.Request) -> web.Response:
        self._saw("files", request)
        form = await request.post()
        assert form["purpose"] == "batch"
        file = form["file"]
        assert isinstance(file, web.FileField)
        id_ = f"file-{len(self.files) + 1}"
        self.files[id_] = file.file.read()
        self._drop("files", request)
        return web.json_response({"id": id_, "object": "file", "purpose": "batch"})

    async def _make(self, request: web.Request) -> web.Response:
        self._saw("batches", request)
        asked = await request.json()
        assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")
        requests = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        assert len({one["custom_id"] for one in requests}) == len(requests)
        assert {(one["method"], one["url"]) for one in requests} == {("POST", "/v1/chat/completions")}
        made = Made(f"batch_{len(self.batches) + 1}", asked["metadata"]["whyfeel"], requests)
        self.batches[made.id] = made
        self._drop("batches", request)
        return web.json_response(self._state(made))

    def _state(self, made: Made) -> dict[str, Any]:
        errors = (
            {"data": [{"code": "invalid", "message": "line 1 is not\n valid"}]} if made.status == "failed" else None
        )
        return {
            "id": made.id,
            "object": "batch",
            "status": made.status,
            "errors": errors,
            "output_file_id": made.files.get("output"),
            "error_file_id": made.files.get("error"),
            "metadata": {"whyfeel": made.tag},
        }

    async def _list(self, request: web.Request) -> web.Response:
        self._saw("list", request)
        every = list(self.batches.values())
        after = request.query.get("after")
        start = next((n + 1 for n, one in enumerate(every) if one.id == after), 0)
        page = every[start : start + 1]  # one a page: paging is always at work
        more = start + 1 < len(every)
        return web.json_response({"object": "list", "data": [self._state(m) for m in page], "has_more": more})

    async def _look(self, request: web.Request) -> web.Response:
        self._saw("look", request)
        made = self.batches[request.match_info["id"]]
        made.looks += 1
        if made.looks >= self.needed and made.status == "in_progress":
            self._end(made)
        return web.json_response(self._state(made))

    def _end(self, made: Made) -> None:
        made.status = self.final
        if made.status in {"failed", "cancelled"}:
            return
        output, error = [], []
        for one in reversed(made.requests):  # the order of the output is not that of the input
            if (answered := self.answer(one["body"])) is None:
                continue
            status, body = answered
            line = {
                "id": f"batch_req_{one['custom_id'][:6]}",
                "custom_id": one["custom_id"],
                "response": {"status_code": status, "request_id": "r", "body": body},
                "error": None,
            }
            (output if status == 200 else error).append(json.dumps(line))
        for kind, lines in (("output", output), ("error", error)):
            if lines:
                made.files[kind] = f"file-{kind}-{made.id}"
                self.files[made.files[kind]] = "\n".join(lines).encode() + b"\n"

    async def _content(self, request: web.Request) -> web.Response:
        self._saw("content", request)
        return web.Response(body=self.files[request.match_info["id"]], content_type="application/octet-stream")
