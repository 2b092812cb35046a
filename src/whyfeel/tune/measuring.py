"""How well the held-out samples are answered before and after: two ordinary runs, and the difference between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from whyfeel.records import Sample, json_line
from whyfeel.runs import RunOptions, Watch, run
from whyfeel.runs.compare import compare_runs
from whyfeel.runs.folder import write_whole
from whyfeel.tune.options import LOCAL, TuneOptions

BEFORE, AFTER, HELD_OUT = "before", "after", "held-out"
RECORDS = "records.jsonl"


def write_held_out(folder: Path, samples: Sequence[Sample]) -> None:
    """The held-out samples as records of the task `jsonl`.

    Raises:
        StoreFailed: the disk is full.
    """
    write_whole(folder / HELD_OUT / RECORDS, ((json_line(_record(one)) + "\n").encode() for one in samples))


def _record(sample: Sample) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": sample.id,
        "question": sample.question.strip(),
        "emotion": _line(sample.emotion),
        "triggers": [{"text": _line(one.text), "weight": one.weight} for one in sample.triggers],
    }
    return record | ({"image": sample.media[0].path} if sample.media else {})


def _line(text: str) -> str:
    return " ".join(text.split())


def measure(options: TuneOptions, folder: Path, images: Path | None, watch: Watch) -> dict[str, Any]:
    """Run both models on the held-out samples, and compare them.

    Args:
        folder: of the tuning; holds the tuned model, the held-out samples, and both runs afterwards.
        images: the root of the pictures.

    Returns:
        "before", "after" and "difference" (after less before): each with value, low, high and n, and the score's name.

    Raises:
        UserError, RunStopped, Interrupted: as `runs.run`.
    """
    for name, model in ((BEFORE, options.model), (AFTER, f"{LOCAL}{folder}")):
        watch.note(f"the held-out samples, {name} tuning")
        run(_options(options, folder, images, name, model), watch)
    return _told(compare_runs([folder / BEFORE, folder / AFTER]), str(folder / AFTER))


def _options(options: TuneOptions, folder: Path, images: Path | None, name: str, model: str) -> RunOptions:
    """Those of an ordinary run with the strategy that was trained."""
    return RunOptions(
        task="jsonl",
        model=model,
        out=folder / name,
        data=folder / HELD_OUT,
        images=images,
        judge=options.judge,
        judge_model=options.judge_model,
        gen=options.gen,
        prompts=options.prompts,
        max_side=options.max_side,
        local_only=options.local_only,
        seed=options.seed,
    )


def _told(comparison: Mapping[str, Any], after: str) -> dict[str, Any]:
    systems = {one["run"]: {key: one[key] for key in ("value", "low", "high", "n")} for one in comparison["systems"]}
    one = comparison["comparisons"][0]
    sign = 1 if one["a"] == after else -1
    low, high = sorted(sign * one[end] for end in ("low", "high")) if one["low"] is not None else (None, None)
    value = None if one["difference"] is None else sign * one["difference"]
    before = next(run for run in systems if run != after)
    return {
        "score": comparison["score"],
        "judge": comparison["judge"],
        "before": systems[before],
        "after": systems[after],
        "difference": {"value": value, "low": low, "high": high, "n": one["n"], "p": one["p"]},
    }
