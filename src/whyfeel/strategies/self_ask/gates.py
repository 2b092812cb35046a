"""What happens to the triggers of a summary before they count: equals merged, and each held against the picture.

A gate takes nothing away: a trigger that it drops stays on record with the reason. A gate that gives no usable reply
drops nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from whyfeel.prompts import Prompts
from whyfeel.records import AnnotatedTrigger, Ask, Asking, Sample, Step, Text, numbered, user_turn
from whyfeel.strategies.alongside import alongside
from whyfeel.strategies.self_ask import readers
from whyfeel.strategies.self_ask.asking import usable
from whyfeel.strategies.self_ask.chain import look
from whyfeel.strategies.self_ask.settings import DUPLICATE, GATES, GROUNDED, PROMPT, RELEVANT

ROOM: Mapping[str, int] = {DUPLICATE: 512, GROUNDED: 96, RELEVANT: 2048}  # in tokens; a verdict takes some 20
NO_VERDICT: Mapping[str, str] = {gate: f"{gate} gate without a verdict" for gate in GATES}
# what a gate says of a trigger that it drops, and the reason it is dropped for
DROPS: Mapping[str, tuple[str, str]] = {GROUNDED: ("absent", "not grounded"), RELEVANT: ("no", "not relevant")}

Triggers = tuple[AnnotatedTrigger, ...]
Steps = tuple[Step, ...]
Flags = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a gate says of triggers, by their ids, what was asked, and whether a reply could be used."""

    gate: str
    said: Mapping[str, str]
    steps: Steps
    usable: bool


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """The gates for the triggers of one sample.

    Attributes:
        question: the query as it was rebuilt for the picture.
        gates: those that are on.
    """

    texts: Prompts
    sample: Sample
    question: str
    gates: tuple[str, ...]

    def pass_through(self, triggers: Triggers) -> Asking[tuple[Triggers, Steps, Flags]]:
        """The triggers with what each gate says of them, the steps, and a flag for each gate that says nothing.

        Equals are merged first, to ask less.

        Raises:
            AskFailed: an ask failed.
        """
        steps: Steps = ()
        flags: Flags = ()
        if DUPLICATE in self.gates and len(_kept(triggers)) > 1:
            triggers, steps, flags = yield from self._merge(triggers)
        kept = _kept(triggers)
        asked: list[Asking[Verdicts]] = []
        if GROUNDED in self.gates:
            asked += map(self._ground, kept)
        if RELEVANT in self.gates and kept:
            asked.append(self._relate(kept))
        for one in (yield from alongside(asked)):
            steps += one.steps
            flags += () if one.usable else (NO_VERDICT[one.gate],)
            triggers = tuple(_judged(trigger, one.gate, one.said.get(trigger.id)) for trigger in triggers)
        return triggers, steps, flags

    def _merge(self, triggers: Triggers) -> Asking[tuple[Triggers, Steps, Flags]]:
        """Equals become one, the first; the others stay on record as its duplicates."""
        kept = _kept(triggers)
        ask = self._tell(DUPLICATE, self._fill("duplicate", triggers=_list(kept)), readers.DUPLICATE_SCHEMA)
        groups, steps = yield from usable(ask, "", lambda answer: readers.read_same(answer, len(kept)), self._mended)
        changed = {trigger.id: trigger for trigger in triggers}
        for group in groups or ():
            first, *others = (kept[number - 1] for number in sorted(group))
            changed[first.id] = united(first, others)
            for other in others:
                why = f"duplicate of {first.id}"
                changed[other.id] = replace(other, dropped=why, gates={**other.gates, DUPLICATE: first.id})
        return tuple(changed.values()), steps, (NO_VERDICT[DUPLICATE],) if groups is None else ()

    def _ground(self, trigger: AnnotatedTrigger) -> Asking[Verdicts]:
        """Is it in the picture? The claim stands alone: neither who made it nor what it is to explain is told."""
        text = self._fill("grounded", claim=trigger.text)
        ask = look(self.texts, self.sample, GROUNDED, text, ROOM[GROUNDED])
        said, steps = yield from usable(ask, trigger.text, readers.read_grounds, lambda _: self._fill("grounded_again"))
        return Verdicts(GROUNDED, {trigger.id: said or readers.UNCLEAR}, steps, said is not None)

    def _relate(self, kept: Triggers) -> Asking[Verdicts]:
        """Do they bear on the emotion asked about?"""
        known = {"query": self.sample.question, "question": self.question, "triggers": _list(kept)}
        ask = self._tell(RELEVANT, self._fill("relevant", **known), readers.RELEVANT_SCHEMA)
        said, steps = yield from usable(ask, "", lambda answer: readers.read_bearings(answer, len(kept)), self._mended)
        words = zip((trigger.id for trigger in kept), said or [readers.UNCLEAR] * len(kept), strict=True)
        return Verdicts(RELEVANT, dict(words), steps, said is not None)

    def _tell(self, phase: str, text: str, schema: Mapping[str, object]) -> Ask:
        return Ask(phase, user_turn(Text(text)), {"temperature": 0, "max_tokens": ROOM[phase]}, schema)

    def _mended(self, fault: str) -> str:
        return self._fill("form_again", fault=fault)

    def _fill(self, field: str, **values: str) -> str:
        return self.texts.fill(PROMPT, field, **values)


def united(first: AnnotatedTrigger, others: Iterable[AnnotatedTrigger]) -> AnnotatedTrigger:
    """One trigger for several of the same meaning: the first one's words, with the sources of all."""
    every = (first, *others)
    stated = [one.confidence for one in every if one.confidence is not None]
    return replace(
        first,
        kind=next((one.kind for one in every if one.kind is not None), None),
        explicit=next((one.explicit for one in every if one.explicit is not None), None),
        confidence=max(stated, default=None),
        asks=tuple(dict.fromkeys(ask for one in every for ask in one.asks)),
        merged=(*first.merged, *(text for one in every[1:] for text in (one.text, *one.merged))),
    )


def _judged(trigger: AnnotatedTrigger, gate: str, said: str | None) -> AnnotatedTrigger:
    """A trigger with what a gate says of it; the first gate that drops it gives the reason."""
    if said is None:
        return trigger
    word, why = DROPS[gate]
    dropped = trigger.dropped or (why if said == word else "")
    return replace(trigger, gates={**trigger.gates, gate: said}, dropped=dropped)


def _kept(triggers: Triggers) -> Triggers:
    return tuple(trigger for trigger in triggers if not trigger.dropped)


def _list(triggers: Triggers) -> str:
    return numbered(trigger.text for trigger in triggers)
