"""From the words of a command to a strategy: `procedure(argument)+modifier(argument)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches

from whyfeel.errors import UserError
from whyfeel.prompts import Prompts
from whyfeel.records import Corpus
from whyfeel.strategies.base import Strategy
from whyfeel.strategies.caption import Caption
from whyfeel.strategies.composed import Composed
from whyfeel.strategies.direct import Direct
from whyfeel.strategies.few_shot import FewShot
from whyfeel.strategies.modifiers import PERSONAS, Modifier, cot, emotion_prompt, persona
from whyfeel.strategies.reason import SETTINGS, Reason
from whyfeel.strategies.self_ask import SelfAsk, default_settings
from whyfeel.strategies.self_consistency import SelfConsistency

Captions = Mapping[str, str] | None
Piece = tuple[str, str | None]  # a name and its argument, None where none is written

TEXT_ONLY = "text-only"
REASON = "reason"
SELF_ASK = "self-ask"
FEW_SHOT, MOST_SHOTS = "few-shot", 16
EMOTION_PROMPT, STIMULI = "emotion-prompt", 11
CONSISTENCY, LEAST_TRIES, MOST_TRIES = "self-consistency", 3, 20
USUAL = {FEW_SHOT: "4", EMOTION_PROMPT: "2", CONSISTENCY: "5"}  # the argument of a modifier that stands alone

PROCEDURES: Mapping[str, Callable[[Prompts, str | None, Captions], Strategy]] = {
    "direct": lambda prompts, _argument, _captions: Direct(prompts),
    "caption": lambda prompts, argument, captions: Caption(prompts, captions, text_only=argument == TEXT_ONLY),
    REASON: lambda prompts, argument, _captions: Reason(prompts, argument),
    SELF_ASK: lambda prompts, _argument, _captions: SelfAsk(prompts, default_settings(prompts)),
}
# A modifier takes its text from the prompt of its name, or is None where its argument asks for no change.
MODIFIERS: Mapping[str, Callable[[Prompts, str], Modifier | None]] = {
    "cot": lambda prompts, _argument: cot(prompts),
    "persona": persona,
    EMOTION_PROMPT: emotion_prompt,
}
_CHANGES = (FEW_SHOT, *MODIFIERS, CONSISTENCY)  # all that can stand behind a "+"
ARGUMENTS: Mapping[str, tuple[str | None, ...]] = {
    "direct": (None,),
    "caption": (None, TEXT_ONLY),
    REASON: SETTINGS,
    SELF_ASK: (None,),
    FEW_SHOT: (None, *(str(count) for count in range(1, MOST_SHOTS + 1))),
    "cot": (None,),
    "persona": PERSONAS,
    EMOTION_PROMPT: (None, *(str(number) for number in range(1, STIMULI + 1))),
    CONSISTENCY: (None, *(str(count) for count in range(LEAST_TRIES, MOST_TRIES + 1))),
}

# What can be written, for the command line and the docs: a leading "+" marks a modifier.
STRATEGIES: Mapping[str, str] = {
    "direct": "the picture and the question, one ask",
    "caption": "a caption of the picture before the question; asked for, or from --captions",
    f"caption({TEXT_ONLY})": "the same for a model that sees the caption and no picture",
    REASON: "the picture, its caption and an emotion: why would somebody who sees them feel it? (Socratis)",
    "reason(no-caption|no-image|article)": "the same without one of them, or with the record's article before it",
    SELF_ASK: "the paper's CFSA: the model asks itself, a helper merges what it says (docs/annotating.md)",
    "+few-shot(N)": "the N samples asked most nearly the same, each with a reason, as earlier turns; 1 to 16, else 4",
    "+cot": "asks for step-by-step reasoning before the conclusion; `cot` alone is `direct+cot`",
    f"+persona({'|'.join(PERSONAS)})": "tells the model who it is, before everything else",
    "+emotion-prompt(I)": "one of eleven sentences that appeal to the model, behind the question; 1 to 11, else 2",
    "+self-consistency(K)": "K answers at temperature 0.7; what at least half of them name stays; 3 to 20, else 5",
}

FORM = "procedure+modifier, such as 'direct' or 'direct+cot'"
PLUS = re.compile(r"\+(?![^()]*\))")  # one outside an argument
PIECE = re.compile(r"([^()\s]+)(?:\(([^()]*)\))?")


def build_strategy(
    spec: str, prompts: Prompts, captions: Captions = None, corpus: Corpus = (), seed: int = 0
) -> Strategy:
    """The strategy that `spec` names; a spec that starts with a modifier means `direct` before it.

    `few-shot` comes before the other modifiers wherever it is written: they change the question, not the examples;
    and `self-consistency` after them, since all that is asked is repeated.

    Args:
        captions: image path to caption, for `caption`; None to have captions asked for.
        corpus: all samples of the task, among which `few-shot` finds its examples.
        seed: of that draw.

    Raises:
        UserError: the spec is malformed, names what does not exist, gives a piece an argument that it does not offer,
            names a modifier twice, or needs no captions and has some; or `few-shot` finds too few examples.
    """
    pieces = [_piece(piece.strip(), spec) for piece in PLUS.split(spec)]
    if pieces[0][0] in _CHANGES:
        pieces.insert(0, ("direct", None))
    first, argument = pieces[0]
    if first not in PROCEDURES:
        raise unknown("strategy", first, [*PROCEDURES, *_CHANGES])
    _check_modifiers([name for name, _ in pieces[1:]], spec)
    for piece in pieces:
        _check_argument(piece, spec)
    _check_procedure(first, [name for name, _ in pieces[1:]], spec)
    if captions is not None and first != "caption":
        raise UserError(f"--captions: the strategy {spec!r} puts no caption before the question; 'caption' does")
    procedure = PROCEDURES[first](prompts, argument, captions)
    pieces = [(name, USUAL.get(name)) if chosen is None else (name, chosen) for name, chosen in pieces]
    chosen = dict(pieces[1:])
    if (shots := chosen.pop(FEW_SHOT, None)) is not None:
        procedure = FewShot(procedure, corpus, int(shots), seed)
    tries = chosen.pop(CONSISTENCY, None)
    built = {name: MODIFIERS[name](prompts, value or "") for name, value in chosen.items()}
    modifiers = {name: modifier for name, modifier in built.items() if modifier is not None}
    written = "+".join(map(_written, pieces))
    composed = Composed(written, procedure, tuple(modifiers.values()), tuple(modifiers))
    return composed if tries is None else SelfConsistency(composed, int(tries), written)


def _piece(piece: str, spec: str) -> Piece:
    """The name and the argument in one piece of a spec."""
    match = PIECE.fullmatch(piece)
    if match is None:
        raise UserError(f"strategy {spec!r} cannot be read at {piece!r}; expected {FORM}")
    name, argument = match.groups()
    return name, argument if argument is None else argument.strip()


def _written(piece: Piece) -> str:
    """A piece in its canonical spelling."""
    name, argument = piece
    return name if argument is None else f"{name}({argument})"


def _check_modifiers(names: list[str], spec: str) -> None:
    for index, name in enumerate(names):
        if name in PROCEDURES:
            raise UserError(f"strategy {spec!r}: {name!r} stands first or not at all; expected {FORM}")
        if name not in _CHANGES:
            raise unknown("modifier", name, _CHANGES)
        if name in names[:index]:
            raise UserError(f"strategy {spec!r} names the modifier {name!r} twice; once is enough")


def _check_procedure(first: str, changes: Collection[str], spec: str) -> None:
    if first == SELF_ASK and changes:
        raise UserError(f"strategy {spec!r}: {SELF_ASK!r} asks questions of its own, and takes no modifier")
    if first == REASON and CONSISTENCY in changes:
        raise UserError(f"strategy {spec!r}: {CONSISTENCY!r} votes on lists of triggers, and {REASON!r} asks for none")


def _check_argument(piece: Piece, spec: str) -> None:
    name, argument = piece
    offered = ARGUMENTS[name]
    if argument in offered:
        return
    if offered == (None,):
        raise UserError(f"strategy {spec!r}: {name!r} takes no argument, got {argument!r}; write {name!r}")
    choices = ", ".join(_written((name, one)) for one in offered)
    raise UserError(f"strategy {spec!r}: there is no {_written(piece)!r}; choose one of: {choices}")


def unknown(kind: str, name: str, known: Collection[str]) -> UserError:
    """The error for a name that is not known: it gives the nearest that is, and all of them."""
    near = get_close_matches(name.lower(), known, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return UserError(f"there is no {kind} {name!r}{hint}; known: {', '.join(known)}")
