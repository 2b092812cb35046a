"""Files of labels: what a researcher may write, and what a file may not be."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whyfeel.errors import DataError
from whyfeel.records import Sample, Trigger
from whyfeel.runs.labels import Labels, read_labels

NAN = math.nan
SAMPLES = {
    "a.png": Sample("a.png", "Why?", "sad", (Trigger("A lost dog"), Trigger("the rain", 3.0)), (), "a"),
    "b.png": Sample("b.png", "Why?", "sad", (Trigger("cake"), Trigger("Cake "), Trigger("7")), (), "b"),
    "c.png": Sample("c.png", "Why?", "sad", (), (), "c"),
}
A, B, C = SAMPLES.values()
Write = Callable[[str | bytes | list[Any]], Labels]


@pytest.fixture
def read(tmp_path: Path) -> Write:
    def written(text: str | bytes | list[Any]) -> Labels:
        path = tmp_path / "labels"
        if isinstance(text, list):
            text = "".join(json.dumps(row) + "\n" for row in text)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_labels(path, SAMPLES)

    return written


# --- what may be written


@pytest.mark.parametrize(
    "text",
    [
        [{"id": "a.png", "score": 0.25}, {"id": "b.png", "score": 1}],
        "id,score\na.png,0.25\nb.png,1\n",
        "\ufeffid;answer;score\r\na.png;it; 0,25 \r\nb.png;;1,\r\n",
        'Score\tID\n.25\ta.png\n"1.0"\t"b.png"',
        '\n\nid,note,score\na.png,"two\nlines, and ""quotes""",0.25\n,,\nb.png,,1\n',
        '{"id": "a.png", "score": "0.25", "answer": "it"}\n\n{"id": "b.png", "score": 1.0}',
    ],
)
def test_scores(read: Write, text: Any) -> None:
    found = read(text)
    assert (found.kind, found.raters, found.blank) == ("score", 1, 0)
    assert (found.score(A), found.score(B)) == (0.25, 1)
    assert math.isnan(found.score(C))


@pytest.mark.parametrize(
    "text",
    [
        [{"id": "a.png", "found": [2]}, {"id": "b.png", "found": []}],
        [{"id": "a.png", "found": [2], "total": 2}, {"id": "b.png", "found": [], "total": None}],
        "id,found\na.png,2\nb.png,none\n",
        "id,found,total\na.png,2,2\nb.png,0,3\n",
        "id;found\na.png;[2]\nb.png;[]\n",
        [{"id": "a.png", "found": 2}, {"id": "b.png", "found": 0}],
    ],
)
def test_the_triggers_found(read: Write, text: Any) -> None:
    found = read(text)
    assert found.kind == "found"
    assert (found.found(A), found.found(B)) == ([False, True], [False, False, False])
    assert (found.score(A), found.score(B)) == (0.75, 0)  # the rain weighs 3 of 4


@pytest.mark.parametrize("cell", ["1 3", "1,3", "1;3", " 3 | 1 ", "[1, 3]"])
def test_places_in_a_cell(read: Write, cell: str) -> None:
    assert read(f'id\tfound\nb.png\t"{cell}"\n').found(B) == [True, False, True]


@pytest.mark.parametrize(
    "text",
    [
        [{"id": "a.png", "trigger": 1, "found": False}, {"id": "a.png", "trigger": 2, "found": True}],
        [{"id": "a.png", "trigger": " a LOST  dog", "found": "no"}, {"id": "a.png", "trigger": "the rain", "found": 1}],
        "id,trigger,found\na.png,1,FALSE\na.png,2,TRUE\n",
        "id,trigger,found\na.png,the rain,Yes\na.png,a lost dog,no\n",
    ],
)
def test_single_triggers(read: Write, text: Any) -> None:
    found = read(text)
    assert (found.kind, found.raters) == ("trigger", 1)
    assert found.found(A) == [False, True]
    assert found.score(A) == 0.75


def test_a_trigger_whose_words_are_a_number(read: Write) -> None:
    assert read([{"id": "b.png", "trigger": "7", "found": True}]).found(B) == [None, None, True]


def test_a_trigger_without_a_label_leaves_the_answer_without_a_score(read: Write) -> None:
    found = read([{"id": "a.png", "trigger": 1, "found": True}])
    assert math.isnan(found.score(A))
    assert found.found(A) == [True, None]


def test_blank_cells_are_no_labels_yet(read: Write) -> None:
    found = read("id,score\na.png,\nb.png,0\n")
    assert (found.blank, list(found.ballots)) == (1, ["b.png"])
    assert read("id,found\na.png, \nb.png,none\n").blank == 1
    assert read([{"id": "a.png", "score": None}, {"id": "b.png", "score": 0}]).blank == 1
    with pytest.raises(DataError, match="none of its 2 lines has a label yet"):
        read("id,score\na.png,\nb.png,\n")


