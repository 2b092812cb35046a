"""Who counts and what is a vote: by the rules that stand in the design since before the first vote, and by no other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, get_args

from whyfeel.errors import DataError, brief
from whyfeel.stats import choices
from whyfeel.study.collected import Collected, Rater, Trial
from whyfeel.study.design import SKIP, Design, Item

Rule = Literal["withdrew", "screened out", "failed attention checks", "too fast", "all answers alike"]
RULES: tuple[Rule, ...] = get_args(Rule)
BOTH: Mapping[str, choices.Choice] = {"both good": "both good", "both bad": "both bad"}
ALIKE_FROM = 10  # answers: fewer may well be the same by chance


@dataclass(frozen=True, slots=True)
class Vote:
    """An answer to an item, or to a repeat of one: what was asked, and what was said."""

    item: Item
    trial: Trial

    @property
    def rater(self) -> int:
        """The rater's id."""
        return self.trial.rater

    @property
    def systems(self) -> tuple[int, ...]:
        """The numbers of the systems, ascending: of two, the first is A and the second B."""
        return tuple(sorted(one.system for one in self.item.candidates))

    @property
    def sides(self) -> tuple[int, ...]:
        """The numbers of the systems as they stood, the left one first."""
        shown = [one.system for one in self.item.candidates]
        return tuple(shown[::-1] if self.trial.swapped else shown)

    @property
    def choice(self) -> choices.Choice:
        """What was chosen of two texts, whatever side it stood on; A is the system with the lower number."""
        if both := BOTH.get(self.trial.answer):
            return both
        chosen = self.sides[self.trial.answer == "right"]
        return "A" if chosen == self.systems[0] else "B"

    @property
    def rating(self) -> int:
        """The point that was given."""
        return int(self.trial.answer)


def excluded(design: Design, collected: Collected) -> dict[int, tuple[Rule, ...]]:
    """Raters who do not count, and every rule that says so, in the order of RULES.

    What people who withdrew had answered is not looked at: of them, no other rule is told.
    """
    trials = _by_rater(collected)
    broken = {rater.id: _broken(design, rater, trials[rater.id]) for rater in collected.raters}
    return {rater: rules for rater, rules in broken.items() if rules}


def votes_of(design: Design, collected: Collected, out: Mapping[int, object]) -> tuple[Vote, ...]:
    """The votes: answers to items, neither skips nor repeats nor attention checks, by rater and place.

    Args:
        design: the study.
        collected: what the store holds.
        out: raters whose answers are left out besides those of people who withdrew, which never count.

    Raises:
        DataError: an item or an answer is none of the design's.
    """
    return tuple(vote for vote in answers_of(design, collected, out) if vote.trial.role == "item")


def answers_of(design: Design, collected: Collected, out: Mapping[int, object]) -> tuple[Vote, ...]:
    """The votes, and the answers to repeats. Arguments and errors as of `votes_of`."""
    gone = {rater.id for rater in collected.raters if rater.status == "withdrawn"} | set(out)
    return tuple(
        _vote(design, trial)
        for trial in collected.trials
        if trial.role != "attention" and trial.answer not in ("", SKIP) and trial.rater not in gone
    )


def failed_attention(design: Design, trials: Sequence[Trial]) -> tuple[int, int]:
    """How many attention checks were answered, and how many of them otherwise than they ask for.

    A skip is neither: whoever skips a check may well have read it.

    Raises:
        DataError: a check or an answer is none of the design's.
    """
    passed = [as_asked(design, one) for one in trials if one.role == "attention" and one.answer not in ("", SKIP)]
    return len(passed), passed.count(False)


def as_asked(design: Design, trial: Trial) -> bool:
    """Whether an attention check was answered as it asks for.

    Raises:
        DataError: the check or the answer is none of the design's.
    """
    checks = {str(place): one.answer for place, one in enumerate(design.texts.attention)}
    if trial.item not in checks or trial.answer not in design.answers:
        raise _foreign(trial)
    return trial.answer == checks[trial.item]


def _vote(design: Design, trial: Trial) -> Vote:
    item = design.by_id.get(trial.item)
    if item is None or trial.answer not in design.answers:
        raise _foreign(trial)
    return Vote(item, trial)


def _foreign(trial: Trial) -> DataError:
    return DataError(
        f"the store holds the answer {brief(trial.answer)} to the item {brief(trial.item)}, which the design does not "
        "have; the store belongs to another study or was changed by hand: get it from a copy"
    )


def _by_rater(collected: Collected) -> Mapping[int, list[Trial]]:
    found: dict[int, list[Trial]] = defaultdict(list)
    for trial in collected.trials:
        found[trial.rater].append(trial)
    return found


def _broken(design: Design, rater: Rater, trials: Sequence[Trial]) -> tuple[Rule, ...]:
    if rater.status == "withdrawn":
        return ("withdrew",)
    rules = design.rules
    items = [trial for trial in trials if trial.role == "item" and trial.answer not in ("", SKIP)]
    seconds = [trial.seconds for trial in items if trial.seconds is not None]
    holds: Mapping[Rule, bool] = {
        "screened out": rater.status == "screened out",
        "failed attention checks": failed_attention(design, trials)[1] > rules.attention,
        "too fast": bool(seconds) and median(seconds) < rules.seconds,
        # as displayed: who always takes the left one has not compared texts
        "all answers alike": rules.alike and len(items) >= ALIKE_FROM and len({one.answer for one in items}) == 1,
    }
    return tuple(rule for rule, held in holds.items() if held)
