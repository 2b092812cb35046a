"""An endpoint and a server that will not take a setting: what is left out, what is renamed, and who is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from aiohttp import web

from whyfeel.engine import Reply, Request
from whyfeel.errors import CallFailed, NoCredit
from whyfeel.models import Endpoint
from whyfeel.records import Ask, Text, user_turn

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
GOOD = {"choices": [{"message": {"content": "Rain."}, "finish_reason": "stop"}]}
KEY = "sk-very-secret"


def asking(insisted: tuple[str, ...] = (), schema: Any = None, role: str = "answer", **gen: Any) -> Request:
    ask = Ask(role, user_turn(Text("Why?")), gen, schema)
    return Request("k", ask, insisted=frozenset(insisted))


class Picky:
    """A server that refuses settings, in OpenAI's words, and keeps what it was sent."""

    def __init__(self, unwanted: Mapping[str, str | None], status: int = 400) -> None:
        self.unwanted, self.status = unwanted, status
        self.bodies: list[dict[str, Any]] = []

    async def say(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        for name, instead in self.unwanted.items():
            if name in body:
                use = f" Use '{instead}' instead." if instead else ""
                said = f"Unsupported parameter: '{name}' is not supported with this model.{use} {KEY}"
                error = {"message": said, "type": "invalid_request_error", "param": name}
                return web.json_response({"error": error | {"code": "unsupported_parameter"}}, status=self.status)
        return web.json_response(GOOD)

    @property
    def settings(self) -> list[list[str]]:
        return [sorted(set(body) - {"model", "messages"}) for body in self.bodies]


@pytest.fixture
async def endpoint(serve: Serve):
    made: list[Endpoint] = []

    async def make(server: Any) -> Endpoint:
        server = server.say if isinstance(server, Picky) else server
        made.append(Endpoint("m", await serve(server), key=KEY))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_a_setting_is_left_out_from_then_on(endpoint) -> None:
    server = Picky({"temperature": None})
    model = await endpoint(server)
    for _ in range(2):
        reply = await model.answer(asking(temperature=0, max_tokens=9))
        assert reply == Reply("Rain.", "ok", "stop", left_out=("temperature",))
    assert server.settings == [["max_tokens", "temperature"], ["max_tokens"], ["max_tokens"]]


async def test_each_reply_names_its_own_settings_sorted(endpoint) -> None:
    model = await endpoint(Picky({"top_p": None, "seed": None, "temperature": None}))
    assert (await model.answer(asking(temperature=0, seed=1, top_p=1))).left_out == ("seed", "temperature", "top_p")
    assert (await model.answer(asking(seed=1, max_tokens=9))).left_out == ("seed",)
    assert (await model.answer(asking(max_tokens=9))).left_out == ()


async def test_a_renamed_setting_is_not_left_out(endpoint) -> None:
    server = Picky({"max_tokens": "max_completion_tokens"})
    model = await endpoint(server)
    for insisted in ((), ("max_tokens",)):
        assert (await model.answer(asking(insisted, max_tokens=9))).left_out == ()
    assert [body.get("max_completion_tokens") for body in server.bodies] == [None, 9, 9]


async def test_a_setting_refused_under_its_new_name_too_is_left_out(endpoint) -> None:
    server = Picky({"max_tokens": "max_completion_tokens", "max_completion_tokens": None})
    model = await endpoint(server)
    assert (await model.answer(asking(max_tokens=9))).left_out == ("max_tokens",)
    assert server.settings == [["max_tokens"], ["max_completion_tokens"], []]


async def test_two_names_that_point_at_each_other_end(endpoint) -> None:
    server = Picky({"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"})
    model = await endpoint(server)
    with pytest.raises(CallFailed) as failed:
        await model.answer(asking(max_tokens=9))
    assert (failed.value.reason, failed.value.again) == ("rejected", False)
    assert len(server.bodies) <= 7


async def test_a_schema_is_left_out_under_the_name_of_its_setting(endpoint) -> None:
    server = Picky({"response_format": None})
    model = await endpoint(server)
    assert (await model.answer(asking(schema=SCHEMA))).left_out == ("response_format",)
    assert (await model.answer(asking())).left_out == ()
    assert server.settings == [["response_format"], [], []]


@pytest.mark.parametrize(("role", "flag"), [("answer", "--gen temperature=null"), ("judge", "--judge-gen temp")])
async def test_a_setting_that_was_asked_for_by_name_is_never_dropped_silently(endpoint, role, flag) -> None:
    server = Picky({"temperature": None})
    model = await endpoint(server)
    with pytest.raises(CallFailed, match=r"\A[^\n]+\Z") as failed:
        await model.answer(asking(("temperature",), role=role, temperature=0))
    assert (failed.value.reason, failed.value.again) == ("rejected", False)
    assert flag in failed.value.detail
    assert KEY not in failed.value.detail
    assert len(server.bodies) == 1


async def test_what_others_learned_leaves_out_nothing_that_is_insisted_on(endpoint) -> None:
    server = Picky({"temperature": None})
    model = await endpoint(server)
    assert (await model.answer(asking(temperature=0))).left_out == ("temperature",)
    with pytest.raises(CallFailed, match="temperature=null"):
        await model.answer(asking(("temperature",), temperature=0))
    assert server.bodies[-1]["temperature"] == 0
    assert (await model.answer(asking(temperature=0))).left_out == ("temperature",)


async def test_hundreds_of_calls_in_flight_learn_together(serve: Serve) -> None:
    """All meet the refusal before any has learned from it; each is asked once more and no oftener."""
    picky, here, all_here = Picky({"temperature": None, "seed": None}), 0, asyncio.Event()

    async def server(request: web.Request) -> web.Response:
        nonlocal here
        here += 1
        if here == 200:
            all_here.set()
        await all_here.wait()
        return await picky.say(request)

    model = Endpoint("m", await serve(server))
    async with asyncio.timeout(20):
        replies = await asyncio.gather(*(model.answer(asking(temperature=0, seed=1)) for _ in range(200)))
    await model.close()
    assert {reply.left_out for reply in replies} == {("seed", "temperature")}
    assert len(picky.bodies) <= 600


async def test_no_more_than_six_settings_are_given_up_in_one_call(endpoint) -> None:
    names = ["frequency_penalty", "logprobs", "presence_penalty", "seed", "temperature", "top_k", "top_p"]
    for count, known in ((6, True), (7, False)):
        server = Picky(dict.fromkeys(names[:count]))
        model = await endpoint(server)
        if known:
            assert (await model.answer(asking(**dict.fromkeys(names, 1)))).left_out == tuple(names[:6])
        else:
            with pytest.raises(CallFailed, match="rejected"):
                await model.answer(asking(**dict.fromkeys(names, 1)))
        assert len(server.bodies) == 7


async def test_a_complaint_about_what_was_not_sent_is_a_rejection(endpoint) -> None:
    """Also about what was left out before: the server means something else."""
    body = {"error": {"message": "Unsupported parameter: 'top_p'", "param": "top_p", "code": "unsupported_parameter"}}
    calls = []

    async def server(request: web.Request) -> web.Response:
        calls.append(1)
        return web.json_response(body, status=400)

    for settings, tries in (({"temperature": 0}, 1), ({"top_p": 1}, 2)):
        calls.clear()
        with pytest.raises(CallFailed, match="rejected"):
            await (await endpoint(server)).answer(asking(**settings))
        assert len(calls) == tries


async def test_a_refusal_by_the_provider_is_an_answer(endpoint) -> None:
    async def server(_: web.Request) -> web.Response:
        error = {"code": "content_filter", "message": "The response was filtered by the content management policy"}
        return web.json_response({"error": error}, status=400)

    assert await (await endpoint(server)).answer(asking()) == Reply("", "refused", "content_filter")


@pytest.mark.parametrize("status", [402, 429])
async def test_an_empty_account_ends_the_run(endpoint, status) -> None:
    async def server(_: web.Request) -> web.Response:
        error = {"code": "insufficient_quota", "message": f"You exceeded your current quota, {KEY}"}
        return web.json_response({"error": error}, status=status)

    model = await endpoint(server)
    with pytest.raises(NoCredit, match=r"\A[^\n]+\Z") as ended:
        await model.answer(asking())
    assert "no credit left" in str(ended.value)
    assert model.address in str(ended.value)
    assert KEY not in str(ended.value)


class TestOtherWays:
    """What goes in a batch's file is encoded and read by the same endpoint."""

    def test_pieces_and_path_are_those_of_a_call(self) -> None:
        model = Endpoint("m", "http://h/v1")
        assert model.path == "/chat/completions"
        asked = asking(temperature=0)
        assert json.loads(b"".join(model.pieces(asked, model.adapted(asked))))["temperature"] == 0

    def test_a_line_is_read_like_a_reply(self) -> None:
        model = Endpoint("m", "http://h/v1", key=KEY)
        body = json.dumps({"choices": [{"message": {"content": f"Rain, {KEY}"}}]}).encode()
        assert model.read(asking(), model.adapted(asking()), 200, body).text == "Rain, [key removed]"
        with pytest.raises(CallFailed, match="server error"):
            model.read(asking(), model.adapted(asking()), 500, b"{}")

    def test_what_a_line_teaches_is_left_out_of_the_next(self) -> None:
        model = Endpoint("m", "http://h/v1")
        error = {"message": "Unsupported parameter: 'temperature'", "param": "temperature"}
        body = json.dumps({"error": error | {"code": "unsupported_parameter"}}).encode()
        with pytest.raises(CallFailed, match="without 'temperature'") as failed:
            model.read(asking(temperature=0), model.adapted(asking(temperature=0)), 400, body)
        assert failed.value.again
        assert "temperature" not in json.loads(
            b"".join(model.pieces(asking(temperature=0), model.adapted(asking(temperature=0))))
        )
        with pytest.raises(CallFailed, match="temperature=null") as failed:
            model.read(
                asking(("temperature",), temperature=0),
                model.adapted(asking(("temperature",), temperature=0)),
                400,
                body,
            )
        assert not failed.value.again
