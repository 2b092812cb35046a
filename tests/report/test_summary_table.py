"""A run's table: every score with its n and interval between its controls, in 80 columns whatever it shows."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from printed import check, one, plain, row, shown
from rich.cells import cell_len
from rich.console import Console

from whyfeel.report.summary_table import baselines_table, controls_table, summary_table
from whyfeel.strategies import BASELINES

SCORES = ("kf1", "f1", "recall", "precision", "unsupported", "contradicted", "trigger_recall")
UNLEAKED = ("kf1_unleaked", "f1_unleaked", "recall_unleaked", "precision_unleaked")
GROUPS = ("overall", "macro", "happy", "angry", "sad", "excited")


def summary(scores: Mapping[str, Mapping[str, Any]], **other: Any) -> dict[str, Any]:
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
        "controlled": {},
        "calls": 1615,
        "tokens": {"in": 1, "out": 2},
        "cost": 1.5,
        "seconds": 3.0,
        "left_out": {"temperature": 1234},
        "warnings": [],
    } | other


def printed(told: dict[str, Any], folder: Path = Path("r")) -> list[str]:
    return shown(*summary_table(told, folder))


def words(lines: list[str]) -> str:
    """The whole page without its breaks."""
    return " ".join(" ".join(lines).split())


def overall(**values: float | None) -> dict[str, dict[str, Any]]:
    return {name: {"overall": one(value)} for name, value in values.items()}


def controls(n: int = 100, unscored: int = 0, **of: Mapping[str, float | None]) -> dict[str, Any]:
    """The entries of a summary for controls: name to score to value, with intervals of 0.01 on either side."""
    told = {
        name: {
            "n": n,
            "unscored": unscored,
            "intervals": {s: [None, None] if v is None else [v - 0.01, v + 0.01] for s, v in values.items()},
        }
        for name, values in of.items()
    }
    return {"controls": of, "controlled": told}


# --- scores


@pytest.mark.parametrize("count", range(1, len(SCORES) + 1))
def test_every_number_of_every_score_a_judge_gives_is_there(count: int) -> None:
    """Recall of all triggers goes to the foot where five others have columns."""
    values = {name: {group: one((i + 10 * j) / 100) for j, group in enumerate(GROUPS)} for i, name in enumerate(SCORES)}
    lines = printed(summary(dict(list(values.items())[:count])))
    check(lines)
    columns = min(count, len(SCORES) - 1)
    for j, group in enumerate(GROUPS):
        low, high = max(0.0, j / 10 - 0.03), j / 10 + 0.03
        first, *rest = [f"{(i + 10 * j) / 100:.3f}" for i in range(columns)]
        assert row(lines, group) == [first, f"[{low:.2f},", f"{high:.2f}]", "1,615", *rest]
    heads = " ".join(lines[: lines.index(next(line for line in lines if line.startswith("overall")))])
    assert "95% interval" in heads
    assert ("Of all annotated triggers, 0.060 were named" in words(lines)) == (count == len(SCORES))


@pytest.mark.parametrize("looks", [False, True])
def test_the_scores_of_verdicts_fit_with_their_names(looks: bool) -> None:
    means = ("kf1", "f1", "recall", "precision", "contradicted", "unsupported", *(["invented"] if looks else []))
    lines = printed(summary({name: {g: one(0.5) for g in GROUPS} for name in (*means, "trigger_recall", *UNLEAKED)}))
    check(lines)
    heads = set(" ".join(lines[: lines.index(next(line for line in lines if "──" in line))]).split())
    assert heads >= {"kF1", "F1", "recall", "preci-", "sion", "contra-", "dicted", "unsup-", "ported"}
    for group in GROUPS:
        assert row(lines, group) == ["0.500", "[0.47,", "0.53]", "1,615", *["0.500"] * 5]
    assert "Of all annotated triggers, 0.500 were named (trigger recall)." in words(lines)
    assert ("invented 0.500" in words(lines)) == looks
    assert "unleaked" not in words(lines)


def test_a_kf1_below_chance_keeps_its_sign() -> None:
    entry = {"value": -0.123, "low": -0.254, "high": -0.004, "n": 9, "bounds": [-0.2, 0.1]}
    lines = printed(summary({"kf1": {"overall": entry}} | overall(f1=0.5)))
    assert row(lines, "overall") == ["-0.123", "[-0.25,", "0.00]", "9", "0.500"]


def test_how_steady_a_comparing_judge_is_stands_in_the_foot() -> None:
    steady = {"consistency": 0.75, "n": 4, "first": 0.625, "decided": 8}
    member = {"model": "vllm:b", "scored": 5, "preferred": 0.7, **steady, "first": None, "decided": 0}
    agreement = {"n": 3, "exact": 1 / 3, "alpha": None, "why": "undefined (no variation)"}
    told = {**steady, "identical": 1, "members": [member], "agreement": agreement}
    text = " ".join(" ".join(printed(summary(overall(f1=0.5), pairwise=told))).split())
    assert "the same for 0.750 of 4 pairs; the answer shown first had 0.625 of 8 preferences." in text
    assert "Ties of equal texts, of which nobody was asked: 1." in text
    assert "vllm:b: preferred 0.700 (n 5). Both orders" in text
    assert "agree on 0.333 of 3 pairs; alpha undefined (no variation)" in text


def test_a_panel_and_a_warning_stand_in_the_foot() -> None:
    members = [{"model": "a", "f1": 0.5, "recall": 0.25, "scored": 9}]
    panel = {"members": members, "agreement": {"n": 7, "exact": 1.0, "alpha": None, "why": "undefined (no variation)"}}
    text = "\n".join(printed(summary(overall(f1=0.5), panel=panel, warnings=["the judge is kin"])))
    assert "The judge is kin\na: F1 0.500, recall 0.250 (n 9)\n" in text
    assert "The members agree on 1.000 of 7 triggers; alpha undefined (no variation)\n" in text


def test_the_foot_says_what_was_left_out_and_what_it_took() -> None:
    text = words(printed(summary(overall(f1=0.5))))
    for said in (
        "eibench-basic · m · direct · judged by overlap",
        "What it cannot see.",
        "1,600 of 1,615 samples scored; unscored: timeout 15; among the answers: refused 3",
        "1,615 calls, 1 tokens in, 2 out, cost $1.50, 3.0 s",
        "1,234 answers were given without the setting temperature",
        "Files: r",
    ):
        assert said in text


def test_a_headline_that_is_refused_stands_above_every_number() -> None:
    refused = summary(overall(f1=0.5, recall=0.25), headline={"refused": "the controls fail: stuff beats oracle"})
    lines = printed(refused)
    at = next(i for i, line in enumerate(lines) if "No headline: the controls fail" in line)
    assert at < lines.index(next(line for line in lines if line.startswith("overall")))
    assert {"0.500", "0.250"} <= set(row(lines, "overall"))
    assert row(lines, "overall")[0] == "0.500", "the table is what it would have been"
    assert "No headline" not in words(printed(refused | {"headline": {"score": "f1"}}))


def test_a_missing_value_is_n_a_with_its_reason_once() -> None:
    why = "the released scorer raises: row 3"
    scores = {
        "corrected_recall": {"overall": one(0.5), "sad": one(0.5, interval=False, why="fewer than two pictures")},
        "official_recall": {"overall": one(None, 0, why=why), "sad": one(None, 0, why=why)},
    }
    lines = printed(summary(scores, cost=None, judge_model="j"))
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
    lines = printed(summary(scores))
    assert len(row(lines, "overall")) == 5
    assert len(row(lines, "macro")) == 4


@pytest.mark.parametrize(
    "name", ["[bold]", "[/angry]", "[red]sad[/red]", "a" * 300, "悲しい" * 40, "wh y " * 40, "[", ""]
)
def test_no_name_of_a_group_takes_a_number_away_or_is_read_as_markup(name: str) -> None:
    scores = {score: {"overall": one(0.5), name: one(0.125, 7)} for score in SCORES[:5]}
    lines = printed(summary(scores, task=name, model=name), Path(name or "."))
    check(lines)
    assert row(lines, "overall")[:4] == ["0.500", "[0.47,", "0.53]", "1,615"]
    assert any(re.search(r"0\.125 +\[0\.10, 0\.15\] +7 ", line) for line in lines)
    assert name[:4] in "\n".join(lines)


# --- controls


VALUES = {"kf1": 0.3, "f1": 0.4, "recall": 0.5, "precision": 0.6}
BETWEEN = controls(
    empty={"kf1": -0.11, "f1": 0.0, "recall": 0.0, "precision": 0.0},
    oracle={"kf1": 0.98, "f1": 0.99, "recall": 0.97, "precision": 0.96},
    stuff={"kf1": 0.02, "f1": 0.12, "recall": 0.7, "precision": 0.05},
    prior={"kf1": None, "f1": 0.1, "recall": 0.1, "precision": 0.1},
)


def test_the_run_stands_in_its_place_among_its_controls() -> None:
    lines = printed(summary(overall(**VALUES), **BETWEEN))
    check(lines)
    names = ("oracle", "this run", "stuff", "empty", "prior")
    places = [next(n for n, line in enumerate(lines) if line.startswith(f"{name} ")) for name in names]
    assert places == list(range(places[0], places[0] + 5)), "best first, what is not known last"
    assert row(lines, "oracle") == ["0.980", "[0.97,", "0.99]", "100", "0.990", "0.970", "0.960"]
    assert row(lines, "this run") == ["0.300", "[0.27,", "0.33]", "1,615", "0.400", "0.500", "0.600"]
    assert row(lines, "empty")[:4] == ["-0.110", "[-0.12,", "-0.10]", "100"]
    assert row(lines, "prior") == ["n/a", "n/a", "100", "0.100", "0.100", "0.100"]
    heads = lines[places[0] - 2].split()
    assert heads == ["control", "kF1", "95%", "interval", "n", "F1", "recall", "precision"]


def test_the_run_alone_is_bold() -> None:
    page = io.StringIO()
    Console(file=page, width=80, highlight=False, force_terminal=True, color_system="standard").print(
        controls_table([("this run", {"kf1": 0.3}, {}, 3), ("stuff", {"kf1": 0.1}, {}, 3)], "kf1")
    )
    run, stuff = (next(line for line in page.getvalue().split("\n") if name in line) for name in ("this run", "stuff"))
    assert "\x1b[1m" in run
    assert "\x1b[1m" not in stuff


def test_of_a_judge_that_has_one_score_controls_show_that_one() -> None:
    scores = {name: {"corrected_recall": place / 10, "trigger_recall": 0.5} for place, name in enumerate(BASELINES)}
    lines = printed(summary(overall(corrected_recall=0.35, trigger_recall=0.5), **controls(**scores)))
    check(lines)
    assert row(lines, "oracle") == ["0.300", "[0.29,", "0.31]", "100"]
    assert row(lines, "this run") == ["0.350", "[0.32,", "0.38]", "1,615"]


def test_a_wrong_emotion_is_told_in_words() -> None:
    both = controls(stuff={"kf1": 0.1}, **{"wrong-emotion": {"invented": 0.75, "objected": 0.2}})
    lines = printed(summary(overall(kf1=0.3), **both))
    check(lines)
    assert not any(line.startswith("wrong-emotion") for line in lines), "it is no score of the same kind"
    assert (
        "Asked about an emotion nobody named, 0.750 [0.74, 0.76] of 100 answers invent reasons and 0.200 object, by "
        "their words."
    ) in words(lines)


def test_canaries_are_told_in_words() -> None:
    def told(paid: int) -> str:
        found = [{"sample": f"s{n}", "correct": 1} for n in range(paid)]
        return words(printed(summary(overall(kf1=0.3), canaries={"n": 28, "unscored": 0, "paid": found})))

    assert "28 answers that talk to the judge were judged: none earned." in told(0)
    assert "28 answers that talk to the judge were judged: 3 earned something." in told(3)
    assert "talk to the judge" not in words(printed(summary(overall(kf1=0.3))))


def test_what_of_controls_could_not_be_judged_is_told() -> None:
    controlled = controls(unscored=3, stuff={"kf1": 0.1}, oracle={"kf1": None})
    text = words(printed(summary(overall(kf1=0.3), **controlled, canaries={"n": 0, "unscored": 28, "paid": []})))
    assert "0 answers that talk to the judge were judged: none earned; 28 could not be judged." in text
    assert "Answers of controls that could not be judged: stuff 3, oracle 3." in text
    assert "could not be judged" not in words(printed(summary(overall(kf1=0.3), **controls(stuff={"kf1": 0.1}))))


def test_what_is_worse_than_any_guess_still_stands_above_what_is_not_known() -> None:
    lines = printed(summary(overall(kf1=0.3), **controls(empty={"kf1": -2.5}, prior={"kf1": None})))
    places = [next(n for n, line in enumerate(lines) if line.startswith(f"{name} ")) for name in ("empty", "prior")]
    assert places == sorted(places)


def test_what_chance_gives_is_told_where_it_is_known() -> None:
    text = words(printed(summary(overall(kf1=0.3), chance={"f1": 0.0123, "n": 1500})))
    assert "against other samples' triggers the same answers have F1 0.012 (n 1,500)." in text
    assert "corrected for chance" not in words(printed(summary(overall(kf1=0.3), chance={"f1": None, "n": 0})))


def test_the_scores_without_what_the_questions_give_away() -> None:
    scores = overall(kf1=0.3, f1=0.4, kf1_unleaked=0.2, f1_unleaked=0.35, recall_unleaked=0.25, precision_unleaked=0.45)
    lines = printed(summary(scores, leaked={"triggers": 1234, "of": 5678}))
    check(lines)
    assert (
        "Without the 1,234 of 5,678 triggers that the questions give away: kF1 0.200, F1 0.350, recall 0.250, "
        "precision 0.450; kF1 [0.17, 0.23], n 1,615."
    ) in words(lines)
    assert len(row(lines, "overall")) == 5, "they have no columns"
    assert "give away" not in words(printed(summary(scores, leaked={"triggers": 0, "of": 5678})))


def test_an_adaptive_run_says_how_it_stopped() -> None:
    until = {"points": 2.5, "low": 0.2, "high": 0.25, "taken": 1234, "of": 5678, "interval": "a sequence (1999)"}
    text = words(printed(summary(overall(kf1=0.3), until=until)))
    assert "Stopped after 1,234 of 5,678 samples, at 2.5 points. " in text
    assert "holds however the run stops: a sequence (1999)." in text
    assert "The other intervals do not know of stopping." in text


def test_the_baselines_are_ranked_by_three_scores() -> None:
    def control(name: str, kf1: float | None, f1: float | None, recall: float) -> dict[str, Any]:
        return summary(overall(kf1=kf1, f1=f1, recall=recall, precision=0.5), model=f"baseline:{name}")

    lines = shown(
        *baselines_table(
            [control("echo", 0.0, 0.1, 0.2), control("stuff", -0.2, None, 0.9), control("oracle", 1, 1, 1)]
        )
    )
    check(lines)
    assert "by kF1:    oracle > echo > stuff" in lines
    assert "by F1:     oracle > echo > stuff" in lines
    assert "by recall: oracle > stuff > echo" in lines
    assert row(lines, "oracle") == ["1.000", "[0.97,", "1.00]", "1,615", "1.000", "1.000", "0.500"]
    assert row(lines, "stuff")[0] == "-0.200"
    assert row(lines, "stuff")[-3:] == ["n/a", "0.900", "0.500"]


# --- whatever it shows


values = st.none() | st.floats(-3, 1)
names = st.sampled_from((*SCORES, *UNLEAKED, "corrected_recall", "official_recall", "invented"))
names |= st.from_regex(r"[a-z][a-z_]{0,40}", fullmatch=True)


@st.composite
def estimates(draw: st.DrawFn) -> dict[str, Any]:
    value = draw(values)
    ends = draw(st.none() | st.tuples(st.floats(0, 5), st.floats(0, 5))) if value is not None else None
    low, high = (None, None) if value is None or ends is None else (value - ends[0], value + ends[1])
    return {"value": value, "low": low, "high": high, "n": draw(st.integers(0, 99_999)), "bounds": None, "why": "why"}


@st.composite
def controlled(draw: st.DrawFn, chosen: list[str]) -> dict[str, Any]:
    of = {
        name: {score: draw(values) for score in chosen}
        for name in draw(st.lists(st.sampled_from([*BASELINES, "blank", "swap"]), unique=True))
    }
    if draw(st.booleans()):
        of["wrong-emotion"] = {"invented": draw(values), "objected": draw(values)}
    return controls(draw(st.integers(0, 10**6)), **of)


@st.composite
def summaries(draw: st.DrawFn) -> dict[str, Any]:
    groups = ["overall", *draw(st.lists(plain, unique=True, max_size=6))]
    chosen = [draw(st.sampled_from(SCORES[:6])), *draw(st.lists(names, unique=True))]
    scores = {name: {group: draw(estimates()) for group in groups} for name in chosen}
    unleaked = any(name.endswith("_unleaked") for name in scores)
    return summary(
        scores,
        **{name: draw(plain) for name in ("task", "model", "strategy", "judge", "note")},
        **draw(controlled(list(scores))),
        judge_model=draw(st.none() | plain),
        unscored=draw(st.dictionaries(plain, st.integers(1, 10**6), max_size=5)),
        n=draw(st.integers(0, 10**9)),
        cost=draw(st.none() | st.floats(0, 1e9)),
        seconds=draw(st.floats(0, 1e9)),
        headline=draw(st.sampled_from([{"score": chosen[0]}, {"refused": "the controls fail"}])),
        chance={"f1": draw(values), "n": draw(st.integers(0, 10**6))},
        leaked={"triggers": draw(st.integers(0, 10**6)) if unleaked else 0, "of": 10**6},
        canaries={"n": draw(st.integers(0, 28)), "unscored": 0, "paid": []},
    )


def number(value: float | None) -> str:
    """Three digits, of nothing that is rounded away no sign."""
    return "n/a" if value is None else f"{round(value, 3) + 0.0:.3f}"


@settings(max_examples=40, deadline=None)
@given(summaries(), plain)
def test_any_summary_fits_and_shows_its_headline_with_n_and_interval(one: dict[str, Any], folder: str) -> None:
    lines = shown(*summary_table(one, Path(folder)))
    assert [line for line in lines if cell_len(line) > 80] == []
    headline, by = next(iter(one["scores"].items()))
    first = by["overall"]
    cells = row(lines, "overall")
    ends = ["n/a"] if first["low"] is None else [f"[{first['low']:.2f},", f"{first['high']:.2f}]"]
    for end in ("-0.00,", "-0.00]"):  # no sign here either
        ends = [cell.replace(end, end[1:]) for cell in ends]
    assert cells[: 2 + len(ends)] == [number(first["value"]), *ends, f"{first['n']:,}"]
    told = {name: values for name, values in one["controls"].items() if headline in values}
    for name, values in told.items():
        assert row(lines, name)[0] == number(values[headline])
    if one["controls"]:
        assert row(lines, "this run")[0] == number(first["value"])
