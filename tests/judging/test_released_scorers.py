from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging.released import (
    CLASSES,
    released_class,
    released_score,
    score_basic,
    score_complex,
    scored_part,
)

HAPPY, SAD, ANGRY, EXCITED = "c/Happy/1.png", "e/sadness/1.jpg", "c/Angry/1.png", "e/excitement/1.jpg"


def test_five_means_by_hand():
    rows = [(HAPPY, "{score: 1/4}"), (SAD, "{score: 2/4}"), (ANGRY, "{score: 3/4}"), (SAD, "{score: 0/5}")]
    got = score_basic(rows)
    assert got.scores == {"happy": 0.25, "sad": 0.25, "angry": 0.75, "excited": 0.0, "overall": 0.375}
    assert got.why == ""
    assert got.classes == ("happy", "sad", "angry", "sad")
    assert got.overall == got.by_class == (0.25, 0.5, 0.75, 0.0)


def test_a_row_without_a_score_gives_its_class_the_row_before():
    got = score_basic([(SAD, "{score: 5/5}"), (ANGRY, "0/4"), (ANGRY, "{score:1/4}"), (SAD, "{score: 0/5}")])
    assert got.scores == {"happy": 0.0, "sad": 0.5, "angry": 1.0, "excited": 0.0, "overall": 0.5}
    assert got.by_class == (1.0, 1.0, 1.0, 0.0)
    assert math.isnan(got.overall[1])
    assert math.isnan(got.overall[2])


def test_a_row_outside_every_class_still_carries_over():
    got = score_basic([("e/anger/1.jpg", "{score: 1/2}"), (HAPPY, "none")])
    assert got.scores == {"happy": 0.5, "sad": 0.0, "angry": 0.0, "excited": 0.0, "overall": 0.5}
    assert got.classes == (None, "happy")
    assert math.isnan(got.by_class[0])


def test_nothing_to_carry_over_raises_only_inside_a_class():
    assert "UnboundLocalError" in score_basic([(HAPPY, "none")]).why
    outside = score_basic([("e/fear/1.jpg", "none"), (HAPPY, "{score: 1/1}")])
    assert outside.scores is not None
    assert outside.scores["overall"] == 1.0
    late = score_basic([("e/fear/1.jpg", "none"), (HAPPY, "none")])
    assert late.scores is None
    assert "row 2" in late.why
    assert repr(HAPPY) in late.why


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{score: 0/0}", "ZeroDivisionError"),
        ("{score: 3/0}", "ZeroDivisionError"),
        ("{score: " + "9" * 400 + "/1}", "OverflowError"),
        ("{score: " + "9" * 4301 + "/1}", "ValueError"),
        ("{score: 1/" + "9" * 4301 + "}", "ValueError"),
        (None, "TypeError"),
        (3, "TypeError"),
        (["{score: 1/2}"], "TypeError"),
    ],
)
@pytest.mark.parametrize("score", [score_basic, score_complex])
def test_what_raises_there_has_no_score_here(score, text, name):
    got = score([(HAPPY, "{score: 1/2}"), (SAD, text)])
    assert got.scores is None
    assert got.why.startswith("the released scorer raises: row 2")
    assert name in got.why
    assert len(got.why) < 200
    assert got.overall == got.by_class == got.classes == ()


def test_a_tiny_ratio_of_huge_numbers_is_a_number():
    assert score_complex([("a", "{score: 1/" + "9" * 400 + "}")]).scores == {"overall": 0.0}


def test_an_infinite_mean_has_no_score():
    huge = "{score: " + "9" * 308 + "/1}"
    got = score_complex([("a", huge), ("b", huge)])
    assert got.scores is None
    assert "inf" in got.why


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{score: 7/5}", 1.4),
        ("e.g. {score: 2/5}. So {score: 5/5}", 0.4),
        ("{score: ٣/٤}", 0.75),
        ("a{score: {score: 1/2}}", 0.5),
    ],
)
def test_what_is_read(text, value):
    got = score_complex([("x", text)])
    assert got.scores == {"overall": value}


@pytest.mark.parametrize(
    "text",
    ["{Score: 2/5}", "{score:2/5}", "{score:  2/5}", "{score: 2.5/5}", "{score: 2/5 }", "{score: -1/5}", "2/5", ""],
)
def test_what_is_not_read_is_dropped_in_complex(text):
    got = score_complex([("x", text), ("y", "{score: 1/4}"), ("z", text)])
    assert got.scores == {"overall": 0.25}
    assert [math.isnan(v) for v in got.overall] == [True, False, True]
    assert scored_part(text) == ""


def test_an_empty_log_scores_zero():
    assert score_complex([]).scores == {"overall": 0.0}
    assert score_basic([]).scores == dict.fromkeys((*CLASSES, "overall"), 0.0)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Happy/sad.png", "happy"),
        ("sad/Angry.png", "sad"),
        ("Angry/excit.png", "angry"),
        ("unexcited", "excited"),
        ("crusade/x.png", "sad"),
        ("happy/angry/Sad/Excitement", None),
    ],
)
def test_classes_by_substring_in_order(path, name):
    assert released_class(path) == name


texts = st.one_of(
    st.text(max_size=20),
    st.builds("{{score: {}/{}}}".format, st.integers(0, 9), st.integers(0, 9)),
    st.just("{score: 1/2} {score: 2/2}"),
)
logs = st.lists(st.tuples(st.sampled_from([HAPPY, SAD, ANGRY, EXCITED, "e/fear/1"]), texts), max_size=12)


@given(logs)
def test_rows_explain_the_means(rows):
    got = score_basic(rows)
    if got.scores is None:
        assert got.why
        return
    assert len(got.overall) == len(got.by_class) == len(got.classes) == len(rows)
    known = [v for v in got.overall if not math.isnan(v)]
    assert got.scores["overall"] == (sum(known) / len(known) if known else 0)
    for name in CLASSES:
        values = [v for v, c in zip(got.by_class, got.classes, strict=True) if c == name]
        assert not any(map(math.isnan, values))
        assert got.scores[name] == (sum(values) / len(values) if values else 0)


@given(logs, st.sampled_from(["basic", "complex"]))
def test_only_the_scored_part_matters(rows, scorer):
    short = [(image, scored_part(text)) for image, text in rows]
    assert repr(released_score(short, scorer)) == repr(released_score(rows, scorer))
