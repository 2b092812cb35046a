"""A chat-completions server on 127.0.0.1 that answers each phase of a chain of self-asks in its own form.

It runs in a thread of its own. A reply depends on the request's body alone, so that two runs get the same answers, and
what a phase says can be set. By itself it plays a picture of which the summary names five triggers:

1. one that rests on the answer G1, and stays;
2. one that rests on G2, which is the first in other words;
3. one that rests on G4, and stays;
4. one that rests on S1, and is not in the picture;
5. one that rests on S2, and has no bearing.

A trigger's text holds the digest of the request whose answer it rests on, in brackets.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

PATIENCE = 20.0  # seconds a test waits for something that should have happened
CITED = {"G1": "social", "G2": "social", "G4": "physical", "S1": "object", "S2": "environment"}
# what tells the phases that show a picture, in a text of the shipped prompts
SHOWN = {
    "Rewrite this as one question": "rebuild",
    "further questions about this picture": "scene questions",
    "tell what is seen from what is inferred": "scenario",
    "Is this statement about the picture": "grounded",
    "in at most three sentences.": "general",
}


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        phase: as SHOWN or the schema's name has it, "judge" for what is asked of the model `judge`, else "unknown".
        said: the text of the first turn.
        digest: of the body, 16 hex digits.
        times: how often the same body came, this one included.
    """

    phase: str
    body: Mapping[str, Any] = field(repr=False)
    said: str
    digest: str
    times: int

    @property
    def model(self) -> str:
        return self.body["model"]

    @property
    def pictures(self) -> list[str]:
        """The data URLs that are shown."""
        parts = [
            part for turn in self.body["messages"] if isinstance(turn["content"], list) for part in turn["content"]
        ]
        return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]

    def labelled(self) -> dict[str, str]:
        """The label of each answer that a summary is made of, and the digest which that answer holds."""
        return dict(re.findall(r"^([GS][0-9]+)\. .*\n.*\[([0-9a-f]{16})\]", self.said, re.MULTILINE))


Reply = Callable[[Request], str | web.Response]


def answer(request: Request) -> str:
    return f"A table and two people, as far as can be seen [{request.digest}]"


def scene_questions(request: Request) -> str:
    wanted = re.search(r"Write ([0-9]+) questions", request.said)
    assert wanted is not None
    return "\n".join(f"{n}. What stands at place {n} of {request.digest}?" for n in range(1, int(wanted[1]) + 1))


def summary(request: Request) -> str:
    """The five triggers of this module's opening, those whose answers there are."""
    known = request.labelled()
    return json.dumps(
        {
            "triggers": [
                {
                    "trigger": f"cause from {label} [{known[label]}]",
                    "kind": kind,
                    "explicit": label in {"G1", "G2"},
                    "confidence": 80 if label.startswith("G") else 40,
                    "from": [label],
                }
                for label, kind in CITED.items()
                if label in known
            ]
        }
    )


def numbers_of(request: Request) -> dict[str, int]:
    """The label that each listed trigger rests on, and its number."""
    return {
        label: int(n) for n, label in re.findall(r"^([0-9]+)\. cause from ([GS][0-9]+)", request.said, re.MULTILINE)
    }


def same(request: Request) -> str:
    known = numbers_of(request)
    return json.dumps({"same": [[known["G1"], known["G2"]]] if {"G1", "G2"} <= known.keys() else []})


def bearings(request: Request) -> str:
    rest = {n: label for label, n in numbers_of(request).items()}
    count = len(re.findall(r"^[0-9]+\. ", request.said, re.MULTILINE))
    verdicts = [{"number": n, "bears": "no" if rest.get(n) == "S2" else "yes"} for n in range(1, count + 1)]
    return json.dumps({"verdicts": verdicts})


REPLIES: Mapping[str, Reply] = {
    "parse": lambda request: json.dumps({"person": "", "emotion": "", "task": f"Find the causes, {request.digest}."}),
    "rebuild": lambda request: f"What moves the person with the hat, {request.digest}?",
    "general": answer,
    "scene questions": scene_questions,
    "scenario": answer,
    "summary": summary,
    "duplicate": same,
    "grounded": lambda request: "absent: nothing of it" if "cause from S1" in request.said else "seen: it is there",
    "relevant": bearings,
    "judge": lambda _: "{score: 1/2}",
    "unknown": lambda _: web.json_response({"error": {"message": "this is no phase of the chain"}}, status=400),
}


def refusing(_: Request) -> str:
    """What a model says that will not look at people."""
    return "I'm sorry, but I can't help with identifying or describing people in images."


def plain(server: PhaseServer) -> None:
    """Five different triggers that all pass: the chain that a dry run supposes."""
    server.say |= {"duplicate": lambda _: '{"same": []}', "grounded": lambda _: "seen"}
    server.say["relevant"] = lambda request: bearings(request).replace('"no"', '"yes"')


class PhaseServer:
    """Serves from `with` to its end.

    Attributes:
        say: phase to what is replied; a web.Response stands for a reply that is no chat completion.
        delay: seconds before each reply.
        requests: all that came, in order of arrival.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.say: dict[str, Reply] = dict(REPLIES)
        self.delay = delay
        self.requests: list[Request] = []
        self._times: Counter[str] = Counter()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="phase-server")

    @property
    def vlm(self) -> str:
        return f"{self.url}#vlm"

    @property
    def llm(self) -> str:
        return f"{self.url}#llm"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def phases(self, since: int = 0) -> Counter[str]:
        """Phase to requests."""
        return Counter(one.phase for one in self.requests[since:])

    def digests(self, since: int = 0) -> Counter[str]:
        """Digest of a body to how often it came."""
        return Counter(one.digest for one in self.requests[since:])

    def wait_for(self, count: int) -> None:
        """Until so many requests have come in all."""
        until = time.monotonic() + PATIENCE
        while len(self.requests) < count:
            assert time.monotonic() < until, f"only {len(self.requests)} came"
            time.sleep(0.002)

    def __enter__(self) -> PhaseServer:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", self._complete)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _complete(self, http: web.Request) -> web.Response:
        raw = await http.read()
        request = self._request(raw)
        self.requests.append(request)
        if self.delay:
            await asyncio.sleep(self.delay)
        reply = self.say[request.phase](request)
        if isinstance(reply, web.Response):
            return reply
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}
        usage = {"prompt_tokens": 100, "completion_tokens": 10}
        return web.json_response({"model": "served-by-test", "choices": [choice], "usage": usage})

    def _request(self, raw: bytes) -> Request:
        body = json.loads(raw)
        content = next(turn["content"] for turn in body["messages"] if turn["role"] == "user")
        said = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        digest = hashlib.sha256(raw).hexdigest()[:16]
        self._times[digest] += 1
        return Request(_phase(body, said), body, said, digest, self._times[digest])


def _phase(body: Mapping[str, Any], said: str) -> str:
    if body["model"] == "judge":
        return "judge"
    if (form := body.get("response_format")) is not None:
        return form["json_schema"]["name"]
    return next((phase for words, phase in SHOWN.items() if words in said), "unknown")
