"""Study folders for the tests of their pages, over the bundled scenes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import whyfeel.tasks
from whyfeel.records import content_id
from whyfeel.study.design import (
    SCHEMA,
    Attention,
    Candidate,
    Design,
    Item,
    Question,
    Rules,
    Scale,
    Terms,
    Texts,
)
from whyfeel.study.folder import StudyFolder

SCENES = Path(whyfeel.tasks.__file__).parent / "scenes"
SCALE = Scale(0, 5, {0: "Explains nothing", 3: "Right in the main", 5: "Right, and nothing that matters is missing"})
TEXTS = Texts(
    title="Which reason is better?",
    question="Which of the two answers explains this feeling better?",
    consent="You will see pictures, a question about a feeling, and answers to it.\n\nTaking part is voluntary.",
    notice="Some of the pictures and texts may distress you. You can skip any of them.",
    instructions="Look at the picture, read the question, then the answers.\n\nLength is no merit in itself.",
    comprehension=(
        Question("length", "What does length count for?", ("The longer one is better", "Nothing in itself"), 1),
        Question("neither", "Neither explains it?", ("Any of the two", "Both are bad", "The first"), 1),
    ),
    attention=(
        Attention("This page only checks that texts are read. Please choose A.", "left"),
        Attention("This page only checks that texts are read. Please choose B.", "right"),
    ),
    demographics=(
        Question("age", "How old are you?", ("18 to 34", "35 or older")),
        Question("english", "How well do you read English?", ("It is my first language", "With effort")),
    ),
    thanks="That was all. Thank you.",
)
TERMS = Terms(
    ratings=3, items=4, repeats=1, attention=1, entry="open", seats=0, lease=1800.0, completion_code="C0FFEE-42"
)
RULES = Rules(tries=2, attention=1, seconds=0.0, alike=False)


def scene_items(n: int, *, candidates: int = 2) -> tuple[Item, ...]:
    """Items over the scenes, each scene again and again where n is more than there are."""
    lines = [json.loads(line) for line in (SCENES / "scenes.jsonl").read_text("utf-8").splitlines()]
    made = []
    for at in range(n):
        line = lines[at % len(lines)]
        texts = (f"{'. '.join(line['triggers'])}.", f"Because of what has just happened, {at}: {line['triggers'][0]}.")
        made.append(
            Item(
                id=content_id(["item", at])[:12],
                sample=f"scenes/{line['id']}/{at}",
                cluster=line["image"],
                question=line["question"],
                picture=content_id(line["image"])[:16] + Path(line["image"]).suffix,
                caption="",
                article="",
                candidates=tuple(
                    Candidate(content_id(["text", at, m])[:12], text, 7 + m)
                    for m, text in enumerate(texts[:candidates])
                ),
            )
        )
    return tuple(made)


def design_of(n: int = 4, *, kind: str = "pairwise", **changed: Any) -> Design:
    """A design of n items.

    `changed` goes over the fields of its terms, texts and rules, the first of them that has one of that name.
    """
    rating = kind == "rating"
    texts = replace(TEXTS, attention=tuple(Attention(one.text, str(at)) for at, one in enumerate(TEXTS.attention)))
    parts: dict[str, Any] = {"terms": TERMS, "texts": texts if rating else TEXTS, "rules": RULES}
    for name in list(changed):
        for part, record in parts.items():
            if name in type(record).__slots__:
                parts[part] = replace(parts[part], **{name: changed.pop(name)})
                break
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": kind,
        "task": "scenes",
        "seed": 0,
        "created": "2026-01-01T00:00:00+00:00",
        "scale": SCALE if rating else None,
        "items": scene_items(n, candidates=1 if rating else 2),
        "left_out": {},
    }
    assert changed == {}
    return Design(**values, **parts)


def write_study(path: Path, design: Design) -> StudyFolder:
    """The folder of a study, as it is created, but for the key, which no page may need."""
    folder = StudyFolder(path)
    folder.pictures.mkdir(parents=True)
    folder.design.write_text(json.dumps(design.to_json()), "utf-8")
    lines = [json.loads(line) for line in (SCENES / "scenes.jsonl").read_text("utf-8").splitlines()]
    for line in lines:
        name = content_id(line["image"])[:16] + Path(line["image"]).suffix
        shutil.copyfile(SCENES / line["image"], folder.pictures / name)
    return folder
