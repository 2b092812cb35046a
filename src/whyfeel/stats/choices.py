"""Which of two answers do people choose? Shares of four choices, the ratio of A to B, and claims held against them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np

from whyfeel.errors import UserError, brief
from whyfeel.stats.bootstrap import Interval
from whyfeel.stats.intervals import TAILS
from whyfeel.stats.proportions import wilson
from whyfeel.stats.ratios import cells_of, picture_codes, resampled_scores
from whyfeel.stats.series import Floats, Series

Choice = Literal["A", "B", "both good", "both bad"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
Winner = Literal["left", "right", "tie"]
WINNERS: tuple[Winner, ...] = get_args(Winner)
DECIDED = "decided"  # the share of A in A and B together
UNCLUSTERED = Interval(None, None, "the votes were counted without their pictures")
CLAIM = re.compile(
    r"(?P<over>(?:over|more than)\s+)?(?P<figure>[-+\u2212]?\d{1,9}(?:\.\d{1,9})?)\s*"
    r"(?P<unit>(?:times|x|percent)\b|[\u00d7%])(?P<more>\s+more\b)?.*",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One vote: two systems' answers about a picture side by side, and which one was preferred."""

    left: str
    right: str
    winner: Winner
    picture: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A share or a ratio with two 95% intervals.

    Attributes:
        value: None where it is undefined.
        wilson: as if all votes were independent.
        clustered: percentiles of resamples of whole pictures; none where only counts are known.
        why: why there is no value, "" where there is one.
    """

    value: float | None
    wilson: Interval
    clustered: Interval
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry in a report; "why" only where there is something to say."""
        entry: dict[str, Any] = {"value": self.value}
        for name, one in (("wilson", self.wilson), ("clustered", self.clustered)):
            entry[name] = {"low": one.low, "high": one.high} | ({"why": one.why} if one.why else {})
        return entry | ({"why": self.why} if self.why else {})


@dataclass(frozen=True, slots=True)
class Preferences:
    """What people chose.

    Attributes:
        counts: votes for each of CHOICES.
        shares: of all votes, from 0 to 1.
        ratio: votes for A to votes for B, at least 0.
    """

    counts: Mapping[Choice, int]
    shares: Mapping[Choice, Figure]
    ratio: Figure

    @property
    def n(self) -> int:
        """How many votes there are."""
        return sum(self.counts.values())

    def to_json(self) -> dict[str, Any]:
        """The entry in a report."""
        shares = {choice: {"count": self.counts[choice], **one.to_json()} for choice, one in self.shares.items()}
        return {"n": self.n, "shares": shares, "ratio": self.ratio.to_json()}


def counted(counts: Mapping[Choice, int]) -> Preferences:
    """Preferences from counts alone; their intervals take the votes as independent.

    Args:
        counts: votes for each of CHOICES, at least 0; a choice that is missing has none.

    Raises:
        ValueError: a choice is none of CHOICES, or a count is below 0.

    >>> found = counted({"A": 223, "B": 91, "both good": 47, "both bad": 11})
    >>> round(found.shares["A"].value, 3), round(found.ratio.value, 2)
    (0.599, 2.45)
    """
    if strange := set(counts) - set(CHOICES):
        raise ValueError(f"expected choices of {CHOICES}, got {min(strange)!r}")
    if min(counts.values(), default=0) < 0:
        raise ValueError(f"expected counts of at least 0, got {dict(counts)}")
    known = {choice: counts.get(choice, 0) for choice in CHOICES}
    return _preferences(known, dict.fromkeys(CHOICES, UNCLUSTERED), UNCLUSTERED)


def voted(votes: Sequence[Choice], clusters: Sequence[str], *, seed: int, resamples: int = 10_000) -> Preferences:
    """Preferences from votes, also with the intervals of a bootstrap that draws whole pictures.

    Votes about one picture resemble each other, so that Wilson's interval is too narrow where pictures have several.

    Args:
        votes: shape (n,).
        clusters: the picture of each vote, shape (n,).
        seed: of the draws, which are those of `intervals.estimate`.
        resamples: how many, at least 1.

    Raises:
        ValueError: lengths differ, a vote is none of CHOICES, or there are no resamples.
    """
    if len(votes) != len(clusters) or resamples < 1:
        got = f"{len(votes)} and {len(clusters)}, {resamples} resamples"
        raise ValueError(f"expected a picture a vote and at least 1 resample, got {got}")
    if strange := set(votes) - set(CHOICES):
        raise ValueError(f"expected choices of {CHOICES}, got {min(strange)!r}")
    drawn = _resampled(votes, clusters, seed, resamples) if len(set(clusters)) > 1 else None
    few = Interval(None, None, "fewer than two pictures" if votes else "nothing was counted")
    ends = {choice: few if drawn is None else _percentiles(drawn[choice]) for choice in CHOICES}
    decided = few if drawn is None else _percentiles(drawn[DECIDED])
    return _preferences({choice: list(votes).count(choice) for choice in CHOICES}, ends, decided)


