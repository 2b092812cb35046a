"""What is known of each rater: how much, how fast and how steadily they answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from whyfeel.study.collected import Collected, Trial
from whyfeel.study.design import SKIP, Design
from whyfeel.study.exclusions import Vote, answers_of, failed_attention
from whyfeel.study.figures import Draws, mean, share

MOST_SKIPPED = 10  # items that are named
NO_REPEAT = "no item was answered twice by a rater"
Twice = tuple[Vote, Vote]


def repeats(design: Design, answers: Sequence[Vote], draws: Draws) -> dict[str, Any]:
    """How often a rater answers an item a second time as the first time, sides being exchanged in between.

    Whole raters are drawn for the intervals.

    Args:
        design: the study.
        answers: votes and answers to repeats.
        draws: how intervals are drawn.
    """
    twice = _twice(answers)
    raters = [str(first.rater) for first, _ in twice]
    told = {"same": share([_alike(design, *both) for both in twice], raters, draws, NO_REPEAT)}
    if design.kind == "rating":
        apart = [float(abs(first.rating - second.rating)) for first, second in twice]
        told["apart"] = mean(apart, raters, draws, NO_REPEAT)
    return told


def seconds_of(votes: Sequence[Vote]) -> dict[str, Any]:
    """From an item's being shown to its answer: the median, and the quartiles around it."""
    known = [vote.trial.seconds for vote in votes if vote.trial.seconds is not None]
    if not known:
        return {"n": 0, "median": None, "quartiles": None}
    low, middle, high = (float(end) for end in np.quantile(known, (0.25, 0.5, 0.75)))
    return {"n": len(known), "median": middle, "quartiles": [low, high]}


def skips(design: Design, collected: Collected) -> dict[str, Any]:
    """How many items were skipped how often, and those skipped most; of people who withdrew nothing is told."""
    gone = {rater.id for rater in collected.raters if rater.status == "withdrawn"}
    counts = Counter(
        trial.item
        for trial in collected.trials
        if trial.role == "item" and trial.answer == SKIP and trial.rater not in gone
    )
    most = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:MOST_SKIPPED]
    named = [
        {"item": item, "sample": design.by_id[item].sample, "skips": n} for item, n in most if item in design.by_id
    ]
    return {"n": counts.total(), "items": len(counts), "most": named}


def raters_of(design: Design, collected: Collected, out: Mapping[int, Sequence[str]]) -> list[dict[str, Any]]:
    """A line a rater. Of people who withdrew only that they did: what they had answered is not looked at."""
    answers, trials = _by_rater(answers_of(design, collected, {})), _by_rater(collected.trials)
    told = []
    for rater in collected.raters:
        line: dict[str, Any] = {"rater": rater.name, "status": rater.status, "excluded": list(out.get(rater.id, ()))}
        if rater.status != "withdrawn":
            line |= _figures(design, answers.get(rater.id, []), trials.get(rater.id, []))
        told.append(line)
    return told


def _figures(design: Design, answers: Sequence[Vote], trials: Sequence[Trial]) -> dict[str, Any]:
    votes = [vote for vote in answers if vote.trial.role == "item"]
    seconds = [vote.trial.seconds for vote in votes if vote.trial.seconds is not None]
    checks, failed = failed_attention(design, trials)
    twice = _twice(answers)
    told = {
        "votes": len(votes),
        "skips": sum(trial.role == "item" and trial.answer == SKIP for trial in trials),
        "median_seconds": median(seconds) if seconds else None,
        "attention": {"answered": checks, "failed": failed},
        "repeats": {"answered": len(twice), "same": sum(_alike(design, *both) for both in twice)},
    }
    if design.kind == "pairwise":
        decided = [vote.trial.answer for vote in votes if vote.trial.answer in ("left", "right")]
        told["left"] = decided.count("left") / len(decided) if decided else None
    else:
        told["mean"] = float(np.mean([vote.rating for vote in votes])) if votes else None
    return told


def _twice(answers: Sequence[Vote]) -> list[Twice]:
    """Each answered repeat beside the first answer."""
    first = {(vote.rater, vote.item.id): vote for vote in answers if vote.trial.role == "item"}
    again = (vote for vote in answers if vote.trial.role == "repeat")
    return [(one, vote) for vote in again if (one := first.get((vote.rater, vote.item.id))) is not None]


def _alike(design: Design, first: Vote, second: Vote) -> bool:
    return first.choice == second.choice if design.kind == "pairwise" else first.rating == second.rating


def _by_rater(known: Sequence[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for one in known:
        found.setdefault(one.rater, []).append(one)
    return found
