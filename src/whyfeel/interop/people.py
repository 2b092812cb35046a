"""What people did to the annotations of a run, for its data card: how many looked at what, and what they changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from whyfeel.annotate.finished import AnnotationRun
from whyfeel.annotate.review.agreement import ReviewAgreement, agreement
from whyfeel.annotate.review.edits import ACTIONS, REASONS, Edit
from whyfeel.annotate.review.file import REVIEW, Work, read_review, seen
from whyfeel.annotate.review.fold import in_effect
from whyfeel.stats import Estimate
from whyfeel.stats.resampling import Agreement

STEPS = {  # the paper's three human steps (Why We Feel, arXiv 2504.07521)
    "remove: hallucination": "hallucinations removed",
    "add": "commonsense added",
    "remove: irrelevant": "irrelevant triggers removed",
}


@dataclass(frozen=True, slots=True)
class People:
    """The human part of a run.

    Attributes:
        reviewers: how many people have finished an item, adjudicators not counted.
        reviewed, twice, settled: items that a person has finished, that two have, that an adjudicator has decided.
        edits: those in effect of everybody who has finished the item, by action; removals by their reason.
        first, last: the days between which the edits were made, "" for none.
        agreement: of the two who reviewed the same items, None where there are no such items.
    """

    reviewers: int = 0
    reviewed: int = 0
    twice: int = 0
    settled: int = 0
    edits: Mapping[str, int] | None = None
    first: str = ""
    last: str = ""
    agreement: ReviewAgreement | None = None

    def lines(self) -> list[str]:
        """What the data card says of them; nothing where nobody has finished anything."""
        if not self.reviewed:
            return []
        lines = [
            f"{self.reviewed:,} annotations reviewed by {self.reviewers:,} "
            f"{'person' if self.reviewers == 1 else 'people'}, {self.twice:,} of them by two",
            f"{self.settled:,} where two differed settled by an adjudicator",
        ]
        made = [f"{STEPS.get(name, name)} {n:,}" for name, n in (self.edits or {}).items()]
        lines.append(f"edits: {', '.join(made) or 'none'}")
        lines += [f"edited from {self.first} to {self.last}"] if self.first else []
        if (both := self.agreement) is not None:
            lines += [
                f"on the {both.n:,} items of two, Krippendorff's alpha of keeping or removing the {both.triggers:,} "
                f"automatic triggers: {_figure(both.alpha)}",
                f"mean F1 between the two sets of triggers: {_figure(both.f1)}",
            ]
        return lines


def people_of(run: AnnotationRun) -> People:
    """What people did to a run so far.

    Raises:
        DataError, StoreFailed: the review cannot be read.
    """
    review = read_review(run.path / REVIEW)
    works = [review[made] for made in map(seen, run.annotations()) if made in review] if review else []
    done = [work for work in works if work.finishers or work.adjudicator]
    counting = [edit for work in done for edit in _counting(work)]
    found = Counter(map(_action, counting))
    order = (*(f"remove: {reason}" for reason in REASONS), *ACTIONS)
    twice = sum(len(work.finishers) > 1 for work in done)
    days = sorted(edit.at[:10] for edit in counting)
    return People(
        reviewers=len({name for work in done for name in work.finishers}),
        reviewed=len(done),
        twice=twice,
        settled=sum(bool(work.adjudicator) for work in done),
        edits={name: found[name] for name in order if found[name]},
        first=days[0] if days else "",
        last=days[-1] if days else "",
        agreement=agreement(run) if twice else None,
    )


def _counting(work: Work) -> list[Edit]:
    """The edits of whoever has finished an item, without those taken back."""
    names = [*work.finishers, *([work.adjudicator] if work.adjudicator else [])]
    return [edit for name in names for edit in in_effect(work.edits.get(name, ()))]


def _action(edit: Edit) -> str:
    return f"remove: {edit.value['reason']}" if edit.action == "remove" else edit.action


def _figure(one: Agreement | Estimate) -> str:
    """A value with its interval, or why there is none."""
    if one.value is None:
        return f"undefined ({one.why})"
    if one.low is None or one.high is None:
        return f"{one.value:.3f}, without an interval ({one.why})"
    return f"{one.value:.3f}, 95% interval {one.low:.3f} to {one.high:.3f}"
