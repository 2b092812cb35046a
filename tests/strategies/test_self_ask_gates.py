"""The gates: equals merged, each trigger held against the picture and the emotion; nothing is taken from the record."""

from __future__ import annotations

import json
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_chain import QUERY, REBUILT, annotated, bearings, drive, responded, statements, summary, text_of, trigger

from whyfeel.prompts import shipped_prompts
from whyfeel.records import AnnotatedTrigger, Answer, Media, Sample
from whyfeel.strategies.self_ask.gates import Gatekeeper
from whyfeel.strategies.self_ask.settings import GATES

REFUSAL = "I'm sorry, but I can't help with that."
FOUR = summary(
    trigger("Rain", kind="environment", confidence=20, **{"from": ["G1"]}),
    trigger("Chair", kind="object", **{"from": ["G2", "S1"]}),
    trigger("Wet weather", explicit=False, confidence=60, **{"from": ["G1", "S2"]}),
    trigger("Crowd", kind="social", **{"from": ["G3"]}),
)


def gated(**changed):
    return annotated(**{"summary": FOUR} | changed)


def claim(ask):
    """The statement that the picture is asked about."""
    return text_of(ask, 0).splitlines()[3]


def fates(told):
    return {one.text: one.dropped for one in told.result.triggers}


# --- duplicates


def test_equals_are_merged_and_keep_their_wordings_and_sources():
    told = gated(duplicate='{"same": [[3, 1]]}')
    rain, chair, wet, crowd = told.result.triggers
    key = {step.label: step.ask for step in told.result.steps if step.label}
    (said,) = [step.ask for step in told.result.steps if step.phase == "summary"]
    assert rain == AnnotatedTrigger(
        *("t1", "Rain", "environment", True, 0.6),
        asks=(key["G1"], said, key["S2"]),
        gates={"grounded": "seen", "relevant": "yes"},
        merged=("Wet weather",),
    )
    assert (wet.text, wet.dropped, wet.gates) == ("Wet weather", "duplicate of t1", {"duplicate": "t1"})
    assert (wet.asks, wet.confidence, wet.explicit) == ((key["G1"], key["S2"], said), 0.6, False)
    assert (chair.merged, crowd.merged, chair.dropped) == ((), (), "")
    assert [claim(ask) for ask in told.of("grounded")] == ["Rain", "Chair", "Crowd"]
    assert statements(told.of("relevant")[0]) == ["Rain", "Chair", "Crowd"]


def test_the_model_sees_all_triggers_by_number_and_no_picture():
    (ask,) = gated().of("duplicate")
    assert statements(ask) == ["Rain", "Chair", "Wet weather", "Crowd"]
    assert ask.pictures == ()
    assert QUERY not in text_of(ask)


@pytest.mark.parametrize(
    ("same", "kept"),
    [
        ([[1, 2, 3, 4]], ["Rain"]),
        ([[4, 2], [3, 1]], ["Rain", "Chair"]),
        ([[2, 1], [2, 3]], ["Rain", "Wet weather", "Crowd"]),  # a number stands in one group, the first
        ([[2, 1], [1, 3, 4]], ["Rain", "Wet weather"]),
        ([[1, 1], [2], []], ["Rain", "Chair", "Wet weather", "Crowd"]),
    ],
)
def test_groups_are_disjoint_and_their_first_stays(same, kept):
    told = gated(duplicate=json.dumps({"same": same}))
    assert [one.text for one in told.result.kept] == kept
    assert len(told.result.triggers) == 4
    assert told.result.flags == ()


def test_a_single_trigger_has_no_duplicates_to_ask_for():
    assert annotated(summary=summary("Rain")).of("duplicate") == []


# --- grounded


def test_the_picture_is_asked_about_each_trigger_blind_to_where_it_comes_from():
    told = gated()
    asks = told.of("grounded")
    assert [claim(ask) for ask in asks] == ["Rain", "Chair", "Wet weather", "Crowd"]
    for ask in asks:
        assert ask.pictures == (Media("a.png"),)
        told_ = text_of(ask).lower()
        for known in (QUERY, REBUILT, "woman", "sad", "emotion", "trigger", "G1", "model", "confiden"):
            assert known.lower() not in told_


