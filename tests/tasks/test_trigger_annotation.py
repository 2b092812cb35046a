"""The parser of released ground-truth strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.records import numbered
from whyfeel.tasks.annotation import parse_triggers


@pytest.mark.parametrize(
    ("annotation", "texts", "flags"),
    [
        ("1. Raised fist.\n2. Standing", ["Raised fist.", "Standing"], []),
        ("1. Hesitation.\n2. 2.uncertain.", ["Hesitation.", "uncertain."], ["doubled number 2"]),
        ("1. 1. Focused", ["Focused"], ["doubled number 1"]),
        ("1. a\n2. ", ["a"], ["empty trigger 2"]),
        ("1. a\n2.", ["a"], ["empty trigger 2"]),
        ("1. a\n2. 2.", ["a"], ["doubled number 2", "empty trigger 2"]),
        ("1. a\n 2. b", ["a", "b"], ["leading space before number 2"]),
        ("1.  a", ["a"], ["double space after number 1"]),
        ("1. the year 2021. A party", ["the year 2021. A party"], []),
        ("1. 2021. A party", ["2021. A party"], []),
        ("2021. A party", ["2021. A party"], ["no number at line 1"]),
        ("1. 1.5 litres of wine", ["1.5 litres of wine"], []),
        ("1.5 litres of wine", ["1.5 litres of wine"], ["no number at line 1"]),
        ("1. 3. place in the race", ["3. place in the race"], []),
        ("1. a\nb", ["a", "b"], ["no number at line 2"]),
        ("1. a 2. b", ["a 2. b"], []),
        ("1. a\r\n2. b\r\n", ["a", "b"], []),
        ("\n1. a\n\n2. b\n", ["a", "b"], []),
        ("1.a", ["a"], []),
        ("10. a", ["a"], []),
        ("", [], []),
        ("1. \n2. ", [], ["empty trigger 1", "empty trigger 2"]),
    ],
)
def test_each_oddity_is_read_for_what_it_means(annotation: str, texts: list[str], flags: list[str]) -> None:
    triggers, found = parse_triggers(annotation)
    assert [trigger.text for trigger in triggers] == texts
    assert found == flags


LINES = st.text(st.characters(exclude_characters="\n"), min_size=1).map(str.strip).filter(bool)


@given(st.lists(LINES.filter(lambda text: not text[0].isdigit()), max_size=12))
def test_what_was_numbered_is_read_back(texts: list[str]) -> None:
    triggers, flags = parse_triggers(numbered(texts))
    assert [trigger.text for trigger in triggers] == texts
    assert flags == []


@given(st.text(st.sampled_from("12. \nab\t")))
def test_any_string_gives_clean_triggers_no_more_than_lines(annotation: str) -> None:
    triggers, flags = parse_triggers(annotation)
    filled = [line for line in annotation.split("\n") if line.strip()]
    empty = [flag for flag in flags if flag.startswith("empty")]
    assert len(triggers) + len(empty) == len(filled)
    assert all(trigger.text and trigger.text == trigger.text.strip() for trigger in triggers)
