"""Coarse-to-Fine Self-Ask: chains of asks about a picture, merged into triggers that tell where they come from.

Source: Why We Feel (arXiv 2504.07521). The same conversation annotates pictures and is the paper's fourth setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from whyfeel.prompts import Prompts
from whyfeel.records import AnnotatedTrigger, Annotation, Asking, Outcome, Response, Sample, numbered
from whyfeel.strategies.alongside import alongside
from whyfeel.strategies.self_ask.chain import NOTHING_SEEN, UNREADABLE, Chain, Chaining, pictures_of
from whyfeel.strategies.self_ask.gates import Gatekeeper, Triggers, united
from whyfeel.strategies.self_ask.readers import words_of
from whyfeel.strategies.self_ask.settings import (
    DUPLICATE,
    MOST_TRIGGERS,
    PHASES,
    PROMPT,
    SUMMARY,
    SelfAskSettings,
)

TOO_MANY = "too many triggers"
NO_SOURCE = "trigger without a source"


@dataclass(frozen=True)
class SelfAsk:
    """The chain of asks, as an annotator and as a strategy.

    What it tells models of a sample is its question and its pictures: never its emotion, its person or its triggers.

    Attributes:
        texts: the prompt texts of "self-ask".
        settings: what decides a chain besides them.
    """

    texts: Prompts
    settings: SelfAskSettings
    name: str = field(default="self-ask", init=False)
    roles: Mapping[str, bool] = field(default_factory=lambda: dict(PHASES), init=False)
    prompts: tuple[str, ...] = field(default=(PROMPT,), init=False)

    def annotate(self, sample: Sample) -> Asking[Annotation]:
        """The triggers of one sample: chains, then gates.

        Raises:
            AskFailed: the sample has no picture, or an ask failed; the answers obtained are in the ledger, and the
                same chain asks for it anew.
        """
        annotation, _ = yield from self._annotated(sample)
        return annotation

    def respond(self, sample: Sample) -> Asking[Response]:
        """The triggers as a numbered list; a summary that cannot be read is the answer as it stands."""
        annotation, ended = yield from self._annotated(sample)
        text, outcome = _answer(annotation, ended)
        return Response(sample.id, text, outcome, annotation.asks)

    def _annotated(self, sample: Sample) -> Asking[tuple[Annotation, Outcome]]:
        """The annotation, and how the last summary ended."""
        pictures_of(sample)  # before anything is paid for
        chains = yield from alongside(
            [Chaining(self.texts, self.settings, sample, number).run() for number in range(self.settings.repeat)]
        )
        found, origins, odd = _gathered(chains)
        question = chains[0].question
        gates = Gatekeeper(self.texts, sample, question, self.settings.gates)
        triggers, steps, unjudged = yield from gates.pass_through(found)
        if self.settings.repeat > 1:
            triggers = _by_return(triggers, origins, self.settings.repeat)
        annotation = Annotation(
            sample_id=sample.id,
            image=sample.media[0].path,
            emotion=sample.emotion or chains[0].parsed.emotion,
            person=sample.person or chains[0].parsed.person,
            query=sample.question,
            question=question,
            triggers=triggers,
            steps=(*(one for chain in chains for one in chain.steps), *steps),
            flags=tuple(dict.fromkeys((*(flag for chain in chains for flag in chain.flags), *odd, *unjudged))),
        )
        return annotation, chains[-1].ended


def _answer(annotation: Annotation, ended: Outcome) -> tuple[str, Outcome]:
    """The answer, and how it ended: as the summary did where the answer is its words, or where nothing was seen."""
    if annotation.kept:
        return numbered(trigger.text for trigger in annotation.kept), "ok"
    if UNREADABLE in annotation.flags:
        said = [step.answer for step in annotation.steps if step.phase == SUMMARY]
        return said[-1], ended
    return "", ended if NOTHING_SEEN in annotation.flags else "empty"


def _gathered(chains: Sequence[Chain]) -> tuple[Triggers, dict[str, set[int]], list[str]]:
    """The triggers of all chains, those of equal words made one; the chains that each came from; what is odd."""
    by_words: dict[str, AnnotatedTrigger] = {}
    origins: dict[str, set[int]] = {}
    odd: list[str] = []
    for number, chain in enumerate(chains):
        for draft in _triggers(chain, odd):
            words = words_of(draft.text)
            if (known := by_words.get(words)) is None:
                known = by_words[words] = replace(draft, id=f"t{len(by_words) + 1}")
            else:
                dropped = known.dropped and draft.dropped
                by_words[words] = replace(united(known, [draft]), merged=known.merged, dropped=dropped)
            origins.setdefault(known.id, set()).add(number)
    return tuple(by_words.values()), origins, odd


def _triggers(chain: Chain, odd: list[str]) -> Iterator[AnnotatedTrigger]:
    """The drafts of one chain with the keys of the asks they rest on, the summary's own last.

    Where the summary was asked for twice, the second conversation holds the first, and both are named.
    """
    by_label = {step.label: step.ask for step in chain.steps if step.label}
    summary = [step.ask for step in chain.steps if step.phase == SUMMARY]
    if len(chain.drafts) > MOST_TRIGGERS:
        odd.append(TOO_MANY)
    for number, draft in enumerate(chain.drafts, 1):
        sources = [by_label[label] for label in draft.labels if label in by_label]
        if not sources:
            odd.append(NO_SOURCE)
        yield AnnotatedTrigger(
            id="",
            text=draft.text,
            kind=draft.kind,
            explicit=draft.explicit,
            confidence=draft.confidence,
            asks=tuple(dict.fromkeys((*sources, *summary))),
            dropped=f"beyond the first {MOST_TRIGGERS}" if number > MOST_TRIGGERS else "",
        )


def _by_return(triggers: Triggers, origins: Mapping[str, set[int]], chains: int) -> Triggers:
    """Confidence as the share of chains that found a trigger, in these words or in those of a duplicate."""
    found = {trigger.id: set(origins[trigger.id]) for trigger in triggers}
    for trigger in triggers:
        if (first := trigger.gates.get(DUPLICATE)) is not None:
            found[first] |= origins[trigger.id]
    return tuple(replace(trigger, confidence=len(found[trigger.id]) / chains) for trigger in triggers)
