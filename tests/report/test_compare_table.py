"""The tables of compare and power: 80 columns, no number lost, and every reason said once."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from whyfeel.report.compare_table import compare_table
from whyfeel.report.power_table import power_table


def shown(parts: list[RenderableType]) -> list[str]:
    page = io.StringIO()
    console = Console(file=page, width=80, highlight=False, color_system=None)
    for part in parts:
        console.print(part)
    lines = page.getvalue().split("\n")
    assert [line for line in lines if cell_len(line) > 80] == []
    assert not re.search(r"\b(?:nan|inf|None)\b", "\n".join(lines))
    return lines


def system(run: str, value: float | None = 0.5, **more: Any) -> dict[str, Any]:
    ends = {"low": None, "high": None} if value is None else {"low": value - 0.1234, "high": value + 0.1}
    return {"run": run, "name": run, "value": value, **ends, "n": 1615, "letters": "a", "headline": {}} | more


def comparison(a: str, b: str, difference: float | None = 0.01, **more: Any) -> dict[str, Any]:
    known = {"low": -0.02, "high": 0.04, "p": 0.0123, "p_holm": 0.0246, "p_bh": 0.0123}
    if difference is None:
        known = dict.fromkeys(known)
    return {"a": a, "b": b, "difference": difference, **known, "n": 1600, "left_out": 15} | more


def document(systems: list[Any], comparisons: list[Any], **more: Any) -> dict[str, Any]:
    told = {"task": "eibench-basic", "score": "trigger_recall", "judge": "overlap-0123abcd", "n": 1615, "alpha": 0.05}
    told |= {"seed": 0, "tests": len(comparisons), "systems": systems, "comparisons": comparisons}
    return told | {"groups": {}, "notes": []} | more


def row(lines: list[str], begins: str) -> list[str]:
    return next(line for line in lines if line.startswith(begins)).split()


def test_every_number_is_there() -> None:
    lines = shown(
        compare_table(document([system("one"), system("two", 0.25, letters="ab", n=9)], [comparison("one", "two")]))
    )
    assert row(lines, "1  one") == ["1", "one", "0.500", "[0.377,", "0.600]", "1,615", "a"]
    assert row(lines, "2  two") == ["2", "two", "0.250", "[0.127,", "0.350]", "9", "ab"]
    assert row(lines, "1 - 2") == [
        *("1", "-", "2", "0.010", "[-0.020,", "0.040]", "0.0123", "0.0246", "1,600", "15"),
    ]  # fmt: skip
    assert "trigger recall" in lines[1]
    assert "Holm for 1 comparison," in " ".join(lines)


def test_what_is_missing_says_why_once() -> None:
    entry = comparison("one", "two", None, why="what chance gives is not known")
    lines = shown(compare_table(document([system("one"), system("two", None, why=entry["why"])], [entry])))
    assert row(lines, "1 - 2")[3:] == ["n/a", "n/a", "n/a", "n/a", "1,600", "15"]
    assert "\n".join(lines).count("n/a: what chance gives is not known") == 1


def test_long_and_hostile_names_stay_within_the_page() -> None:
    names = ["http://127.0.0.1:8000/v1#" + "m" * 90, "[/red]x", "悲しい" * 30, "a\x1b[2Jb"]
    pairs = [comparison(names[0], name) for name in names[1:]]
    notes = [f"{names[0]}: no controls stand beside it"]
    text = "\n".join(shown(compare_table(document([system(name) for name in names], pairs, notes=notes))))
    assert "\x1b" not in text
    assert "[/red]x" in text
    assert "http://127.0.0.1:8000" in text, "a name stays as it is written"


def test_many_systems() -> None:
    runs = [system(f"run{i}", i / 20) for i in range(12)]
    pairs = [comparison(f"run{i}", f"run{j}") for i in range(12) for j in range(i + 1, 12)]
    lines = shown(compare_table(document(runs, pairs)))
    assert row(lines, "11 - 12")[:3] == ["11", "-", "12"]
    assert "Holm for 66 comparisons" in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("asked", ["n", "difference"])
def test_power(asked: str) -> None:
    spread = {"sd": 0.3, "rho": None, "sd_difference": 0.2, "design": 1.38, "n": 0}
    plan = {"asked": asked, "n": 12345, "difference": 0.01, "alpha": 0.005, "power": 0.9, "spread": spread}
    plan |= {"sizes": [{"n": 50, "difference": 0.5}], "source": "Measured on 'a\x1bb'."}
    lines = shown(power_table(plan))
    text = " ".join(" ".join(lines).split())
    assert "1.0 points" in text
    assert "12,345 samples" in text
    assert "90% at p 0.005" in text
    assert "n/a" in text, "an unknown correlation"
    assert "variance times 1.38" in text
    assert row(lines, "50 ") == ["50", "50.0", "points"]
