"""Chains of asks with models that say what a script says, driven by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from whyfeel.errors import AskFailed
from whyfeel.prompts import shipped_prompts
from whyfeel.records import Annotation, Answer, Ask, Asking, Failure, Media, Sample, Text, Trigger, ask_key
from whyfeel.strategies.self_ask import SelfAsk, default_settings

PROMPTS = shipped_prompts()
QUERY = "Why does she feel like that?"
SAMPLE = Sample("s1", QUERY, "SORROW", (Trigger("GOLDEN"),), (Media("a.png"),), "a.png", person="PERSON")
REBUILT = "Why is the woman in red sad?"
SECRETS = ("SORROW", "GOLDEN", "PERSON")  # what no model may hear

Said = str | Answer | Failure
Script = Said | list[Any] | Callable[[Ask], Said]  # a list is said in turn, its last one for ever


def text_of(ask: Ask, turn: int = -1) -> str:
    """The words of one turn."""
    return "".join(part.text for part in ask.messages[turn].parts if isinstance(part, Text))


def trigger(text: str, **more: Any) -> dict[str, Any]:
    """A trigger as the summary should name it."""
    return {"trigger": text, "kind": "object", "explicit": True, "confidence": 80, "from": ["G1"]} | more


def summary(*triggers: object) -> str:
    """A summary in its form, of triggers or their texts."""
    return json.dumps({"triggers": [trigger(one) if isinstance(one, str) else one for one in triggers]})


def scene(ask: Ask) -> str:
    """Three questions about the scene, or the answer to one."""
    if "Write 3 questions" in text_of(ask, 0):
        return "1. What is on the chair?\n2. Who has left?\n3. What hour is it?"
    return f"Scene: {text_of(ask).splitlines()[2]}"


def statements(ask: Ask) -> list[str]:
    """The numbered statements that a gate holds before a model."""
    return re.findall(r"^[0-9]+\. (.*)", text_of(ask, 0), re.MULTILINE)


def bearings(ask: Ask, **of: str) -> str:
    """A verdict for each statement: "yes", or what is said of it by its first word."""
    said = [of.get(statement.split()[0], "yes") for statement in statements(ask)]
    return json.dumps({"verdicts": [{"number": n, "bears": one} for n, one in enumerate(said, 1)]})


GOOD: Mapping[str, Script] = {
    "parse": json.dumps({"person": "she", "emotion": "sad", "task": "Find what makes the woman sad."}),
    "rebuild": REBUILT,
    "general": lambda ask: f"General: {text_of(ask).splitlines()[2]}",
    "scenario": scene,
    "summary": summary(
        trigger("An empty chair", **{"from": ["G1", "S2"]}),
        trigger("Rain outside", kind="environment", explicit=False, confidence=40, **{"from": ["G4"]}),
    ),
    "duplicate": '{"same": []}',
    "grounded": "Seen: it is there.",
    "relevant": bearings,
}


@dataclass
class Told:
    """What came of a conversation: its result, or the AskFailed it ended with, and what it asked, step by step."""

    result: Any = None
    steps: list[list[Ask]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def asks(self) -> list[Ask]:
        return [ask for step in self.steps for ask in step]

    def of(self, role: str) -> list[Ask]:
        """The asks of one role."""
        return [ask for ask in self.asks if ask.role == role]


def key_of(ask: Ask) -> str:
    return ask_key(ask.canonical("m", {media: media.path for media in ask.pictures}))


def drive(conversation: Asking[Any], **changed: Script) -> Told:
    """Answer every ask by its role, as GOOD says where nothing else is given, and as the engine hands answers on."""
    told = Told()
    left = {role: [*script] if isinstance(script, list) else [script] for role, script in {**GOOD, **changed}.items()}

    def reply(ask: Ask) -> Answer | Failure:
        lines = left[ask.role]
        said = lines.pop(0) if len(lines) > 1 else lines[0]
        said = said(ask) if callable(said) else said
        if isinstance(said, Failure):
            return said
        answer = said if isinstance(said, Answer) else Answer("", said)
        return told.answers.setdefault(key_of(ask), replace(answer, ask_id=key_of(ask)))

    try:
        step = next(conversation)
        while True:
            asked = step if isinstance(step, list) else [step]
            told.steps.append(asked)
            replies = [reply(ask) for ask in asked]
            if isinstance(step, list):
                step = conversation.send(replies)
            elif isinstance(failed := replies[0], Failure):
                step = conversation.throw(AskFailed(failed.reason, failed.detail))
            else:
                step = conversation.send(failed)
    except StopIteration as stop:
        told.result = stop.value
    except AskFailed as failed:
        told.result = failed
    return told


def strategy(**settings: Any) -> SelfAsk:
    """The strategy in the shipped wording."""
    return SelfAsk(PROMPTS, replace(default_settings(PROMPTS), **settings))


def annotated(sample: Sample = SAMPLE, settings: Mapping[str, Any] | None = None, **changed: Script) -> Told:
    """The annotation of a sample, its provenance checked."""
    told = drive(strategy(**(settings or {})).annotate(sample), **changed)
    if isinstance(told.result, Annotation):
        keys = {step.ask for step in told.result.steps}
        assert keys == told.answers.keys() == set(told.result.asks)
        assert all(step.answer == told.answers[step.ask].text for step in told.result.steps)
        for one in told.result.triggers:
            assert one.asks
            assert keys.issuperset(one.asks)
    return told


def responded(**changed: Script) -> Any:
    """The response to the sample, or why there is none."""
    return drive(strategy().respond(SAMPLE), **changed).result
