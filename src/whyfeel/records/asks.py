"""What is asked of a model and what came back."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from whyfeel.records.ids import canonical, text_id
from whyfeel.records.sample import Media

Speaker = Literal["system", "user", "assistant"]
Outcome = Literal["ok", "empty", "refused", "truncated"]

KEY_VERSION = 1


@dataclass(frozen=True, slots=True)
class Text:
    """Words in a message."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a message; its bytes are read by the engine, never by a strategy."""

    media: Media


Part = Text | Picture


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    speaker: Speaker
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to a model, without the model: a strategy yields it, the engine answers it.

    Attributes:
        role: what the answer is for ("answer", "judge", …); the engine routes by it.
        messages: the conversation, last turn by the user.
        gen: sampling settings by their chat-completions names; the user's own settings override them.
        schema: a JSON schema the reply should follow, or None.
        repeat: tells apart the tries of one and the same ask.
    """

    role: str
    messages: tuple[Message, ...]
    gen: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    repeat: int = 0

    @property
    def pictures(self) -> tuple[Media, ...]:
        """The pictures in all messages, in order."""
        return tuple(p.media for m in self.messages for p in m.parts if isinstance(p, Picture))

    def canonical(self, model: str, pictures: Mapping[Media, str]) -> str:
        """Everything that decides the answer, as one JSON text: the ledger keeps it and the key hashes it.

        Args:
            model: the declared name.
            pictures: what stands for each picture: the hash of its original bytes and its conversion.
        """
        asked = {
            "v": KEY_VERSION,
            "model": model,
            "role": self.role,
            "messages": [
                [
                    m.speaker,
                    [p.text if isinstance(p, Text) else {"picture": pictures[p.media]} for p in m.parts],
                ]
                for m in self.messages
            ],
            "gen": dict(self.gen),
            "schema": self.schema,
            "repeat": self.repeat,
        }
        return canonical(asked)


def ask_key(asked: str) -> str:
    """The key of an ask: a hash of its canonical text, and of nothing else (not the server's address)."""
    return text_id(asked)


def user_turn(*parts: Part) -> tuple[Message, ...]:
    """A conversation of one user turn."""
    return (Message("user", parts),)


def with_first_text(messages: Sequence[Message], prefix: str) -> tuple[Message, ...]:
    """The same conversation with `prefix` put before the first text of its first user turn."""
    first = next(index for index, message in enumerate(messages) if message.speaker == "user")
    parts = list(messages[first].parts)
    for index, part in enumerate(parts):
        if isinstance(part, Text):
            parts[index] = Text(prefix + part.text)
            break
    else:
        parts.append(Text(prefix.strip()))
    return (*messages[:first], Message("user", tuple(parts)), *messages[first + 1 :])


def with_last_text(messages: Sequence[Message], suffix: str) -> tuple[Message, ...]:
    """The same conversation with `suffix` appended to the last text of its last turn."""
    *before, last = messages
    parts = list(last.parts)
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if isinstance(part, Text):
            parts[index] = Text(part.text + suffix)
            break
    else:
        parts.append(Text(suffix.strip()))
    return (*before, Message(last.speaker, tuple(parts)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, once it is durable.

    Attributes:
        ask_id: the key of the ask.
        text: the reply, "" where the model said nothing.
        outcome: "empty", "refused" and "truncated" replies are answers too; they are scored and counted.
        finish: the server's own finish reason.
        tokens_in, tokens_out: as the server counted them, or None where it did not.
        cost: in US dollars, None where the price is unknown.
        served: the model name the server reported.
        attempts: how many calls it took, the last one included.
        source: the ledger it was copied from (`--reuse`), None where it was asked in this run.
        reasoning: what the model thought aloud apart from its reply; no part of the answer, kept for the audit.
        left_out: sampling settings that the server would not take, so that it was asked without them.
    """

    ask_id: str
    text: str
    outcome: Outcome = "ok"
    finish: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    served: str | None = None
    attempts: int = 1
    source: str | None = None
    reasoning: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Stands in the place of an Answer, in a list of asks, where none was obtained."""

    reason: str
    detail: str


T = TypeVar("T")

# What a strategy or a judge is: it yields an Ask and is sent its Answer (a failed one is thrown in as AskFailed),
# or yields a list of independent Asks, which run side by side, and is sent a list of Answer or Failure.
Asking = Generator[Ask | list[Ask], Any, T]
