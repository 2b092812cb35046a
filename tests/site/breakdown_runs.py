"""Runs of known answers, for the tests of breakdowns, plots and differences."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from whyfeel.runs import judge_answers, run_options
from whyfeel.site.book import Board, Book, Judged, RunView, open_book
from whyfeel.stats import Series

SIZE = 40
HOSTILE = '=1+1 <script>alert("x")</script> $\\frac{1}{0}$ \u202eabc'


class Deaf:
    """Takes remarks and forgets them."""

    def note(self, text: str) -> None: ...
    def start(self, total: int, counts: Any) -> None: ...
    def tick(self, done: int) -> None: ...
    def finish(self) -> None: ...


def triggers(i: int) -> list[str]:
    """2 to 5 of them, which no other record has."""
    return [f"zebra{i} crossing", f"candle{i} burning", f"kite{i} rising", f"whale{i} diving", f"drum{i} beating"][
        : 2 + i % 4
    ]


def found(i: int, n: int) -> str:
    """An answer that names the first n triggers of a record."""
    return "\n".join(triggers(i)[:n]) or "nothing of the kind"


def records(folder: Path, change: Callable[[int], Mapping[str, Any]] = lambda _: {}) -> Path:
    """Forty records, two of each picture."""
    rows = [
        {"id": f"r{i:02}", "image": f"p{i // 2:02}.png", "question": f"Why {i}?", "emotion": ("sad", "happy")[i % 2]}
        | {"triggers": triggers(i)}
        | dict(change(i))
        for i in range(SIZE)
    ]
    file = folder / "r.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


def answered(folder: Path, data: Path, name: str, answer: Callable[[int], str | None]) -> Path:
    """A run of answers that were given elsewhere, judged by overlap; None for no answer."""
    given = folder / f"{name}.jsonl"
    images = [json.loads(line) for line in data.read_text("utf-8").splitlines()]
    lines = [{one["image"]: answer(i)} for i, one in enumerate(images) if answer(i) is not None]
    given.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    out = folder / name
    options = {"out": out, "task": "jsonl", "data": data, "model": f"answers:{name}", "controls": "none"}
    judge_answers(given, run_options(options), Deaf())
    return out


def three(folder: Path) -> Book:
    """A run that finds every trigger, one that finds the first, and one that finds all of every third record."""
    data = records(folder)
    return open_book(
        [
            answered(folder, data, "all", lambda i: found(i, 5)),
            answered(folder, data, "first", lambda i: found(i, 1) + " and so on" * (i % 10)),
            answered(folder, data, "third", lambda i: found(i, 5 if i % 3 == 0 else 0)),
        ]
    )


def with_runs(board: Board, *runs: RunView) -> Book:
    """A book of one board of these runs."""
    return Book((replace(board, runs=runs),), (), ())


def scored(judged: Judged, values: np.ndarray[Any, Any], **changed: Any) -> Judged:
    """The same judge with other values of its headline, one a sample."""
    series = Series("f1", values, np.ones(len(values)))
    return replace(judged, finished=replace(judged.finished, series=(series,)), **changed)
