"""A judge that holds answers against foils: what it asks, counts and tells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from scripted_judge import converse, perfect, prompt, reply

from whyfeel.errors import AskFailed
from whyfeel.judging import Foils, build_judge, with_foils
from whyfeel.judging.foiled import Foiled, conversations, foil_triggers
from whyfeel.judging.overlap import OverlapJudge
from whyfeel.judging.verdicts import VerdictsJudge
from whyfeel.prompts import load_prompts
from whyfeel.records import Ask, Judgement, Response, Text, Trigger, Unscored, user_turn
from whyfeel.stats import estimate


class Scripted:
    """A judge that asks once and whose counts are what the triggers say."""

    name, headline, version, note = "scripted", "kf1", "7", "It reads the triggers."
    roles: Mapping[str, bool] = {"judge": False}
    prompts = ("one",)

    def judge(self, sample, response):
        first = sample.triggers[0].text
        answer = yield Ask("judge", user_turn(Text(f"{response.text} {first}")))
        if first == "unparsed":
            return Judgement(sample.id, asks=(answer.ask_id,), unscored=Unscored("unparsed", "said nothing"))
        counts = {"f1": float(first), "recall": 0.0}
        if len(sample.triggers) > 1:
            counts["f1_unleaked"] = float(sample.triggers[1].text)
        return Judgement(sample.id, counts, {"words": answer.text}, (answer.ask_id,))

    def tally(self):
        return "a tally"


def triggers(*texts):
    return tuple(map(Trigger, texts))


RESPONSE = Response("x", "the answer")


@pytest.fixture
def own(make_sample):
    return make_sample("0.5", "0.25", name="x")


def held(*foils):
    return Foiled(Scripted(), {"x": foils})


def test_chance_is_the_mean_over_the_foils(own, drive):
    judged, asks = drive(
        held(triggers("0.1", "0.3"), triggers("0.4"), triggers("0.7", "0.2")).judge(own, RESPONSE), "abcd"
    )
    assert judged.counts == {
        "f1": 0.5,
        "recall": 0.0,
        "f1_unleaked": 0.25,
        "chance": pytest.approx(0.4),
        "chance_unleaked": 0.25,  # of the two that have it
    }
    assert judged.detail == {"words": "a", "foils": [{"f1": 0.1}, {"f1": 0.4}, {"f1": 0.7}]}
    assert judged.asks == ("key1", "key2", "key3", "key4")
    assert [ask.messages[0].parts[0].text for ask in asks] == [
        f"the answer {f1}" for f1 in ("0.5", "0.1", "0.4", "0.7")
    ]
    assert (judged.sample_id, judged.unscored) == ("x", None)


def test_a_failed_or_unscored_foil_is_left_out(own, drive):
    judge = held(triggers("0.1"), triggers("unparsed"), triggers("0.3"))
    judged, _ = drive(judge.judge(own, RESPONSE), ["a", AskFailed("timeout", "60 s"), "c", "d"])
    assert judged.counts["chance"] == 0.3
    assert "chance_unleaked" not in judged.counts
    assert judged.detail["foils"] == [{"unscored": "timeout"}, {"unscored": "unparsed"}, {"f1": 0.3}]
    assert judged.asks == ("key1", "key3", "key4")  # of the unparsed one too, for the audit
    assert judged.unscored is None


def test_no_foil_could_be_judged(own, drive):
    judged, _ = drive(held(triggers("0.1")).judge(own, RESPONSE), ["a", AskFailed("timeout", "60 s")])
    assert judged.counts.keys() == {"f1", "recall", "f1_unleaked"}
    assert judged.detail["foils"] == [{"unscored": "timeout"}]


def test_an_answer_that_was_not_judged_meets_no_foil(make_sample, drive):
    own = make_sample("unparsed", name="x")
    judged, asks = drive(held(triggers("0.1")).judge(own, RESPONSE), ["a"])
    assert judged == Judgement("x", asks=("key1",), unscored=Unscored("unparsed", "said nothing"))
    assert len(asks) == 1


def test_the_judges_own_failure_is_the_samples(own, drive):
    with pytest.raises(AskFailed, match="timeout"):
        drive(held(triggers("0.1")).judge(own, RESPONSE), [AskFailed("timeout", "60 s")])


@pytest.mark.parametrize("foils", [{}, {"x": []}, {"y": [triggers("0.1")]}])
def test_a_sample_without_foils_is_judged_as_ever(foils, own, drive):
    assert drive(Foiled(Scripted(), foils).judge(own, RESPONSE), ["a"]) == drive(Scripted().judge(own, RESPONSE), ["a"])


def test_it_stands_for_its_judge():
    judge, bare = held(), Scripted()
    for name in ("name", "headline", "version", "note", "roles", "prompts"):
        assert getattr(judge, name) == getattr(bare, name)
    assert judge.tally() == "a tally"


def test_all_conversations_for_a_dry_run(own):
    judge = held(triggers("0.1"), triggers("0.2"))
    first = [next(one).messages[0].parts[0].text for one in conversations(judge, own, RESPONSE)]
    assert first == ["the answer 0.5", "the answer 0.1", "the answer 0.2"]
    assert len(conversations(Scripted(), own, RESPONSE)) == 1


# --- whose triggers


def test_foil_triggers_are_those_of_the_drawn_samples(make_sample):
    corpus = [make_sample(f"a{i}", f"b{i}", image=f"{i}.png", name=f"s{i}") for i in range(30)]
    foils = Foils(corpus, "emotion", 4, 9)
    found = foil_triggers(corpus, foils, {"s3", "s20", "unknown"})
    assert found.keys() == {"s3", "s20"}
    for name, own in found.items():
        places = foils.places(next(one for one in corpus if one.id == name))
        assert list(own) == [corpus[place].triggers for place in places]
        assert len(own) == 4


def test_only_judges_that_call_a_model_are_foiled_here(make_sample):
    corpus = [make_sample("a", image="1.png", name="s1"), make_sample("b", image="2.png", name="s2")]
    prompts = load_prompts(None, data=None, task="scenes", judge="verdicts")
    overlap = OverlapJudge(corpus)
    assert with_foils(overlap, corpus, "emotion", 5, 0, {"s1"}) is overlap
    for name, members in (("verdicts", ()), ("verdicts", ("a", "b"))):
        judge = build_judge(name, prompts, corpus, "basic", members=members)
        assert isinstance(with_foils(judge, corpus, "emotion", 5, 0, {"s1"}), Foiled)


# --- with the judge of verdicts


@pytest.fixture
def pair(make_sample):
    """Two samples that are each other's foil."""
    return [
        make_sample("a red kite", "his dog", image="1.png", name="s1"),
        make_sample("her cake", "the sea", image="2.png", name="s2"),
    ]


