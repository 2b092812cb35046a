from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import AskFailed
from whyfeel.judging.official import GPT, LLAMA3, OfficialJudge, corrected_series, tolerant_score
from whyfeel.prompts import Prompts, shipped_prompts
from whyfeel.records import Judgement, Response, Text, Unscored

PROMPTS = Prompts({"official": {"system": "Be fair.", "user": "A: $answer T: $truth"}}, {"official": "test"})


def judge(protocol=LLAMA3, scorer="basic"):
    return OfficialJudge(protocol, PROMPTS, scorer)


@pytest.mark.parametrize(
    ("text", "correct"),
    [
        ("{score: 2/5}", 2),
        ("{Score : 2 / 5 }", 2),
        ("{score:2/5}", 2),
        ("**Score: 3/5**", 3),
        ("**Score:** 3/5", 3),
        ("{'score': '3/5'}", 3),
        ('{"score": "4/5"}', 4),
        ("Score: 3 out of 5", 3),
        ("SCORE\n=\n2\t/ 5", 2),
        ("{score: 2.5/5}", 2.5),
        ("{score: 2,5/5}", 2.5),
        ("score：3／5", 3),
        ("{score: 7/5}", 7),
        ("{score: 0/0}", 0),
        ("{score: 3/6} means 3 of 6. {score: 1/5}", 1),
        ("{score: 4/5} if all were named the score would be 5/5", 4),
    ],
)
def test_any_spelling_and_the_last_one(text, correct):
    assert tolerant_score(text) == correct


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3/5",
        "{score: correct/total}",
        "{score: three/5}",
        "{score: -1/5}",
        "{score: 2}",
        "{score: 1,000/5}",
        "underscore",
        "{score: " + "9" * 5000 + "/5}",
        "{score: inf/5}",
    ],
)
def test_no_score(text):
    assert tolerant_score(text) is None


@given(st.text(alphabet="score:/ 0123456789{}.'\"*_=of ut", max_size=200))
def test_a_score_is_a_finite_number_or_none(text):
    found = tolerant_score(text)
    assert found is None or (math.isfinite(found) and found >= 0)


@pytest.mark.parametrize("unit", ["score", "score: ", "{score: 1", "score: 1 out of ", " ", "9", "'"])
def test_long_hostile_text_is_read(unit):
    assert tolerant_score(unit * 50_000) is None
    assert tolerant_score(unit * 50_000 + " score: 2/5") == 2


def test_a_reply_that_is_accepted_at_once(drive, make_sample):
    sample = make_sample("smiling", "friends", image="c/Happy/7.png")
    got, asks = drive(judge().judge(sample, Response(sample.id, "he $smiles")), ["{score: 1/9} well"])
    assert got == Judgement(
        sample.id,
        {"correct": 1, "total": 2},
        {"image": "c/Happy/7.png", "log": "{score: 1/9} well", "tries": 1},
        ("key1",),
    )
    (ask,) = asks
    assert (ask.role, ask.repeat) == ("judge", 0)
    assert ask.gen == {"temperature": 0.1, "top_p": 0.9, "max_tokens": 512}
    assert [m.speaker for m in ask.messages] == ["system", "user"]
    assert ask.messages[0].parts == (Text("Be fair."),)
    assert ask.messages[1].parts == (Text("A: he $smiles T: 1. smiling\n2. friends"),)


def test_the_gpt_judge_has_its_own_settings_and_looser_mark(drive, make_sample):
    sample = make_sample("smiling")
    got, asks = drive(judge(GPT).judge(sample, Response(sample.id, "x")), ["{Score: 1/1}", "{score:1/1}"])
    assert asks[0].gen == {"temperature": 0.1, "max_tokens": 512}
    assert [a.repeat for a in asks] == [0, 1]
    assert got.detail == {"image": sample.id, "log": "{score:1/1}", "tries": 2}
    assert got.counts == {"correct": 1, "total": 1}
    assert got.asks == ("key1", "key2")


def test_llama3_takes_any_case_but_wants_the_blank(drive, make_sample):
    sample = make_sample("a cake")
    got, asks = drive(judge().judge(sample, Response("", "x")), ["{score:1/1}", "{SCORE: 1/1}"])
    assert len(asks) == 2
    assert got.detail["log"] == "{SCORE: 1/1}"


@pytest.mark.parametrize(("protocol", "log"), [(LLAMA3, "{score: 0/1}"), (GPT, None)])
def test_five_refused_replies(drive, make_sample, protocol, log):
    sample = make_sample("smiling", "friends")
    got, asks = drive(judge(protocol).judge(sample, Response("", "x")), ["no", "no", "no", "{no}", "I cannot"])
    assert [a.repeat for a in asks] == [0, 1, 2, 3, 4]
    assert got.unscored == Unscored("unparsed", "no score in the judge's last reply, which begins 'I cannot'")
    assert got.counts == {}
    assert got.detail == {"image": sample.id, "log": log, "tries": 5}
    assert len(got.asks) == 5


@pytest.mark.parametrize(("protocol", "log"), [(LLAMA3, "{score: 0/1}"), (GPT, None)])
def test_a_refused_reply_may_still_hold_the_corrected_score(drive, make_sample, protocol, log):
    sample = make_sample("smiling", "friends", "cake")
    got, _ = drive(judge(protocol).judge(sample, Response("", "x")), [*["no"] * 4, "Score: 2/3"])
    assert got.counts == {"correct": 2, "total": 3}
    assert got.detail["log"] == log


def test_an_accepted_reply_without_a_number_is_unscored_but_logged(drive, make_sample):
    got, _ = drive(judge().judge(make_sample("a cake"), Response("", "x")), ["{score: high}"])
    assert got.unscored is not None
    assert got.detail["log"] == "{score: high}"


