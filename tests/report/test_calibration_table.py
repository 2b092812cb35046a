"""The table of `whyfeel calibrate`: every figure with its interval and n, in 80 columns."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
from rich.console import Console

from whyfeel.report.calibration_table import calibration_table


def value(number: float | None, low: float | None = None, high: float | None = None, **more: Any) -> dict[str, Any]:
    return {"value": number, "low": low, "high": high, **more}


TOLD: dict[str, Any] = {
    "task": "eibench-basic",
    "model": "openai:some-model",
    "strategy": "direct",
    "judge": "verdicts",
    "judge_model": "anthropic:another",
    "score": "corrected_recall",
    "labels": "triggers",
    "n": 1615,
    "labelled": 120,
    "unscored": 3,
    "partial": 0,
    "blank": 2,
    "raters": {"n": 2, "several": 546, "alpha": value(0.404, 0.32, 0.48)},
    "warnings": ["120 labels were all made on a Friday"],
    "groups": {
        "overall": {
            "corrected": value(0.333, 0.311, 0.354, n=117),
            "lambda": 0.6164,
            "others": 1495,
            "worth": 2.75,
            "effective": 321.7,
            "labels": value(0.346, 0.31, 0.381, n=117),
            "judge": value(0.386, 0.374, 0.399, n=1612),
            "agreement": {
                "n": 117,
                "bias": value(-0.06, -0.08, -0.04, n=117),
                "absolute": value(0.115, 0.09, 0.14, n=117),
                "spearman": value(0.807, 0.72, 0.87),
            },
            "triggers": {
                "n": 399,
                "tied": 147,
                "accuracy": value(0.962, 0.94, 0.98, n=399),
                "true_positive_rate": value(0.982, 0.94, 1.0, n=114),
                "false_positive_rate": value(0.046, 0.03, 0.08, n=285),
                "corrected_rate": value(0.365, 0.34, 0.39, judged=0.388),
            },
        }
    },
}


def printed(told: dict[str, Any]) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=80, highlight=False)
    for part in calibration_table(told):
        console.print(part)
    lines = out.getvalue().splitlines()
    assert all(len(line.rstrip()) <= 80 for line in lines)
    return lines


def row(lines: list[str], name: str) -> list[str]:
    [found] = [line for line in lines if line.startswith(name)]
    return found.removeprefix(name).split()


def test_every_figure_with_its_interval_and_n() -> None:
    lines = printed(TOLD)
    assert row(lines, "corrected recall, the judge alone") == ["0.386", "[0.37,", "0.40]", "1,612"]
    assert row(lines, "corrected recall, the labels alone") == ["0.346", "[0.31,", "0.38]", "117"]
    assert row(lines, "corrected recall, corrected by the labels") == ["0.333", "[0.31,", "0.35]", "117"]
    assert row(lines, "judge less people") == ["-0.060", "[-0.08,", "-0.04]", "117"]
    assert row(lines, "judge and people apart") == ["0.115", "[0.09,", "0.14]", "117"]
    assert row(lines, "rank correlation (Spearman)") == ["0.807", "[0.72,", "0.87]", "117"]
    assert row(lines, "both say the same") == ["0.962", "[0.94,", "0.98]", "399"]
    assert row(lines, "found by people, and by the judge") == ["0.982", "[0.94,", "1.00]", "114"]
    assert row(lines, "not found by people, but by the judge") == ["0.046", "[0.03,", "0.08]", "285"]
    assert row(lines, "triggers found, errors taken off") == ["0.365", "[0.34,", "0.39]", "399"]
    text = " ".join(" ".join(lines).split())
    for words in (
        "eibench-basic · openai:some-model · direct · verdicts (anthropic:another) held against people",
        "Warning: 120 labels were all made on a Friday",
        "120 of 1,615 answers are labelled; 3 have no score by the judge; 2 lines of the file have no label",
        "With the judge, 117 labels tell as much as 322 without (lambda 0.62)",
        "147 triggers on which the raters are divided are left out",
        "2 raters: alpha 0.404 [0.32, 0.48] on 546 triggers",
    ):
        assert words in text


def changed(**figures: Any) -> dict[str, Any]:
    told = copy.deepcopy(TOLD)
    told["groups"]["overall"] |= figures
    return told


def test_what_is_missing_is_told_with_its_reason() -> None:
    why = "undefined (only one answer has both a label and a score)"
    nothing = value(None, n=1, why=why)
    told = changed(corrected=nothing, worth=None, effective=None, why=why, triggers=None)
    told["raters"]["alpha"] = value(None, why="undefined (no variation)")
    text = " ".join(" ".join(printed(told)).split())
    assert "corrected recall, corrected by the labels n/a n/a 1" in text
    assert f"The judge adds nothing to the labels: {why}" in text
    assert f"corrected recall, corrected by the labels: {why}" in text
    assert "2 raters: alpha undefined (no variation) on 546 triggers" in text
    assert "trigger by trigger" not in text
    assert "tell as much as" not in text


@pytest.mark.parametrize("raters", [{"n": 1, "several": 0, "alpha": None}])
def test_one_rater_agrees_with_nobody(raters: dict[str, Any]) -> None:
    told = copy.deepcopy(TOLD) | {"raters": raters, "warnings": [], "unscored": 0, "blank": 0}
    text = " ".join(" ".join(printed(told)).split())
    assert "alpha" not in text
    assert "Warning" not in text
    assert "120 of 1,615 answers are labelled With" in text


def test_names_out_of_data_move_no_cursor_and_break_no_column() -> None:
    told = copy.deepcopy(TOLD) | {"model": "m\x1b[2J" + "x" * 90, "warnings": ["all are '\x1b[31msad'"]}
    text = "".join(printed(told))
    assert "\x1b" not in text
    assert "\\x1b[2J" in text.replace("\n", "")
