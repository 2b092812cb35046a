"""The value that a metric or a judge has of a vote: of the very texts that were shown, or none for a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from whyfeel.records.ids import text_id
from whyfeel.stats.choices import Choice
from whyfeel.stats.meta import SIGNS
from whyfeel.study.design import Candidate, Item
from whyfeel.study.meta_runs import Measure, MeasuredRun

ANOTHER_TEXT, NO_ANSWER, NO_VALUE = "another text was shown", "no answer", "no value"
ANOTHER_OPPONENT, ALONE = "judged beside another text", "the item's only vote"
OTHERS = "the other raters"
Value = float | str  # or why there is none


@dataclass(frozen=True, slots=True)
class Source:
    """A source of a study: its number, its name, and its run where that is given."""

    system: int
    name: str
    run: MeasuredRun | None


@dataclass(frozen=True, slots=True)
class Choosing:
    """A vote between a text of source A and one of source B."""

    item: Item
    choice: Choice
    a: Candidate
    b: Candidate


@dataclass(frozen=True, slots=True)
class Valued:
    """What one measure says of every vote.

    Attributes:
        kind: "metric", "judge", or "people".
        both_sides: whether a value tells A from B, or is of A's text alone.
        values: one a vote.
    """

    kind: str
    both_sides: bool
    values: Sequence[Value]


def valued(a: Source, b: Source, votes: Sequence[Choosing]) -> tuple[dict[str, Valued], dict[str, str]]:
    """The measures of votes between two sources, and why some of them cannot be held against these votes.

    Args:
        a: its run is given.
        b: its run may not be given, as where it is people: metrics are of A's texts alone then.
        votes: between the two.
    """
    found: dict[str, Valued] = {}
    why: dict[str, str] = {}
    of_a, of_b = (source.run.measures if source.run else {} for source in (a, b))
    for name in dict.fromkeys([*of_a, *of_b]):
        one, other = of_a.get(name), of_b.get(name)
        if any(measure is not None and measure.opponents is not None for measure in (one, other)):
            found[name] = Valued("judge", both_sides=True, values=[_won(a, one, b, other, vote) for vote in votes])
        elif one is not None and b.run is None:
            found[name] = Valued(one.kind, both_sides=False, values=[value_of(a.run, one, v.item, v.a) for v in votes])
        elif one is None or other is None:
            why[name] = f"not measured of {a.name if one is None else b.name}"
        elif one.rules != other.rules:
            why[name] = "measured of the two by other rules or checkpoints"
        else:
            pairs = [(value_of(a.run, one, v.item, v.a), value_of(b.run, other, v.item, v.b)) for v in votes]
            found[name] = Valued(one.kind, both_sides=True, values=[_less(*pair) for pair in pairs])
    found[OTHERS] = Valued("people", both_sides=True, values=_others(votes))
    return found, why


def value_of(run: MeasuredRun | None, measure: Measure, item: Item, shown: Candidate) -> Value:
    """The value of a text that was shown, if it is the run's."""
    text = run.texts.get(item.sample) if run else None
    if text is None:
        return NO_ANSWER
    if text.split() != shown.text.split():
        return ANOTHER_TEXT
    return measure.values.get(item.sample, NO_VALUE)


def _less(one: Value, other: Value) -> Value:
    if isinstance(one, str):
        return one
    return other if isinstance(other, str) else one - other


def _won(a: Source, one: Measure | None, b: Source, other: Measure | None, vote: Choosing) -> Value:
    """The pairwise judge of A's run on a vote; where it does not know the two texts, B's, turned round."""
    found = _beside(a, one, vote.item, vote.a, vote.b)
    if isinstance(found, str) and other is not None:
        turned = _beside(b, other, vote.item, vote.b, vote.a)
        return turned if isinstance(turned, str) else -turned
    return found


def _beside(source: Source, measure: Measure | None, item: Item, shown: Candidate, against: Candidate) -> Value:
    if measure is None or measure.opponents is None:
        return NO_VALUE
    found = value_of(source.run, measure, item, shown)
    if not isinstance(found, str) and measure.opponents.get(item.sample) != text_id(against.text):
        return ANOTHER_OPPONENT
    return found


def _others(votes: Sequence[Choosing]) -> list[Value]:
    """How the item's other raters chose, from -1 (all for B) to 1 (all for A): what one person can tell of another."""
    sums: Counter[str] = Counter()
    counts = Counter(vote.item.id for vote in votes)
    for vote in votes:
        sums[vote.item.id] += int(SIGNS[vote.choice])
    return [
        (sums[vote.item.id] - SIGNS[vote.choice]) / (counts[vote.item.id] - 1) if counts[vote.item.id] > 1 else ALONE
        for vote in votes
    ]