# --- several raters


@pytest.mark.parametrize("raters", [("x", "y", "z"), ("", "", ""), ("x", "", "y"), (1, 2, 3)])
def test_several_raters_are_averaged(read: Write, raters: tuple[Any, ...]) -> None:
    scores = (0, 0.5, 1)
    found = read([{"id": "a.png", "score": s, "rater": r} for s, r in zip(scores, raters, strict=True)])
    assert (found.raters, found.score(A)) == (3, 0.5)
    ratings, names = found.ratings()
    assert sorted(ratings[0].tolist()) == [0, 0.5, 1]
    assert names == ["a.png"]


def test_the_majority_finds_a_trigger(read: Write) -> None:
    rows = [[1], [1, 2], [2], [1, 2]]
    found = read([{"id": "a.png", "found": one, "rater": str(n)} for n, one in enumerate(rows)])
    assert found.found(A) == [True, True]
    found = read([{"id": "a.png", "found": one} for one in rows[:2]])
    assert found.found(A) == [True, None]  # divided
    assert found.score(A) == pytest.approx((0.25 + 1) / 2)


def test_raters_who_label_single_triggers(read: Write) -> None:
    rows = [("x", 1, 1), ("y", 2, 1), ("y", 1, 0), ("z", 1, 1)]
    found = read([{"id": "a.png", "trigger": t, "found": f, "rater": r} for r, t, f in rows])
    assert found.found(A) == [True, True]
    assert found.score(A) == 0.75  # only y labelled both triggers
    assert found.raters == 3
    ratings, names = found.ratings()
    np.testing.assert_array_equal(np.sort(ratings, axis=1), [[0, 1, 1], [1, NAN, NAN]])
    assert names == ["a.png", "a.png"]


def test_nameless_lines_fill_one_ballot_after_another(read: Write) -> None:
    rows = [(1, True), (2, True), (1, False), (2, False)]
    found = read([{"id": "a.png", "trigger": t, "found": f} for t, f in rows])
    assert found.ballots == {"a.png": ((1, 1), (0, 0))}


def test_a_rater_who_labels_twice(read: Write) -> None:
    with pytest.raises(DataError, match=r"line 3: the rater 'x' has labelled this before"):
        read("id,score,rater\na.png,1,x\na.png,1, x\n")
    with pytest.raises(DataError, match=r"line 2: the rater 'x' has labelled this before"):
        read([{"id": "a.png", "trigger": 1, "found": True, "rater": "x"}] * 2)


# --- what is no label

NOT_ONE = [
    ({"id": "a.png"}, r"expected {\"id\", \"score\"}.*got the names \['id'\]"),
    ({"score": 1}, r"got the names \['score'\]"),
    ({"id": "a.png", "trigger": 1}, "got the names"),
    ({"id": "a.png", "score": 1, "found": [1]}, "got the names"),
    ({"id": "a.png", "score": 1, "trigger": 1}, "got the names"),
    ({"id": "a.pn", "score": 1}, r"one of the run's 3 answers, got 'a.pn'; did you mean 'a.png'\?"),
    ({"id": 3, "score": 1}, "one of the run's 3 answers, got 3$"),
    ({"id": ["a.png"], "score": 1}, "one of the run's 3 answers"),
    ({"id": "a.png", "score": 1.01}, "expected a score from 0 to 1, got 1.01"),
    ({"id": "a.png", "score": -0.5}, "expected a score from 0 to 1"),
    ({"id": "a.png", "score": True}, "expected a score from 0 to 1, got True"),
    ({"id": "a.png", "score": "good"}, "expected a score from 0 to 1, got 'good'"),
    ({"id": "a.png", "score": "1_0"}, "expected a score"),
    ({"id": "a.png", "score": "nan"}, "expected a score"),
    ({"id": "a.png", "score": [1]}, "expected a score"),
    ({"id": "a.png", "score": 10**300}, "expected a score"),
    ({"id": "a.png", "trigger": 3, "found": True}, "its place from 1 to 2 or its words, got 3, which is none"),
    ({"id": "a.png", "trigger": 0, "found": True}, "which is none"),
    ({"id": "a.png", "trigger": True, "found": True}, "which is none"),
    ({"id": "a.png", "trigger": "a cat", "found": True}, "got 'a cat', which is none"),
    ({"id": "b.png", "trigger": "CAKE", "found": True}, "which stands there twice"),
    ({"id": "a.png", "trigger": 1, "found": "perhaps"}, "expected 'found' to be true or false"),
    ({"id": "a.png", "trigger": 1, "found": 2}, "expected 'found' to be true or false"),
    ({"id": "a.png", "trigger": 1, "found": [1]}, "expected 'found' to be true or false"),
    ({"id": "a.png", "trigger": 1, "found": 0.5}, "expected 'found' to be true or false"),
    ({"id": "a.png", "found": [3]}, "places from 1 to 2"),
    ({"id": "a.png", "found": [0]}, "places from 1 to 2"),
    ({"id": "a.png", "found": [1, 1]}, "each once"),
    ({"id": "a.png", "found": [True]}, "places from 1 to 2"),
    ({"id": "a.png", "found": True}, "places from 1 to 2"),
    ({"id": "a.png", "found": [[1]]}, "places from 1 to 2"),
    ({"id": "a.png", "found": {"1": 2}}, "places from 1 to 2"),
    ({"id": "a.png", "found": "1 and 2"}, "places from 1 to 2"),
    ({"id": "a.png", "found": "1,²"}, "places from 1 to 2"),
    ({"id": "a.png", "found": "9" * 5000}, "places from 1 to 2"),
    ({"id": "a.png", "found": [1], "total": 3}, "expected a total of 2, the triggers of 'a.png', got 3"),
    ({"id": "c.png", "found": []}, "the sample 'c.png' has no triggers"),
    ({"id": "a.png", "score": 1, "rater": ["x"]}, "expected the rater's name"),
    ({"id": "a.png", "score": 1, "rater": True}, "expected the rater's name"),
]


