"""EIBench's two released scorers, faults included (get_scores.py, get_scores_complex.py; Apache-2.0; rules, not code).

Both read `{score: c/t}` from the judge's words, its first occurrence, and average c/t as the judge printed it, so
that a score may exceed 1. What differs: in basic a row without a score enters no overall mean, but the mean of its
class receives the value of the row before it; in complex it is dropped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Scorer = Literal["basic", "complex"]
Row = tuple[str, object]  # the image and the judge's words, which a log of another kind may hold as no string

CLASSES = ("happy", "angry", "sad", "excited")

# Looked for anywhere in the image's path, in this order.
_CLASS_MARKS = (("Happy", "happy"), ("sad", "sad"), ("Angry", "angry"), ("excit", "excited"))
_SCORE = re.compile(r"\{score: (\d+)/(\d+)\}")


@dataclass(frozen=True, slots=True)
class ReleasedScore:
    """What a released scorer prints for a log.

    Attributes:
        scores: "happy", "angry", "sad", "excited" and "overall", or "overall" alone; None where the scorer raises.
        why: why there are no scores, "" where there are.
        overall: for each row what it gives to the overall mean, NaN for nothing; empty where there are no scores.
        by_class: for each row what it gives to the mean of its class, carried-over values included, NaN for nothing.
        classes: for each row the class its path falls in, None for none.
    """

    scores: Mapping[str, float] | None
    why: str = ""
    overall: tuple[float, ...] = ()
    by_class: tuple[float, ...] = ()
    classes: tuple[str | None, ...] = ()


def scored_part(text: str) -> str:
    """All of a judge's words that the released scorers look at, "" where they find no score.

    >>> scored_part("I say {score: 2/5}, not {score: 3/5}.")
    '{score: 2/5}'
    """
    match = _SCORE.search(text)
    return match[0] if match else ""


def released_class(image: str) -> str | None:
    """The class that the basic scorer puts an image into, by its path."""
    return next((name for mark, name in _CLASS_MARKS if mark in image), None)


def released_score(rows: Iterable[Row], scorer: Scorer) -> ReleasedScore:
    """Score a log by the released scorer of that name; `rows` in the order of the file."""
    return score_basic(rows) if scorer == "basic" else score_complex(rows)


def score_basic(rows: Iterable[Row]) -> ReleasedScore:
    """The five means that get_scores.py prints; an empty class has 0.

    It raises, and so has no score, on 0/0, on numbers too large, on words that are no string, and on a row
    without a score that falls in a class while no row before it has one.
    """
    overall: list[float] = []
    by_class: list[float] = []
    classes: list[str | None] = []
    before: float | None = None
    for number, (image, text) in enumerate(rows, 1):
        value = _value(text)
        if isinstance(value, str):
            return _raised(number, image, value)
        name = released_class(image)
        before = before if value is None else value
        if name is not None and before is None:
            return _raised(number, image, "UnboundLocalError: no row up to here has a score to carry over")
        overall.append(math.nan if value is None else value)
        by_class.append(math.nan if name is None or before is None else before)
        classes.append(name)
    scores = {
        label: _mean([value for value, name in zip(by_class, classes, strict=True) if name == label])
        for label in CLASSES
    }
    return _checked(scores | {"overall": _mean(overall)}, overall, by_class, classes)


def score_complex(rows: Iterable[Row]) -> ReleasedScore:
    """The one mean that get_scores_complex.py prints; it raises on 0/0, huge numbers and words that are no string."""
    overall: list[float] = []
    for number, (image, text) in enumerate(rows, 1):
        value = _value(text)
        if isinstance(value, str):
            return _raised(number, image, value)
        overall.append(math.nan if value is None else value)
    nothing: list[None] = [None] * len(overall)
    return _checked({"overall": _mean(overall)}, overall, [math.nan] * len(overall), nothing)


def _value(text: object) -> float | str | None:
    """c/t as printed, None where there is no score, or the exception of the released code in words."""
    if not isinstance(text, str):
        return f"TypeError: expected the judge's words, got {type(text).__name__}"
    match = _SCORE.search(text)
    if match is None:
        return None
    try:
        return int(match[1]) / int(match[2])
    except (ArithmeticError, ValueError) as error:
        return f"{type(error).__name__}: {match[0][:40]!r}"


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else 0.0  # Python's own sum, for the last digit


def raises(what: str) -> str:
    """The sentence that tells why there is no official figure."""
    return f"the released scorer raises: {what}"


def _raised(number: int, image: str, why: str) -> ReleasedScore:
    return ReleasedScore(None, raises(f"row {number} ({image!r}): {why}"))


def _checked(
    scores: Mapping[str, float],
    overall: Sequence[float],
    by_class: Sequence[float],
    classes: Sequence[str | None],
) -> ReleasedScore:
    if not all(map(math.isfinite, scores.values())):  # prints "inf", which JSON cannot carry
        return ReleasedScore(None, "the released scorer prints inf: the judge's numbers are too large to average")
    return ReleasedScore(scores, "", tuple(overall), tuple(by_class), tuple(classes))
