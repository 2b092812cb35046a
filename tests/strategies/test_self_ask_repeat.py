"""Several chains about one picture: side by side, and a trigger's confidence is how often it returns."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from PIL import Image
from scripted_chain import GOOD, QUERY, REBUILT, SAMPLE, annotated, strategy, summary, text_of

from whyfeel.engine import Engine, Ledger, Price, Reply, Route
from whyfeel.errors import AskFailed, CallFailed
from whyfeel.media import MediaStore
from whyfeel.models import Scripted
from whyfeel.records import Failure, Media, Sample
from whyfeel.strategies.self_ask import PHASES

THRICE = {"repeat": 3}
SUMMARIES = [summary("Rain", "An empty chair"), summary("rain.", "Wet weather"), summary("Rain", "Crowd")]


def repeated(*summaries, **changed):
    said = [*(summaries or SUMMARIES)]
    return annotated(settings=THRICE, **{"summary": lambda ask: said[ask.repeat]} | changed)


def confidence(told):
    return {one.text: one.confidence for one in told.result.triggers}


def test_chains_go_out_side_by_side_and_only_the_query_is_shared():
    told = repeated()
    assert [[ask.role for ask in step] for step in told.steps] == [
        *(["parse"] * 3, ["rebuild"] * 3, ["general"] * 12, ["scenario"] * 3, ["scenario"] * 9, ["summary"] * 3),
        *(["duplicate"], [*["grounded"] * 4, "relevant"]),
    ]
    assert len({ask.repeat for ask in told.of("parse")}) == 1
    for role in ("rebuild", "general", "scenario", "summary"):
        assert {ask.repeat for ask in told.of(role)} == {0, 1, 2}
    assert {ask.gen["temperature"] for ask in told.asks if ask.role not in ("duplicate", "grounded", "relevant")} == {
        0.7
    }
    assert {ask.gen["temperature"] for ask in told.of("grounded") + told.of("relevant")} == {0}
    assert len(told.answers) == len(told.asks) - 2  # the three of the query are one


def test_confidence_is_the_share_of_chains_that_found_a_trigger():
    told = repeated()
    assert confidence(told) == {"Rain": 1, "An empty chair": 1 / 3, "Wet weather": 1 / 3, "Crowd": 1 / 3}
    assert [one.id for one in told.result.triggers] == ["t1", "t2", "t3", "t4"]
    assert [step.label for step in told.result.steps].count("G1") == 3
    rain = told.result.triggers[0]
    said = {step.ask: step for step in told.result.steps}
    assert [said[key].phase for key in rain.asks].count("summary") == 3
    assert [said[key].label for key in rain.asks].count("G1") == 3


def test_a_duplicate_returns_with_its_equal():
    told = repeated(
        *(summary("Rain"), summary("Wet weather"), summary("Crowd", "Chair")),
        duplicate='{"same": [[1, 2], [3, 4]]}',
    )
    assert confidence(told) == {"Rain": 2 / 3, "Wet weather": 1 / 3, "Crowd": 1 / 3, "Chair": 1 / 3}
    assert [one.text for one in told.result.kept] == ["Rain", "Crowd"]
    assert told.result.triggers[0].merged == ("Wet weather",)


def test_one_chain_that_names_a_trigger_twice_is_one_chain():
    told = repeated(summary("Rain", "RAIN"), summary("Wet weather", "Chair"), summary("Chair"))
    assert confidence(told) == {"Rain": 1 / 3, "Wet weather": 1 / 3, "Chair": 2 / 3}


def test_a_trigger_beyond_the_thirtieth_of_one_chain_counts_where_another_has_it_before():
    many = [f"Cause {n}" for n in range(1, 32)]
    told = repeated(summary(*many), summary("Cause 31"), summary(*many))
    assert told.result.triggers[30].text == "Cause 31"
    assert (told.result.triggers[30].dropped, told.result.triggers[30].confidence) == ("", 1)
    reverse = repeated(summary("Cause 31"), summary(*many), summary(*many))
    assert (reverse.result.triggers[0].text, reverse.result.triggers[0].dropped) == ("Cause 31", "")
    assert reverse.result.flags == ("too many triggers",)


def test_the_room_for_verdicts_is_enough_for_all_that_three_chains_may_find():
    told = repeated(*(summary(*(f"Cause {chain} {n}" for n in range(30))) for chain in range(3)))
    (ask,) = told.of("relevant")
    pretty = json.dumps(
        {"verdicts": [{"number": n, "bears": "unclear"} for n in range(1, 91)]}, separators=(", ", ": ")
    )
    assert len(told.result.kept) == 90
    assert len(pretty) / 3 < ask.gen["max_tokens"]  # a token of JSON has three characters or more


def test_a_chain_that_ends_badly_leaves_the_others_theirs():
    told = repeated("Hm.", summary("Rain"), summary("Rain"), rebuild=["No."] * 4 + [REBUILT])
    assert confidence(told) == {"Rain": 2 / 3}
    assert told.result.flags == ("question not rebuilt", "summary unreadable")
    assert told.result.question == QUERY


def test_a_failure_of_one_chain_ends_all():
    told = repeated(summary=lambda ask: Failure("timeout", "60 s") if ask.repeat == 1 else SUMMARIES[0])
    assert isinstance(told.result, AskFailed)
    assert told.result.reason == "timeout"
    assert [ask.role for ask in told.steps[-1]] == ["summary"] * 3


# --- through the engine


def heard(request):
    said = GOOD[request.ask.role]
    return said(request.ask) if callable(said) else said


class Bench:
    """An engine with one scripted model, one picture and a ledger on disk."""

    def __init__(self, tmp_path, script=heard):
        Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
        self.model = Scripted(script, price=Price(1.0, 1.0))
        self.ledger = Ledger(tmp_path / "ledger.sqlite")
        self.media = MediaStore(tmp_path)
        self.engine = Engine(dict.fromkeys(PHASES, Route(self.model, {})), self.ledger, self.media)

    def close(self):
        self.ledger.close()
        self.media.close()

    def roles(self):
        return [request.ask.role for request in self.model.requests]


async def test_what_is_equal_is_paid_once_and_a_second_run_pays_nothing(tmp_path):
    other = Sample("s2", "Why is he glad?", "joy", (), (Media("a.png"),), "a.png")
    with closing(Bench(tmp_path)) as bench:
        one = await bench.engine.converse(strategy(repeat=3).annotate(SAMPLE), "answers")
        assert bench.roles().count("parse") == 1
        assert bench.roles().count("general") == 12
        two = await bench.engine.converse(strategy(repeat=3).annotate(other), "answers")
        assert bench.roles().count("parse") == 2
        assert bench.roles().count("general") == 12  # of the same picture
        calls = len(bench.model.requests)
        assert await bench.engine.converse(strategy(repeat=3).annotate(SAMPLE), "answers") == one
        assert len(bench.model.requests) == calls
        for annotation in (one, two):
            for step in annotation.steps:
                assert bench.ledger.get(step.ask).text == step.answer
            assert {one.confidence for one in annotation.triggers} == {1.0}


async def test_a_call_that_fails_ends_the_chain_and_what_was_answered_is_not_asked_again(tmp_path):
    broken = True

    def script(request):
        if broken and "What hour is it?" in text_of(request.ask):
            raise CallFailed("server error", "500", again=False)
        return heard(request)

    with closing(Bench(tmp_path, script)) as bench:
        with pytest.raises(AskFailed, match="server error: 500"):
            await bench.engine.converse(strategy().respond(SAMPLE), "answers")
        before = ["parse", "rebuild", *["general"] * 4, *["scenario"] * 4]
        assert bench.roles() == before
        broken = False
        response = await bench.engine.converse(strategy().respond(SAMPLE), "answers")
        assert response.text == "1. An empty chair\n2. Rain outside"
        after = ["scenario", "summary", "duplicate", "grounded", "grounded", "relevant"]
        assert bench.roles() == [*before, *after]


async def test_a_refusing_model_is_an_answer_and_no_failure(tmp_path):
    with closing(Bench(tmp_path, lambda _: Reply("I can't help with that.", "refused"))) as bench:
        response = await bench.engine.converse(strategy().respond(SAMPLE), "answers")
    assert (response.text, response.outcome, response.unscored) == ("", "refused", None)
    assert bench.roles() == ["parse", "parse", "rebuild", "rebuild", *["general"] * 4, "scenario", "scenario"]
