"""Score an official judge log: one JSON object a line, `{image: judge's words}`."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from whyfeel.judging.official import corrected_series, image_of, tolerant_score
from whyfeel.judging.released import ReleasedScore, Row, Scorer, raises, released_score
from whyfeel.records import Sample, Unscored
from whyfeel.stats.series import Series


@dataclass(frozen=True, slots=True)
class Fault:
    """A line on which the released scripts raise: how many rows stand before it, and why."""

    after: int
    why: str


@dataclass(frozen=True, slots=True)
class Log:
    """The rows of an official log in file order, and the lines that hold none."""

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...] = ()


def parse_log(lines: Iterable[str]) -> Log:
    """Read a log's lines; what is no JSON object becomes a Fault, nothing raises.

    >>> parse_log(['{"a.jpg": "{score: 1/2}"}', ""])
    Log(rows=(('a.jpg', '{score: 1/2}'),), faults=(Fault(after=1, why='line 2 is blank'),))
    """
    rows: list[Row] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, 1):
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            what = f"is not JSON ({error})" if line.strip() else "is blank"
            faults.append(Fault(len(rows), f"line {number} {what}"))
            continue
        if isinstance(data, dict):
            rows.extend(data.items())
        else:
            faults.append(Fault(len(rows), f"line {number} is no object but {type(data).__name__}"))
    return Log(tuple(rows), tuple(faults))


@dataclass(frozen=True, slots=True)
class LogScore:
    """A log's scores.

    Attributes:
        released: what the released scorer prints or why it raises; `released.scores` are the official figures.
        corrected: `corrected_recall` and `trigger_recall` over all samples of the task, in its order.
        unscored: reason to the number of samples without a corrected score.
        n: rows of the log, those included that are no JSON object.
        unparsed: rows in which no score is found however it is spelt.
        unknown: rows whose image the task does not have.
        surplus: complex only: rows beyond the number of questions about their image.
        duplicates: basic only: rows of an image that has a later row, which alone counts.
    """

    released: ReleasedScore
    corrected: tuple[Series, ...]
    unscored: Mapping[str, int]
    n: int
    unparsed: int
    unknown: int
    surplus: int
    duplicates: int


def score_log(rows: Iterable[Row], samples: Iterable[Sample], scorer: Scorer, faults: Sequence[Fault] = ()) -> LogScore:
    """Score an official log as the released scorer does, and with care.

    Args:
        rows: image and judge's words in file order.
        samples: all samples of the task in its order.
        scorer: "basic" joins rows and samples by image; "complex" by position within an image, in file order.
        faults: lines without rows: the released scorer raises on the first, and each counts as an unparsed row.
    """
    rows = list(rows)
    counts = [tolerant_score(text) if isinstance(text, str) else None for _, text in rows]
    by_image: dict[str, list[float | None]] = defaultdict(list)
    for (image, _), count in zip(rows, counts, strict=True):
        by_image[image].append(count)
    asked = [(image_of(sample), len(sample.triggers)) for sample in samples]
    questions = Counter(image for image, _ in asked)
    given = _join(by_image, [image for image, _ in asked], scorer)
    extra = (len(found) - questions[image] for image, found in by_image.items() if image in questions)
    return LogScore(
        _released(rows, scorer, faults),
        tuple(corrected_series([_value(count) for count in given], [total for _, total in asked])),
        dict(Counter(count.reason for count in given if isinstance(count, Unscored))),
        n=len(rows) + len(faults),
        unparsed=counts.count(None) + len(faults),
        unknown=sum(len(found) for image, found in by_image.items() if image not in questions),
        surplus=sum(max(n, 0) for n in extra) if scorer == "complex" else 0,
        duplicates=len(rows) - len(by_image) if scorer == "basic" else 0,
    )


def _join(
    by_image: Mapping[str, Sequence[float | None]], images: Sequence[str], scorer: Scorer
) -> list[float | Unscored]:
    """For each sample's image the judge's count: the image's last row, or in complex that of the same position."""
    before: Counter[str] = Counter()  # questions so far about an image
    given: list[float | Unscored] = []
    for image in images:
        found = by_image.get(image, ())
        found = found[-1:] if scorer == "basic" else found[before[image] : before[image] + 1]
        before[image] += 1
        count = found[0] if found else Unscored("no answer", "the log has no row for the sample")
        given.append(Unscored("unparsed", "the row has no score") if count is None else count)
    return given


def _value(count: float | Unscored) -> float:
    return math.nan if isinstance(count, Unscored) else count


def _released(rows: Sequence[Row], scorer: Scorer, faults: Sequence[Fault]) -> ReleasedScore:
    """The released figures, or what stops the released scorer first."""
    if not faults:
        return released_score(rows, scorer)
    first = min(faults, key=lambda fault: fault.after)
    before = released_score(rows[: first.after], scorer)
    return before if before.scores is None else ReleasedScore(None, raises(first.why))
