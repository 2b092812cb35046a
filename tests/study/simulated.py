"""Studies made up from a known truth, without a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from whyfeel.records import rng
from whyfeel.study.collected import Collected, Rater, Role, Status, Trial, Unblinding
from whyfeel.study.design import Attention, Candidate, Design, Item, Kind, Question, Rules, Scale, Terms, Texts

LENIENT = Rules(tries=3, attention=99, seconds=0.0, alike=False)
AGE = Question("age", "How old are you?", ("18 to 40", "over 40", "prefer not to say"))
SHARES = (0.5, 0.25, 0.15, 0.1)  # A, B, both good, both bad
CHOICES = ("A", "B", "both good", "both bad")
SECONDS = 20.0


def make_design(
    kind: Kind = "pairwise",
    *,
    items: int = 10,
    systems: int = 2,
    votes: int = 3,
    a_picture: int = 1,
    rules: Rules = LENIENT,
    seed: int = 0,
) -> Design:
    """A design of so many items (pairwise), or of so many samples rated of each system."""
    numbers = range(1, systems + 1)
    groups = [[pair] for pair in combinations(numbers, 2)] if kind == "pairwise" else [[(n,) for n in numbers]]
    made = [
        _item(kind, k, of, f"picture {k // a_picture}", seed) for k in range(items) for of in groups[k % len(groups)]
    ]
    answer = "left" if kind == "pairwise" else "0"
    texts = Texts(
        *("A study", "Which?", "Consent", "", "Instructions", ()),
        *((Attention("Choose this one.", answer), Attention("And this.", answer)), (AGE,), "Thanks"),
    )
    terms = Terms(votes, 20, 2, 2, "open", 0, 1800.0, "CODE")
    scale = Scale(0, 5, {0: "not at all", 5: "wholly"}) if kind == "rating" else None
    return Design(1, kind, "socratis", seed, "2026-01-01T00:00:00+00:00", scale, tuple(made), {}, texts, terms, rules)


def _item(kind: Kind, k: int, of: tuple[int, ...], picture: str, seed: int) -> Item:
    order = of[::-1] if rng(seed, "candidates", k).integers(2) else of  # so that A is as often second as first
    candidates = tuple(Candidate(f"c{k}-{system}", f"because of {k}, {system}", system) for system in order)
    name = f"i{k:04}" + (f"-{of[0]}" if kind == "rating" else "")
    return Item(name, f"s{k:04}", picture, "Why happy?", "", "a caption", "", candidates)


def make_rater(number: int, status: Status = "finished", entrant: str = "") -> Rater:
    return Rater(number, entrant, status, 0, 1000.0 * number, 1000.0 * number, None)


def displayed(item: Item, choice: str, *, swapped: bool) -> str:
    """What is answered by somebody who prefers A (the lower system), B or neither."""
    if choice not in ("A", "B"):
        return choice
    on_the_left = item.candidates[1 if swapped else 0].system
    wanted = sorted(one.system for one in item.candidates)["AB".index(choice)]
    return "left" if on_the_left == wanted else "right"


def answered(
    rater: int, place: int, item: str, answer: str, *, swapped: bool = False, role: Role = "item", took: float = SECONDS
) -> Trial:
    shown = 1000.0 * rater + 30.0 * place
    return Trial(rater, place, role, item, swapped, shown, shown + took, answer)


def collect(
    trials: Sequence[Trial],
    statuses: Mapping[int, Status] | None = None,
    demographics: Mapping[int, Mapping[str, str]] | None = None,
    unblinding: Unblinding | None = None,
) -> Collected:
    """What the store would hold, with a rater for each who has a trial or a status."""
    told = statuses or {}
    raters = sorted({trial.rater for trial in trials} | set(told))
    ordered = tuple(sorted(trials, key=lambda one: (one.rater, one.place)))
    return Collected(
        *(tuple(make_rater(one, told.get(one, "finished")) for one in raters), ordered, demographics or {}, unblinding)
    )


def voted(choices: Mapping[str, int], systems: tuple[int, int] = (1, 2)) -> tuple[Design, Collected]:
    """A study with exactly these votes, one an item, sides and order of candidates mixed, ten a rater."""
    said = [choice for choice, n in choices.items() for _ in range(n)]
    design = make_design(items=len(said), votes=1)
    trials = [
        answered(1 + k // 10, 1 + k % 10, item.id, displayed(item, choice, swapped=k % 3 == 0), swapped=k % 3 == 0)
        for k, (item, choice) in enumerate(zip(design.items, said, strict=True))
    ]
    return design, collect(trials)


def simulate(
    design: Design, seed: int, *, shares: Sequence[float] = SHARES, spread: float = 0.0, left: float = 0.0
) -> Collected:
    """A pairwise study, every item with its votes.

    Args:
        design: the study.
        seed: of the draws.
        shares: of A, B, both good and both bad, over all items.
        spread: how far items differ: the shares of an item are Dirichlet's with precision (1 - spread) / spread.
        left: how often the left one is taken by who would take A or B, whatever stands there.
    """
    draw = rng(seed, "simulated")

    def say(item: Item, swapped: bool, share: np.ndarray) -> str:
        choice = CHOICES[int(np.searchsorted(np.cumsum(share)[:-1], draw.random(), side="right"))]
        biased = choice in ("A", "B") and draw.random() < left
        return "left" if biased else displayed(item, choice, swapped=swapped)

    even = np.array(shares)
    each = [draw.dirichlet(even * (1 - spread) / spread) if spread else even for _ in design.items]
    return _handed_out(design, lambda k, item, swapped: say(item, swapped, each[k]))


def simulate_ratings(design: Design, seed: int, means: Mapping[int, float], noise: float = 1.0) -> Collected:
    """A rating study: a sample's level is common to its systems, and points are cut off at the ends of the scale."""
    assert design.scale is not None
    draw, scale = rng(seed, "simulated"), design.scale
    levels = {item.sample: draw.normal(0, 0.7) for item in design.items}

    def say(_: int, item: Item, swapped: bool) -> str:
        value = means[item.candidates[0].system] + levels[item.sample] + draw.normal(0, noise)
        return str(int(np.clip(round(value), scale.low, scale.high)))

    return _handed_out(design, say)


def _handed_out(design: Design, say: Callable[[int, Item, bool], str]) -> Collected:
    """Each item to as many raters as it needs votes, about twenty items a rater, sides within one."""
    needed = design.terms.ratings
    raters = max(needed, -(-len(design.items) * needed // 20))
    places = dict.fromkeys(range(1, raters + 1), 0)
    trials = []
    for k, item in enumerate(design.items):
        for vote in range(needed):
            rater = 1 + (k * needed + vote) % raters
            places[rater] += 1
            swapped = (k + vote) % 2 == 0
            trials.append(answered(rater, places[rater], item.id, say(k, item, swapped), swapped=swapped))
    return collect(trials)


def unblinded(collected: Collected, at: float, votes: int) -> Collected:
    return replace(collected, unblinding=Unblinding(at, votes))
