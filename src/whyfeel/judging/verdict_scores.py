"""From verdicts that were read to counts; nothing here asks or knows a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from whyfeel.judging.counts import match_counts, unleaked_counts, weight
from whyfeel.judging.quotes import AnswerText
from whyfeel.judging.verdict_text import Block
from whyfeel.records import Trigger, Unscored

NOT_QUOTED = "quote not in answer"
INVENTED = "invented"


def quote_fault(block: Block, answer: AnswerText) -> Unscored | None:
    """The first quote that must occur in the answer and does not."""
    for number, verdict in enumerate(block.verdicts, 1):
        if verdict.label != "absent" and not answer.find(verdict.quote).times:
            return _not_quoted(f"verdict {number}", verdict.quote)
    for number, claim in enumerate(block.claims, 1):
        if not answer.find(claim.quote).times:
            return _not_quoted(f"claim {number}", claim.quote)
    return None


def _not_quoted(where: str, quote: str) -> Unscored:
    return Unscored(NOT_QUOTED, f"the quote of {where}, {quote[:80]!r}, does not occur in the answer word for word")


@dataclass(frozen=True, slots=True)
class Score:
    """What a block of verdicts comes to.

    Attributes:
        counts: weights and shares, as `CountsTally` collects them.
        shared: places of the supported triggers that count for nothing, since their quotes stand for other ones.
    """

    counts: Mapping[str, float]
    shared: tuple[int, ...]


def score(
    triggers: Sequence[Trigger],
    block: Block,
    answer: AnswerText,
    *,
    leaked: Set[int] = frozenset(),
    look: bool = False,
) -> Score:
    """The counts of checked verdicts on an answer.

    A quote stands for as many triggers as it occurs in the answer, the heaviest first. The answer's claims are the
    quotes that so support a trigger, the distinct quotes that contradict one, and the distinct ones that do neither.

    Args:
        triggers: the annotation, never empty.
        block: a verdict for each trigger, every quote found in the answer.
        answer: what the judge saw.
        leaked: places of the triggers that the question gives away.
        look: whether each claim says if it is seen in the picture.

    Returns:
        counts with recall and precision after this one-to-one assignment, f1; `contradicted` (share of the triggers),
        `unsupported` and, with `look`, `invented` (shares of the claims, 0 without claims), `leaked` (how many). The
        same recall, precision and f1 once more as `..._unleaked`, without the leaked triggers and the claims that found
        or denied one; not there where all triggers are leaked.
    """
    verdicts = block.verdicts
    supported = [n for n, verdict in enumerate(verdicts) if verdict.label == "supported"]
    contradicted = [n for n, verdict in enumerate(verdicts) if verdict.label == "contradicted"]
    heaviest = sorted(supported, key=lambda n: -triggers[n].weight)
    matched = [heaviest[n] for n in _distinct((verdicts[n].quote for n in heaviest), answer)]
    against = [contradicted[n] for n in _distinct((verdicts[n].quote for n in contradicted), answer)]
    known = {answer.find(verdict.quote).words for verdict in verdicts if verdict.label != "absent"}
    free = [claim for claim in block.claims if answer.find(claim.quote).words not in known]
    left = [free[n] for n in _distinct((claim.quote for claim in free), answer)]
    claims = len(matched) + len(against) + len(left)
    counts = match_counts(weight(triggers[n] for n in matched), weight(triggers), len(matched), claims)
    counts["contradicted"] = len(contradicted) / len(triggers)
    counts["unsupported"] = len(left) / claims if claims else 0.0
    if look:
        counts[INVENTED] = sum(claim.seen == "no" for claim in left) / claims if claims else 0.0
    counts["leaked"] = len(leaked)
    rest = [n for n in range(len(triggers)) if n not in leaked]
    kept = [n for n in matched if n not in leaked]
    others = len(left) + sum(n not in leaked for n in against)
    counts |= unleaked_counts([triggers[n] for n in rest], [triggers[n] for n in kept], len(kept) + others)
    return Score(counts, tuple(sorted(set(supported) - set(matched))))


def _distinct(quotes: Iterable[str], answer: AnswerText) -> list[int]:
    """Places of the quotes that are left when each is kept as often as it occurs in the answer."""
    seen: Counter[str] = Counter()
    kept = []
    for place, found in enumerate(map(answer.find, quotes)):
        seen[found.words] += 1
        if seen[found.words] <= found.times:
            kept.append(place)
    return kept
