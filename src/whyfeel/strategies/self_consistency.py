"""The same question several times over: a trigger stays that at least half of the answers name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from whyfeel.errors import AskFailed
from whyfeel.records import Ask, Asking, Failure, Outcome, Response, Sample, numbered
from whyfeel.strategies.alongside import alongside
from whyfeel.strategies.base import Strategy
from whyfeel.strategies.composed import Changed
from whyfeel.strategies.nearest import stems_of
from whyfeel.strategies.self_ask.readers import clean, salvage_summary
from whyfeel.strategies.self_ask.settings import MOST_TRIGGERS

TEMPERATURE = 0.7  # what Wang et al. sample at; tries at 0 would be one and the same
LONGEST_LABEL = 6  # words of a head before a colon that names what follows
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
# Stems that a trigger may have or lack and be the same one, and stems that make another one of it.
FUNCTION_WORDS = frozenset(
    (
        *("a", "an", "the", "this", "that", "these", "those", "there"),
        *("he", "his", "her", "she", "it", "they", "their", "them"),
        *("is", "are", "was", "were", "be", "been", "has", "have", "had"),
        *("of", "in", "on", "at", "by", "to", "for", "from", "with", "and", "or", "as"),
    )
)
DENIALS = frozenset(("no", "not", "never", "without", "nobodi", "noth", "none"))
CONTRACTED = re.compile(r"n['\N{RIGHT SINGLE QUOTATION MARK}]t\b", re.IGNORECASE)


@dataclass(frozen=True)
class SelfConsistency:
    """A procedure asked `count` times at temperature 0.7; what at least half of the answers name is the answer.

    Wang et al. 2022, "Self-Consistency Improves Chain of Thought Reasoning" (arXiv 2203.11171), take the commonest of
    single answers; this is their vote for answers that are sets. An answer that says nothing, or declines, names no
    trigger and has its vote. A try that failed has none; where fewer than half came, there is no answer.

    Attributes:
        procedure: what is asked, with its modifiers; only its asks in the role "answer" are repeated.
        count: the number of tries, 2 or more.
        name: the canonical spelling.
    """

    procedure: Strategy
    count: int
    name: str

    @property
    def roles(self) -> Mapping[str, bool]:
        """The procedure's."""
        return self.procedure.roles

    @property
    def prompts(self) -> tuple[str, ...]:
        """The procedure's."""
        return self.procedure.prompts

    def respond(self, sample: Sample) -> Asking[Response]:
        """The tries side by side, then the vote; the text is the list of what stays, numbered, the surest first.

        Raises:
            AskFailed: fewer than half of the tries came; with the reason of the first that did not.
        """
        tries = yield from alongside([_attempt(self.procedure.respond(sample), number) for number in range(self.count)])
        came = [one for one in tries if isinstance(one, Response)]
        if 2 * len(came) < self.count:
            failed = next(one for one in tries if isinstance(one, Failure))
            raise AskFailed(failed.reason, f"{len(came)} of {self.count} tries came, fewer than half: {failed.detail}")
        named = vote([list(items(one.text)) if one.outcome != "refused" else [] for one in came])
        asks = dict.fromkeys(key for one in came for key in one.asks)
        return Response(sample.id, numbered(named), _ended([one.outcome for one in came], named), tuple(asks))


def _attempt(conversation: Asking[Response], number: int) -> Asking[Response | Failure]:
    """One try: its asks for the answer are told apart from those of the others, and its failure is its own."""
    try:
        return (yield from Changed(conversation, lambda ask: _sampled(ask, number)))
    except AskFailed as failed:
        return Failure(failed.reason, failed.detail)


def _sampled(ask: Ask, number: int) -> Ask:
    if ask.role != "answer":
        return ask
    return replace(ask, gen={**ask.gen, "temperature": TEMPERATURE}, repeat=number)


def items(text: str) -> Iterator[str]:
    r"""The triggers that an answer names, at most MOST_TRIGGERS: the items of its list, or else its sentences.

    >>> list(items("They may be:\n1. **A raised fist**\n2. The crowd"))
    ['A raised fist', 'The crowd']
    >>> list(items("He lost. Nobody came!"))
    ['He lost.', 'Nobody came!']
    """
    listed = [draft.text for draft in salvage_summary(text)] or [clean(one) for one in SENTENCE_END.split(text)]
    yield from [line for line in listed if any(map(str.isalnum, line))][:MOST_TRIGGERS]


def vote(answers: Sequence[Sequence[str]]) -> list[str]:
    """What at least half of the answers name, in the words of the first that does; the oftenest named first.

    Two triggers are one where more than half of their words are shared: stems, less function words, of the label where
    one stands before a colon; and where either both deny something or neither does. An answer has one vote a trigger.

    >>> vote([["A raised fist", "rain"], ["His fist is raised"], ["Fists raised", "no rain"]])
    ['A raised fist']
    """
    found: list[tuple[str, frozenset[str], set[int]]] = []
    for number, answer in enumerate(answers):
        for text in answer:
            words = _words(text)
            for _, known, voters in found:
                if _same(known, words):
                    voters.add(number)
                    break
            else:
                found.append((text, words, {number}))
    kept = [(text, voters) for text, _, voters in found if 2 * len(voters) >= len(answers)]
    return [text for text, _ in sorted(kept, key=lambda one: -len(one[1]))]


def _words(text: str) -> frozenset[str]:
    head, colon, _ = text.partition(":")
    label = bool(colon) and len(head.split()) <= LONGEST_LABEL and any(map(str.isalnum, head))
    words = stems_of(CONTRACTED.sub(" not", head if label else text))
    return frozenset(words - FUNCTION_WORDS or words)


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    return 2 * shared > len(one | other) and one.isdisjoint(DENIALS) == other.isdisjoint(DENIALS)


def _ended(outcomes: Sequence[Outcome], named: Sequence[str]) -> Outcome:
    """As at least half of the tries ended; an empty list that nobody declined to give is an empty answer."""
    usual: tuple[Outcome, ...] = ("truncated",) if named else ("refused", "truncated")
    return next((one for one in usual if 2 * outcomes.count(one) >= len(outcomes)), "ok" if named else "empty")
