"""`whyfeel agree`: a table, one JSON document, or one line about what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from told import Told

Whyfeel = Callable[..., Told]

KEYS = {"n_items", "n_raters", "mean", "exact", "alpha", "icc", "ac2", "spearman"}


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.csv"
    path.write_text("item,anna,ben\nx,1,2\ny,2,2\nz,5,4\nw,3,3\n", encoding="utf-8")
    return path


def test_the_document_of_the_contract(whyfeel: Whyfeel, ratings: Path) -> None:
    told = whyfeel("agree", ratings, "--scale", "1:5", "--json")
    assert (told.status, told.err) == (0, "")
    assert told.json.keys() >= KEYS
    assert list(told.json["alpha"]) == ["nominal", "ordinal", "interval"]
    assert list(told.json["icc"]) == ["a1", "c1", "ak"]
    for one in (told.json["ac2"], told.json["spearman"]["anna-ben"], *told.json["alpha"].values()):
        assert one.keys() == {"value", "low", "high"}
        assert one["low"] <= one["value"] <= one["high"]
    assert whyfeel("agree", ratings, "--scale", "1:5", "--json").out == told.out


def test_the_table(whyfeel: Whyfeel, ratings: Path) -> None:
    told = whyfeel("agree", ratings)
    assert (told.status, told.err) == (0, "")
    assert [line for line in told.out.splitlines() if cell_len(line) > 80] == []
    assert "4 items · 2 raters" in told.out
    assert "undefined (no scale is declared)" in told.out


def test_the_published_study_on_the_command_line(whyfeel: Whyfeel, eibench: Path) -> None:
    told = whyfeel("agree", *sorted((eibench / "human_eval").glob("*.jsonl")))
    assert told.status == 0
    for figure in ("4.416", "0.729", "0.071", "0.122", "0.165", "0.886", "0.885", "7861-7862"):
        assert re.search(rf"(?m)(?:^| ){figure}(?: |$)", told.out)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "Missing argument"),
        (["nowhere.csv"], "cannot be read"),
        (["--scale", "five", "ratings.csv"], "--scale: expected LO:HI"),
        (["--scale", "1:4", "ratings.csv"], "line 4: expected a rating by 'anna' of 'z' from 1 to 4, got '5'"),
    ],
)
def test_mistakes_are_one_line(
    whyfeel: Whyfeel, ratings: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], why: str
) -> None:
    monkeypatch.chdir(ratings.parent)
    told = whyfeel("agree", *arguments)
    assert (told.status, told.out) == (2, "")
    assert why in told.err
    assert told.err.count("\n") == 1
