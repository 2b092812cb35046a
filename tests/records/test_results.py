"""Responses and judgements survive the way through their files."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.records import Judgement, Response, Unscored, json_line

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\ud800\u2028"), max_size=20)
keys = st.lists(texts, max_size=3).map(tuple)
why = st.builds(Unscored, texts.filter(bool), texts)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
evidence = st.dictionaries(texts, st.none() | st.booleans() | numbers | texts | st.lists(texts, max_size=2), max_size=3)

responses = st.one_of(
    st.builds(Response, texts, texts, st.sampled_from(["ok", "empty", "refused", "truncated"]), keys),
    st.builds(Response, texts, st.just(""), st.just("ok"), keys, why),
)
judgements = st.one_of(
    st.builds(Judgement, texts, st.dictionaries(texts, numbers, max_size=3), evidence, keys),
    st.builds(Judgement, texts, st.just({}), evidence, keys, why),
)


@settings(deadline=None)
@given(responses)
def test_a_response_survives_its_file(response: Response) -> None:
    assert Response.from_json(json.loads(json_line(response.to_json()))) == response


@settings(deadline=None)
@given(judgements)
def test_a_judgement_survives_its_file(judgement: Judgement) -> None:
    assert Judgement.from_json(json.loads(json_line(judgement.to_json()))) == judgement


def test_the_lines_are_what_the_files_promise() -> None:
    assert Response("s1", "rain", "ok", ("k1",)).to_json() == {
        "id": "s1",
        "text": "rain",
        "outcome": "ok",
        "asks": ["k1"],
    }
    assert Judgement("s1", {"correct": 2, "total": 5}, {"said": "2/5"}, ("k2",)).to_json() == {
        "id": "s1",
        "counts": {"correct": 2, "total": 5},
        "detail": {"said": "2/5"},
        "asks": ["k2"],
    }


def test_what_is_unscored_carries_no_answer_and_no_counts() -> None:
    """Else a reader that overlooks `unscored` would take an empty text or a zero for a result."""
    unscored = Unscored("timeout", "after 6 tries")
    said = {"reason": "timeout", "detail": "after 6 tries"}
    assert Response("s1", "", unscored=unscored).to_json() == {"id": "s1", "unscored": said, "asks": []}
    assert Judgement("s1", unscored=unscored).to_json() == {"id": "s1", "unscored": said, "detail": {}, "asks": []}


def test_records_are_frozen() -> None:
    for record in (Response("s1", "rain"), Judgement("s1"), Unscored("timeout")):
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            record.asks = ()  # type: ignore[union-attr,misc]
