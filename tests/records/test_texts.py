"""Texts as every file, database and page can keep them."""

from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from whyfeel.records import storable, texts


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(texts) == (0, 1)


@given(st.text(st.characters(codec=None)))
def test_what_is_left_has_utf8_and_no_nul_and_the_rest_is_as_it_was(text: str) -> None:
    kept = storable(text)
    assert "\0" not in kept.encode().decode()
    assert [one for one, was in zip(kept, text, strict=True) if one != was] == ["\ufffd"] * sum(
        was == "\0" or "\ud800" <= was <= "\udfff" for was in text
    )
