"""The grammar of strategies, and modifiers around conversations of every shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import AskFailed, UserError
from whyfeel.prompts import Prompts, shipped_prompts
from whyfeel.records import Answer, Ask, Failure, Media, Message, Picture, Response, Sample, Text, Trigger, user_turn
from whyfeel.strategies import STRATEGIES, Composed, build_strategy
from whyfeel.strategies.modifiers import cot, persona
from whyfeel.strategies.registry import ARGUMENTS, MODIFIERS, PROCEDURES

PROMPTS = Prompts(
    {
        "direct": {"user": "Look. $question"},
        "cot": {"suffix": "Think."},
        "persona": {"assistant": "You help.", "architect": "You build.\n", "emotion-expert": "You feel for $$5."},
        "caption": {"ask": "Describe.", "user": "$caption / $direct", "text_only": "$caption / $question"},
    },
    {},
)
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


@pytest.mark.parametrize(
    ("who", "text"),
    [("assistant", "You help. Why?"), ("architect", "You build.\nWhy?"), ("emotion-expert", "You feel for $5. Why?")],
)
def test_a_persona_stands_before_everything_else(who, text):
    changed = persona(PROMPTS, who)(user_turn(Picture(Media("a.png")), Text("Why?"), Text("Say.")))
    assert changed == user_turn(Picture(Media("a.png")), Text(text), Text("Say."))


def test_no_persona_changes_nothing_but_the_name():
    plain, _ = finish(build_strategy("direct", PROMPTS).respond(SAMPLE), Answer("k", "x"))
    strategy = build_strategy("direct+persona(none)", PROMPTS)
    assert finish(strategy.respond(SAMPLE), Answer("k", "x"))[0] == plain
    assert (strategy.name, strategy.prompts) == ("direct+persona(none)", ("direct",))


def test_a_persona_reaches_the_answer_and_not_the_caption():
    strategy = build_strategy("caption(text-only)+persona(assistant)+cot", PROMPTS)
    one = Sample("s", "Why?", "sad", (), (Media("a.png"),), "a")
    asks, _ = finish(strategy.respond(one), Answer("k1", "A dog."), Answer("k2", "x"))
    assert [texts(ask) for ask in asks] == [["Describe."], ["You help. A dog. / Why? Think."]]
    assert strategy.roles == {"caption": True, "answer": False}
    assert strategy.prompts == ("caption", "persona", "cot")


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
    [
        ("direct", "direct"),
        ("cot", "direct+cot"),
        ("direct+cot", "direct+cot"),
        (" direct + cot ", "direct+cot"),
        ("caption( text-only )", "caption(text-only)"),
        ("persona(none)", "direct+persona(none)"),
        ("cot+persona(architect)", "direct+cot+persona(architect)"),
        ("caption(text-only) + persona(emotion-expert)+cot", "caption(text-only)+persona(emotion-expert)+cot"),
    ],
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
        ("caption()", r"there is no 'caption\(\)'; choose one of: caption, caption\(text-only\)$"),
        ("caption(blind)", r"'caption\(blind\)'; choose one of: caption, caption\(text-only\)$"),
        ("persona", r"no 'persona'; choose one of: persona\(none\), persona\(assistant\), .*\(emotion-expert\)$"),
        ("direct+persona(expert)", r"'persona\(expert\)'; choose one of: persona\(none\)"),
        ("persona(none)+persona(architect)", "names the modifier 'persona' twice"),
        ("direct+caption", "'caption' stands first"),
        ("direct+cot+cot", "names the modifier 'cot' twice"),
        ("cot+cot", "names the modifier 'cot' twice"),
        ("cot+direct", "'direct' stands first"),
        ("direct+direct", "'direct' stands first"),
        ("dierct", r"no strategy 'dierct' \(did you mean 'direct'\?\); known: direct, caption, reason, self-ask, "),
        ("Direct", "did you mean 'direct'"),
        (
            "zzz(4)",
            "there is no strategy 'zzz'; known: direct, caption, reason, self-ask, few-shot, cot, persona, emotion-",
        ),
        (
            "direct+cto",
            r"there is no modifier 'cto' \(did you mean 'cot'\?\); known: few-shot, cot, persona, emotion-prompt, ",
        ),
    ],
)
def test_mistakes_are_named(spec, said):
    with pytest.raises(UserError, match=said):
        build_strategy(spec, PROMPTS)


def test_captions_go_with_the_strategy_that_uses_them():
    with pytest.raises(UserError, match=r"--captions: the strategy 'cot' puts no caption before the question"):
        build_strategy("cot", PROMPTS, {})
    assert build_strategy("caption+cot", PROMPTS, {}).roles == {"answer": True}
    assert build_strategy("caption+cot", PROMPTS).roles == {"caption": True, "answer": True}


def test_what_stands_in_the_listing_is_what_can_be_written():
    pieces = [piece for written in STRATEGIES for piece in spelt_out(written)]
    corpus = [Sample(name, "Why?", "sad", (Trigger("rain"),), (), name) for name in "abcde"]
    for piece in pieces:
        assert build_strategy(piece, shipped_prompts(), corpus=corpus).name == (
            piece if piece.split("(")[0] in PROCEDURES else f"direct+{piece}"
        )
    assert {piece.split("(")[0] for piece in pieces} == {*PROCEDURES, *MODIFIERS, "few-shot", "self-consistency"}
    counted = {
        name
        for name, offered in ARGUMENTS.items()
        if (offered[0], offered[-1]) in {(None, str(n)) for n in (11, 16, 20)}
    }
    assert counted == {"few-shot", "emotion-prompt", "self-consistency"}
    plain = sum(len(offered) for name, offered in ARGUMENTS.items() if name not in counted)
    assert len(pieces) == plain + len(counted) == 16


def spelt_out(written):
    name, _, choices = written.removeprefix("+").rstrip(")").partition("(")
    choices = {"N": "1", "I": "11", "K": "3"}.get(choices, choices)
    return [f"{name}({choice})" for choice in choices.split("|")] if choices else [name]


@given(st.text("directo+cat()- pers|none", max_size=30) | st.lists(st.sampled_from(["caption", "direct", "+", "cot",
    "(", ")", "persona", "none", "text-only", " ", ""])).map("".join))  # fmt: skip
def test_any_words_are_a_strategy_or_a_mistake_in_one_line(spec):
    try:
        name = build_strategy(spec, PROMPTS).name
    except UserError as mistake:
        assert "\n" not in str(mistake)  # noqa: PT017
    else:
        assert build_strategy(name, PROMPTS).name == name
