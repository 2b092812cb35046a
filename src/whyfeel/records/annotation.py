"""What a chain of asks, and then people, say about one picture: triggers, and where each of them comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from whyfeel.records.results import Unscored

Kind = Literal["environment", "social", "physical", "object"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def numbered(texts: Iterable[str]) -> str:
    r"""Triggers as an annotation in EIBench's released form, one numbered trigger a line.

    >>> numbered(["Raised fist", "A protest"])
    '1. Raised fist\n2. A protest'
    """
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a chain and what was answered.

    Attributes:
        phase: the phase of the chain, which is also the role of its ask.
        label: what a summary cites the answer by, such as "G1"; "" for a step that is not cited.
        question: what was asked, in a person's words; "" where the step has none of its own.
        answer: the reply, as it came.
        ask: the key of the ask; the ledger has all of it.
    """

    phase: str
    label: str
    question: str
    answer: str
    ask: str


@dataclass(frozen=True, slots=True)
class AnnotatedTrigger:
    """A trigger that a chain found, or a person added.

    Attributes:
        id: unique within its annotation.
        text: one line.
        kind: environment, social, physical or object; None where nobody said.
        explicit: whether it can be seen, or else is inferred; None where nobody said.
        confidence: from 0 to 1: the share of chains that found it where several ran, else what the model stated;
            None where nobody said.
        asks: keys of the asks it came from.
        gates: gate to what it said of the trigger.
        dropped: why it does not count, "" where it does.
        merged: other wordings of the same cause, which this one stands for.
    """

    id: str
    text: str
    kind: Kind | None = None
    explicit: bool | None = None
    confidence: float | None = None
    asks: tuple[str, ...] = ()
    gates: Mapping[str, str] = field(default_factory=dict)
    dropped: str = ""
    merged: tuple[str, ...] = ()

    @property
    def drop_reason(self) -> str:
        """Why it does not count, without naming the trigger that stands for it; "" where it counts.

        >>> AnnotatedTrigger("t4", "a cake", dropped="duplicate of t3").drop_reason
        'duplicate'
        """
        named = self.dropped.startswith(("duplicate of ", "merged into "))
        return self.dropped.partition(" ")[0] if named else self.dropped


@dataclass(frozen=True, slots=True)
class Annotation:
    """The triggers of one person's emotion in one picture, and the chain of asks that found them.

    Attributes:
        sample_id: the sample annotated.
        image: the picture's path below the images root, None for a text.
        emotion: the emotion asked about, as the data or the query has it; "" where neither names one.
        person: whose emotion, "" where nobody said.
        query: what the user asked.
        question: the query as it was rebuilt for this picture.
        triggers: all that were found, also those that a gate dropped, in the summary's order.
        steps: the chain, in order.
        flags: what is odd about it, such as "question not rebuilt".
        unscored: set where the chain could not be ended.
    """

    sample_id: str
    image: str | None = None
    emotion: str = ""
    person: str = ""
    query: str = ""
    question: str = ""
    triggers: tuple[AnnotatedTrigger, ...] = ()
    steps: tuple[Step, ...] = ()
    flags: tuple[str, ...] = ()
    unscored: Unscored | None = None

    @property
    def kept(self) -> tuple[AnnotatedTrigger, ...]:
        """The triggers that count."""
        return tuple(trigger for trigger in self.triggers if not trigger.dropped)

    @property
    def asks(self) -> tuple[str, ...]:
        """Keys of all asks of the chain, in order, each once."""
        return tuple(dict.fromkeys(step.ask for step in self.steps))

    def to_json(self) -> dict[str, Any]:
        """The line of annotations.jsonl; carries no times."""
        value = asdict(self)
        return {"id": value.pop("sample_id"), **value}

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Annotation:
        """Read a line of annotations.jsonl back."""
        unscored = line["unscored"]
        return cls(
            *(line["id"], line["image"], line["emotion"], line["person"], line["query"], line["question"]),
            tuple(_trigger(one) for one in line["triggers"]),
            tuple(Step(**one) for one in line["steps"]),
            tuple(line["flags"]),
            Unscored(**unscored) if unscored else None,
        )


def _trigger(value: Mapping[str, Any]) -> AnnotatedTrigger:
    lists = {name: tuple(value[name]) for name in ("asks", "merged")}
    return AnnotatedTrigger(**{**value, **lists})
