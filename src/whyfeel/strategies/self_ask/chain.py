"""One chain of the Coarse-to-Fine Self-Ask: query, general questions, questions about the scene, summary.

Source: Why We Feel (arXiv 2504.07521). The paper tells the phases, who asks whom, and the topics of the four general
questions; how many scene questions there are, and every text, is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from whyfeel.errors import AskFailed
from whyfeel.prompts import Prompts
from whyfeel.records import Answer, Ask, Asking, Outcome, Picture, Sample, Step, Text, user_turn
from whyfeel.strategies.self_ask import readers
from whyfeel.strategies.self_ask.asking import all_answered, step, usable
from whyfeel.strategies.self_ask.readers import Draft, Parsed
from whyfeel.strategies.self_ask.settings import (
    GENERAL,
    PARSE,
    PROMPT,
    REBUILD,
    SCENARIO,
    SUMMARY,
    SelfAskSettings,
)

T = TypeVar("T")

# what a step may say at most, in tokens
ROOM: Mapping[str, int] = {PARSE: 256, REBUILD: 128, GENERAL: 256, SCENARIO: 512, SUMMARY: 2048}

NOT_PARSED = "query not parsed"
NOT_REBUILT = "question not rebuilt"
NO_SCENE = "no scene questions"
DECLINED = "answers declined"
INFORMAL = "summary not in form"
UNREADABLE = "summary unreadable"
NOTHING_SEEN = "nothing was answered"
NO_TRIGGER = "summary names no trigger"


@dataclass(frozen=True, slots=True)
class Chain:
    """What one chain came to.

    Attributes:
        parsed: the query, as it was understood.
        question: the query as it was rebuilt for this picture.
        drafts: the triggers of the summary.
        steps: all that was asked, in order.
        flags: what went wrong on the way.
        ended: how the summary's last reply ended.
    """

    parsed: Parsed
    question: str
    drafts: tuple[Draft, ...]
    steps: tuple[Step, ...]
    flags: tuple[str, ...]
    ended: Outcome


@dataclass(slots=True)
class Chaining:
    """A chain under way about one sample.

    Args:
        texts: the prompt texts.
        settings: what decides the chain.
        sample: whose question is the user's query; nothing else of it is told to a model.
        number: which of the sample's chains this is, from 0.
    """

    texts: Prompts
    settings: SelfAskSettings
    sample: Sample
    number: int = 0
    steps: list[Step] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    ended: Outcome = "ok"

    def run(self) -> Asking[Chain]:
        """The four phases.

        Raises:
            AskFailed: an ask failed.
        """
        parsed = yield from self._parse()
        question = yield from self._rebuild(parsed)
        general = yield from self._answers(GENERAL, "G", self.settings.questions)
        scene = yield from self._scene_questions(question, general)
        seen = [*general, *(yield from self._answers(SCENARIO, "S", scene))]
        drafts = yield from self._summarise(question, seen)
        return Chain(parsed, question, tuple(drafts), tuple(self.steps), tuple(self.flags), self.ended)

    def _parse(self) -> Asking[Parsed]:
        """Phase 1, the language model: the same for all pictures of one query, and so paid once."""
        ask = self._tell(PARSE, self._fill("parse", query=self.sample.question), readers.PARSE_SCHEMA, number=0)
        parsed = yield from self._usable(ask, self.sample.question, readers.read_parse, self._mended)
        if parsed is None:
            self.flags.append(NOT_PARSED)
            return Parsed("", "", self.sample.question)
        return parsed

    def _rebuild(self, parsed: Parsed) -> Asking[str]:
        """Phase 1, with the picture."""
        ask = self._look(REBUILD, self._fill("rebuild", task=parsed.task))
        question = yield from self._usable(
            ask, parsed.task, readers.read_question, lambda fault: self._fill("rebuild_again", fault=fault)
        )
        if question is None:
            self.flags.append(NOT_REBUILT)
            return self.sample.question
        return question

    def _scene_questions(self, question: str, general: Sequence[Step]) -> Asking[tuple[str, ...]]:
        """Phase 3: the model asks itself."""
        count = self.settings.scenarios
        known = {"query": self.sample.question, "question": question, "answers": self._told(general)}
        ask = self._look(SCENARIO, self._fill("scenario_ask", count=str(count), **known))
        found = yield from self._usable(
            ask,
            "",
            lambda answer: readers.read_questions(answer, count),
            lambda _: self._fill("scenario_again", count=str(count)),
        )
        if found is None:
            self.flags.append(NO_SCENE)
        return found or ()

    def _answers(self, phase: str, letter: str, questions: Sequence[str]) -> Asking[list[Step]]:
        """Phases 2 and 3: questions about the picture, side by side; those declined have no label to be cited by."""
        if not questions:
            return []
        asks = [self._look(phase, self._fill(phase, question=question)) for question in questions]
        answers = all_answered((yield asks))
        answered = []
        for number, (ask, answer, question) in enumerate(zip(asks, answers, questions, strict=True), 1):
            label = "" if readers.unanswered(answer) else f"{letter}{number}"
            self.steps.append(one := step(ask, answer, question, label))
            if label:
                answered.append(one)
        if len(answered) < len(questions) and DECLINED not in self.flags:
            self.flags.append(DECLINED)
        return answered

    def _summarise(self, question: str, seen: Sequence[Step]) -> Asking[list[Draft]]:
        """Phase 4; with nothing to go by there is nothing to ask, and what a model would make up is not wanted."""
        if not seen:
            self.flags.append(NOTHING_SEEN)
            self.ended = "refused"
            return []
        known = {"query": self.sample.question, "question": question, "answers": self._told(seen)}
        ask = self._tell(SUMMARY, self._fill("summary", **known), readers.SUMMARY_SCHEMA, number=self.number)
        drafts, steps = yield from usable(ask, "", self._read_summary, self._mended)
        self.steps += steps
        if drafts is None:
            return self._salvaged(steps)
        if not drafts:
            self.flags.append(NO_TRIGGER)
        return drafts

    def _read_summary(self, answer: Answer) -> list[Draft]:
        self.ended = answer.outcome
        return readers.read_summary(answer)

    def _salvaged(self, steps: Sequence[Step]) -> list[Draft]:
        """What two replies that are not in the form still say; the last one first."""
        for one in reversed(steps):
            if drafts := readers.salvage_summary(one.answer):
                self.flags.append(INFORMAL)
                return drafts
        self.flags.append(UNREADABLE)
        return []

    def _usable(
        self, ask: Ask, question: str, read: Callable[[Answer], T], again: Callable[[str], str]
    ) -> Asking[T | None]:
        found, steps = yield from usable(ask, question, read, again)
        self.steps += steps
        return found

    def _mended(self, fault: str) -> str:
        """What is asked for after a reply that is not the JSON object it should be."""
        return self._fill("form_again", fault=fault)

    def _told(self, steps: Sequence[Step]) -> str:
        """Questions and answers under their labels, one block each."""
        return "\n\n".join(f"{one.label}. {one.question}\n{' '.join(one.answer.split())}" for one in steps)

    def _look(self, phase: str, text: str) -> Ask:
        """An ask with the picture first and the same opening, so that a server that caches prefixes keeps both."""
        return look(self.texts, self.sample, phase, text, ROOM[phase], self.settings.temperature, self.number)

    def _tell(self, phase: str, text: str, schema: Mapping[str, Any], number: int) -> Ask:
        gen = {"temperature": self.settings.temperature, "max_tokens": ROOM[phase]}
        return Ask(phase, user_turn(Text(text)), gen, schema, number)

    def _fill(self, field_: str, **values: str) -> str:
        return self.texts.fill(PROMPT, field_, **values)


def look(
    texts: Prompts, sample: Sample, phase: str, text: str, room: int, temperature: float = 0, number: int = 0
) -> Ask:
    """An ask about a sample's pictures, which stand before every word of it.

    Raises:
        AskFailed: the sample has no picture.
    """
    said = Text(f"{texts.fill(PROMPT, 'opening')}\n\n{text}")
    gen = {"temperature": temperature, "max_tokens": room}
    return Ask(phase, user_turn(*pictures_of(sample), said), gen, repeat=number)


def pictures_of(sample: Sample) -> tuple[Picture, ...]:
    """A sample's pictures, at least one.

    Raises:
        AskFailed: it has none.
    """
    if not sample.media:
        raise AskFailed("no picture", f"{sample.id!r} has no picture to look at")
    return tuple(map(Picture, sample.media))
