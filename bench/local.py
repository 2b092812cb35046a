"""A model in this process: what batches are worth on a processor; part of bench.py.

The tiny LLaVA without training answers the same asks, each with a picture, with 32 and with one of them in flight,
through the engine and its ledger. It computes in a process of its own, since torch is large.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import whyfeel.tasks
from whyfeel.engine import Engine, Ledger, Route
from whyfeel.media import MediaStore
from whyfeel.models.local import Local, missing_package, open_local
from whyfeel.models.local.tiny import build_tiny
from whyfeel.records import Answer, Ask, Asking, Media, Picture, Text, user_turn

Row = tuple[str, str, str]  # what, the bound, what was measured
ASKS, TOKENS, TOGETHER = 64, 48, 32


def rows() -> Iterator[Row]:
    """Measure, where torch is installed."""
    done = subprocess.run([sys.executable, __file__], stdout=subprocess.PIPE, check=True, text=True)
    if not done.stdout.strip():
        return
    alone, together = json.loads(done.stdout)
    job = f"`local:`, a tiny LLaVA on the processor, {ASKS} asks of {TOKENS} tokens"
    faster = together["tokens"] / together["seconds"] / (alone["tokens"] / alone["seconds"])
    same = "the same" if alone["texts"] == together["texts"] else "NOT the same"
    yield f"{job}: {TOGETHER} in flight to one, tokens a second", "at least 3", f"{faster:.1f}"
    yield f"{job}: their answers", "the same", same
    yield f"{job}: tokens out, one in flight", f"{together['tokens']:,}", f"{alone['tokens']:,}"
    yield f"{job}: tokens a second, {TOGETHER} in flight", "", f"{together['tokens'] / together['seconds']:,.0f}"


def main() -> int:
    """Print both measurements as JSON; nothing where the extra `local` is not installed."""
    if missing_package():
        return 0
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    with TemporaryDirectory(prefix="whyfeel-bench-") as work:
        print(json.dumps(asyncio.run(_measured(Path(work)))))
    return 0


async def _measured(work: Path) -> list[dict[str, Any]]:
    scenes = Path(whyfeel.tasks.__file__).parent / "scenes"
    texts = (scenes / "scenes.jsonl").read_text(encoding="utf-8").splitlines()
    model = open_local(str(build_tiny(work / "tiny", texts)))
    await _asked(model, scenes, texts, work / "first", 4)  # what is built at the first call
    return [await _asked(model, scenes, texts, work / str(flight), flight) for flight in (1, TOGETHER)]


async def _asked(model: Local, scenes: Path, texts: list[str], work: Path, flight: int) -> dict[str, Any]:
    """Tokens, seconds and answers with so many asks in flight."""
    answers: dict[int, Answer] = {}
    work.mkdir()
    ledger, media = Ledger(work / "ledger.sqlite"), MediaStore(scenes)
    engine = Engine({"answer": Route(model, {"max_tokens": TOKENS})}, ledger, media, concurrency=flight)

    def asking(number: int) -> Asking[None]:
        scene = json.loads(texts[number % len(texts)])
        said = f"{number}. {scene['question']}"
        answers[number] = yield Ask("answer", user_turn(Picture(Media(scene["image"])), Text(said)))

    def work_on(number: int) -> Coroutine[Any, Any, None]:
        return engine.converse(asking(number), "answer")

    begun = time.perf_counter()
    await engine.stream(range(ASKS), work_on)
    taken = time.perf_counter() - begun
    await engine.close()
    ledger.close()
    media.close()
    kept = [answers[number] for number in sorted(answers)]
    return {"tokens": sum(a.tokens_out or 0 for a in kept), "seconds": taken, "texts": [a.text for a in kept]}


if __name__ == "__main__":
    sys.exit(main())
