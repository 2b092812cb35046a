"""From the words of a command to a strategy: `procedure+modifier(argument)+modifier`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import TracebackType
from typing import Any

from whyfeel.errors import UserError
from whyfeel.prompts import Prompts
from whyfeel.records import Ask, Asking, Response, Sample
from whyfeel.strategies.base import Strategy
from whyfeel.strategies.direct import Direct
from whyfeel.strategies.modifiers import Modifier, cot

PROCEDURES: Mapping[str, Callable[[Prompts], Strategy]] = {"direct": Direct}
MODIFIERS: Mapping[str, Callable[[Prompts], Modifier]] = {"cot": cot}

# What can be written, for the command line and the docs: a leading "+" marks a modifier.
STRATEGIES: Mapping[str, str] = {
    "direct": "the picture and the question, one ask",
    "+cot": "asks for step-by-step reasoning before the conclusion; `cot` alone is `direct+cot`",
}

FORM = "procedure+modifier, such as 'direct' or 'direct+cot'"
PLUS = re.compile(r"\+(?![^()]*\))")  # one outside an argument
PIECE = re.compile(r"([^()\s]+)(?:\(([^()]*)\))?")


@dataclass(frozen=True)
class Composed:
    """A procedure whose asks for the answer pass through modifiers, the first one first.

    Attributes:
        name: the canonical spelling, such as "direct+cot".
        procedure: what asks.
        modifiers: applied to the messages of every Ask with the role "answer", also within lists of asks.
    """

    name: str
    procedure: Strategy
    modifiers: tuple[Modifier, ...] = ()

    @property
    def roles(self) -> Mapping[str, bool]:
        """The procedure's."""
        return self.procedure.roles

    @property
    def prompts(self) -> tuple[str, ...]:
        """The procedure's texts and its modifiers', which bear the modifiers' names."""
        return (*self.procedure.prompts, *self.name.split("+")[1:])

    def respond(self, sample: Sample) -> Asking[Response]:
        """The procedure's conversation with modified asks."""
        conversation = self.procedure.respond(sample)
        return _Modified(conversation, self.modifiers) if self.modifiers else conversation


class _Modified(Generator[Ask | list[Ask], Any, Response]):
    """A conversation whose asks are modified on their way out; answers and exceptions go in unchanged."""

    def __init__(self, conversation: Asking[Response], modifiers: tuple[Modifier, ...]) -> None:
        self._conversation = conversation
        self._modifiers = modifiers

    def send(self, value: Any, /) -> Ask | list[Ask]:  # noqa: ANN401 - as Asking has it
        return self._out(self._conversation.send(value))

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
        /,
    ) -> Ask | list[Ask]:
        # the form with three arguments is deprecated: pass on an exception, never its type
        if isinstance(typ, type):
            typ = val if isinstance(val, BaseException) else typ() if val is None else typ(val)
        return self._out(self._conversation.throw(typ if tb is None else typ.with_traceback(tb)))

    def close(self) -> None:
        self._conversation.close()

    def _out(self, step: Ask | list[Ask]) -> Ask | list[Ask]:
        return [self._modify(ask) for ask in step] if isinstance(step, list) else self._modify(step)

    def _modify(self, ask: Ask) -> Ask:
        if ask.role != "answer":
            return ask
        messages = ask.messages
        for modifier in self._modifiers:
            messages = modifier(messages)
        return replace(ask, messages=messages)


def build_strategy(spec: str, prompts: Prompts) -> Strategy:
    """The strategy that `spec` names; a spec that starts with a modifier means `direct` before it.

    Raises:
        UserError: the spec is malformed, names what does not exist, or names a modifier twice.
    """
    pieces = [_piece(piece.strip(), spec) for piece in PLUS.split(spec)]
    if pieces[0] in MODIFIERS:
        pieces.insert(0, "direct")
    first, *rest = pieces
    if first not in PROCEDURES:
        raise unknown("strategy", first, [*PROCEDURES, *MODIFIERS])
    for index, name in enumerate(rest):
        if name in PROCEDURES:
            raise UserError(f"strategy {spec!r}: {name!r} stands first or not at all; expected {FORM}")
        if name not in MODIFIERS:
            raise unknown("modifier", name, MODIFIERS)
        if name in rest[:index]:
            raise UserError(f"strategy {spec!r} names the modifier {name!r} twice; once is enough")
    modifiers = tuple(MODIFIERS[name](prompts) for name in rest)
    return Composed("+".join(pieces), PROCEDURES[first](prompts), modifiers)


def _piece(piece: str, spec: str) -> str:
    """The name in one piece of a spec; no procedure or modifier takes an argument yet."""
    match = PIECE.fullmatch(piece)
    if match is None:
        raise UserError(f"strategy {spec!r} cannot be read at {piece!r}; expected {FORM}")
    name, argument = match.groups()
    if argument is not None and (name in PROCEDURES or name in MODIFIERS):
        raise UserError(f"strategy {spec!r}: {name!r} takes no argument, got {argument!r}; write {name!r}")
    return name


def unknown(kind: str, name: str, known: Collection[str]) -> UserError:
    """The error for a name that is not known: it gives the nearest that is, and all of them."""
    near = get_close_matches(name.lower(), known, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return UserError(f"there is no {kind} {name!r}{hint}; known: {', '.join(known)}")
