"""Tables fit 80 columns whatever they show, and no number loses its n or its interval."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from printed import check, one, plain, row, shown
from rich.cells import cell_len

from whyfeel.report import tables


@given(st.lists(st.tuples(plain, plain, plain), max_size=8))
def test_any_listing_fits(rows: list[tuple[str, str, str]]) -> None:
    check_widths = shown(tables.listing(("record", "what", "why"), rows))
    assert [line for line in check_widths if cell_len(line) > 80] == []


def scored(**other: Any) -> dict[str, Any]:
    groups = ("overall", "happy", "[/x]" + "y" * 90)
    return {
        "task": "eibench-basic",
        "official": {"overall": 0.123456789, "happy": 1.2},
        "n": 1615,
        "unparsed": 7,
        "intervals": {"corrected_recall": {group: one(0.5) for group in groups}},
        "unscored": {},
        "unknown": 0,
        "surplus": 2,
        "duplicates": 0,
    } | other


def test_a_log_shows_official_and_corrected_beside_each_other() -> None:
    lines = shown(*tables.log_table(scored()))
    check(lines)
    assert row(lines, "overall") == ["0.12346", "0.500", "[0.47,", "0.53]", "1,615"]
    assert row(lines, "happy")[0] == "1.20000"
    assert "1,615 rows, 7 without a readable score" in lines
    assert "surplus rows: 2" in lines
    assert not any("unknown rows" in line for line in lines)


def test_a_log_on_which_the_released_scorer_raises_says_so() -> None:
    lines = shown(*tables.log_table(scored(official=None, why="the released scorer raises: " + "row 1 " * 40)))
    check(lines)
    assert row(lines, "overall")[0] == "n/a"
    assert "official: the released scorer raises" in "\n".join(lines)


def test_a_rehearsal_with_a_long_address_keeps_its_counts() -> None:
    rehearsal = {
        "task": "jsonl",
        "samples": 1000,
        "bad_pictures": 2,
        "known": 3,
        "calls": {"answer": 4567, "judge": 89},
        "parts": {"samples": 4500, "foils": 123, "controls": 22, "canaries": 11},
        "tokens": {"in": 10_000, "out_at_most": 2_000_000},
        "cost_at_most": None,
        "prices_as_of": {"answer": "2026-01-02", "judge": None},
        "addresses": {"answer": "http://" + "a" * 150 + ":8000/v1", "judge": ""},
        "note": "Who knows.",
    }
    lines = shown(*tables.rehearsal_table(rehearsal))
    check(lines)
    text = "\n".join(lines)
    for number in ("1,000", "4,567", "89", "123", "22", "11", "10.0 k", "2.0 M", "unknown"):
        assert re.search(rf" {re.escape(number)}$", text, re.MULTILINE)
    assert "calls, judge, to a ledger" in text
    assert "among them, for foils" in text
    assert "for samples" not in text
    assert "Who knows. Prices as of 2026-01-02." in " ".join(text.split())
