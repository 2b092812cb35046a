"""What `study plan` and `study create` print."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from printed import check, plain, row, shown

from whyfeel.report.study_created_table import study_created_table
from whyfeel.report.study_plan_table import study_plan_table
from whyfeel.study.plan import plan_study


def answer(**asked: Any) -> str:
    lines = shown(*study_plan_table(plan_study(**asked)))
    check(lines)
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"kind": "pairwise", "share": 0.6},
            "A share of 60.0% of the decided votes is found with a power of 80% at p 0.05: 102 items, 3 votes each, "
            "16 raters at least.",
        ),
        (
            {"kind": "pairwise", "items": 100},
            "A share of 60.1% of the decided votes is found with a power of 80% at p 0.05 by 100 items, 3 votes each, "
            "15 raters at least.",
        ),
        (
            {"kind": "pairwise", "items": 1},
            "1 items, 3 votes each, 3 raters at least: not even votes that all agree are found with a power of 80% at "
            "p 0.05.",
        ),
        (
            {"kind": "rating", "difference": 0.5},
            "A difference of 0.50 points of two mean ratings is found with a power of 80% at p 0.05: 30 items a "
            "system, 3 votes each, 9 raters at least.",
        ),
    ],
)
def test_the_answer_stands_first(asked: dict[str, Any], said: str) -> None:
    assert answer(**asked).startswith(said)


def test_sizes_and_assumptions_stand_below() -> None:
    lines = shown(*study_plan_table(plan_study("pairwise")))
    sizes = [line.split() for line in lines if line.strip().endswith("%") and "share" not in line]
    assert sizes[0] == ["25", "4", "69.8%"]
    assert len(sizes) == 5
    said = answer(kind="pairwise", ties=0.3, agreement=0.1)
    assert "Assumed, not measured: Votes of one item are taken to correlate by 0.1" in said
    assert "30% of the votes are taken to be ties" in said


@given(plain, plain, st.integers(0, 10**9))
def test_a_created_study_fits_the_page(name: str, note: str, n: int) -> None:
    created: dict[str, Any] = {
        "study": name,
        "digest": "0" * 32,
        "kind": "rating",
        "task": name,
        "systems": 2,
        "items": n,
        "left_out": {note: n, "not drawn": 3},
        "pages": 24,
        "minutes": 9,
        "raters": n,
        "entry": "open",
        "serve": f"whyfeel study serve {name}",
        "notes": [note],
    }
    lines = shown(*study_created_table(created))
    check(lines)
    assert row(lines, "items") == [f"{n:,}"]
    assert row(lines, "systems, coded") == ["2"]


def test_what_would_move_the_cursor_is_told_as_an_escape() -> None:
    created: dict[str, Any] = {
        "study": "/s\x1b[2J",
        "digest": "0" * 32,
        "kind": "rating",
        "task": "t\x07",
        "systems": 2,
        "items": 1,
        "left_out": {"why\u202e": 1},
        "pages": 2,
        "minutes": 9,
        "raters": 3,
        "entry": "open",
        "serve": "whyfeel study serve /s\x1b[2J",
        "notes": ["\x9b2J"],
    }
    text = "\n".join(shown(*study_created_table(created)))
    assert all(one.isprintable() for one in text.replace("\n", ""))
