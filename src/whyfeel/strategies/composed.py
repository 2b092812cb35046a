"""A procedure whose asks pass through modifiers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, TypeVar

from whyfeel.records import Ask, Asking, Response, Sample
from whyfeel.strategies.base import Strategy
from whyfeel.strategies.modifiers import Modifier

T = TypeVar("T")


@dataclass(frozen=True)
class Composed:
    """A procedure whose asks for the answer pass through modifiers, the first one first.

    Attributes:
        name: the canonical spelling, such as "direct+cot".
        procedure: what asks.
        modifiers: applied to the messages of every Ask with the role "answer", also within lists of asks.
        texts: ids of the prompt texts that the modifiers use.
    """

    name: str
    procedure: Strategy
    modifiers: tuple[Modifier, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def roles(self) -> Mapping[str, bool]:
        """The procedure's."""
        return self.procedure.roles

    @property
    def prompts(self) -> tuple[str, ...]:
        """The procedure's texts and its modifiers'."""
        return (*self.procedure.prompts, *self.texts)

    def respond(self, sample: Sample) -> Asking[Response]:
        """The procedure's conversation with modified asks."""
        conversation = self.procedure.respond(sample)
        return Changed(conversation, self._modified) if self.modifiers else conversation

    def _modified(self, ask: Ask) -> Ask:
        if ask.role != "answer":
            return ask
        messages = ask.messages
        for modifier in self.modifiers:
            messages = modifier(messages)
        return replace(ask, messages=messages)


class Changed(Generator[Ask | list[Ask], Any, T]):
    """A conversation whose asks are changed on their way out; answers and exceptions go in unchanged.

    Args:
        conversation: not yet started.
        change: what becomes of each ask, also within lists.
    """

    def __init__(self, conversation: Asking[T], change: Callable[[Ask], Ask]) -> None:
        self._conversation = conversation
        self._change = change

    def send(self, value: Any, /) -> Ask | list[Ask]:  # noqa: ANN401 - as Asking has it
        """The next ask, changed."""
        return self._out(self._conversation.send(value))

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
        /,
    ) -> Ask | list[Ask]:
        """The next ask after a failure, changed."""
        # the form with three arguments is deprecated: pass on an exception, never its type
        if isinstance(typ, type):
            typ = val if isinstance(val, BaseException) else typ() if val is None else typ(val)
        return self._out(self._conversation.throw(typ if tb is None else typ.with_traceback(tb)))

    def close(self) -> None:
        """End the conversation."""
        self._conversation.close()

    def _out(self, step: Ask | list[Ask]) -> Ask | list[Ask]:
        return [self._change(ask) for ask in step] if isinstance(step, list) else self._change(step)