def test_a_count_is_never_above_the_annotation(drive, make_sample):
    got, _ = drive(judge().judge(make_sample("a", "b"), Response("", "x")), ["{score: 5/5}"])
    assert got.counts == {"correct": 2, "total": 2}


@pytest.mark.parametrize("replies", [["{score: 5/5}"], ["no"] * 5])
def test_an_answer_without_text_counts_nothing_whatever_the_judge_says(drive, make_sample, replies):
    got, asks = drive(judge().judge(make_sample("a", "b"), Response("", " \n")), replies)
    assert len(asks) == len(replies)
    assert got.counts == {"correct": 0, "total": 2}
    assert got.unscored is None


def test_a_sample_without_triggers_is_unscored(drive, make_sample):
    got, _ = drive(judge().judge(make_sample(), Response("", "x")), ["{score: 0/1}"])
    assert got.unscored is not None
    assert got.unscored.reason == "no triggers"


@pytest.mark.parametrize("before", [[], ["no"]])
def test_a_failed_ask_leaves_the_sample_unscored(drive, make_sample, before):
    with pytest.raises(AskFailed, match="timeout"):
        drive(judge().judge(make_sample("a"), Response("", "x")), [*before, AskFailed("timeout", "60 s")])


def test_the_shipped_prompt_shows_answer_and_annotation(drive, make_sample):
    official = OfficialJudge(GPT, shipped_prompts(), "complex")
    sample = make_sample("a red balloon")
    _, (ask,) = drive(official.judge(sample, Response("", "confetti")), ["{score: 0/1}"])
    (part,) = ask.messages[1].parts
    assert "confetti" in part.text
    assert "1. a red balloon" in part.text


def row(sample, log, correct=None):
    detail = {"image": sample.media[0].path, "log": log, "tries": 1}
    if correct is None:
        return Judgement(sample.id, {}, detail, (), Unscored("unparsed"))
    return Judgement(sample.id, {"correct": correct, "total": len(sample.triggers)}, detail)


def by_hand(make_sample):
    happy = make_sample("a", "b", image="c/Happy/1", emotion="happy")
    sad = make_sample("a", "b", "c", "d", image="e/sad/1", emotion="sad")
    angry = make_sample("a", image="c/Angry/1", emotion="angry")
    return [
        (happy, row(happy, "{score: 1/4} ...", 1)),
        (sad, row(sad, "{Score: 3/4}", 3)),
        (angry, Judgement(angry.id, unscored=Unscored("timeout"))),
        (angry, row(angry, "{score: 1/1}", 1)),
        (sad, row(sad, "{score: 0/1}")),
    ]


def tallied(scorer, judged):
    tally = judge(scorer=scorer).tally()
    for sample, judgement in judged:
        tally.add(sample, judgement)
    return tally.series()


def test_basic_series_by_hand(make_sample):
    recall, micro, overall, classes = tallied("basic", by_hand(make_sample))
    nan = math.nan
    assert [s.name for s in (recall, micro, overall, classes)] == [
        "corrected_recall",
        "trigger_recall",
        "official_recall",
        "official_recall",
    ]
    np.testing.assert_array_equal(recall.numerator, [0.5, 0.75, nan, 1.0, nan])
    np.testing.assert_array_equal(recall.denominator, np.ones(5))
    np.testing.assert_array_equal(micro.numerator, [1, 3, nan, 1, nan])
    np.testing.assert_array_equal(micro.denominator, [2, 4, 1, 1, 4])
    assert (recall.groups, micro.groups) == (None, None)
    assert overall.groups == ("overall",)
    np.testing.assert_array_equal(overall.numerator, [0.25, nan, nan, 1.0, 0.0])
    assert classes.groups == ("happy", "angry", "sad", "excited")
    # the second row is not parsed there and takes the first row's quarter
    np.testing.assert_array_equal(classes.numerator, [0.25, 0.25, nan, 1.0, 0.0])


def test_complex_has_one_official_series(make_sample):
    *_, official = series = tallied("complex", by_hand(make_sample))
    assert [s.name for s in series] == ["corrected_recall", "trigger_recall", "official_recall"]
    assert official.groups == ("overall",)
    np.testing.assert_array_equal(official.numerator, [0.25, math.nan, math.nan, 1.0, 0.0])


def test_one_row_that_raises_takes_the_official_score_and_no_other(make_sample):
    sample = make_sample("a", "b")
    recall, _, overall, classes = tallied("basic", [(sample, row(sample, "{score: 0/0}", 1))])
    assert recall.numerator.tolist() == [0.5]
    for series in (overall, classes):
        assert series.why.startswith("the released scorer raises: row 1")
        assert np.isnan(series.numerator).all()


def test_a_path_of_another_class_is_said(make_sample):
    sample = make_sample("a", image="crusade/1.png", emotion="happy")
    *_, overall, classes = tallied("basic", [(sample, row(sample, "{score: 1/1}", 1))])
    assert overall.why == ""
    assert overall.numerator.tolist() == [1.0]
    assert classes.why == "the released scorer files 'crusade/1.png' (happy) under sad"
    assert np.isnan(classes.numerator).all()


def test_an_empty_tally_has_empty_series():
    assert [len(s.numerator) for s in tallied("basic", [])] == [0, 0, 0, 0]


def test_corrected_series_clamp_and_leave_out_samples_without_triggers():
    recall, micro = corrected_series([9, 2.5, 1, math.nan], [4, 5, 0, 3])
    np.testing.assert_array_equal(recall.numerator, [1, 0.5, math.nan, math.nan])
    np.testing.assert_array_equal(micro.numerator, [4, 2.5, math.nan, math.nan])
    np.testing.assert_array_equal(micro.denominator, [4, 5, 1, 3])
