"""Replies with status 200 that are no chat completion, those that are one but say nothing, and hostile texts."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from chat_server import Drop, Say, chat, good, words

from whyfeel.engine import Engine, Ledger, Reply, Route
from whyfeel.errors import StoreFailed
from whyfeel.media import MediaStore
from whyfeel.models import Scripted
from whyfeel.records import Ask, Text, user_turn

TRIES = 6
HTML = Say(b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>", headers={"Content-Type": "text/html"})
NOT_A_REPLY = {
    "reset": (Drop(reset=True), "connection lost"),
    "closed": (Drop(), "connection lost"),
    "html": (HTML, "bad reply"),
    "broken JSON": (Say(b'{"choices":[{"message":{"content":"half'), "bad reply"),
    "nothing": (Say(b""), "bad reply"),
    "a list": (Say(b"[]"), "bad reply"),
    "a number": (Say(b"42"), "bad reply"),
    "deep": (Say(b"[" * 200_000), "bad reply"),
    "no choices": (Say(b'{"id":"x","object":"chat.completion"}'), "bad reply"),
    "choices of another kind": (Say(b'{"choices":"none"}'), "bad reply"),
    "an error with status 200": (Say(b'{"error":{"message":"overloaded","code":529}}'), "bad reply"),
    "wrong gzip": (Say(b"not gzip", headers={"Content-Encoding": "gzip"}), "connection lost"),
    "shorter than said": (Say(b'{"choices":[]}', headers={"Content-Length": "900"}), "connection lost"),
}
SAYS_NOTHING = {
    "empty choices": (chat(None, choices=[]), "empty"),
    "null content": (chat(None), "empty"),
    "blank content": (chat(" \n\t"), "empty"),
    "a choice of another kind": (chat(None, choices=[None]), "empty"),
    "no message": (chat(None, choices=[{"finish_reason": "stop"}]), "empty"),
    "a refusal field": (chat(None, message={"refusal": "I will not."}), "refused"),
    "a content filter": (chat("The", "content_filter"), "refused"),
    "declines": (chat("I'm sorry, but I can't help with that."), "refused"),
    "cut off": (chat("1. The cause of person 5 is that", "length"), "truncated"),
    "cut off before it began": (chat("", "length"), "truncated"),
}


def one_person(person, action):
    return lambda call: action if call.model == "mock" and call.person == person else good(call)


@pytest.mark.parametrize("kind", NOT_A_REPLY)
def test_what_is_no_reply_is_tried_again_and_then_unscored(kind, few, serve, here, lines, tmp_path):
    action, reason = NOT_A_REPLY[kind]
    server, run = serve(one_person(5, action)), tmp_path / "run"
    summary = here(few, server, run).summary
    assert list(summary["unscored"].values()) == [1]
    assert (summary["scored"], *summary["unscored"]) == (few.count - 1, reason)
    most = 2 * TRIES if kind in {"reset", "closed"} else TRIES  # a connection kept alive that dies is no try
    assert TRIES <= len(server.about(5)) <= most
    response = lines(run / "responses.jsonl")[5]
    assert response["unscored"]["reason"] == reason
    assert len(response["unscored"]["detail"]) < 700
    assert summary["scores"]["corrected_recall"]["overall"]["n"] == few.count - 1


@pytest.mark.parametrize("kind", ["reset", "closed", "html", "broken JSON", "an error with status 200"])
def test_a_fault_that_passes_costs_a_try_and_nothing_else(kind, few, serve, here, tmp_path):
    failed = set()

    def script(call):
        if call.digest not in failed:
            failed.add(call.digest)
            return NOT_A_REPLY[kind][0]
        return good(call)

    server = serve(script)
    assert here(few, server, tmp_path / "run").summary["unscored"] == {}
    assert set(server.counts().values()) == {2}


@pytest.mark.parametrize("kind", SAYS_NOTHING)
def test_a_reply_that_says_nothing_is_an_answer_counted_and_scored(kind, few, serve, here, lines, tmp_path):
    action, outcome = SAYS_NOTHING[kind]
    server, run = serve(one_person(5, action)), tmp_path / "run"
    summary = here(few, server, run).summary
    assert (summary["scored"], summary["unscored"]) == (few.count, {})
    assert summary["outcomes"] == {name: int(name == outcome) for name in ("empty", "refused", "truncated")}
    assert len(server.about(5)) == 1
    assert lines(run / "responses.jsonl")[5]["outcome"] == outcome
    judged = lines(run / "judgements.jsonl")[5]
    assert judged["counts"]["total"] == 2
    if not lines(run / "responses.jsonl")[5]["text"].strip():
        assert judged["counts"]["correct"] == 0


def test_a_judge_that_says_nothing_readable_is_asked_five_times_and_then_unparsed(few, serve, here, tmp_path):
    def script(call):
        return chat("Hm.") if call.model == "judge" and call.person == 5 else good(call)

    server = serve(script)
    summary = here(few, server, tmp_path / "run").summary
    assert summary["unscored"] == {"unparsed": 1}
    assert len(server.about(5, "judge")) == 5


SAID = "the cause of person 5: "
HOSTILE = {
    "a lone surrogate": (b"\\ud800", "\ud800"),
    "surrogates the wrong way round": (b"\\udc00\\ud800", "\udc00\ud800"),
    "an astral character": (b"\\ud83d\\ude00", "\U0001f600"),
    "NUL": (b"a\\u0000b", "a\0b"),
    "bytes that are no UTF-8": (b"caf\xe9 \xff", "caf\udce9 \udcff"),
    "line separators": (b"\\u2028\\u2029\\u0085\\r\\n", "\u2028\u2029\x85\r\n"),
    "a terminal's escapes": (b"\\u001b[2J\\u001b]0;x\\u0007", "\x1b[2J\x1b]0;x\x07"),
    "zero width and right to left": (b"\\u200b\\u202e\\ufeff", "\u200b\u202e\ufeff"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_are_kept_to_the_letter_and_resumed(kind, few, serve, cli, here, lines, results, tmp_path):
    raw, text = HOSTILE[kind]
    body = b'{"choices":[{"finish_reason":"stop","message":{"content":"%s%s"}}]}' % (SAID.encode(), raw)
    server = serve(one_person(5, Say(body)))
    one, two = tmp_path / "one", tmp_path / "two"
    summary = here(few, server, one).summary
    assert (summary["scored"], summary["unscored"]) == (few.count, {})
    assert lines(one / "responses.jsonl")[5]["text"] == SAID + text
    assert len(lines(one / "responses.jsonl")) == few.count
    calls, files = len(server.calls), results(one)
    here(few, server, one)  # again, from what is known
    assert len(server.calls) == calls
    assert results(one) == files
    here(few, server, two)
    assert results(two) == files


def test_a_judge_may_say_hostile_things_too(few, serve, here, results, tmp_path):
    def script(call):
        body = chat(words(call)).body.replace(b"] about", b"] \\ud800\\u0000 about")
        return Say(body) if call.model == "judge" else good(call)

    server, run = serve(script), tmp_path / "run"
    assert here(few, server, run).summary["scored"] == few.count
    files = results(run)
    here(few, server, run)
    assert results(run) == files


@pytest.mark.parametrize(
    "top",
    [
        {"model": "\ud800"},
        {"model": ["x"]},
        {"usage": {"prompt_tokens": 10**30, "completion_tokens": 2**63}},
        {"usage": {"prompt_tokens": -1, "completion_tokens": True}},
        {"usage": {"prompt_tokens": 1.5, "completion_tokens": "7"}},
        {"usage": [1]},
        {"choices": [{"finish_reason": "\udfff", "message": {"content": "the cause of person 5"}}]},
        {"choices": [{"finish_reason": 7, "message": {"content": [{"text": "the cause of person 5"}, 3, {}]}}]},
    ],
    ids=str,
)
def test_absurd_words_around_an_answer_do_it_no_harm(top, few, serve, here, lines, tmp_path):
    server, run = serve(one_person(5, chat("the cause of person 5", **top))), tmp_path / "run"
    summary = here(few, server, run).summary
    assert (summary["scored"], summary["unscored"]) == (few.count, {})
    assert lines(run / "responses.jsonl")[5]["text"] == "the cause of person 5"


async def test_what_sqlite_cannot_hold_stops_the_run_instead_of_hanging_it(tmp_path):
    """The last line behind the one above: an answer of some other model that the ledger's file cannot hold."""

    def asking():
        yield Ask("answer", user_turn(Text("Why?")))

    ledger, media = Ledger(tmp_path / "ledger.sqlite"), MediaStore(None)
    model = Scripted(lambda request: Reply("because", tokens_in=2**70))
    engine = Engine({"answer": Route(model)}, ledger, media)
    try:
        with pytest.raises(StoreFailed, match="cannot be written"):
            await asyncio.wait_for(engine.stream([1], lambda _: engine.converse(asking(), "answer")), 20)
    finally:
        media.close()
        ledger.close()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip bomb"])
@pytest.mark.parametrize("status", [200, 400])
def test_a_reply_over_the_cap_is_refused_and_not_asked_for_again(packed, status, few, serve, here, tmp_path):
    body = b'{"choices":[{"message":{"content":"' + b"a" * (40_000_000 if packed else 2_200_000) + b'"}}]}'
    headers = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if packed else {})
    action = Say(gzip.compress(body, 1) if packed else body, status, headers)
    server = serve(one_person(5, action))
    summary = here(few, server, tmp_path / "run").summary
    assert (summary["scored"], summary["unscored"]) == (few.count - 1, {"reply too large": 1})
    assert len(server.about(5)) == 1


def test_a_reply_just_under_the_cap_is_taken(few, serve, here, lines, tmp_path):
    text = "the cause of person 5 " + "a" * 1_900_000
    server, run = serve(one_person(5, chat(text))), tmp_path / "run"
    assert here(few, server, run).summary["scored"] == few.count
    assert lines(run / "responses.jsonl")[5]["text"] == text
    assert json.loads(server.about(5, "judge")[0].raw)["model"] == "judge"
