"""What tests of runs share: a sitting, what a command said, small files, and the shape of a summary."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whyfeel.engine import Counts, Reply, Request
from whyfeel.judging import CANARIES, CANARY_SAMPLES
from whyfeel.models import Scripted
from whyfeel.records import Text
from whyfeel.runs import RunResult
from whyfeel.runs.options import MODEL_CONTROLS
from whyfeel.strategies import BASELINES

ANSWERER, JUDGE_MODEL = "http://127.0.0.1:9/v1#m", "http://127.0.0.1:9/v1#j"  # never called: a script stands in
SUMMARY_KEYS = {
    *("schema", "task", "model", "strategy", "judge", "n", "scored", "unscored", "outcomes", "headline", "scores"),
    *("controls", "controlled", "calls", "tokens", "cost", "seconds"),
}
SCORES = {
    *("official_recall", "corrected_recall", "recall", "precision", "f1", "kf1", "trigger_recall", "unsupported"),
    *("contradicted", "invented", "kf1_unleaked", "f1_unleaked", "recall_unleaked", "precision_unleaked"),
}
GROUPS = {
    "eibench-basic": ["overall", "macro", "happy", "angry", "sad", "excited"],
    "eibench-complex": ["overall", "happy", "angry", "sad", "excited", "afraid", "worried", "surprised", "confused"],
    "scenes": ["overall", "macro", "happy", "angry", "sad", "excited"],
}

Script = Callable[[Request], Reply | str]


@dataclass
class Watcher:
    """Collects remarks."""

    notes: list[str] = field(default_factory=list)
    done: int = 0

    def note(self, text: str) -> None:
        self.notes.append(text)

    def start(self, total: int, counts: Counts) -> None:
        self.total = total

    def tick(self, done: int) -> None:
        self.done = done

    def finish(self) -> None:
        pass


@dataclass(frozen=True)
class Sitting:
    """A run that was scripted, and the models that were asked."""

    result: RunResult
    answerer: Scripted
    judge: Scripted
    watch: Watcher

    @property
    def summary(self) -> dict[str, Any]:
        return self.result.summary

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.result.folder / name).read_text("utf-8").splitlines()]


def words(request: Request) -> str:
    """All words of a request."""
    return "\n".join(part.text for m in request.ask.messages for part in m.parts if isinstance(part, Text))


def png(width: int = 2, height: int = 2) -> bytes:
    """A sound PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def write_lines(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def least_and_most(score: str) -> tuple[float, float]:
    """What a score can be: kF1 is 0 where chance is, and below it without end; the released scorer knows no top."""
    return (float("-inf") if score.startswith("kf1") else 0.0), (float("inf") if score == "official_recall" else 1.0)


def check_estimate(one: Mapping[str, Any], n: int, *, least: float = 0.0, most: float = 1.0) -> None:
    """An entry {"value", "low", "high", "n", "bounds"} of the contract."""
    assert set(one) - {"why"} == {"value", "low", "high", "n", "bounds"}
    assert isinstance(one["n"], int)
    assert 0 <= one["n"] <= n
    if one["value"] is None:
        assert one["why"]
        assert one["low"] is one["high"] is None
    else:
        assert least <= one["value"] <= most
        assert (one["low"] is None) == (one["high"] is None) == ("why" in one)
    if one["low"] is not None:
        assert least <= one["low"] <= one["high"] <= most
    if one["bounds"] is not None and one["value"] is not None:
        low, high = one["bounds"]
        assert least <= low <= high <= most
        assert low - 1e-12 <= one["value"] <= high + 1e-12


def check_summary(summary: Mapping[str, Any], groups: Sequence[str]) -> None:
    """summary.json as the contract has it."""
    assert set(summary) >= SUMMARY_KEYS
    assert summary["schema"] == 1
    for name in ("task", "model", "strategy", "judge"):
        assert isinstance(summary[name], str)
    n = summary["n"]
    assert summary["scored"] + sum(summary["unscored"].values()) == n > 0
    assert all(isinstance(reason, str) and count > 0 for reason, count in summary["unscored"].items())
    assert list(summary["outcomes"]) == ["empty", "refused", "truncated"]
    assert sum(summary["outcomes"].values()) <= n
    assert set(summary["scores"]) <= SCORES
    for name, by in summary["scores"].items():
        assert [group for group in groups if group in by] == list(by)
        assert set(by) == set(groups) or name == "official_recall"
        least, most = least_and_most(name)
        for one in by.values():
            check_estimate(one, n, least=least, most=most)
    check_controls(summary)
    check_headline(summary)
    if "kf1" in summary["scores"]:
        assert 0 <= summary["chance"]["n"] <= summary["scored"]
        assert summary["chance"]["f1"] is None or 0 <= summary["chance"]["f1"] <= 1
        assert 0 <= summary["leaked"]["triggers"] <= summary["leaked"]["of"]
    assert isinstance(summary["calls"], int)
    assert set(summary["tokens"]) == {"in", "out"}
    assert summary["cost"] is None or summary["cost"] >= 0
    assert summary["seconds"] >= 0
    json.dumps(summary, allow_nan=False)


def check_controls(summary: Mapping[str, Any]) -> None:
    """The entries controls, controlled and canaries."""
    controls, told = summary["controls"], summary["controlled"]
    assert list(controls) == list(told)
    assert list(controls)[: len(BASELINES)] == (list(BASELINES) if controls else [])
    assert set(controls) <= {*BASELINES, *MODEL_CONTROLS}
    everywhere = {name for name, by in summary["scores"].items() if "overall" in by}
    for name, values in controls.items():
        assert set(values) == ({"invented", "objected"} if name == "wrong-emotion" else everywhere)
        one = told[name]
        assert set(one) == {"n", "unscored", "intervals"}
        assert 0 < one["n"] + one["unscored"] <= summary["n"]
        assert set(one["intervals"]) == set(values)
        for score, (low, high) in one["intervals"].items():
            least, most = least_and_most(score)
            assert (low is None) == (high is None)
            assert low is None or least <= low <= high <= most
            assert values[score] is None or least <= values[score] <= most
            assert values[score] is not None or low is None
    if "canaries" in summary:
        canaries = summary["canaries"]
        assert set(canaries) == {"n", "unscored", "paid"}
        assert canaries["n"] + canaries["unscored"] == min(CANARY_SAMPLES, summary["n"]) * len(CANARIES)
        assert all(set(one) == {"sample", "correct"} and one["correct"] > 0 for one in canaries["paid"])
        assert len(canaries["paid"]) <= canaries["n"]


def check_headline(summary: Mapping[str, Any]) -> None:
    """It is the first score, or refused in one line; it stands above stuffing only, below a sound oracle."""
    first = next(iter(summary["scores"]))
    if summary["headline"] != {"score": first}:
        assert list(summary["headline"]) == ["refused"]
        assert summary["headline"]["refused"]
        assert "\n" not in summary["headline"]["refused"]
        return
    value = summary["scores"][first]["overall"]["value"]
    assert not summary.get("canaries", {}).get("paid")
    if summary["controls"]:
        assert value is None or summary["controls"]["stuff"][first] < value
        assert summary["controls"]["oracle"][first] >= 0.9
