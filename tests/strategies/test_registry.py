"""The grammar of strategies, and modifiers around conversations of every shape."""

from __future__ import annotations

import pytest

from whyfeel.errors import AskFailed, UserError
from whyfeel.prompts import Prompts, shipped_prompts
from whyfeel.records import Answer, Ask, Failure, Media, Message, Picture, Response, Sample, Text, Trigger, user_turn
from whyfeel.strategies import STRATEGIES, Composed, build_strategy
from whyfeel.strategies.modifiers import cot
from whyfeel.strategies.registry import MODIFIERS, PROCEDURES

PROMPTS = Prompts({"direct": {"user": "Look. $question"}, "cot": {"suffix": "Think."}}, {})
SAMPLE = Sample("s1", "Why $5 and ${sad}?", "sad", (Trigger("rain"),), (Media("a.png"), Media("b.png")), "a.png")


def finish(conversation, *replies):
    """Drive a conversation with scripted replies; returns the asks and the result."""
    asks = []
    try:
        asks.append(next(conversation))
        for reply in replies:
            asks.append(conversation.throw(reply) if isinstance(reply, Exception) else conversation.send(reply))
    except StopIteration as stop:
        return asks, stop.value
    raise AssertionError("the conversation did not end")


def texts(ask):
    return [part.text for message in ask.messages for part in message.parts if isinstance(part, Text)]


# --- direct


def test_direct_asks_once_pictures_first():
    strategy = build_strategy("direct", PROMPTS)
    (ask,), response = finish(strategy.respond(SAMPLE), Answer("k1", "1. rain", "truncated"))
    assert ask == Ask(
        "answer",
        (Message("user", (Picture(Media("a.png")), Picture(Media("b.png")), Text("Look. Why $5 and ${sad}?"))),),
        gen={"temperature": 0, "max_tokens": 512},
    )
    assert response == Response("s1", "1. rain", "truncated", ("k1",))
    assert (strategy.name, strategy.roles) == ("direct", {"answer": True})


def test_a_failed_ask_ends_the_conversation():
    with pytest.raises(AskFailed, match="timeout"):
        finish(build_strategy("direct+cot", PROMPTS).respond(SAMPLE), AskFailed("timeout", "60 s"))


def test_the_shipped_prompts_make_both_settings():
    plain, _ = finish(build_strategy("direct", shipped_prompts()).respond(SAMPLE), Answer("k", "x"))
    thinking, _ = finish(build_strategy("cot", shipped_prompts()).respond(SAMPLE), Answer("k", "x"))
    assert SAMPLE.question in texts(plain[0])[0]
    suffix = shipped_prompts().texts["cot"]["suffix"].strip()
    assert texts(thinking[0]) == [texts(plain[0])[0] + " " + suffix]


# --- modifiers


@pytest.mark.parametrize(
    ("suffix", "text"),
    [("Think.", "Why? Think."), (" Think.", "Why? Think."), ("\n\nThink.", "Why?\n\nThink."), ("", "Why?")],
)
def test_cot_is_set_off_by_one_blank(suffix, text):
    messages = user_turn(Picture(Media("a.png")), Text("Why?"))
    changed = cot(Prompts({"cot": {"suffix": suffix}}, {}))(messages)
    assert changed == user_turn(Picture(Media("a.png")), Text(text))
    assert messages == user_turn(Picture(Media("a.png")), Text("Why?"))


class Chatty:
    """A procedure with a list of asks, a caught failure and asks in another role."""

    name, roles = "chatty", {"answer": False, "helper": False}

    def __init__(self):
        self.closed = False
        self.heard = []

    def respond(self, sample):
        try:
            self.heard.append((yield Ask("caption", user_turn(Text("describe")))))
            self.heard.append((yield [Ask("answer", user_turn(Text("a"))), Ask("caption", user_turn(Text("b")))]))
            try:
                yield Ask("answer", user_turn(Text("c")))
            except (AskFailed, KeyboardInterrupt) as failed:
                self.heard.append(failed)
            self.heard.append((yield Ask("answer", user_turn(Text("d")))))
            return Response(sample.id, "done")
        finally:
            self.closed = True


def composed():
    chatty = Chatty()
    return chatty, Composed("chatty+cot", chatty, (cot(PROMPTS),))


