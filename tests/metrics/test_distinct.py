"""Variety and length, counted by hand."""

from __future__ import annotations

import pytest
from measuring import items, values

from whyfeel.metrics.distinct import Distinct, Length

ROWS = (("a b a b a",), ("The the THE",), ("b",), ("",), ("a b",))


def test_an_answers_share() -> None:
    assert values(Distinct(1), *ROWS) == [0.4, pytest.approx(1 / 3), 1.0, None, 1.0]
    assert values(Distinct(2), *ROWS) == [0.5, 0.5, None, None, 1.0]


def test_the_share_of_all_answers_and_what_is_undefined() -> None:
    # 11 words are a, b or the; the pairs are ab ba ab ba, the-the twice, ab: none reaches over two answers
    one, two = (Distinct(n).measure(items(*ROWS)) for n in (1, 2))
    assert one.facts == {"corpus": 3 / 11}
    assert two.facts == {"corpus": 3 / 7}
    assert (one.why, two.why) == ({"no word": 1}, {"fewer than 2 words": 2})
    assert Distinct(1).measure(items(("",))).facts == {"corpus": None}


def test_length_is_never_undefined() -> None:
    found = Length().measure(items(*ROWS))
    assert (list(found.values), found.why, found.facts) == ([5, 3, 1, 0, 2], {}, {})
