"""A call that hangs or drips is ended, and the run goes on."""

from __future__ import annotations

import functools
import socket
from contextlib import ExitStack, closing

import pytest
from chat_server import ChatServer, Hang, Say, good

from whyfeel.engine import Pace
from whyfeel.errors import EndpointDown
from whyfeel.models.endpoint import Deadlines, Endpoint

TRIES = 6


@pytest.fixture
def hasty(monkeypatch):
    """Endpoints that wait 0.2 s for the next piece and 0.5 s for a whole call, and take 100 kB."""
    limits = Deadlines(connect=0.2, read=0.2, total=0.5)
    monkeypatch.setattr(
        "whyfeel.models.registry.Endpoint", functools.partial(Endpoint, deadlines=limits, largest_reply=100_000)
    )


def one_person(person, action):
    return lambda call: action if call.model == "mock" and call.person == person else good(call)


good_body = b'{"choices":[{"message":{"content":"the cause of person 3"}}]}'
ENDLESS = {
    "hangs": Hang(),
    "comes too late": Say(good_body, delay=5),
    "drips slowly": Say(good_body, drip=0.05),
    "drips fast": Say(b" " * 60_000 + good_body, drip=0.001),
}


def test_a_call_that_does_not_end_is_ended_and_the_others_go_on(hasty, few, serve, here, tmp_path):
    """Four persons, each with a fault of its own, which leave one slot to the others."""
    actions = list(ENDLESS.values())

    def script(call):
        return actions[call.person] if call.model == "mock" and call.person < len(actions) else good(call)

    server = serve(script)
    summary = here(few, server, tmp_path / "run", concurrency=len(ENDLESS) + 1).summary
    assert (summary["scored"], summary["unscored"]) == (few.count - len(ENDLESS), {"timeout": len(ENDLESS)})
    assert [len(server.about(person)) for person in range(len(ENDLESS))] == [TRIES] * len(ENDLESS)


def test_a_slow_reply_within_the_deadlines_is_taken(hasty, few, serve, here, tmp_path):
    server = serve(one_person(3, Say(good_body, drip=0.002)))
    assert here(few, server, tmp_path / "run").summary["scored"] == few.count


def test_a_call_that_hung_once_is_asked_again(hasty, few, serve, here, tmp_path):
    hung = []

    def script(call):
        if not hung:
            hung.append(call)
            return Hang()
        return good(call)

    server = serve(script)
    assert here(few, server, tmp_path / "run").summary["scored"] == few.count
    assert len(server.calls) == 2 * few.count + 1


def test_an_endless_reply_is_cut_off_at_the_cap(hasty, few, serve, here, tmp_path):
    """A megabyte is said to come; the call ends when a tenth of it has."""
    server = serve(one_person(3, Say(b"x" * 100_001, headers={"Content-Length": "1000000"})))
    assert here(few, server, tmp_path / "run").summary["unscored"] == {"reply too large": 1}
    assert len(server.about(3)) == 1


def test_a_host_that_swallows_connections_is_an_endpoint_that_is_down(hasty, few, here, monkeypatch, tmp_path):
    """A full queue of connections: the next one is neither taken nor refused."""
    monkeypatch.setattr("whyfeel.runs.sitting.Pace", functools.partial(Pace, patience=0.5))
    with ExitStack() as stack:
        listening = stack.enter_context(closing(socket.socket()))
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        server = ChatServer(good, listening.getsockname()[1])
        with pytest.raises(EndpointDown, match="could not be reached"):
            here(few, server, tmp_path / "run")
