"""What each phase of a chain took, and what one picture takes of all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from printed import check, row, shown

from whyfeel.report.phases_table import phases_table
from whyfeel.strategies.self_ask import PHASES


def took(calls: int, cost: float | None = 0.0, seconds: float | None = None, tokens: int = 0) -> dict[str, Any]:
    return {"calls": calls, "tokens": {"in": tokens, "out": tokens // 10}, "cost": cost, "seconds": seconds}


def test_a_phase_is_a_line_and_all_of_them_one_more() -> None:
    phases = {"parse": took(2, 0.5, 3.0, 1000), "general": took(40, 1.25, 30.5, 12_345), "grounded": took(0)}
    lines = shown(phases_table(phases, 10))
    check(lines)
    assert lines[0].split() == ["phase", "calls", "calls/image", "in/image", "out/image", "cost/image", "s/image"]
    assert row(lines, "parse") == ["2", "0.2", "100", "10", "$0.0500", "0.30"]
    assert row(lines, "general") == ["40", "4.0", "1.2", "k", "123", "$0.1250", "3.05"]
    assert row(lines, "grounded") == ["0", "0.0", "0", "0", "$0.00", "n/a"]
    assert row(lines, "all") == ["42", "4.2", "1.3", "k", "133", "$0.1750", "3.35"]


@pytest.mark.parametrize(
    ("phases", "cost", "seconds"),
    [
        ({"parse": took(1, None, 1.0), "general": took(1, 0.5, 1.0)}, "unknown", "1.00"),
        ({"parse": took(1, 0.5, None), "general": took(1, 0.5, 1.0)}, "$0.5000", "n/a"),
        ({"parse": took(0, None, None), "general": took(1, 0.5, 1.0)}, "$0.2500", "0.50"),
        ({"parse": took(0), "general": took(0)}, "$0.00", "n/a"),
    ],
)
def test_what_is_not_known_of_one_is_not_known_of_all(phases: dict[str, Any], cost: str, seconds: str) -> None:
    told = row(shown(phases_table(phases, 2)), "all")
    assert (told[-2], told[-1]) == (cost, seconds)


IMAGES = 100_000
seconds = st.none() | st.floats(0, 60)  # an image
entries = st.builds(took, st.integers(0, 20), st.none() | st.floats(0, 0.05), seconds, st.integers(0, 20_000))


@settings(deadline=None, max_examples=40)
@given(st.tuples(*[entries] * len(PHASES)), st.integers(1, IMAGES))
def test_any_chain_fits_the_page(taken: tuple[dict[str, Any], ...], images: int) -> None:
    phases = {
        role: took(
            one["calls"] * images,
            one["cost"] and one["cost"] * images,
            one["seconds"] and one["seconds"] * images,
            one["tokens"]["in"] * images,
        )
        for role, one in zip(PHASES, taken, strict=True)
    }
    lines = shown(phases_table(phases, images))
    check(lines)
    assert [line.split()[0] for line in lines if line[:1].isalpha()] == ["phase", *PHASES, "all"]
    assert row(lines, "all")[0] == f"{sum(one['calls'] for one in phases.values()):,}"
    assert row(lines, "all")[1] == f"{sum(one['calls'] for one in taken):.1f}"
