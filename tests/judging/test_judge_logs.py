from __future__ import annotations

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging import Fault, parse_log, score_log


def test_rows_are_every_key_of_every_line():
    log = parse_log(['{"a": "x", "b": "y"}\n', "{}\n", '{"a": 3}\n'])
    assert log.rows == (("a", "x"), ("b", "y"), ("a", 3))
    assert log.faults == ()


def test_lines_that_are_no_objects_become_faults():
    log = parse_log(['{"a": "x"}', "\n", "[1]", "{'a': 1}", "9" * 5000, "[" * 100_000, '{"b": "y"}'])
    assert log.rows == (("a", "x"), ("b", "y"))
    assert [f.after for f in log.faults] == [1] * 5
    whys = [f.why for f in log.faults]
    assert whys[:2] == ["line 2 is blank", "line 3 is no object but list"]
    assert all(why.startswith(f"line {n} is not JSON") for n, why in enumerate(whys[2:], 4))


@given(st.lists(st.text()))
def test_no_text_raises(lines):
    log = parse_log(lines)
    assert len(log.faults) <= len(lines)
    score_log(log.rows, [], "basic", log.faults)


def test_basic_joins_by_image_and_the_last_row_counts(make_sample):
    samples = [make_sample("a", "b", image=f"x/Happy/{n}") for n in (1, 2, 3, 4)]
    rows = [
        ("x/Happy/2", "{score: 2/2}"),
        ("x/Happy/9", "{score: 1/1}"),
        ("x/Happy/1", "{Score: 1/5}"),
        ("x/Happy/2", "{score: 0/2}"),
        ("x/Happy/3", "none"),
    ]
    got = score_log(rows, samples, "basic")
    recall, micro = got.corrected
    np.testing.assert_array_equal(recall.numerator, [0.5, 0, math.nan, math.nan])
    np.testing.assert_array_equal(micro.denominator, [2, 2, 2, 2])
    assert got.unscored == {"unparsed": 1, "no answer": 1}
    assert (got.n, got.unparsed, got.unknown, got.duplicates, got.surplus) == (5, 1, 1, 1, 0)
    # class: 1, 1, carried 1, 0, carried 0; overall without the two that are not parsed
    assert got.released.scores == {"happy": 0.6, "angry": 0, "sad": 0, "excited": 0, "overall": 2 / 3}


def test_complex_joins_by_position_within_an_image(make_sample):
    samples = [
        make_sample("a", "b", image="i", name="i/0"),
        make_sample("a", image="j", name="j/0"),
        make_sample("a", "b", "c", "d", image="i", name="i/1"),
        make_sample("a", image="j", name="j/1"),
    ]
    rows = [("i", "{score: 1/2}"), ("i", "{score: 1/4}"), ("i", "{score: 4/4}"), ("j", "{score: 9/9}"), ("k", "?")]
    got = score_log(rows, samples, "complex")
    np.testing.assert_array_equal(got.corrected[0].numerator, [0.5, 1, 0.25, math.nan])
    assert got.unscored == {"no answer": 1}
    assert (got.n, got.unparsed, got.unknown, got.duplicates, got.surplus) == (5, 1, 1, 0, 1)
    assert got.released.scores == {"overall": (0.5 + 0.25 + 1 + 1) / 4}


def test_a_broken_line_stops_the_released_scorer_and_no_other(make_sample):
    sample = make_sample("a", "b")
    log = parse_log([json.dumps({sample.id: "{score: 1/2}"}), "oops"])
    got = score_log(log.rows, [sample], "basic", log.faults)
    assert got.released.scores is None
    assert got.released.why.startswith("the released scorer raises: line 2 is not JSON")
    assert got.corrected[0].numerator.tolist() == [0.5]
    assert (got.n, got.unparsed) == (2, 1)


def test_what_raises_first_is_said():
    rows = [("x", "{score: 1/0}"), ("x", "{score: 1/1}")]
    assert "ZeroDivisionError" in score_log(rows, [], "complex", [Fault(1, "line 2 is blank")]).released.why
    assert "line 1 is blank" in score_log(rows, [], "complex", [Fault(0, "line 1 is blank")]).released.why


def test_words_that_are_no_string_are_unparsed(make_sample):
    sample = make_sample("a")
    got = score_log([(sample.id, 1)], [sample], "basic")
    assert "TypeError" in got.released.why
    assert got.unscored == {"unparsed": 1}
    assert got.unparsed == 1


def test_a_log_of_the_whole_task(released):
    log = parse_log(json.dumps({s.id: f"{{score: 1/{len(s.triggers)}}}"}) for s in reversed(released))
    got = score_log(log.rows, released, "basic")
    expected = [1 / len(s.triggers) for s in released]
    np.testing.assert_array_equal(got.corrected[0].numerator, expected)
    assert got.released.scores is not None
    assert math.isclose(got.released.scores["overall"], math.fsum(expected) / 1615)
    sad = [1 / len(s.triggers) for s in released if s.emotion == "sad"]
    assert math.isclose(got.released.scores["sad"], math.fsum(sad) / 462)
    assert (got.n, got.unparsed, got.unknown, dict(got.unscored)) == (1615, 0, 0, {})
