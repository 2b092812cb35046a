"""Canonical JSON, JSON lines, content ids and seeded randomness."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from whyfeel.records import canonical, content_id, json_line, rng

# High surrogates stay alone: one followed by a low one would be read back as the character they spell together.
letters = st.characters(exclude_categories=["Cs"]) | st.sampled_from('\ud800\udbff\u2028\u2029\x85\x0b\x1c\x00"\\')
texts = st.text(letters, max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
records = st.dictionaries(texts, values, max_size=4)

ENCODERS: list[Callable[[Any], str]] = [canonical, content_id, json_line]


@settings(deadline=None)
@given(values)
@example("\ud800")
@example({"\ud800": ["\u2028"]})
def test_canonical_is_ascii_and_loses_nothing(value: Any) -> None:
    text = canonical(value)
    assert text.isascii()
    assert json.loads(text) == value


@settings(deadline=None)
@given(records)
def test_canonical_does_not_know_the_order_of_keys(record: dict[str, Any]) -> None:
    assert canonical(dict(reversed(record.items()))) == canonical(record)
    assert canonical(MappingProxyType(record)) == canonical(record)


def test_canonical_has_no_blanks() -> None:
    assert canonical({"b": [1, 2.5, None], "a": "x y"}) == '{"a":"x y","b":[1,2.5,null]}'


@settings(deadline=None)
@given(records)
@example({"text": "a\u2028b\u2029c\x85d"})
@example({"text": "\\\u2028"})
@example({"text": "lone \ud800 and 喜 and \u2028"})
def test_a_json_line_is_one_line_of_utf8_and_loses_nothing(record: dict[str, Any]) -> None:
    line = json_line(record)
    assert json.loads(line.encode()) == record
    assert line.splitlines() == [line]


def test_a_json_line_is_readable_in_any_script() -> None:
    assert json_line({"text": "喜び ☂ é"}) == '{"text": "喜び ☂ é"}'
    assert json_line({"text": "é\ud800"}) == '{"text": "\\u00e9\\ud800"}'


def test_a_json_line_takes_frozen_mappings() -> None:
    assert json_line(MappingProxyType({"a": MappingProxyType({"b": 1})})) == '{"a": {"b": 1}}'


@pytest.mark.parametrize("encode", ENCODERS)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_json_has_no_number_for_is_refused(encode: Callable[[Any], str], number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"score": [number]})


@pytest.mark.parametrize("encode", ENCODERS)
def test_what_is_no_json_value_is_refused(encode: Callable[[Any], str]) -> None:
    with pytest.raises(TypeError):
        encode({"value": object()})


def test_a_content_id_is_a_hash_of_the_canonical_text() -> None:
    value: Mapping[str, Any] = {"b": 1, "a": "\ud800"}
    assert content_id(value) == hashlib.sha256(b'{"a":"\\ud800","b":1}').hexdigest()[:32]


few = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([0, 1, "0", [0], None]), max_size=2)


@settings(deadline=None)
@given(few, few)
def test_different_values_have_different_ids(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (content_id(one) == content_id(other)) == (one == other)


def _draw(*args: Any) -> int:
    return int(rng(*args).bit_generator.random_raw())


def test_every_purpose_draws_its_own_numbers() -> None:
    draws = [
        _draw(*args)
        for args in (
            (0, "sample"),
            (1, "sample"),
            (-1, "sample"),
            (0, "retry"),
            (0, "sample", "a"),
            (0, "sample", "b"),
            (0, "sample", "a", "b"),
            (0, "sample", "ab"),
            (0, "samplea"),
            (0, "sample", 1),
            (0, "sample", "1"),
            (0, "sample", "\ud800"),
        )
    ]
    assert len(set(draws)) == len(draws)


def test_the_same_purpose_draws_the_same_numbers_today_and_next_year() -> None:
    """Pinned: published samples, nonces and bootstrap intervals hang on it."""
    seed = int.from_bytes(hashlib.sha256(b'[0,"sample","a"]').digest()[:16], "big")
    assert int(np.random.PCG64(seed).random_raw()) == 8585617484792569001
    assert _draw(0, "sample", "a") == 8585617484792569001
