"""Annotation runs made by hand, for what reads them."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from whyfeel.engine import LEDGER, Ledger
from whyfeel.records import AnnotatedTrigger, Annotation, Step, json_line

ASK = "0" * 32
MANIFEST: dict[str, Any] = {
    "schema": 1,
    "whyfeel": "0.5.0",
    "kind": "annotate",
    "created": "2026-02-03T04:05:06+00:00",
    "id": "f" * 32,
    "spec": {
        "source": "records",
        "data": {"mine.jsonl": "d" * 64},
        "vlm": "seer",
        "llm": "teller",
        "gen": {"top_p": 0.9},
        "llm_gen": {},
        "emotion": ["sad"],
        "query": None,
        "seed": 7,
        "pictures": "plain/2,max-side=8",
        "settings": {"questions": ["How many?"], "scenarios": 3, "repeat": 2, "gates": ["duplicate", "grounded"]},
        "prompts": {"self-ask": "a" * 32},
    },
    "prompts": {"self-ask": {"origin": "whyfeel v1", "hash": "a" * 32}},
    "addresses": [
        {"role": "general", "model": "seer", "address": "http://127.0.0.1:1/v1"},
        {"role": "summary", "model": "teller", "address": "http://127.0.0.1:2/v1"},
    ],
    "limit": None,
    "input": "/home/somebody/mine.jsonl",
    "data": None,
    "images": None,
    "reuse": [],
}


def found(text: str, number: int = 1, **more: Any) -> AnnotatedTrigger:
    """A trigger as a chain finds it."""
    return AnnotatedTrigger(f"t{number}", text, **({"asks": (ASK,)} | more))


def annotated(id_: str, *texts: str, image: str | None = "a.png", **more: Any) -> Annotation:
    """An annotation with these triggers."""
    steps = (Step("general", "G1", "How many?", "Two people.", ASK), Step("summary", "", "", '{"triggers": []}', ASK))
    triggers = tuple(found(text, number) for number, text in enumerate(texts, 1))
    values = {"emotion": "sad", "query": "Why?", "question": f"Why is the man of {id_} sad?", "steps": steps}
    return Annotation(id_, image, **(values | {"triggers": triggers} | more))


def made_run(path: Path, annotations: Iterable[Annotation], images: Path | None = None, **spec: Any) -> Path:
    """The folder of a finished annotation."""
    path.mkdir(parents=True, exist_ok=True)
    manifest = MANIFEST | {"images": None if images is None else str(images), "spec": MANIFEST["spec"] | spec}
    (path / "run.json").write_text(json.dumps(manifest), "utf-8")
    (path / "annotations.jsonl").write_bytes(b"".join(f"{json_line(one.to_json())}\n".encode() for one in annotations))
    Ledger(path / LEDGER).close()
    return path


def png(folder: Path, name: str, width: int = 4, comment: str = "") -> bytes:
    """A grey picture with a comment among its metadata."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" + bytes(width)))
    said = chunk(b"tEXt", b"Comment\0" + comment.encode()) if comment else b""
    data = b"\x89PNG\r\n\x1a\n" + head + said + body + chunk(b"IEND", b"")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return data
