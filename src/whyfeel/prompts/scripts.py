"""Prompt texts in other people's Python scripts: read as syntax trees, never imported or run.

A model's script asks with one f-string inside the loop over the questions. A judge's script has its system prompt in a
list of messages, and its user prompt as a text to which an f-string with the answer and the truth is added.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from whyfeel.errors import DataError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """A `$name` template and the lines of the script that it was made of."""

    template: str
    lines: tuple[int, ...]


def question_in(path: Path) -> Found:
    """The text around a question: `${question}`, or `${question_lower}` where the script lower-cases it.

    Raises:
        DataError: the file is missing or no Python, or does not have exactly one such f-string.
    """
    loops = [node for node in ast.walk(_parsed(path)) if isinstance(node, ast.For)]
    nodes = {node: name for loop in loops for node, name in _questions(loop)}
    node, name = _only(list(nodes.items()), path, "f-string of words around the question of a loop")
    return Found(_template(node, name), (node.lineno,))


def judging_in(path: Path) -> tuple[Found, Found]:
    """A judge's system text, and its user text with `${answer}` and `${truth}`.

    Raises:
        DataError: the file is missing or no Python, or does not have exactly one of each.
    """
    nodes = list(ast.walk(_parsed(path)))
    system = _only([text for node in nodes for text in _system(node)], path, "text of a system message")
    name, tail = _only(
        [added for node in nodes for added in _added(node)],
        *(path, "f-string of an answer and a truth that is added to a text"),
    )
    head = _only([text for node in nodes for text in _assigned(node, name)], path, f"text assigned to {name!r}")
    user = head.template + _template(tail, "answer", "truth")
    return system, Found(user, (*head.lines, tail.lineno))


def _parsed(path: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python dislikes about the script is not for our user to mend
            return ast.parse(path.read_bytes())
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror}; expected a script of EIBench") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{str(path)!r} is not a Python script: {error or type(error).__name__}") from None


def _only(found: Sequence[T], path: Path, what: str) -> T:
    if len(found) != 1:
        count = f"{len(found)} of them" if found else "none"
        raise DataError(f"{str(path)!r}: expected exactly one {what}, found {count}; --prompts also takes a TOML file")
    return found[0]


def _questions(loop: ast.For) -> Iterator[tuple[ast.JoinedStr, str]]:
    """F-strings in a loop, of words and one variable that the loop sets; and the field that variable becomes."""
    names = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    for node in (inner for statement in loop.body for inner in ast.walk(statement)):
        if not isinstance(node, ast.JoinedStr) or not _wordy(node):
            continue
        match _slots(node):
            case [ast.Name(id=name)] if name in names:
                yield node, "question"
            case [ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="lower"), args=[])] if name in names:
                yield node, "question_lower"


def _system(node: ast.AST) -> Iterator[Found]:
    """The text of a message {"role": "system", "content": "…"}."""
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        entries = {key.value: value for key, value in pairs if isinstance(key, ast.Constant)}
        match entries.get("role"), entries.get("content"):
            case ast.Constant(value="system"), ast.Constant(value=str(text), lineno=line):
                yield Found(_escaped(text), (line,))


def _added(node: ast.AST) -> Iterator[tuple[str, ast.JoinedStr]]:
    """The name and the f-string of `name = name + f"… {answer} … {truth} …"`."""
    match node:
        case ast.Assign(
            targets=[ast.Name(id=name)],
            value=ast.BinOp(left=ast.Name(id=before), op=ast.Add(), right=ast.JoinedStr() as tail),
        ) if name == before and len(_slots(tail)) == 2:
            yield name, tail


def _assigned(node: ast.AST, name: str) -> Iterator[Found]:
    """The text of `name = "…"`."""
    match node:
        case ast.Assign(targets=[ast.Name(id=found)], value=ast.Constant(value=str(text))) if found == name:
            yield Found(_escaped(text), (node.lineno,))


def _slots(node: ast.JoinedStr) -> list[ast.expr]:
    """What an f-string formats; [] where it formats any of it in another way than str() does."""
    slots = [part for part in node.values if isinstance(part, ast.FormattedValue)]
    return [] if any(slot.conversion != -1 or slot.format_spec for slot in slots) else [slot.value for slot in slots]


def _wordy(node: ast.JoinedStr) -> bool:
    """Whether there is more around the formatted values than a file name's ending or a line's."""
    text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return any(map(str.isalpha, text)) and any(map(str.isspace, text))


def _template(node: ast.JoinedStr, *fields: str) -> str:
    """The f-string as a template, its formatted values replaced by `fields` in order."""
    names = iter(fields)
    return "".join(
        _escaped(str(part.value)) if isinstance(part, ast.Constant) else f"${{{next(names)}}}" for part in node.values
    )


def _escaped(text: str) -> str:
    return text.replace("$", "$$")
