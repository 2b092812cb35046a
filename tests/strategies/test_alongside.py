"""Conversations side by side come to what they come to one by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.errors import AskFailed
from whyfeel.records import Answer, Ask, Failure, Text, user_turn
from whyfeel.strategies.alongside import alongside


def ask(text):
    return Ask("answer", user_turn(Text(text)))


def reply_to(one):
    """A model that answers by the question alone, and fails where it says so."""
    (part,) = one.messages[0].parts
    if part.text.endswith("!"):
        return Failure("timeout", part.text)
    return Answer(part.text, f"<{part.text}>")


class Talk:
    """A conversation along a plan: a text is asked alone, a list of texts side by side; what fails alone is caught
    where the plan says "?", and ends the talk otherwise."""

    def __init__(self, name, plan):
        self.name, self.plan = name, plan
        self.closed = False
        self.heard = []

    def run(self):
        try:
            for step in self.plan:
                if isinstance(step, list):
                    self.heard.append((yield [ask(f"{self.name}{text}") for text in step]))
                    continue
                try:
                    self.heard.append((yield ask(f"{self.name}{step}")))
                except AskFailed as failed:
                    if "?" not in step:
                        raise
                    self.heard.append(failed.detail)
            return self.name, self.heard
        finally:
            self.closed = True


def drive(conversation):
    """(result or AskFailed, asks) as the engine drives a conversation."""
    asks = []
    try:
        step = next(conversation)
        while True:
            if isinstance(step, list):
                asks += step
                step = conversation.send([reply_to(one) for one in step])
                continue
            asks.append(step)
            if isinstance(said := reply_to(step), Failure):
                step = conversation.throw(AskFailed(said.reason, said.detail))
            else:
                step = conversation.send(said)
    except StopIteration as stop:
        return stop.value, asks
    except AskFailed as failed:
        return failed, asks


def talks(*plans):
    return [Talk(f"t{number}-", plan) for number, plan in enumerate(plans)]


def test_asks_of_one_step_go_out_together_and_results_keep_their_order():
    some = talks(["a", "b"], [], [["c", "d"], "e", "f"])
    together = alongside([talk.run() for talk in some])
    steps = [next(together)]
    for _ in range(2):
        steps.append(together.send([reply_to(one) for one in steps[-1]]))
    with pytest.raises(StopIteration) as ended:
        together.send([reply_to(one) for one in steps[-1]])
    assert [[one.messages[0].parts[0].text for one in step] for step in steps] == [
        ["t0-a", "t2-c", "t2-d"],
        ["t0-b", "t2-e"],
        ["t2-f"],
    ]
    assert [name for name, _ in ended.value.value] == ["t0-", "t1-", "t2-"]
    assert ended.value.value[2][1][0] == [Answer("t2-c", "<t2-c>"), Answer("t2-d", "<t2-d>")]
    assert all(talk.closed for talk in some)


def test_nothing_to_do_is_done_at_once():
    assert drive(alongside([])) == ([], [])


def test_a_single_failure_is_thrown_into_its_own_conversation():
    some = talks(["a?!", "b"], ["c"], [["d!", "e"]])
    (first, second, third), _ = drive(alongside([talk.run() for talk in some]))
    assert first == ("t0-", ["t0-a?!", Answer("t0-b", "<t0-b>")])
    assert second == ("t1-", [Answer("t1-c", "<t1-c>")])
    assert third[1] == [[Failure("timeout", "t2-d!"), Answer("t2-e", "<t2-e>")]]


def test_a_failure_that_is_not_caught_ends_all_and_closes_the_others():
    some = talks(["a", "b", "c"], ["d", "e!"], [["f"], "g"])
    failed, asks = drive(alongside([talk.run() for talk in some]))
    assert isinstance(failed, AskFailed)
    assert failed.detail == "t1-e!"
    assert len(asks) == 6
    assert all(talk.closed for talk in some)


def test_whoever_drops_it_closes_all():
    some = talks(["a"], ["b"], [])
    together = alongside([talk.run() for talk in some])
    next(together)
    together.close()
    assert all(talk.closed for talk in some)


def test_an_exception_of_a_conversation_itself_comes_out():
    def broken():
        yield ask("x")
        raise ZeroDivisionError

    other = Talk("o", ["a", "b"])
    with pytest.raises(ZeroDivisionError):
        drive(alongside([other.run(), broken()]))
    assert other.closed


def test_it_can_be_nested():
    inner = alongside([Talk("i", ["a?!", ["b"]]).run(), Talk("j", [[]]).run()])
    (first, second), _ = drive(alongside([inner, Talk("k", ["c"]).run()]))
    assert first == [("i", ["ia?!", [Answer("ib", "<ib>")]]), ("j", [[]])]
    assert second == ("k", [Answer("kc", "<kc>")])


TEXTS = st.sampled_from(["a", "b", "c?", "d?!", "e!"])
PLANS = st.lists(TEXTS | st.lists(TEXTS, max_size=3), max_size=4)


@settings(deadline=None)
@given(st.lists(PLANS, max_size=5))
def test_it_is_the_same_as_one_by_one(plans):
    alone = [drive(talk.run()) for talk in talks(*plans)]
    some = talks(*plans)
    result, asks = drive(alongside([talk.run() for talk in some]))
    assert all(talk.closed for talk in some)
    failures = [one.detail for one, _ in alone if isinstance(one, AskFailed)]
    if failures:
        assert isinstance(result, AskFailed)
        assert result.detail in failures
    else:
        assert result == [one for one, _ in alone]
        every = [one for _, said in alone for one in said]
        assert sorted(one.messages[0].parts[0].text for one in asks) == sorted(
            one.messages[0].parts[0].text for one in every
        )