def _resampled(votes: Sequence[Choice], clusters: Sequence[str], seed: int, resamples: int) -> dict[str, Floats]:
    """Each share, and that of A in A and B together, on every resample; NaN where nothing was decided."""
    codes = picture_codes(clusters)
    chosen = {choice: np.array([vote == choice for vote in votes], np.float64) for choice in CHOICES}
    series = [Series(choice, column, np.ones(len(votes))) for choice, column in chosen.items()]
    series.append(Series(DECIDED, chosen["A"], chosen["A"] + chosen["B"]))
    everything = cells_of([""] * len(votes), codes, [""])
    drawn = resampled_scores(series, everything, codes, int(codes.max()) + 1, seed, resamples)
    return {one.name: found[0] for one, found in zip(series, drawn, strict=True)}


def _percentiles(drawn: Floats) -> Interval:
    known = drawn[np.isfinite(drawn)]
    if not len(known) or np.ptp(known) == 0:
        return Interval(None, None, "all resamples are alike")
    low, high = np.quantile(known, TAILS)
    return Interval(float(low), float(high))


def _preferences(counts: Mapping[Choice, int], ends: Mapping[Choice, Interval], decided: Interval) -> Preferences:
    n = sum(counts.values())
    why = "" if n else "nothing was counted"
    shares = {
        choice: Figure(count / n if n else None, wilson(count, n), ends[choice], why)
        for choice, count in counts.items()
    }
    return Preferences(counts, shares, _ratio(counts["A"], counts["B"], decided))


def _ratio(a: int, b: int, decided: Interval) -> Figure:
    """A to B, the odds of A's share s among the decided votes; so are its ends, the odds of those of s.

    Given how many votes were decided, A's are binomial. Odds grow with s, so percentiles carry over; and Wilson's
    interval, as odds, is symmetric about the ratio on the scale of logarithms, where the delta method has it, too.
    """
    if not b:
        none = Interval(None, None, "B was never chosen" if a else "nothing was decided")
        return Figure(None, none, none, none.why)
    return Figure(a / b, _odds(wilson(a, a + b)), _odds(decided))


def _odds(share: Interval) -> Interval:
    if share.low is None or share.high is None:
        return share
    low, high = (end / (1 - end) if end < 1 else None for end in (share.low, share.high))
    return Interval(low, high, "" if high is not None else "no upper end: B is missing in too many resamples")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a claimed figure may mean, what the counts give for that, and whether it rounds to the figure.

    Attributes:
        value: in the unit of the claim: times, or percent; None where it is undefined.
    """

    meaning: str
    value: float | None
    follows: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A published figure held against the counts it is said to come from.

    Attributes:
        readings: what its words say first, then what else may have been meant.
    """

    text: str
    readings: tuple[Reading, ...]

    @property
    def follows(self) -> bool:
        """Whether the counts give the figure, to its last digit, as its words say."""
        return self.readings[0].follows


def check_claim(text: str, counts: Mapping[Choice, int]) -> Claim:
    """Whether a claim of how much more often A was chosen than B follows from the counts.

    "N times" is A / B, and "N times more" may be A / B - 1 as well. "N %" is A / B - 1, else the share of A or its
    lead in points; "-N %" is B / A - 1, else 1 - A / B or the points B lies behind. Figures are compared exactly, and
    follow where the counts round to them; "over N" follows where the counts give more.

    Args:
        text: a figure with "times", "x" or "%", such as "over 2 times", "1.5 times more often", "-156 %".
        counts: as in `counted`.

    Raises:
        UserError: the text is no such claim.

    >>> published = {"A": 223, "B": 91, "both good": 47, "both bad": 11}
    >>> [check_claim(text, published).follows for text in ("over 2 times", "1.5 times", "-156 %")]
    [True, False, False]
    """
    match = CLAIM.fullmatch(text.strip())
    if match is None:
        raise UserError(f"expected a claim such as '1.5 times' or '-156 %', got {brief(text)}")
    figure = Fraction(match["figure"].replace("\u2212", "-"))
    half = Fraction(1, 2 * 10 ** len(match["figure"].partition(".")[2]))
    a, b, n = counts.get("A", 0), counts.get("B", 0), sum(counts.values())
    if match["unit"].lower() in ("%", "percent"):
        meanings = _percent(a, b, n, figure < 0)
    else:
        meanings = {"A / B": _part(a, b)} | ({"A / B - 1": _part(a - b, b)} if match["more"] else {})

    def follows(value: Fraction | None) -> bool:
        return value is not None and (value > figure if match["over"] else abs(value - figure) <= half)

    return Claim(
        text,
        tuple(
            Reading(meaning, None if value is None else float(value), follows(value))
            for meaning, value in meanings.items()
        ),
    )


def _percent(a: int, b: int, n: int, negative: bool) -> dict[str, Fraction | None]:
    if negative:
        parts = {"B / A - 1": (b - a, a), "1 - A / B": (b - a, b), "share of B - share of A": (b - a, n)}
    else:
        parts = {"A / B - 1": (a - b, b), "share of A": (a, n), "share of A - share of B": (a - b, n)}
    return {meaning: _part(100 * above, below) for meaning, (above, below) in parts.items()}


def _part(above: int, below: int) -> Fraction | None:
    return Fraction(above, below) if below else None