def test_modifiers_reach_every_answer_and_nothing_else():
    chatty, strategy = composed()
    failed = AskFailed("timeout", "60 s")
    both = [Answer("k2", "y"), Failure("timeout", "60 s")]
    asks, response = finish(strategy.respond(SAMPLE), Answer("k1", "x"), both, failed, Answer("k3", "z"))
    assert [texts(a) if isinstance(a, Ask) else [texts(b) for b in a] for a in asks] == [
        ["describe"], [["a Think."], ["b"]], ["c Think."], ["d Think."],
    ]  # fmt: skip
    assert chatty.heard == [Answer("k1", "x"), both, failed, Answer("k3", "z")]
    assert response == Response("s1", "done")
    assert strategy.roles == {"answer": False, "helper": False}


def test_closing_closes_the_procedure():
    chatty, strategy = composed()
    conversation = strategy.respond(SAMPLE)
    next(conversation)
    conversation.close()
    assert chatty.closed
    with pytest.raises(StopIteration):
        next(conversation)


@pytest.mark.parametrize("thrown", [(KeyboardInterrupt,), (KeyboardInterrupt(),), (AskFailed, AskFailed("a", "b"))])
def test_any_exception_in_any_form_reaches_the_procedure(thrown):
    chatty, strategy = composed()
    conversation = strategy.respond(SAMPLE)
    next(conversation)
    conversation.send(None)
    conversation.send(None)
    assert texts(conversation.throw(*thrown)) == ["d Think."]
    assert isinstance(chatty.heard[-1], (KeyboardInterrupt, AskFailed))


def test_an_exception_the_procedure_does_not_catch_comes_out():
    chatty, strategy = composed()
    conversation = strategy.respond(SAMPLE)
    next(conversation)
    with pytest.raises(ZeroDivisionError):
        conversation.throw(ZeroDivisionError())
    assert chatty.closed


def test_it_delegates_in_a_yield_from():
    _, strategy = composed()

    def outer():
        response = yield from strategy.respond(SAMPLE)
        return response.text

    _, text = finish(outer(), None, None, AskFailed("a", "b"), None)
    assert text == "done"


def test_modifiers_apply_in_the_order_written():
    def mark(letter):
        return lambda messages: (*messages, Message("user", (Text(letter),)))

    strategy = Composed("x", build_strategy("direct", PROMPTS), (mark("first"), mark("second")))
    (ask,), _ = finish(strategy.respond(SAMPLE), Answer("k", "x"))
    assert texts(ask)[1:] == ["first", "second"]


# --- the grammar


@pytest.mark.parametrize(
    ("spec", "name"),
    [("direct", "direct"), ("cot", "direct+cot"), ("direct+cot", "direct+cot"), (" direct + cot ", "direct+cot")],
)
def test_canonical_names(spec, name):
    strategy = build_strategy(spec, PROMPTS)
    assert strategy.name == name
    assert build_strategy(strategy.name, PROMPTS).name == name


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", r"strategy '' cannot be read at ''; expected procedure\+modifier"),
        ("   ", "cannot be read"),
        ("direct+", r"'direct\+' cannot be read at ''"),
        ("+cot", "cannot be read at ''"),
        ("direct++cot", "cannot be read at ''"),
        ("direct cot", "cannot be read at 'direct cot'"),
        ("direct+cot(3", r"cannot be read at 'cot\(3'"),
        ("direct+cot(3))", "cannot be read"),
        ("direct+cot(3)", "'cot' takes no argument, got '3'"),
        ("direct+cot()", "'cot' takes no argument, got ''"),
        ("direct+cot(a+b)", r"'cot' takes no argument, got 'a\+b'"),
        ("direct(2)", "'direct' takes no argument"),
        ("direct+cot+cot", "names the modifier 'cot' twice"),
        ("cot+cot", "names the modifier 'cot' twice"),
        ("cot+direct", "'direct' stands first"),
        ("direct+direct", "'direct' stands first"),
        ("dierct", r"there is no strategy 'dierct' \(did you mean 'direct'\?\); known: direct, cot"),
        ("Direct", "did you mean 'direct'"),
        ("zzz(4)", "there is no strategy 'zzz'; known: direct, cot"),
        ("direct+cto", r"there is no modifier 'cto' \(did you mean 'cot'\?\); known: cot"),
    ],
)
def test_mistakes_are_named(spec, said):
    with pytest.raises(UserError, match=said):
        build_strategy(spec, PROMPTS)


def test_the_listing_is_what_can_be_built():
    assert set(STRATEGIES) == {*PROCEDURES, *(f"+{name}" for name in MODIFIERS)}
    for written in STRATEGIES:
        assert build_strategy(written.removeprefix("+"), PROMPTS).name
