from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging.claims import content_stems, negates, statements, stem, trigger_stems


def clauses(text):
    return [[c.text for c in s.clauses] for s in statements(text)]


@pytest.mark.parametrize(
    ("text", "stems"),
    [
        ("Smiling friends", {"smile", "friend"}),
        ("The woman's friendly gesture", {"woman", "friend", "gestur"}),
        ("the person isn’t smiling", {"person", "not", "smile"}),
        ("no expression", set()),
        ("Nobody feels anything.", set()),
        ("can't find no friends", {"not", "no", "find", "friend"}),
        ("not without me", set()),
        ("He might be the one in the image.", set()),
        ("It is difficult to say", set()),
        ("a difficult situation", {"difficult", "situat"}),
        ("it may play a significant role", set()),
        ("playing a game", {"play", "game"}),
        ("2021, 5/5 and 12", {"2021"}),
        ("ＳＭＩＬＥ", {"smile"}),
        ("更多", {"更多"}),
        ("🎉 !!! ...", set()),
        ("", set()),
    ],
)
def test_content_stems(text, stems):
    assert content_stems(text) == stems


def test_a_trigger_keeps_its_padding_or_all_its_stems():
    assert content_stems("Looking up.") == frozenset()
    assert trigger_stems("Looking up.") == {"look", "up"}
    assert content_stems("A possible quarrel") == {"quarrel"}
    assert trigger_stems("A possible quarrel") == {"possibl", "quarrel"}
    assert trigger_stems("Smiling at him") == content_stems("Smiling at him") == {"smile"}
    assert trigger_stems("...") == frozenset()


def test_a_clause_keeps_its_padding_apart():
    (statement,) = statements("One possible reason is that the man smiles.")
    (clause,) = statement.clauses
    assert clause.stems == {"man", "smile"}
    assert clause.padding == {"possibl", "reason"}


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("She isn't smiling", True),
        ("She isn’t smiling", True),
        ("without a friend", True),
        ("NOBODY came", True),
        ("cannot", True),
        ("a knot in the notebook", False),
        ("it is not possible to say", False),  # padding, as a whole
        ("", False),
    ],
)
def test_negations(text, negated):
    assert negates(text) == negated


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1. Smiling friends.\n2. A birthday cake", [["Smiling friends"], ["A birthday cake"]]),
        ("1. Smiling friends. 2. A birthday cake", [["Smiling friends"], ["A birthday cake"]]),
        ("- Smiling friends\n* **A cake**\n• Balloons", [["Smiling friends"], ["A cake"], ["Balloons"]]),
        ("Smiling friends, a cake, and balloons.", [["Smiling friends", "a cake", "balloons"]]),
        ("Smiling, as well as dancing while singing", [["Smiling", "dancing", "singing"]]),
        ("Joy or delight", [["Joy or delight"]]),
        ("A party (with cake) - balloons", [["A party", "with cake", "balloons"]]),
        ("Candles; cake! Balloons? Yes.", [["Candles"], ["cake"], ["Balloons"]]),
        ("The triggers I see are these:\n- cake", [["cake"]]),
        ("## **Cake:**\nBalloons", [["Balloons"]]),
        ("**Body language:** slumped shoulders, folded arms", [["slumped shoulders", "folded arms"]]),
        ("| cake | balloons |", [["cake"], ["balloons"]]),
        ("蛋糕。气球，朋友", [["蛋糕"], ["气球", "朋友"]]),
        ("I'm sorry, I cannot determine the emotion of people in images.", []),
        ("As an AI language model, it is impossible to tell. There is no more context.", []),
        ("{score: 5/5} ...", []),
        (" \n\t ", []),
    ],
)
def test_statements_and_clauses(text, found):
    assert clauses(text) == found


def test_the_first_clause_may_stand_for_the_whole_and_its_label():
    (plain,) = statements("Hat and gloves")
    assert [h.text for h in plain.heads] == ["Hat and gloves"]
    (labelled,) = statements("**Sense of defeat**: his head hangs low")
    assert [h.text for h in labelled.heads] == ["Sense of defeat**: his head hangs low", "Sense of defeat"]


def test_a_long_clause_before_a_colon_is_a_claim():
    text = "The cake stands on a table with seven candles: balloons"
    assert clauses(text) == [["The cake stands on a table with seven candles: balloons"]]


def test_a_word_of_any_length_is_cut():
    assert content_stems("x" * 100_000) == {stem("x" * 40)}


@pytest.mark.parametrize(
    "unit", ["!", "a'", "é̖́", " - ", "1. ", "word:", "play a ", "difficult to ", "a.)))", "\x00", "\ud800", "更多"]
)
def test_long_hostile_text_is_cut_up(unit):
    for statement in statements(unit * 20_000):
        assert statement.clauses


@given(st.text())
def test_every_statement_has_clauses_with_stems(text):
    found = statements(text)
    assert statements(text) == found
    for statement in found:
        assert statement.clauses
        assert all(clause.stems for clause in (*statement.clauses, *statement.heads))
        assert all(clause.text in text for clause in statement.clauses)


@given(st.text(), st.text())
def test_stems_do_not_depend_on_case_or_order(one, other):
    assert content_stems(f"smile {one.lower()}") == content_stems(f"smile {one.lower()}".capitalize())
    ascii_one, ascii_other = (t.encode("ascii", "ignore").decode() for t in (one, other))
    both = content_stems(f"cake {ascii_one} \n {ascii_other}")
    assert both == content_stems(f"{ascii_other} \n cake {ascii_one}")
