"""`whyfeel score`: an official judge log, scored as the released scorer does and corrected beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whyfeel.errors import DataError
from whyfeel.judging import image_of, parse_log, score_log
from whyfeel.stats import estimate
from whyfeel.tasks import open_task


def score_file(log: Path, task_name: str, data: Path | None, seed: int = 0) -> dict[str, Any]:
    """Score a log file against a task's annotations.

    Args:
        log: {image: judge's words}, one a line.
        data: the folder that holds EI_Basic/ and EI_Complex/.
        seed: of the intervals.

    Returns:
        what `whyfeel score --json` prints: "official" (numbers, or None with "why"), "corrected" (the same groups),
        "intervals" of the corrected scores, "n" rows, "unparsed" rows, "unscored" samples by reason, and the rows
        that did not fit: "unknown", "surplus", "duplicates".

    Raises:
        DataError: the log or the annotations cannot be read.
    """
    try:
        with log.open(encoding="utf-8") as lines:
            read = parse_log(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the log {str(log)!r} cannot be read as UTF-8 text: {error}") from None
    task = open_task(task_name, data, None)
    scored = score_log(read.rows, task, task.scorer, read.faults)
    labels = [(sample.emotion, image_of(sample)) for sample in task]
    groups = ["overall", *task.groups] if task.scorer == "basic" else ["overall"]
    estimates = estimate(
        scored.corrected, *map(list, zip(*labels, strict=True)), order=task.groups, macro=task.macro, seed=seed
    )
    recall = estimates["corrected_recall"]
    released = scored.released
    return {
        "task": task.name,
        "official": dict(released.scores) if released.scores is not None else None,
        **({"why": released.why} if released.scores is None else {}),
        "corrected": {group: recall[group].value for group in groups if group in recall},
        "intervals": {name: {g: one.to_json() for g, one in by.items()} for name, by in estimates.items()},
        "n": scored.n,
        "unparsed": scored.unparsed,
        "unscored": dict(scored.unscored),
        "unknown": scored.unknown,
        "surplus": scored.surplus,
        "duplicates": scored.duplicates,
    }
