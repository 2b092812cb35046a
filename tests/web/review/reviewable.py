"""Runs of `whyfeel annotate` for the review's tests, written as it writes them, over the bundled scenes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import whyfeel.tasks
from whyfeel.engine import LEDGER, Ledger
from whyfeel.engine.ledger import Entry
from whyfeel.media import Loaded
from whyfeel.records import (
    AnnotatedTrigger,
    Annotation,
    Answer,
    Ask,
    Media,
    Picture,
    Step,
    Text,
    ask_key,
    json_line,
    user_turn,
)

SCENES = Path(whyfeel.tasks.__file__).parent / "scenes"
VLM, LLM = "vllm:llava-v1.6-34b", "openai:gpt-4o"
KINDS = ("object", "object", "environment", "social", "physical")
GENERAL = (
    ("How many people are in the picture?", "One person stands in front; others are behind."),
    ("What are they doing?", "They look at what has just happened, and one of them points at it."),
    ("What do their faces show?", "The face is drawn clearly: brows and mouth tell the feeling."),
)


def scene_annotations(n: int) -> list[Annotation]:
    """The first n scenes, each with its own triggers, one that a gate dropped and one that is no cause at all."""
    lines = [json.loads(line) for line in (SCENES / "scenes.jsonl").read_text("utf-8").splitlines()]
    return [_annotation(line) for line in lines[:n]]


def write_run(folder: Path, annotations: Sequence[Annotation]) -> Path:
    """A finished run folder that holds these annotations, with the asks of their steps in its ledger."""
    folder.mkdir(parents=True)
    spec = {
        "source": "scenes",
        "vlm": VLM,
        "llm": LLM,
        "settings": {},
        "prompts": {},
        "data": {},
        "pictures": "plain/2",
    }
    manifest = {
        "schema": 1,
        "kind": "annotate",
        "created": "2026-01-01T00:00:00+00:00",
        "spec": spec,
        "addresses": [],
        "images": str(SCENES),
    }
    (folder / "run.json").write_text(json.dumps(manifest), "utf-8")
    lines = "".join(json_line(one.to_json()) + "\n" for one in annotations)
    (folder / "annotations.jsonl").write_text(lines, "utf-8")
    asyncio.run(_record(folder, annotations))
    return folder


async def _record(folder: Path, annotations: Sequence[Annotation]) -> None:
    ledger = Ledger(folder / LEDGER)
    entries = {
        step.ask: Entry(Answer(step.ask, step.answer, served=model), step.phase, model, asked, "samples", "")
        for annotation in annotations
        for step in annotation.steps
        for model, asked in [_asked(annotation.image, step.phase, step.question)]
        if step.ask == ask_key(asked)
    }
    await asyncio.gather(*map(ledger.put, entries.values()))
    ledger.close()


def _asked(image: str | None, phase: str, question: str) -> tuple[str, str]:
    model = LLM if phase == "summary" else VLM
    shown = [Picture(Media(image))] if image and model == VLM else []
    token = {part.media: Loaded((SCENES / part.media.path).read_bytes()).token for part in shown}
    return model, Ask(phase, user_turn(*shown, Text(question or "Merge these answers.")), {"temperature": 0}).canonical(
        model, token
    )


def step(image: str | None, phase: str, label: str, question: str, answer: str) -> Step:
    """A step whose ask the ledger of `write_run` will hold."""
    return Step(phase, label, question, answer, ask_key(_asked(image, phase, question)[1]))


def _annotation(line: dict) -> Annotation:
    image = line["image"]
    steps = [step(image, "general", f"G{n}", *pair) for n, pair in enumerate(GENERAL, 1)]
    steps.append(step(image, "scenario", "S1", "What has just happened?", "; ".join(line["triggers"])))
    steps.append(step(image, "summary", "", "", json.dumps(line["triggers"])))
    found = [
        AnnotatedTrigger(
            f"t{n}",
            text,
            KINDS[(n - 1) % 5],
            n % 3 != 0,
            round(0.97 - 0.13 * n, 2),
            (steps[n % 4].ask, steps[-1].ask),
            {"grounded": "seen", "relevant": "yes"},
        )
        for n, text in enumerate(line["triggers"], 1)
    ]
    last = len(found) + 1
    odd = AnnotatedTrigger(
        f"t{last}", "A red kite in the sky", "object", True, 0.31, (steps[3].ask,), {"grounded": "unclear"}
    )
    gone = replace(odd, id=f"t{last + 1}", text="A passing car", dropped="not grounded", gates={"grounded": "absent"})
    return Annotation(
        *(line["id"], image, line["emotion"], "", "Why does this person feel that way?", line["question"]),
        (*found, odd, gone),
        tuple(steps),
        ("question not rebuilt",) if line["id"].startswith("lost") else (),
    )
