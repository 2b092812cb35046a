"""ROUGE-L against rouge-score and the table of the longest common subsequence."""

from __future__ import annotations

import importlib
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measuring import items, values

from whyfeel.metrics.rouge import RougeL, longest_common
from whyfeel.metrics.words import words

TOKENS = st.lists(st.sampled_from("abcd"), max_size=12)


def table(first: list[str], second: list[str]) -> int:
    rows = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            rows[i + 1][j + 1] = rows[i][j] + 1 if one == other else max(rows[i][j + 1], rows[i + 1][j])
    return rows[-1][-1]


@given(TOKENS, TOKENS)
def test_the_longest_common_subsequence_is_the_tables(first: list[str], second: list[str]) -> None:
    assert longest_common(first, second) == table(first, second)


def test_by_hand() -> None:
    # "police ... the gunman" is 3 of 4 and 4 words, "the gunman" 2
    row = ("police kill the gunman", "police killed the gunman")
    assert values(RougeL(), row, ("the gunman kill police", row[1])) == [0.75, 0.5]


def test_the_best_reference_counts() -> None:
    assert values(RougeL(), ("a b c", "x", "a b c d e", "a c")) == [pytest.approx(2 * 2 / 5)]
    assert values(RougeL(), ("a b c", "a b", "c")) == [pytest.approx(2 * 2 / 5)]


def test_it_is_rouge_scores() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scorer = importlib.import_module("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=False)
    rows = (
        ("The cat, the CAT's hat: it isn't 3.5 or x_y!", "the cat s hat isn t 3 5", "a hat"),
        ("One two three two one", "two one two three", "three two one"),
        ("", "a word"),
        ("a word", "..."),
        ("nothing", "in common"),
    )
    expected = [scorer.score_multi(row[1:], row[0])["rougeL"].fmeasure for row in rows]
    assert values(RougeL(), *rows) == [pytest.approx(one, abs=1e-15) for one in expected]
    assert expected[2:] == [0, 0, 0]


def test_letters_of_any_script_are_words() -> None:
    assert words("Ärger, СТРАХ und cafe\u0301") == ["ärger", "страх", "und", "café"]
    assert values(RougeL(), ("cafe\u0301", "CAFÉ")) == [1.0]


def test_without_a_reference_there_is_no_value() -> None:
    found = RougeL().measure(items(("a",), ("", "a"), ("a", "a")))
    assert (list(found.values), found.why) == ([None, 0.0, 1.0], {"no reference": 1})
