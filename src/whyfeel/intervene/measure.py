"""How often a trigger is named where its cause is in the picture, less how often where it is not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from whyfeel.records import KINDS
from whyfeel.stats import Estimate, Series, estimate

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What a judge said of one trigger in the answer to one picture.

    Attributes:
        named: how far it is named, from 0 to 1; None where that is not known.
        why: the reason then.
    """

    named: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """One trigger on both sides.

    Attributes:
        kind: of the trigger, "" where triggers have none.
        cluster: the scene; those of one scene are resampled together.
        present, removed: with its cause in the picture and without; several pictures of a side count by their mean.
    """

    kind: str
    cluster: str
    present: tuple[Said, ...]
    removed: tuple[Said, ...]

    @property
    def why(self) -> str:
        """The reason why a side is not known, "" where both are."""
        return next((one.why for one in (*self.present, *self.removed) if one.named is None), "")

    @property
    def drop(self) -> float:
        """How much less it is named without; NaN where a side is not known."""
        return mean(self.present) - mean(self.removed)

    @property
    def bounds(self) -> tuple[float, float]:
        """The drop at worst and at best, whatever the judge would have said of the pictures that are not known."""
        (least, most), (least_without, most_without) = _span(self.present), _span(self.removed)
        return least - most_without, most - least_without


def mean(side: Sequence[Said]) -> float:
    """The mean of what was said, NaN where something is not known."""
    return math.fsum(math.nan if one.named is None else one.named for one in side) / len(side)


def _span(side: Sequence[Said]) -> tuple[float, float]:
    known = math.fsum(one.named for one in side if one.named is not None)
    unknown = sum(one.named is None for one in side)
    return known / len(side), (known + unknown) / len(side)


def unscored(pairs: Sequence[Pair]) -> dict[str, int]:
    """Reason to how many pairs are left out for it."""
    return dict(sorted(Counter(one.why for one in pairs if one.why).items()))


def differences(pairs: Sequence[Pair], names: tuple[str, str, str], seed: int) -> dict[str, dict[str, Entry]]:
    """The mean drop of pairs, and the two means it is the difference of, over all pairs and by kind.

    All three are over the pairs of which both sides are known, and resampled alike: whole scenes are drawn.

    Args:
        names: of the drop, of how often present ones are named, and of how often removed ones are.

    Returns:
        name to group to value, low, high, n and bounds; {} without pairs.
    """
    if not pairs:
        return {}
    drops = np.array([one.drop for one in pairs])
    sides = [np.array([mean(one.present) for one in pairs]), np.array([mean(one.removed) for one in pairs])]
    columns = [drops, *(np.where(np.isnan(drops), np.nan, side) for side in sides)]
    ones = np.ones(len(pairs))
    series = [Series(name, column, ones) for name, column in zip(names, columns, strict=True)]
    found = _estimated(series, pairs, seed)
    found[names[0]] = {group: _bounded(one, _of(group, pairs)) for group, one in found[names[0]].items()}
    return {name: {group: one.to_json() for group, one in by.items() if group} for name, by in found.items()}


def share(pairs: Sequence[Pair], name: str, holds: Callable[[Pair], bool], seed: int) -> Entry:
    """The share of pairs of which something holds, with its interval."""
    one = Series(name, np.array([float(holds(pair)) for pair in pairs]), np.ones(len(pairs)))
    return _estimated([one], pairs, seed)[name]["overall"].to_json()


def _estimated(series: Sequence[Series], pairs: Sequence[Pair], seed: int) -> dict[str, dict[str, Estimate]]:
    groups, clusters = [one.kind for one in pairs], [one.cluster for one in pairs]
    others = sorted({*groups} - {*KINDS})
    return estimate(series, groups, clusters, order=[*KINDS, *others], macro=False, seed=seed)


def _of(group: str, pairs: Sequence[Pair]) -> Sequence[Pair]:
    return pairs if group == "overall" else [one for one in pairs if one.kind == group]


def _bounded(one: Estimate, pairs: Sequence[Pair]) -> Estimate:
    """The estimate with the bounds of a difference, which may lie below 0."""
    lows, highs = zip(*(pair.bounds for pair in pairs), strict=True)
    return replace(one, bounds=(math.fsum(lows) / len(pairs), math.fsum(highs) / len(pairs)))


Heard = Mapping[tuple[str, str], Said]  # (view, trigger) to what was said
