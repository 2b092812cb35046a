"""Spans: always within the answer, never over each other, and where the judge's own rules find its words."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.judging.claims import statements
from whyfeel.judging.quotes import AnswerText, normal
from whyfeel.site.evidence import told_of
from whyfeel.site.read_run import in_units
from whyfeel.site.spans import Mark, Span, Words, laid_out, spans_of


def shown(text: str, detail: dict[str, Any]) -> list[tuple[str, str, tuple[int, ...]]]:
    """The words of each span, its kind and its triggers."""
    return [(text[one.start : one.end], one.kind, one.triggers) for one in spans_of(text, detail)]


def verdicts(*said: tuple[str, str], claims: tuple[str, ...] = ()) -> dict[str, Any]:
    """A detail of the judge `verdicts`."""
    told = [{"verdict": verdict, "quote": quote, "reason": ""} for verdict, quote in said]
    return {"verdicts": told, "claims": [{"quote": one, "reason": ""} for one in claims], "tries": 1}


def test_quotes_are_found_by_their_words_and_told_by_verdict() -> None:
    text = "She has a **birthday cake**; nobody\u2019s there – no friends, and it rains."
    detail = verdicts(
        ("supported", "Birthday Cake"), ("contradicted", "no friends"), ("absent", ""), claims=("IT RAINS",)
    )
    assert shown(text, detail) == [
        ("birthday cake", "found", (0,)),
        ("no friends", "contradicted", (1,)),
        ("it rains", "unsupported", ()),
    ]


def test_an_absent_triggers_quote_means_nothing() -> None:
    assert spans_of("a cake", verdicts(("absent", "cake"))) == []


def test_a_quote_in_two_pieces_has_two_places() -> None:
    text = "A cake with candles, and balloons above. A cake."
    assert shown(text, verdicts(("supported", "a cake ... balloons"))) == [
        ("A cake", "found", (0,)),
        ("balloons", "found", (0,)),
    ]


def test_a_quote_goes_by_whole_words() -> None:
    assert shown("pancakes, then cake", verdicts(("supported", "cake"))) == [("cake", "found", (0,))]
    assert spans_of("pancakes", verdicts(("supported", "cake"))) == []


def test_each_verdict_on_the_same_words_takes_the_next_place() -> None:
    text = "cake here, cake there"
    places = [(one.start, one.triggers) for one in spans_of(text, verdicts(*[("supported", "cake")] * 3))]
    assert places == [(0, (0,)), (11, (1, 2))]  # the third has no place of its own


def test_overlaps_clauses_stand_where_the_judge_cut_them() -> None:
    """The second "cake" is the clause; the first is part of another one."""
    text = "A birthday cake on a table, cake."
    detail = {"matched": [[1, "cake", 1.0]], "unsupported": ["A birthday cake on a table"]}
    assert shown(text, detail) == [("A birthday cake on a table", "unsupported", ()), ("cake", "found", (1,))]
    assert [clause.text for one in statements(text) for clause in one.clauses] == ["A birthday cake on a table", "cake"]


def test_the_shorter_of_two_marks_shows_and_no_trigger_is_lost() -> None:
    text = "friends and cake"
    detail = {"matched": [[0, "friends and cake", 0.7]], "unsupported": ["cake"]}
    assert shown(text, detail) == [("friends and ", "found", (0,)), ("cake", "unsupported", (0,))]


def test_of_a_panel_the_first_member_with_verdicts_is_shown() -> None:
    members = [
        {"model": "m1", "unscored": {"reason": "unparsed", "detail": ""}, "detail": {"tries": 3}},
        {"model": "m2", "counts": {}, "detail": verdicts(("supported", "cake"))},
    ]
    assert shown("a cake", {"members": members}) == [("cake", "found", (0,))]
    told = told_of({"members": members}, 1)
    assert [one.get("unscored") for one in told["members"]] == ["unparsed", None]
    assert told["verdicts"] == [["found", "cake", "", []]]


@pytest.mark.parametrize(
    "detail", [{}, {"image": "x", "log": "{score: 1/2}", "tries": 1}, {"against": "human", "orders": []}]
)
def test_judges_that_tell_no_words_mark_none(detail: dict[str, Any]) -> None:
    assert spans_of("a cake", detail) == []


def test_what_overlap_tells_of_each_trigger() -> None:
    detail = {"matched": [[1, "no cake", 0.61]], "unsupported": ["rain"], "leaked": [0], "flagged": [1]}
    told = told_of(detail, 2)
    assert [one[0] for one in told["verdicts"]] == ["absent", "found"]
    assert told["verdicts"][0][3] == ["the question gives it away"]
    assert told["verdicts"][1][1:3] == ["no cake", "similarity 0.61"]
    assert len(told["verdicts"][1][3]) == 1
    assert told["claims"] == [["rain", "", ""]]


def test_what_verdicts_tells_of_shared_words_and_of_what_is_seen() -> None:
    detail = verdicts(("supported", "cake"), ("supported", "cake"), claims=("rain",))
    detail["verdicts"][1]["shared"] = True
    detail["claims"][0]["seen"] = "no"
    told = told_of(detail, 2)
    assert told["verdicts"][0][3] == []
    assert "counts for nothing" in told["verdicts"][1][3][0]
    assert told["claims"] == [["rain", "", "no"]]


@pytest.mark.parametrize(
    ("text", "quote", "words"),
    [
        ("\U0001f600 a cafe\u0301!", "caf\u00e9", "cafe\u0301"),
        ("Stra\u00dfe", "STRASSE", "Stra\u00dfe"),
        ("\ufb01re", "fire", "\ufb01re"),
        ("他笑了", "笑", "笑"),
        ("isn't", "isnt", "isn't"),
        ("sm\u200biling", "smiling", "sm\u200biling"),
        ("ΟΔΟΣ.", "οδος", "ΟΔΟΣ"),
    ],
)
def test_words_are_placed_in_any_script(text: str, quote: str, words: str) -> None:
    ((start, end),) = Words(text).find(quote)[0]
    assert text[start:end] == words


HOSTILE = "ab A.,'-*…\n \u0301\u200b\ud800\udc00\U0001f600\U0001f468笑\u1100\u1161ß½\x00\u202e"
texts = st.text(st.sampled_from(HOSTILE), max_size=30) | st.text(max_size=20)
pieces = st.lists(st.sampled_from(["cake", "A cake", "rain, hail", "no", "\U0001f600", "ß", "笑"]), max_size=4)


@settings(deadline=None, max_examples=150)
@given(texts, texts, st.integers(0, 20), st.integers(0, 20))
def test_a_quote_is_placed_exactly_as_often_as_the_judge_finds_it(text: str, other: str, start: int, end: int) -> None:
    """Where places are known at all; and what stands at a place has the quote's own words."""
    words = Words(text)
    for quote in (other, text[start:end], f"{text[:2]}...{text[-2:]}"):
        found, judged = words.find(quote), AnswerText(text).find(quote)
        assert len(found) in {judged.times, 0}
        if unicodedata.is_normalized("NFKC", text) and text.isascii():
            assert len(found) == judged.times
        for places in found:
            placed = normal(" ... ".join(text[one:last] for one, last in places)).split()
            left = iter(placed)
            assert all(word in left for word in normal(quote).split())
            # a mark goes with the character it stands on, and a half with its fraction
            assert len(placed) == len(normal(quote).split()) or not text.isascii()