@pytest.mark.parametrize(
    ("said", "word", "dropped"),
    [
        ("Seen. It rains.", "seen", ""),
        ("**Suggested**: the coat is wet.", "suggested", ""),
        ('"absent"', "absent", "not grounded"),
        (Answer("", "ABSENT, for it is dr", "truncated"), "absent", "not grounded"),
    ],
)
def test_a_trigger_that_is_not_in_the_picture_is_dropped_with_the_reason(said, word, dropped):
    told = gated(grounded=lambda ask: said if claim(ask) == "Rain" else "seen")
    rain, *others = told.result.triggers
    assert (rain.gates["grounded"], rain.dropped) == (word, dropped)
    assert {one.dropped for one in others} == {""}
    assert told.result.flags == ()


@pytest.mark.parametrize(
    "said", [REFUSAL, "", "Not seen.", "Unseen", "I see rain: seen", "yes", Answer("", "", "refused")]
)
def test_a_reply_without_a_verdict_is_told_asked_again_and_drops_nothing(said):
    told = gated(grounded=lambda ask: said if claim(ask) == "Rain" else "absent")
    rain, *others = told.result.triggers
    assert (rain.gates["grounded"], rain.dropped) == ("unclear", "")
    assert {one.dropped for one in others} == {"not grounded"}
    assert told.result.flags == ("grounded gate without a verdict",)
    asks = [ask for ask in told.of("grounded") if claim(ask) == "Rain"]
    assert len(asks) == 2
    assert "did not begin with" in text_of(asks[1])
    assert asks[1].pictures == (Media("a.png"),)
    mended = gated(grounded=lambda ask: "seen" if "did not begin" in text_of(ask) else said)
    assert [(one.gates["grounded"], one.dropped) for one in mended.result.triggers] == [("seen", "")] * 4
    assert mended.result.flags == ()


# --- relevant


def test_what_has_no_bearing_is_dropped_with_the_reason():
    told = gated(relevant=lambda ask: bearings(ask, Chair="no", Crowd="unclear"))
    assert fates(told) == {"Rain": "", "Chair": "not relevant", "Wet weather": "", "Crowd": ""}
    assert [one.gates["relevant"] for one in told.result.triggers] == ["yes", "no", "yes", "unclear"]
    (ask,) = told.of("relevant")
    assert statements(ask) == ["Rain", "Chair", "Wet weather", "Crowd"]
    assert QUERY in text_of(ask)
    assert REBUILT in text_of(ask)


def verdicts(*pairs):
    return json.dumps({"verdicts": [{"number": number, "bears": bears} for number, bears in pairs]})


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (REFUSAL, "no JSON object"),
        ("None of them has a bearing.", "no JSON object"),
        (verdicts((1, "no"), (2, "no"), (3, "no")), "one verdict for each of the numbers 1 to 4"),
        (verdicts((1, "no"), (2, "no"), (3, "no"), (3, "no")), "one verdict for each"),
        (verdicts((1, "no"), (2, "no"), (3, "no"), (4, "no"), (4, "no")), "one verdict for each"),
        (verdicts((0, "no"), (1, "no"), (2, "no"), (3, "no")), "one verdict for each"),
        (verdicts((1, "no"), (2, "no"), (3, "no"), (4, "perhaps")), "must be one of 'yes', 'no', 'unclear'"),
        (verdicts((1, "no"), (2, "no"), (3, "no"), (True, "no")), "must be a whole number"),
    ],
)
def test_verdicts_that_cannot_be_used_drop_nothing(said, fault):
    told = gated(relevant=said)
    assert set(fates(told).values()) == {""}
    assert {one.gates["relevant"] for one in told.result.triggers} == {"unclear"}
    assert told.result.flags == ("relevant gate without a verdict",)
    _, again = told.of("relevant")
    assert fault in text_of(again)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("1 and 3", "no JSON object"),
        ('{"same": [[1, 5]]}', "there is no statement 5"),
        ('{"same": [[0, 1]]}', "there is no statement 0"),
        ('{"same": [1, 3]}', "must be a list"),
        ('{"same": [["1", "3"]]}', "must be a whole number"),
    ],
)
def test_duplicates_that_cannot_be_used_merge_nothing(said, fault):
    told = gated(duplicate=said)
    assert [one.text for one in told.result.kept] == ["Rain", "Chair", "Wet weather", "Crowd"]
    assert told.result.flags == ("duplicate gate without a verdict",)
    assert fault in text_of(told.of("duplicate")[1])
    assert gated(duplicate=[said, '{"same": [[1, 3]]}']).result.flags == ()


