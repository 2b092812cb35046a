"""What a study found, as one document: a pure function of the design, what the store holds, and who the systems are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from whyfeel.study.collected import STATUSES, Collected
from whyfeel.study.compared import compared, preferences
from whyfeel.study.design import SKIP, Design
from whyfeel.study.exclusions import RULES, Rule, Vote, answers_of, excluded, votes_of
from whyfeel.study.figures import RESAMPLES, Draws
from whyfeel.study.groups import By, groups
from whyfeel.study.rated import means, rated
from whyfeel.study.steadiness import raters_of, repeats, seconds_of, skips
from whyfeel.study.systems import labels

SCHEMA = 1
STOPPED = "votes of raters who stopped midway count: they did not withdraw"


def results(
    design: Design,
    collected: Collected,
    names: Mapping[int, str] | None,
    by: By | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """What `whyfeel study results --json` prints; docs/studies.md tells each key.

    Args:
        design: the study.
        collected: what the store holds; seeds and rules are the design's.
        names: number to name of the systems, once that was asked for and recorded; None while the study is blind.
        by: groups of raters to be shown, too.
        resamples: of every interval.

    Raises:
        UserError: the design has no such question, or groups would be too small.
        DataError: an answer is none of the design's.
    """
    draws = Draws(design.seed, resamples)
    out = excluded(design, collected)
    everybody = votes_of(design, collected, {})
    votes = votes_of(design, collected, out)
    figures = compared if design.kind == "pairwise" else rated
    return {
        "schema": SCHEMA,
        **_head(design, collected, names, everybody),
        "votes": len(votes),
        "raters": _raters(collected, votes),
        "items": _items(design, votes),
        design.kind: figures(design, votes, draws),
        "exclusions": _exclusions(design, collected, out),
        "without_exclusions": _plain(design, everybody),
        "repeats": repeats(design, answers_of(design, collected, out), draws),
        "seconds": seconds_of(votes),
        "skips": skips(design, collected),
        "per_rater": raters_of(design, collected, out),
        "by": None if by is None else groups(design, collected, votes, by, draws),
        "notes": [STOPPED],
    }


def moment(at: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the second.

    >>> moment(0.0)
    '1970-01-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(int(at), UTC).isoformat()


def _head(
    design: Design, collected: Collected, names: Mapping[int, str] | None, votes: Sequence[Vote]
) -> dict[str, Any]:
    """Which study it is, and whether anybody knew whose texts are whose while it went on."""
    seen, warnings = collected.unblinding, []
    unblinded = None if seen is None else {"at": moment(seen.at), "votes": seen.votes}
    if seen is not None:
        later = sum(vote.trial.answered is not None and vote.trial.answered > seen.at for vote in votes)
        if later:
            warnings = [f"{later:,} of {len(votes):,} votes came after somebody had asked whose texts are whose"]
    return {
        "design": design.digest,
        "title": design.texts.title,
        "task": design.task,
        "kind": design.kind,
        "created": design.created,
        "seed": design.seed,
        "blind": seen is None and names is None,
        "unblinded": unblinded,
        "warnings": warnings,
        "systems": {str(system): label for system, label in labels(design, names).items()},
    }


def _raters(collected: Collected, votes: Sequence[Vote]) -> dict[str, Any]:
    statuses = Counter(rater.status for rater in collected.raters)
    by_status = {status: statuses[status] for status in STATUSES}
    return {"all": len(collected.raters), "counted": len({vote.rater for vote in votes}), "by_status": by_status}


def _items(design: Design, votes: Sequence[Vote]) -> dict[str, Any]:
    """How many items there are, have a vote, and have all the votes they were to get."""
    counts = Counter(vote.item.id for vote in votes)
    wanted = design.terms.ratings
    complete = sum(n >= wanted for n in counts.values())
    return {"all": len(design.items), "voted": len(counts), "complete": complete, "votes_each": wanted}


def _exclusions(design: Design, collected: Collected, out: Mapping[int, Sequence[Rule]]) -> dict[str, Any]:
    """Each rule: whom it leaves out (under the first one that applies), to whom it applies, and the votes dropped."""
    given = (trial for trial in collected.trials if trial.role == "item" and trial.answer not in ("", SKIP))
    each = Counter(trial.rater for trial in given)
    told = {
        rule: {
            "raters": sum(rules[0] == rule for rules in out.values()),
            "applies": sum(rule in rules for rules in out.values()),
            "votes": sum(each[rater] for rater, rules in out.items() if rules[0] == rule),
        }
        for rule in RULES
    }
    return {"rules": asdict(design.rules), "raters": len(out), "by_rule": told}


def _plain(design: Design, votes: Sequence[Vote]) -> dict[str, Any]:
    """The main figures as they would be if no rule left anybody out; those who withdrew stay out."""
    told: dict[str, Any] = {"votes": len(votes), "raters": len({vote.rater for vote in votes})}
    if design.kind == "pairwise":
        return told | {"pairs": preferences(design, votes, None)}
    return told | {"systems": means(design, votes, None)}
