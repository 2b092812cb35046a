"""Tables fit 80 columns whatever they show, and no number loses its n or its interval."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from whyfeel.report import tables


def shown(*parts: RenderableType) -> list[str]:
    """The lines of some tables on a page of 80 columns that would not crop a longer line."""
    page = io.StringIO()
    console = Console(file=page, width=80, highlight=False, color_system=None)
    for part in parts:
        console.print(part)
    return page.getvalue().split("\n")


def check(lines: list[str]) -> None:
    assert [line for line in lines if cell_len(line) > 80] == []
    assert not re.search(r"\b(?:nan|inf|None)\b", "\n".join(lines))


def one(value: float | None, n: int = 1615, *, interval: bool = True, why: str = "") -> dict[str, Any]:
    known = value is not None
    ends = [max(0, value - 0.03), min(1, value + 0.03)] if known and interval else [None, None]
    entry = {"value": value, "low": ends[0], "high": ends[1], "n": n, "bounds": [0.0, 1.0] if known else None}
    return entry | ({"why": why} if why else {})


def summary(scores: dict[str, dict[str, Any]], **other: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "task": "eibench-basic",
        "model": "m",
        "strategy": "direct",
        "judge": "overlap",
        "judge_model": None,
        "note": "What it cannot see.",
        "n": 1615,
        "scored": 1600,
        "unscored": {"timeout": 15},
        "outcomes": {"empty": 0, "refused": 3, "truncated": 0},
        "headline": {"score": next(iter(scores))},
        "scores": scores,
        "controls": {},
        "calls": 1615,
        "tokens": {"in": 1, "out": 2},
        "cost": 1.5,
        "seconds": 3.0,
        "left_out": {"temperature": 1234},
        "warnings": [],
    } | other


def row(lines: list[str], name: str) -> list[str]:
    """The cells of the first row that begins with a name."""
    return next(line for line in lines if line.startswith(f"{name} ")).split()[1:]


SCORES = ("f1", "recall", "precision", "unsupported", "contradicted", "trigger_recall", "kf1")
GROUPS = ("overall", "macro", "happy", "angry", "sad", "excited")


@pytest.mark.parametrize("count", range(1, len(SCORES) + 1))
def test_every_number_of_every_score_a_judge_gives_is_there(count: int) -> None:
    values = {name: {group: one((i + 10 * j) / 100) for j, group in enumerate(GROUPS)} for i, name in enumerate(SCORES)}
    lines = shown(*summary_table.summary_table(summary(dict(list(values.items())[:count])), Path("r")))
    check(lines)
    for j, group in enumerate(GROUPS):
        low, high = max(0.0, j / 10 - 0.03), j / 10 + 0.03
        first, *rest = [f"{(i + 10 * j) / 100:.3f}" for i in range(count)]
        assert row(lines, group) == [first, f"[{low:.2f},", f"{high:.2f}]", "1,615", *rest]
    heads = " ".join(lines[: lines.index(next(line for line in lines if line.startswith("overall")))])
    assert "95% interval" in heads


def test_the_names_of_many_scores_break_where_words_do() -> None:
    """Six are what `verdicts` gives."""
    names = ("f1", "recall", "precision", "contradicted", "unsupported", "trigger_recall")
    lines = shown(*summary_table.summary_table(summary({name: {g: one(0.5) for g in GROUPS} for name in names}), Path("r")))
    check(lines)
    heads = set(" ".join(lines[: lines.index(next(line for line in lines if "──" in line))]).split())
    assert heads >= {"recall", "preci-", "sion", "con-", "tra-", "dicted", "unsup-", "ported", "trig-", "ger"}


def test_a_panel_and_a_warning_stand_in_the_foot() -> None:
    members = [{"model": "a", "f1": 0.5, "recall": 0.25, "scored": 9}]
    panel = {"members": members, "agreement": {"n": 7, "exact": 1.0, "alpha": None, "why": "undefined (no variation)"}}
    told = summary({"f1": {"overall": one(0.5)}}, panel=panel, warnings=["the judge is kin"])
    text = "\n".join(shown(*summary_table.summary_table(told, Path("r"))))
    assert "The judge is kin\na: F1 0.500, recall 0.250 (n 9)\n" in text
    assert "The members agree on 1.000 of 7 triggers; alpha undefined (no variation)\n" in text


def test_the_foot_says_what_was_left_out_and_what_it_took() -> None:
    text = " ".join(" ".join(shown(*summary_table.summary_table(summary({"f1": {"overall": one(0.5)}}), Path("r")))).split())
    for said in (
        "eibench-basic · m · direct · judged by overlap",
        "What it cannot see.",
        "1,600 of 1,615 samples scored; unscored: timeout 15; among the answers: refused 3",
        "1,615 calls, 1 tokens in, 2 out, cost $1.50, 3.0 s",
        "Files: r",
    ):
        assert said in text


def test_a_headline_that_is_refused_stands_above_every_number() -> None:
    scores = {"f1": {"overall": one(0.5)}, "recall": {"overall": one(0.25)}}
    refused = summary(scores, headline={"refused": "the controls fail: stuff beats oracle"})
    lines = shown(*summary_table.summary_table(refused, Path("r")))
    at = next(i for i, line in enumerate(lines) if "No headline: the controls fail" in line)
    assert at < lines.index(next(line for line in lines if line.startswith("overall")))
    assert {"0.500", "0.250"} <= set(row(lines, "overall"))


def test_a_missing_value_is_n_a_with_its_reason_once() -> None:
    why = "the released scorer raises: row 3"
    scores = {
        "corrected_recall": {"overall": one(0.5), "sad": one(0.5, interval=False, why="fewer than two pictures")},
        "official_recall": {"overall": one(None, 0, why=why), "sad": one(None, 0, why=why)},
    }
    lines = shown(*summary_table.summary_table(summary(scores, cost=None, judge_model="j"), Path("r")))
    check(lines)
    assert row(lines, "overall") == ["0.500", "[0.47,", "0.53]", "1,615", "n/a"]
    assert row(lines, "sad") == ["0.500", "n/a", "1,615", "n/a"]
    text = "\n".join(lines)
    assert text.count(f"official recall: {why}") == 1
    assert "sad: fewer than two pictures" in text
    assert "cost unknown" in text
    assert "judged by overlap (j)" in text


def test_a_score_without_a_group_leaves_its_cell_empty() -> None:
    scores = {"corrected_recall": {"overall": one(0.5), "macro": one(0.5)}, "official_recall": {"overall": one(0.4)}}
    lines = shown(*summary_table.summary_table(summary(scores), Path("r")))
    assert len(row(lines, "overall")) == 5
    assert len(row(lines, "macro")) == 4


@pytest.mark.parametrize(
    "name", ["[bold]", "[/angry]", "[red]sad[/red]", "a" * 300, "悲しい" * 40, "wh y " * 40, "[", ""]
)
def test_no_name_of_a_group_takes_a_number_away_or_is_read_as_markup(name: str) -> None:
    scores = {score: {"overall": one(0.5), name: one(0.125, 7)} for score in SCORES[:5]}
    lines = shown(*summary_table.summary_table(summary(scores, task=name, model=name), Path(name or ".")))
    check(lines)
    assert row(lines, "overall")[:4] == ["0.500", "[0.47,", "0.53]", "1,615"]
    assert any(re.search(r"0\.125 +\[0\.10, 0\.15\] +7 ", line) for line in lines)
    assert name[:4] in "\n".join(lines)


unit = st.none() | st.floats(0, 1)
estimates = st.builds(
    lambda v, n, interval: one(v, n, interval=interval, why="why"), unit, st.integers(0, 99_999), st.booleans()
)
plain = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=200)


@st.composite
def summaries(draw: st.DrawFn) -> dict[str, Any]:
    groups = ["overall", *draw(st.lists(plain, unique=True, max_size=12))]
    chosen = draw(st.lists(st.sampled_from(SCORES), min_size=1, unique=True))
    scores = {name: {group: draw(estimates) for group in groups} for name in chosen}
    return summary(
        scores,
        **{name: draw(plain) for name in ("task", "model", "strategy", "judge", "note")},
        judge_model=draw(st.none() | plain),
        unscored=draw(st.dictionaries(plain, st.integers(1, 10**6), max_size=5)),
        n=draw(st.integers(0, 10**9)),
        cost=draw(st.none() | st.floats(0, 1e9)),
        seconds=draw(st.floats(0, 1e9)),
        headline=draw(st.sampled_from([{"score": chosen[0]}, {"refused": "the controls fail"}])),
    )


@settings(max_examples=40, deadline=None)
@given(summaries(), plain)
def test_any_summary_fits_and_shows_its_headline_with_n_and_interval(one: dict[str, Any], folder: str) -> None:
    lines = shown(*summary_table.summary_table(one, Path(folder)))
    assert [line for line in lines if cell_len(line) > 80] == []
    first = next(iter(one["scores"].values()))["overall"]
    cells = row(lines, "overall")
    assert cells[0] == ("n/a" if first["value"] is None else f"{first['value']:.3f}")
    if first["low"] is None:
        assert cells[1] == "n/a"
        assert cells[2] == f"{first['n']:,}"
    else:
        assert cells[1:4] == [f"[{first['low']:.2f},", f"{first['high']:.2f}]", f"{first['n']:,}"]


@given(st.lists(st.tuples(plain, plain, plain), max_size=8))
def test_any_listing_fits(rows: list[tuple[str, str, str]]) -> None:
    check_widths = shown(tables.listing(("record", "what", "why"), rows))
    assert [line for line in check_widths if cell_len(line) > 80] == []


def test_the_controls_are_ranked_by_f1_and_by_recall() -> None:
    def control(name: str, f1: float | None, recall: float) -> dict[str, Any]:
        scores = {"f1": {"overall": one(f1)}, "recall": {"overall": one(recall)}, "precision": {"overall": one(0.5)}}
        return summary(scores, model=f"baseline:{name}")

    lines = shown(
        *summary_table.baselines_table([control("echo", 0.1, 0.2), control("stuff", None, 0.9), control("oracle", 1, 1)])
    )
    check(lines)
    assert "by F1:     oracle > echo > stuff" in lines
    assert "by recall: oracle > stuff > echo" in lines
    assert row(lines, "oracle") == ["1.000", "[0.97,", "1.00]", "1.000", "0.500", "1,615"]
    assert row(lines, "stuff")[:2] == ["n/a", "n/a"]


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
        "tokens": {"in": 10_000, "out_at_most": 2_000_000},
        "cost_at_most": None,
        "prices_as_of": {"answer": "2026-01-02", "judge": None},
        "addresses": {"answer": "http://" + "a" * 150 + ":8000/v1", "judge": ""},
    }
    lines = shown(*tables.rehearsal_table(rehearsal))
    check(lines)
    text = "\n".join(lines)
    for number in ("1,000", "4,567", "89", "10.0 k", "2.0 M", "unknown"):
        assert re.search(rf" {re.escape(number)}$", text, re.MULTILINE)
    assert "calls, judge, to a ledger" in text
    assert "Prices as of 2026-01-02." in " ".join(text.split())