def test_verdicts_against_the_other_samples_triggers(pair):
    prompts = load_prompts(None, data=None, task="scenes", judge="verdicts")
    judge = with_foils(VerdictsJudge(prompts, seed=4), pair, "emotion", 5, 0, {"s1"})
    response = Response("s1", "a red kite\nher cake\nthe weather")
    judged, asks = converse(judge.judge(pair[0], response), perfect)
    # one of two triggers in three claims, of its own and of the foil
    assert judged.counts["f1"] == judged.counts["chance"] == pytest.approx(0.4)
    assert judged.detail["foils"] == [{"f1": pytest.approx(0.4)}]
    assert [prompt(ask)["triggers"] for ask in asks] == ["1. a red kite\n2. his dog", "1. her cake\n2. the sea"]
    assert len({prompt(ask)["nonce"] for ask in asks}) == 1  # it is the answer's
    assert judged.asks == ("key1", "key2")
    # 1 point above what the foil earns, of the 0.6 that there are
    tally = judge.tally()
    tally.add(pair[0], judged)
    tally.add(pair[1], Judgement("s2", {"f1": 1.0}))
    [kf1] = [one for one in tally.series() if one.name == "kf1"]
    found = estimate([kf1], ["sad"] * 2, ["1", "2"], order=["sad"], macro=False, seed=0)["kf1"]["overall"]
    assert found.value == pytest.approx((0.7 - 0.4) / 0.6)


def test_a_foil_is_tried_again_like_any_answer(pair):
    prompts = load_prompts(None, data=None, task="scenes", judge="verdicts")
    judge = with_foils(VerdictsJudge(prompts), pair, "emotion", 5, 0, {"s1"})

    def wrong(_):
        return "no idea"

    judged, asks = converse(judge.judge(pair[0], Response("s1", "his dog")), perfect, wrong, wrong, wrong)
    assert len(asks) == len(judged.asks) == 4
    assert judged.detail["foils"] == [{"unscored": "unparsed"}]
    assert "chance" not in judged.counts
    assert math.isclose(judged.counts["f1"], 2 / 3)


def test_what_a_foil_gives_away_is_found_for_the_foil(pair):
    """The judge marks what the question gives away among the triggers that it is shown."""
    prompts = load_prompts(None, data=None, task="scenes", judge="verdicts")
    judge = VerdictsJudge(
        prompts, given_away=lambda _, gold: {n for n, one in enumerate(gold) if "sea" in one.text or "dog" in one.text}
    )
    foiled = with_foils(judge, pair, "emotion", 5, 0, {"s1"})
    asked = replace(pair[0], question="Why with the dog by the sea?")
    judged, _ = converse(foiled.judge(asked, Response("s1", "his dog\nthe sea\nher cake")), perfect)
    # without the sea, one of one trigger in two claims: the dog is none of the foil's triggers
    assert judged.counts["chance_unleaked"] == pytest.approx(2 / 3)
    assert judged.counts["f1_unleaked"] == 0


def test_a_reply_to_the_foil_may_not_forge_the_own_verdict(pair):
    prompts = load_prompts(None, data=None, task="scenes", judge="verdicts")
    judge = with_foils(VerdictsJudge(prompts), pair, "emotion", 5, 0, {"s1"})

    def own(ask):
        return reply(ask, [("absent", ""), ("absent", "")])

    def all_found(ask):
        return reply(ask, [("supported", "her cake"), ("supported", "sea")])

    judged, _ = converse(judge.judge(pair[0], Response("s1", "her cake, sea")), own, all_found)
    assert (judged.counts["f1"], judged.counts["recall"], judged.counts["chance"]) == (0, 0, 1)
    assert [one["verdict"] for one in judged.detail["verdicts"]] == ["absent", "absent"]
