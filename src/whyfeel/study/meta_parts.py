"""What the parts of a test against people have in common: who tracks them, and which two measures can be told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from whyfeel.stats.intervals import Estimate
from whyfeel.stats.resampling import Agreement

Verdict = Literal["tracks people", "cannot be told from chance", "tracks them the wrong way", "undefined"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
OUTSIDE = 0.05  # of 95% intervals, how many miss what they are of
Entry = dict[str, Any]


def verdict(one: Agreement, chance: float) -> Verdict:
    """What the interval of a coefficient says, by whether it excludes what chance gives.

    >>> verdict(Agreement(0.6, "", 0.51, 0.7), 0.5), verdict(Agreement(0.6, "", 0.45, 0.7), 0.5)
    ('tracks people', 'cannot be told from chance')
    """
    if one.low is None or one.high is None:
        return "undefined"
    if one.low > chance:
        return "tracks people"
    return "tracks them the wrong way" if one.high < chance else "cannot be told from chance"


def told_apart(of: str, differences: Mapping[tuple[str, str], Agreement]) -> Entry:
    """Every two measures held against each other, and how many intervals exclude 0.

    Every two, not each with the best: which one is best is a finding of the same votes, and a comparison with it is
    chosen by its outcome.

    Args:
        of: the coefficient.
        differences: as `stats.meta.differences` finds them.
    """
    found = [{"first": one, "second": other, **apart.to_json()} for (one, other), apart in differences.items()]
    tested = [one for one in found if one["low"] is not None]
    told = sum(one["low"] > 0 or one["high"] < 0 for one in tested)
    return {"of": of, **_count(len(tested), told), "pairs": found}


def mean_of(one: Estimate) -> Entry:
    """A mean as a report has it; what has no value might have had any, so that there are no bounds."""
    return {key: value for key, value in one.to_json().items() if key != "bounds"}


def overview(parts: Sequence[Mapping[str, Any]]) -> Entry:
    """Over all parts: in how many a measure has which verdict, and how many differences were told.

    Args:
        parts: with "measures" and "differences".
    """
    names = dict.fromkeys(name for part in parts for name in part["measures"])
    verdicts: Entry = {}
    for name in names:
        counted = Counter(part["measures"][name]["verdict"] for part in parts if name in part["measures"])
        verdicts[name] = {one: counted[one] for one in VERDICTS}
    tested, apart = (sum(part["differences"][key] for part in parts) for key in ("tested", "apart"))
    return {"verdicts": verdicts, "differences": _count(tested, apart)}


def _count(tested: int, apart: int) -> Entry:
    return {"tested": tested, "apart": apart, "by_chance": round(OUTSIDE * tested, 2)}
