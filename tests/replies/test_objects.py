"""JSON objects found in a model's words, and where a value departs from a schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.replies import LONGEST, closed, list_of, misfit, objects_with

A, B = {"a": 1, "x": "y"}, {"b": [{"c": None}]}


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("", []),
        ("null", []),
        ('"{\\"a\\": 1}"', []),
        ('{"a": 1}', [{"a": 1}]),
        ('{"z": 1} and {"a": 1}', [{"a": 1}]),
        ('{\n  "a": 1}{"b": 2}', [{"a": 1}, {"b": 2}]),
        ("{a} {'a': 1} {\"a\": 1}", [{"a": 1}]),
        ('[[{"z": {"b": 2}}]]', [{"b": 2}]),
        ('{"a": {"b": 2}}', [{"a": {"b": 2}}, {"b": 2}]),
        ('{"z": [{"a": 1}, {"b": 2}]}', [{"a": 1}, {"b": 2}]),
        ('{"a": 1, {"b": 2}', [{"b": 2}]),
        ('{"a": "line\nbreak"}', [{"a": "line\nbreak"}]),
        ('{"a": NaN, "b": -Infinity}', [{"a": None, "b": None}]),
        ('{"a": 123456789, "b": 1234567890}', [{"a": 123456789, "b": None}]),
        ('{"\\u0061": "\\ud800"}', [{"a": "\ud800"}]),
        ('{"A": 1, "a ": 2}', []),
    ],
)
def test_objects_with_a_key_are_found_wherever_they_stand(reply: str, found: list[dict[str, Any]]) -> None:
    assert objects_with(reply, "a", "b") == found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab{}[]\"\\ ", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "z", '{"a'] ), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def holding(value: Any) -> list[dict[str, Any]]:
    """All objects within a value that have the key "a", by plain recursion."""
    if isinstance(value, list):
        return [one for item in value for one in holding(item)]
    if isinstance(value, dict):
        return [*([value] if "a" in value else []), *holding([*value.values()])]
    return []


def as_set(values: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(value, sort_keys=True) for value in values)


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "z"]), VALUES, min_size=1, max_size=3), max_size=3))
def test_nothing_is_missed_between_words_and_nothing_made_up(values: list[dict[str, Any]]) -> None:
    reply = "So {this}: " + " and ".join(map(json.dumps, values)) + " } ."
    assert as_set(objects_with(reply, "a")) == as_set(holding(values))


@settings(deadline=None)
@given(st.text('{}[]"a:,1\\ \n', max_size=40))
def test_any_text_is_searched(reply: str) -> None:
    assert all("a" in one for one in objects_with(reply, "a"))


def test_a_reply_that_is_too_long_or_too_deep_holds_none() -> None:
    assert objects_with('{"a": 1}'.ljust(LONGEST), "a") == [{"a": 1}]
    assert objects_with('{"a": 1}'.ljust(LONGEST + 1), "a") == []
    deep = '{"a":' * 20_000
    assert objects_with(deep + "1" + "}" * 20_000, "a") == []
    assert objects_with('{"a": 1} ' + deep, "a") in ([], [{"a": 1}])


def test_the_search_gives_up_where_every_brace_starts_anew() -> None:
    assert objects_with('{"a" ' * 50 + '{"a": 1}', "a") == [{"a": 1}]
    assert objects_with('{"a" ' * 20_000 + '{"a": 1}', "a") == []


# --- schemas

NUMBER, TEXT = {"type": "number"}, {"type": "string"}
WHOLE = {"type": "integer"}
PAIR = closed(n=WHOLE, words=list_of(TEXT))


@pytest.mark.parametrize(
    ("value", "schema", "why"),
    [
        ({"n": 1, "words": []}, PAIR, ""),
        ({"n": 1, "words": ["a"], "more": 2}, PAIR, ""),
        ({"n": 1}, PAIR, "'words' of it must be a list"),
        ([], PAIR, "it must be an object"),
        ({"n": 1.5, "words": []}, PAIR, "'n' of it must be a whole number"),
        ({"n": True, "words": []}, PAIR, "'n' of it must be a whole number"),
        ({"n": 1, "words": ["a", None]}, PAIR, "'words' of it, item 2 must be a text"),
        (1.5, NUMBER, ""),
        (2, NUMBER, ""),
        (None, NUMBER, "it must be a number"),
        (True, NUMBER, "it must be a number"),
        (True, {"type": "boolean"}, ""),
        (1, {"type": "boolean"}, "it must be true or false"),
        ("a", TEXT | {"enum": ["a", "b"]}, ""),
        ("A", TEXT | {"enum": ["a", "b"]}, "it must be one of 'a', 'b'"),
        ([1, "2"], list_of(WHOLE), "it, item 2 must be a whole number"),
    ],
)
def test_the_first_departure_is_told(value: object, schema: dict[str, Any], why: str) -> None:
    assert misfit(value, schema, "it") == why


def test_a_key_that_stands_twice_is_a_departure_at_any_depth() -> None:
    (one,) = objects_with('{"n": 1, "words": [], "n": 2}', "n")
    assert misfit(one, PAIR, "it") == "it has a key twice"
    (outer,) = objects_with('{"a": [{"n": 1, "n": 1, "words": []}]}', "a")
    assert misfit(outer, closed(a=list_of(PAIR)), "it") == "'a' of it, item 1 has a key twice"


def test_an_object_is_closed_and_wants_all_its_properties() -> None:
    assert closed(a=TEXT, b=WHOLE) == {
        "type": "object",
        "properties": {"a": TEXT, "b": WHOLE},
        "required": ["a", "b"],
        "additionalProperties": False,
    }