marks = st.builds(
    lambda start, size, kind, trigger: (
        (start, start + size),
        Mark("", kind, None if kind == "unsupported" else trigger),
    ),
    *(
        st.integers(0, 30),
        st.integers(0, 12),
        st.sampled_from(["found", "contradicted", "unsupported"]),
        st.integers(0, 5),
    ),
)


@given(st.lists(marks, max_size=12))
def test_spans_cover_what_the_marks_cover_and_nothing_twice(placed: list[Any]) -> None:
    spans = laid_out(placed)
    assert all(one.start < one.end for one in spans)
    assert all(one.end <= two.start for one, two in pairwise(spans))
    covered = {at: one for one in spans for at in range(one.start, one.end)}
    for at in range(45):
        over = [mark for (start, end), mark in placed if start <= at < end]
        assert (at in covered) == bool(over)
        if over:
            assert set(covered[at].triggers) == {one.trigger for one in over} - {None}
            assert covered[at].kind in {one.kind for one in over}


@settings(deadline=None)
@given(texts, pieces, pieces)
def test_units_are_what_utf_16_counts_and_rebuild_the_text(text: str, quotes: list[str], clauses: list[str]) -> None:
    text = " ".join([text, *quotes, *clauses])
    details = [
        verdicts(*(("supported", one) for one in quotes), claims=tuple(clauses)),
        {"matched": [[n, one, 1.0] for n, one in enumerate(quotes)], "unsupported": clauses},
    ]
    for detail in details:
        spans = spans_of(text, detail)
        wide = text.encode("utf-16-le", "surrogatepass")
        units = in_units(text, spans)
        at, rebuilt = 0, b""
        for (start, end, kind, triggers), span in zip(units, spans, strict=True):
            assert at <= start < end <= len(wide) // 2
            assert wide[2 * start : 2 * end] == text[span.start : span.end].encode("utf-16-le", "surrogatepass")
            assert (kind, tuple(triggers)) == (span.kind[0], span.triggers)
            rebuilt += wide[2 * at : 2 * start] + wide[2 * start : 2 * end]
            at = end
        assert rebuilt + wide[2 * at :] == wide


def test_clauses_of_the_same_words_take_one_place_each_and_neighbours_that_say_the_same_are_one() -> None:
    detail = {"matched": [[0, "cake", 1.0], [1, "cake", 1.0]]}
    assert [(one.start, one.triggers) for one in spans_of("cake, rain, cake", detail)] == [(0, (0,)), (12, (1,))]
    assert [one.start for one in spans_of("Cake. Cake.", {"matched": [[0, "Cake", 1.0], [1, "Cake", 1.0]]})] == [0, 6]
    same = Mark("", "found", 0)
    assert laid_out([((0, 2), same), ((2, 4), same)]) == [Span(0, 4, "found", (0,))]


def test_clauses_that_are_nowhere_are_left_out() -> None:
    assert spans_of("a cake", {"matched": [[0, "rain", 1.0], [1, "", 1.0]]}) == []
    assert laid_out([((3, 3), Mark("", "found", 0))]) == []
    assert spans_of("", verdicts(("supported", "cake"))) == []
    assert isinstance(spans_of("cake", verdicts(("supported", "cake")))[0], Span)


def test_evidence_as_long_as_an_answer_is_cut() -> None:
    told = told_of({"matched": [], "unsupported": ["x" * 1_000_000, "short"], "log": "y" * 5_000}, 1)
    assert [len(claim[0]) for claim in told["claims"]] == [2_001, 5]
    assert told["log"] == "y" * 2_000 + "…"
