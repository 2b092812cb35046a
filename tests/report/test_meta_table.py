"""What `whyfeel meta` prints: 80 columns, every number and every reason."""

from __future__ import annotations

import io
import re
from typing import Any

from rich.cells import cell_len
from rich.console import Console

from whyfeel.report.meta_table import meta_table

NONE = {"value": None, "low": None, "high": None}


def shown(document: dict[str, Any]) -> list[str]:
    page = io.StringIO()
    console = Console(file=page, width=80, highlight=False, color_system=None)
    for part in meta_table(document):
        console.print(part)
    lines = page.getvalue().split("\n")
    assert [line for line in lines if cell_len(line) > 80] == []
    assert not re.search(r"\b(?:nan|inf|None)\b", "\n".join(lines))
    return [line.rstrip() for line in lines]


def around(value: float, by: float = 0.1) -> dict[str, Any]:
    return {"value": value, "low": value - by, "high": value + by}


def differences(*pairs: tuple[str, str, float, float, float]) -> dict[str, Any]:
    found = [{"first": a, "second": b, "value": v, "low": low, "high": high} for a, b, v, low, high in pairs]
    apart = sum(one["low"] > 0 or one["high"] < 0 for one in found)
    return {"of": "auc", "tested": len(found), "apart": apart, "by_chance": 0.05 * len(found), "pairs": found}


