"""The table of an annotation: triggers by kind and fate, phases, and what should be known, in 80 columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from printed import check, plain, row, shown

from whyfeel.records import KINDS
from whyfeel.report.annotation_table import annotation_table
from whyfeel.strategies.self_ask import PHASES


def phase(calls: int, seconds: float | None = 0.5, cost: float | None = 0.25) -> dict[str, Any]:
    return {"calls": calls, "tokens": {"in": 1500 * calls, "out": 100 * calls}, "cost": cost, "seconds": seconds}


def summary(**other: Any) -> dict[str, Any]:
    """Of four samples, of which three are annotated with two triggers each."""
    dropped = {"duplicate": 2, "not grounded": 3}
    return {
        "source": "folder",
        "vlm": "v",
        "llm": "l",
        "n": 4,
        "annotated": 3,
        "unscored": {"bad picture": 1},
        "triggers": {"found": 11, "kept": 6, "explicit": 5, "dropped": dropped},
        "kinds": {"environment": 1, "social": 3, "physical": 0, "object": 2, "unsaid": 0},
        "without_triggers": 0,
        "flags": {},
        "phases": dict.fromkeys(PHASES, phase(6)),
        "left_out": {},
        "calls": 48,
        "tokens": {"in": 72000, "out": 4800},
        "cost": 2.0,
        "seconds": 12.0,
    } | other


def table(**other: Any) -> list[str]:
    lines = shown(*annotation_table(summary(**other), Path("runs/a")))
    check(lines)
    return lines


def test_triggers_by_kind_and_by_fate():
    lines = table()
    assert lines[1].rstrip() == "folder · annotated by v with l"
    assert row(lines, "samples annotated") == ["3", "of", "4"]
    assert row(lines, "triggers that count (2.0 a sample)") == ["6"]
    assert [line.split() for line in lines if line.startswith("  ")] == [
        ["environment", "1"],
        ["social", "3"],
        ["object", "2"],
        ["seen,", "not", "inferred", "5"],
    ]
    assert row(lines, "dropped: duplicate") == ["2"]
    assert row(lines, "dropped: not grounded") == ["3"]


def test_what_each_phase_took_a_sample():
    """Six calls of each of eight phases over four samples, at a quarter dollar and half a second a phase."""
    lines = table()
    assert row(lines, "grounded") == ["6", "1.5", "2.2", "k", "150", "$0.0625", "0.12"]
    assert row(lines, "all") == ["48", "12.0", "18.0", "k", "1.2", "k", "$0.5000", "1.00"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"unscored": {"bad picture": 1, "budget": 1200}}, "Not annotated: bad picture 1, budget 1,200."),
        ({"without_triggers": 2}, "Annotated, and no trigger counts: 2."),
        ({"flags": {"question not rebuilt": 7}}, "Flags: question not rebuilt 7."),
        ({"left_out": {"temperature": 9}}, "9 answers were given without the setting temperature"),
        ({}, "Whoever annotates must not be measured on it"),
        ({"cost": None}, "48 calls, 72.0 k tokens in, 4.8 k out, cost unknown, 12.0 s."),
        ({}, "Files: runs/a"),
    ],
)
def test_what_should_be_known(changed, said):
    assert said in " ".join(" ".join(table(**changed)).split())


def test_what_did_not_happen_is_not_told():
    text = "\n".join(table(unscored={}, kinds=dict.fromkeys((*KINDS, "unsaid"), 0)))
    for word in ("Not annotated", "no trigger counts", "Flags", "without the setting", "unsaid", "environment"):
        assert word not in text


def test_nothing_annotated():
    lines = table(annotated=0, triggers={"found": 0, "kept": 0, "explicit": 0, "dropped": {}}, phases={})
    assert row(lines, "triggers that count (none annotated)") == ["0"]


@settings(max_examples=15)
@given(plain, plain, plain, st.integers(0, 10**9), st.none() | st.floats(0, 1e6))
def test_it_keeps_to_its_columns_whatever_it_shows(source, model, flag, n, cost):
    phases = dict.fromkeys(PHASES, phase(n, cost, cost))
    table(source=source, vlm=model, llm=flag, flags={flag: n}, n=n, annotated=n, calls=n, cost=cost, phases=phases)
    lines = shown(*annotation_table(summary(source=f"\x1b[2J{source}[red]"), Path("a")))
    assert "\x1b" not in "".join(lines)
    assert "[red]" in "".join("".join(lines).split())
