"""Conversations to train on: ShareGPT's shape as LLaMA-Factory documents it, and LLaVA's; one JSON list a file.

The person asks, the model names the triggers as a numbered list. With reasoning, the whole chain of asks stands before
the answer, between <think> and </think>.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from whyfeel.interop.outgoing import Outgoing, asked, texts
from whyfeel.interop.pictures import Pictures
from whyfeel.records import AnnotatedTrigger, Annotation, Media, json_line, numbered
from whyfeel.runs.folder import write_whole

IMAGE = "<image>"  # a trainer puts the picture in its place, and counts that there are as many as pictures
MARKS = re.compile(r"<(?:image|video|audio|/?think)>")
MARKED = "it holds a mark that a trainer takes for its own (<image>, <video>, <audio>, <think>)"
AT_URL = "its picture is at a URL, and a trainer reads pictures from a folder"
NO_QUESTION = "it has no question"

Turns = list[dict[str, str]]
Shape = Callable[[Annotation, str, str], dict[str, Any]]


def sharegpt(annotation: Annotation, question: str, answer: str) -> dict[str, Any]:
    """A conversation as LLaMA-Factory documents it, with the paths of its pictures in "images"."""
    images = [] if annotation.image is None else [annotation.image]
    turns = _turns(IMAGE * len(images) + question, answer)
    return {"id": annotation.sample_id, "conversations": turns, "images": images}


def llava(annotation: Annotation, question: str, answer: str) -> dict[str, Any]:
    """A conversation as LLaVA documents it; one without a picture has no "image"."""
    if annotation.image is None:
        return {"id": annotation.sample_id, "conversations": _turns(question, answer)}
    turns = _turns(f"{IMAGE}\n{question}", answer)
    return {"id": annotation.sample_id, "image": annotation.image, "conversations": turns}


def write_conversations(path: Path, outgoing: Outgoing, *, shape: Shape, reasoning: bool) -> None:
    """Write all conversations as one JSON list.

    Raises:
        UserError: pictures cannot be found; names them.
    """
    with closing(Pictures(outgoing.run)) as pictures:
        write_whole(path, _listed(_conversations(outgoing, pictures, shape, reasoning=reasoning)))
        pictures.check()


def _listed(values: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """A JSON list, a value a line."""
    before = "[\n"
    for value in values:
        yield f"{before}{json_line(value)}".encode()
        before = ",\n"
    yield b"\n]\n" if before == ",\n" else b"[]\n"


def _conversations(
    outgoing: Outgoing, pictures: Pictures, shape: Shape, *, reasoning: bool
) -> Iterator[dict[str, Any]]:
    for final in outgoing.with_triggers():
        annotation = final.annotation
        question, answer = asked(annotation), numbered(texts(annotation))
        if reasoning:
            answer = f"<think>\n{thought(annotation)}\n</think>\n\n{answer}"
        if (why := _fault(annotation, question, answer, reasoning=reasoning)) is not None:
            outgoing.leave(final, why)
        elif annotation.image is None or pictures.is_there(annotation.image):
            outgoing.take(final)
            yield shape(annotation, question, answer)


def _fault(annotation: Annotation, question: str, answer: str, *, reasoning: bool) -> str | None:
    if annotation.image is not None and Media(annotation.image).is_url:
        return AT_URL
    if not question.strip():
        return NO_QUESTION
    # our own two marks are the only ones there may be
    return MARKED if len(MARKS.findall(question + answer)) > 2 * reasoning else None


def thought(annotation: Annotation) -> str:
    """The chain of asks in words, each step as it was answered, then what gates and people changed."""
    steps = [
        f"{step.phase}{step.label and ' ' + step.label}: {step.question}".rstrip() + f"\n{step.answer.strip()}"
        for step in annotation.steps
    ]
    gone = [f"left out: {one.text} ({one.dropped})" for one in annotation.triggers if one.dropped]
    added = [f"added by a person: {one.text}" for one in annotation.kept if is_added(one)]
    said = "\n\n".join((*steps, *gone, *added))
    return said.encode("utf-8", "replace").decode()


def is_added(trigger: AnnotatedTrigger) -> bool:
    """Whether a person added a trigger: one that a chain found came from asks."""
    return not trigger.asks


def _turns(question: str, answer: str) -> Turns:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