def overview(*parts: dict[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys(name for part in parts for name in part["measures"])
    told = {name: {"tracks people": 1, "cannot be told from chance": len(parts) - 1} for name in names}
    whole = differences(*[("a", "b", 0.1, 0.01, 0.2)] * sum(part["differences"]["tested"] for part in parts))
    return {"verdicts": told, "differences": {key: whole[key] for key in ("tested", "apart", "by_chance")}}


def document(kind: str, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {"kind": kind, "task": "socratis", "votes": 1372, "raters": 30, "parts": list(parts)}
    return told | {"overview": overview(*parts)} | more


def vote_measure(**more: Any) -> dict[str, Any]:
    means = {"A": around(0.5123), "B": around(-0.25), "both good": NONE | {"value": 0.125}}
    told = {"kind": "metric", "both_sides": True, "n": 1360, "decided": 1200, "left_out": {"no value": 12}}
    told |= {"auc": around(0.6543), "kendall": around(0.2222), "accuracy": around(0.6111), "means": means}
    return told | {"verdict": "tracks people"} | more


def vote_part(measures: dict[str, Any], *pairs: Any, **more: Any) -> dict[str, Any]:
    choices = {"A": 700, "B": 500, "both good": 100, "both bad": 72}
    told = {"name": "m direct / human", "a": "m direct", "b": "human", "votes": 1372, "choices": choices}
    return told | {"measures": measures, "unmeasured": {}, "differences": differences(*pairs)} | more


def test_votes_have_all_their_numbers() -> None:
    odd = "undefined (only one of the two answers was measured)"
    alone = vote_measure(both_sides=False, accuracy=NONE | {"why": odd}, verdict="cannot be told from chance")
    measures = {"bartscore-hypothesis-reference": alone, "verdicts-0123abcd:trigger_recall": vote_measure()}
    pairs = [("x", "y", -0.2, -0.3, -0.05), ("x", "z", 0.1, -0.1, 0.3)]
    part = vote_part(measures, *pairs, unmeasured={"bleu": "not measured of human"})
    lines = shown(
        document(
            *("pairwise", part),
            unblinded={"votes": 1000},
            excluded=2,
            votes_aside=41,
        )
    )
    page = "\n".join(lines)
    assert "socratis · held against people · 1,372 votes of 30 raters" in lines
    assert "A: m direct. B: human." in lines
    assert "A better 700, B better 500, both good 100, both bad 72" in lines
    assert len(re.findall(r"1,360  0\.654  \[0\.55, 0\.75\]  (?:tracks people|cannot be told from chance)", page)) == 2
    assert len(re.findall(r"1,200 +(?:n/a|0\.611) +(?:n/a|\[0\.51, 0\.71\])  0\.222  \[0\.12, 0\.32\]", page)) == 2
    assert len(re.findall(r"0\.512 +-0\.250 +0\.125 +n/a", page)) == 2
    assert "[0.412, 0.612]  [-0.350, -0.150]" in page
    assert page.count("*") == 2  # of the metric of A alone, and what it means
    assert "y above x: 0.200 [0.050, 0.300]" in lines
    assert "z above" not in page
    flat = " ".join(page.split())
    assert "Of 2 differences between two, 1 have an interval without 0; 0.1 would by chance" in flat
    assert "bartscore-hypothesis-reference, verdicts-0123abcd:trigger_recall: left out: no value (12)" in flat
    assert odd not in flat  # as the legend says of every metric with a star
    assert "bleu: not measured of human" in flat
    assert "The study was unblinded at 1,000 votes." in flat
    assert "withdrawn: 2." in flat
    assert "no given run, not used: 41." in flat
    assert "Of 2 intervals, 0.1 would exclude chance by luck alone" in flat


def test_large_means_have_room() -> None:
    means = {"A": around(12345.6789, 1000), "B": around(-12345.6789, 1000), "both bad": around(0.04)}
    page = "\n".join(shown(document("pairwise", vote_part({"m" * 40: vote_measure(means=means)}))))
    assert "[11345.7, 13345.7]  [-13345.7, -11345.7]" in page
    assert re.search(r"12345\.7 +-12345\.7 +n/a +0\.0", page)


def rated(value: float, kind: str = "judge", verdict: str = "tracks people") -> dict[str, Any]:
    told = {"kind": kind, "n": 50, "left_out": {}, "spearman": around(value), "kendall": around(value - 0.1)}
    return told | {"bias": around(-0.75), "absolute": around(0.875), "verdict": verdict}


def rated_part(name: str, measures: dict[str, Any], *pairs: Any) -> dict[str, Any]:
    told = {"name": name, "items": 50, "ratings": 150, "measures": measures, "unmeasured": {}}
    return told | {"differences": differences(*pairs)}


def test_several_dimensions_have_an_overview_first() -> None:
    judges = {f"judge{n}": rated(0.4 + n / 20) for n in range(7)}
    judges["judge1"] = rated(0.05, verdict="cannot be told from chance")
    people = {"ann": rated(0.625, "people"), "ben": rated(0.75, "people")}
    pairs = [("judge0", "judge1", 0.35, 0.01, 0.6)]
    parts = [rated_part("warm", judges | people, *pairs), rated_part("\x1b[2J" + "long" * 8, judges | people)]
    more = {"items": 50, "judges": list(judges), "people": list(people), "left_out": ["note"]}
    lines = shown(document("files", *parts, **more))
    page = "\n".join(lines)
    rows = [line.split() for line in lines]
    assert ["rho", "judge0", "judge1", "judge2", "judge3", "judge4", "people"] in rows
    assert ["rho", "judge5", "judge6", "people"] in rows
    assert ["warm", "0.40", "(0.05)", "0.50", "0.55", "0.60", "0.62", "to", "0.75"] in rows
    assert ["tracks", "people", *["1/2"] * 5] in rows
    assert rows.count(["judge1", "50", "0.05", "[-0.05,", "0.15]", "-0.05", "[-0.15,", "0.05]", "-0.75", "0.88"]) == 2
    assert "judge0 above judge1: 0.350 [0.010, 0.600]" in lines
    assert "\x1b" not in page
    assert "\\x1b[2J" in page
    assert "cannot be told from chance: judge1" in lines
    assert page.count("have an interval without 0") == 1  # of both dimensions together
    assert "bootstrap of items" in page
    assert "Columns without ratings, left out: note." in lines
    assert "held against 2 people · 50 items" in lines


def test_one_dimension_without_others_has_none() -> None:
    undefined = {"value": None, "low": None, "high": None, "why": "undefined (a rater gave every item the same)"}
    lone = rated(0.5, verdict="undefined") | {"spearman": undefined}
    lines = shown(document("rating", rated_part("m direct", {"judge": lone})))
    page = " ".join(" ".join(lines).split())
    assert "socratis · held against people · 1,372 ratings of 30 raters" in lines
    assert "judge: spearman undefined (a rater gave every item the same)" in page
    assert "judge 50 n/a n/a 0.40" in page
    assert "differences between two" not in page
    assert "In brackets" not in page
    assert "unblinded" not in page


def test_only_the_largest_differences_are_shown() -> None:
    pairs = [(f"m{n}", "other", n / 100, n / 200, n / 50) for n in range(1, 26)]
    lines = shown(document("pairwise", vote_part({"m": vote_measure()}, *pairs)))
    told = [line for line in lines if " above " in line]
    assert (len(told), told[0]) == (20, "m25 above other: 0.250 [0.125, 0.500]")
    assert "5 more with --json." in lines
