"""The tables of `whyfeel study results` and `whyfeel study status`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from printed import check, plain, row, shown

from study.simulated import (
    answered,
    collect,
    displayed,
    make_design,
    simulate,
    simulate_ratings,
    unblinded,
    voted,
)
from whyfeel.report.study_export_table import study_export_table
from whyfeel.report.study_results_table import study_results_table
from whyfeel.report.study_status_table import study_status_table
from whyfeel.study.collected import Collected, Progress
from whyfeel.study.design import SKIP, Design, Rules
from whyfeel.study.groups import By
from whyfeel.study.results import results
from whyfeel.study.status import status_of

LONG = {1: "human", 2: "qwen/Qwen2.5-VL-72B-Instruct self-ask+cot+persona(emotion-expert)", 3: "a\x1b[2Jb\u202e [red]c"}


def printed(design: Design, collected: Collected, **more: Any) -> list[str]:
    lines = shown(*study_results_table(results(design, collected, **{"names": None, "resamples": 50} | more)))
    check(lines)
    return lines


def test_what_was_published_as_a_table() -> None:
    lines = printed(*voted({"A": 223, "B": 91, "both good": 47, "both bad": 11}))
    assert row(lines, "system 1")[:4] == ["223", "0.599", "[0.549,", "0.648]"]
    assert row(lines, "both bad")[:2] == ["11", "0.030"]
    assert row(lines, "both good")[-1] == "47"  # items won
    assert any(line.startswith("ratio system 1 : system 2: 2.45, Wilson [1.92, 3.13], pictures [") for line in lines)
    assert "A study · socratis · blind" in "\n".join(lines)
    assert "372 votes of 38 raters; 372 of 372 items have all votes (1 each)" in "\n".join(lines)
    text = " ".join(" ".join(lines).split())
    assert "without exclusions: 372 votes; system 1 : system 2 0.599 to 0.245, ratio 2.45" in text
    assert (
        "alpha undefined (fewer than two raters); two votes of an item alike undefined (no item has two votes)" in text
    )
    assert "Of 38 raters, the first 15; all with --json." in text
    assert "--unblind tells it" in text


def test_names_once_they_are_asked_for() -> None:
    design = make_design(items=30, systems=3)
    seen = unblinded(simulate(design, 1), 3000.0, 12)
    lines = printed(design, seen, names=LONG)
    text = "".join("".join(lines).split())
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "a\\x1b[2Jb\\u202e[red]c" in text
    assert "unblindedat12votes" in text
    assert "Warning:" in text
    assert "--unblindtellsit" not in text
    assert any(line.startswith("Bradley-Terry strength") for line in lines)


def test_ratings() -> None:
    design = make_design("rating", items=12, systems=2)
    document = results(design, simulate_ratings(design, 1, {1: 3.5, 2: 2.0}), None, resamples=50)
    lines = shown(*study_results_table(document))
    check(lines)
    first = document["rating"]["systems"][0]
    assert row(lines, "system 1")[0] == f"{first['value']:.2f}"
    assert row(lines, "system 1")[3:5] == ["12", "36"]
    counts = [line.split()[2:] for line in lines if line.startswith("system 1")][1]
    assert counts == [str(n) for n in first["points"].values()]
    assert row(lines, "system 1 - system 2")[-1] == "12"
    assert f"{document['rating']['agreement']['ac2']['value']:.3f}" in row(lines, "AC2, quadratic")
    wide = replace(design, scale=replace(design.scale, high=100))
    assert any("--json has it" in line for line in printed(wide, collect([answered(1, 1, "i0000-1", "77")])))


def test_who_is_left_out_and_why() -> None:
    design = make_design(items=12, rules=Rules(3, 0, 5.0, alike=False))
    trials = [answered(1, k, f"i{k:04}", "left", took=1.0) for k in range(4)]
    trials += [answered(1, 20, "0", "right", role="attention"), answered(2, 1, "i0005", SKIP)]
    trials += [answered(2, 2 + k, f"i{k:04}", displayed(design.items[k], "A", swapped=False)) for k in range(3)]
    trials += [answered(2, 9, "i0000", displayed(design.items[0], "A", swapped=True), swapped=True, role="repeat")]
    lines = printed(design, collect(trials, {3: "withdrawn"}))
    assert row(lines, "failed attention checks") == ["1", "1", "4"]
    assert row(lines, "too fast") == ["0", "1", "0"]
    assert row(lines, "withdrew") == ["1", "1", "0"]
    assert row(lines, "r001")[:6] == ["4", "0", "1.0", "1", "of", "1"]
    assert row(lines, "r002")[:9] == ["3", "1", "20.0", "0", "of", "0", "1", "of", "1"]
    assert row(lines, "r003") == ["withdrew"]
    assert "repeats answered as before: 1.000 [0.21, 1.00] (Wilson) of 1" in lines
    assert "skips: 1, most of s0005 (1)" in lines


@pytest.mark.parametrize("kind", ["pairwise", "rating"])
def test_nothing_is_undefined_and_never_nought(kind: Any) -> None:
    text = "\n".join(printed(make_design(kind, items=3, systems=2), collect([])))
    assert "0.00" not in text
    assert "n/a" in text
    assert "undefined" in text


def test_groups_and_those_that_are_withheld() -> None:
    design = make_design(items=30, votes=1)
    trials = [answered(k + 1, 1, item.id, "left") for k, item in enumerate(design.items)]
    ages = ["over 40"] * 16 + ["18 to 40"] * 11 + ["prefer not to say"] * 3
    said = {k + 1: {"age": name} for k, name in enumerate(ages)}
    text = " ".join(" ".join(printed(design, collect(trials, demographics=said), by=By("age"))).split())
    assert "over 40 16 16 system 1 : system 2" in text
    assert "18 to 40 11" not in text
    assert "withheld: 2 groups, 14 raters, for fewer than 10 raters" in text
    few = {k: {"age": "over 40"} for k in range(1, 31)}
    text = " ".join(printed(design, collect(trials, demographics=few), by=By("age")))
    assert "withheld: none" in text


@settings(max_examples=15)
@given(plain)
def test_no_word_out_of_a_study_breaks_the_page(word: str) -> None:
    design = make_design(items=3)
    design = replace(design, texts=replace(design.texts, title=word))
    collected = unblinded(collect([answered(1, 1, "i0000", "left"), answered(1, 2, "i0001", SKIP)]), 1.0, 0)
    collected = replace(collected, demographics={1: {"age": word}})
    printed(design, collected, names={1: word, 2: "human"}, resamples=2)
    check(shown(*study_export_table({"out": word, "files": ["votes.csv"], "blind": True})))


def test_status() -> None:
    design = make_design(items=30, votes=3)
    counts = {"consented": 1, "working": 2, "withdrawn": 1}
    progress = Progress(counts, votes=41, wanted=90, complete=7, in_hand=10, skipped=2, left_before=4, unblinded=None)
    document = status_of(design, progress)
    assert document["raters_needed"] == 2  # for 39 votes, 20 a rater
    lines = shown(*study_status_table(document))
    check(lines)
    assert row(lines, "votes") == ["41", "of", "90"]
    assert row(lines, "items with all their votes") == ["7", "of", "30"]
    assert row(lines, "raters") == ["4"]
    assert row(lines, "  finished") == ["0"]
    assert row(lines, "raters it still takes, at least") == ["2"]
    assert any(line.startswith("blind") for line in lines)
    seen = shown(*study_status_table(status_of(design, replace(progress, unblinded=0.0, votes=90, in_hand=0))))
    assert "unblinded at 1970-01-01T00:00:00+00:00" in seen
    assert row(seen, "raters it still takes, at least") == ["0"]