@pytest.mark.parametrize(("row", "said"), NOT_ONE)
def test_a_line_that_is_no_label(read: Write, row: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read([row])
    assert "labels' line 1: " in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no labels"),
        (b"\xef\xbb\xbf\n \n", "holds no labels"),
        ("id,score\n", "holds no labels"),
        ("{}", "line 1: expected"),
        ('{"id": "a.png", "score": 1}\n[1]', r"line 2: expected .* got b'\[1\]'"),
        ('{"id": "a.png", "score": 1}\n{"id": "a.png", "sco', "line 2: expected a JSON object"),
        ('{"id": "a.png", "score": NaN}', "line 1: .*NaN is not JSON"),
        ('{"id": "a.png", "id": "b.png", "score": 1}', "stands twice"),
        ('[{"id": "a.png", "score": 1}]', "line 1: expected a head of columns"),
        ("a.png,1\nb.png,0\n", "line 1: expected a head of columns"),
        ("id,score,Score\na.png,1,1\n", "each once"),
        ("name,score\na.png,1\n", "expected a head of columns"),
        ("id,score\na.png\n", "line 2: expected 2 cells as in the head, got 1"),
        ("id,score\na.png,0,5\n", "line 2: expected 2 cells as in the head, got 3"),
        ('id,score\na.png,"1\n', "no CSV"),
        ("id,score\na.png," + "1" * 200_000, "no CSV: field larger"),
        ("id,score\nä.png,1\n".encode("latin-1"), "not UTF-8: save the spreadsheet"),
        ("id,score\na.png,1\n".encode("utf-16"), "not UTF-8"),
        ('{"id": "a.png", "score": 1}\n{"id": "b.png", "found": []}', "line 2: expected a 'score' as in the lines"),
    ],
)
def test_a_file_that_holds_no_labels(read: Write, text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--labels: .* cannot be read: No such file"):
        read_labels(tmp_path / "none.csv", SAMPLES)
    with pytest.raises(DataError, match="cannot be read"):
        read_labels(tmp_path, SAMPLES)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 4) | st.floats(0, 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
CELLS = {
    "id": st.sampled_from([*SAMPLES, "x"]),
    **dict.fromkeys(("score", "trigger", "found", "total", "rater"), VALUES),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(st.fixed_dictionaries({}, optional=CELLS), min_size=1, max_size=3))
def test_whatever_stands_there_it_is_labels_or_told_in_one_line(read: Write, rows: list[dict[str, Any]]) -> None:
    try:
        found = read(rows)
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most are no labels, but some are
    else:
        assert all(math.isnan(found.score(one)) or 0 <= found.score(one) <= 1 for one in SAMPLES.values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.binary(max_size=60), st.sampled_from([b"", b"id,score\n", b'{"id": "a.png", ', b"id\tfound\na.png\t"]))
def test_any_bytes(read: Write, noise: bytes, head: bytes) -> None:
    with suppress(DataError):
        assert read(head + noise).ballots