# --- all of them


def test_the_first_gate_that_drops_a_trigger_gives_the_reason_and_the_others_stay_on_record():
    told = gated(grounded="absent", relevant=lambda ask: bearings(ask, Rain="no"))
    assert set(fates(told).values()) == {"not grounded"}
    assert told.result.triggers[0].gates == {"grounded": "absent", "relevant": "no"}
    response = responded(summary=FOUR, grounded="absent")
    assert (response.text, response.outcome) == ("", "empty")


@pytest.mark.parametrize("on", [on for n in range(len(GATES) + 1) for on in combinations(GATES, n)])
def test_gates_are_turned_off_one_by_one(on):
    told = gated(
        settings={"gates": on},
        duplicate='{"same": [[1, 3]]}',
        grounded=lambda ask: "absent" if claim(ask) == "Chair" else "seen",
        relevant=lambda ask: bearings(ask, Crowd="no"),
    )
    assert {ask.role for ask in told.asks} & set(GATES) == set(on)
    dropped = {
        "Rain": "",
        "Chair": "not grounded" if "grounded" in on else "",
        "Wet weather": "duplicate of t1" if "duplicate" in on else "",
        "Crowd": "not relevant" if "relevant" in on else "",
    }
    assert fates(told) == dropped
    assert set(told.result.triggers[0].gates) == set(on) - {"duplicate"}


WORDS = st.sampled_from(["seen", "absent", "suggested", "no idea"])
GROUPS = st.lists(st.lists(st.integers(1, 6), max_size=4), max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS, min_size=6, max_size=6), GROUPS, st.lists(st.booleans(), min_size=6, max_size=6))
def test_nothing_is_lost_and_every_drop_has_one_reason(words, same, beyond):
    before = tuple(
        AnnotatedTrigger(f"t{n}", f"Cause{n}", asks=(f"k{n}",), dropped="beyond the first 30" if late else "")
        for n, late in enumerate(beyond, 1)
    )
    live = [one for one in before if not one.dropped]
    groups = [[number for number in group if number <= len(live)] for group in same]
    sample = Sample("s", QUERY, "", (), (Media("a.png"),), "a")
    told = drive(
        Gatekeeper(shipped_prompts(), sample, REBUILT, GATES).pass_through(before),
        duplicate=json.dumps({"same": groups}),
        grounded=lambda ask: words[int(claim(ask)[-1]) - 1],
    )
    after, steps, _ = told.result
    assert [(one.id, one.text) for one in after] == [(one.id, one.text) for one in before]
    assert len(steps) == len(told.asks)
    by_id = {one.id: one for one in after}
    for old, new in zip(before, after, strict=True):
        assert set(old.asks) <= set(new.asks)
        if old.dropped:
            assert new == old
        elif first := new.gates.get("duplicate"):
            assert new.dropped == f"duplicate of {first}"
            assert new.text in by_id[first].merged
            assert set(new.asks) <= set(by_id[first].asks)
            assert "duplicate" not in by_id[first].gates
        else:
            absent = words[int(new.id[1]) - 1] == "absent"
            assert new.dropped == ("not grounded" if absent else "")
    assert sum(len(one.merged) for one in after) == sum("duplicate" in one.gates for one in after)
