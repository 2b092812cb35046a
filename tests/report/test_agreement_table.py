"""The table of `whyfeel agree`: eighty columns, whatever was rated, and every figure with its interval."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from whyfeel.report.agreement_table import agreement_table
from whyfeel.runs.agree import agreement
from whyfeel.runs.ratings import Ratings
from whyfeel.stats.resampling import Bootstrap


def shown(
    values: np.ndarray, raters: list[str] | None = None, dimensions: tuple[str, ...] = ("",), **other: Any
) -> str:
    """The table of some ratings, on a page that would not crop a longer line."""
    names = raters or [f"r{place}" for place in range(values.shape[1])]
    ratings = Ratings(tuple(map(str, range(len(values)))), tuple(names), dimensions, values, **other)
    console = Console(width=80, highlight=False, force_terminal=False)
    with console.capture() as capture:
        for part in agreement_table(agreement(ratings, Bootstrap(0, 30))):
            console.print(part)
    text = capture.get()
    assert [line for line in text.splitlines() if cell_len(line) > 80] == []
    assert not re.search(r"\b(?:nan|inf|None)\b", text)
    return text


def drawn(*shape: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.clip(np.round(generator.normal(3, 1, (shape[0], 1, 1)) + generator.normal(0, 1, shape)), 1, 5)


def test_figures_stand_beside_their_names() -> None:
    # two raters a point apart, by hand: exact 0, within one all, ICC(C,1) = 1
    values = np.array([[[1.0], [2.0]], [[3.0], [4.0]], [[4.0], [5.0]]])
    text = shown(values, classes=("happy", "sad", "sad"), scale=(1, 5))
    assert "3 items · 2 raters · scale 1 to 5" in text
    # the mean of class means: (1.5 + 4) / 2
    assert re.search(r"^happy +1 +1\.500 +0\.000 *$", text, re.MULTILINE)
    assert re.search(r"^sad +2 +4\.000 +0\.500 *$", text, re.MULTILINE)
    assert re.search(r"^overall +3 +2\.750 +0\.354 *$", text, re.MULTILINE)
    assert re.search(r"^r1 +3 +3\.250 +0\.354 +2\.0 +5\.0 +0\.000 +0\.333 *$", text, re.MULTILINE)
    assert re.search(r"^same rating +0\.000", text, re.MULTILINE)
    assert re.search(r"^within one point +1\.000", text, re.MULTILINE)
    assert re.search(r"^ICC\(C,1\) +1\.000 +\[1\.00, 1\.00\]", text, re.MULTILINE)
    assert re.search(r"^r0-r1 +3 +0\.00 +1\.00 +1\.000 +\[1\.00, 1\.00\] +1\.000 ", text, re.MULTILINE)


def test_what_is_undefined_says_why() -> None:
    values = np.full((4, 2, 1), 3.0)
    values[0, 0] = math.nan
    text = shown(values)
    assert re.search(r"^alpha, ordinal +n/a +n/a +undefined \(no variation\)", text, re.MULTILINE)
    assert "undefined (1 of 4 items lack a rating)" in text
    assert "undefined (no scale is declared)" in text
    assert "r0-r1: undefined (a rater gave every item the same)" in text
    assert "r0-r1: undefined (no variation)" in text


def test_the_prevalence_paradox_is_told() -> None:
    values = np.array([[5, 5]] * 45 + [[5, 4]] * 3 + [[4, 5]] * 2, dtype=float)[..., None]
    assert "Alpha is low and AC2 high" in shown(values, scale=(0, 5))
    assert "Alpha is low" not in shown(drawn(40, 3, 1), scale=(1, 5))


def test_long_and_hostile_names() -> None:
    names = [f"[b]rater{place}\x1b[2J" + "x" * 100 for place in range(3)]
    text = shown(drawn(20, 3, 1), names, scale=(1, 5))
    assert "\x1b" not in text
    assert "[b]" in text
    assert "all with --json" not in text


def test_long_lists_are_cut_short() -> None:
    text = shown(drawn(8, 17, 1))
    assert "r14  " in text
    assert "\nr15 " not in text
    assert text.count("\nr0-r") == 15
    assert "Of 17 raters, the first 15; all with --json.\nOf 136 pairs, the first 15; all with --json." in re.sub(
        " +\n", "\n", text
    )


@pytest.mark.parametrize("n", [2, 12])
def test_dimensions_have_a_line_each_and_two_ways_to_pool(n: int) -> None:
    names = tuple(f"dimension_{place}" + "y" * 60 * (place == 1) for place in range(n))
    text = shown(drawn(25, 3, n), dimensions=names, scale=(1, 5), left_out=("why",))
    assert f"25 items · 3 raters · {n} dimensions" in text
    for name in ("dimension_0", "mean of dimensions", "stacked"):
        assert re.search(rf"^{name} .* 0\.\d\d\d *$", text, re.MULTILINE)
    assert re.search(rf"^stacked +{25 * n} .*\[0\.\d\d, 0\.\d\d\]", text, re.MULTILINE)
    assert "ratings of all dimensions stacked, items = (item, dimension)" in " ".join(text.split())
    assert "Columns without ratings, left out: why." in text


def test_a_dimension_without_a_coefficient_leaves_the_mean_without_it() -> None:
    values = drawn(25, 2, 2)
    values[:, :, 1] = 4
    text = shown(values, dimensions=("warm", "clear"))
    assert re.search(r"^mean of dimensions +n/a +n/a +n/a +n/a +n/a *$", text, re.MULTILINE)
    assert "alpha, ordinal: undefined (no variation) in 'clear'" in text
    assert "AC2, quadratic: undefined (no scale is declared) in 'warm'" in text
