"""Scripted conversations and the real EIBench annotations, which stand beside the checkout or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from whyfeel.records import Answer, Ask, Asking, Judgement, Media, Sample, Trigger

EMOTIONS = {"Happy": "happy", "Angry": "angry", "sadness": "sad", "excitement": "excited"}

Drive = Callable[..., tuple[Judgement, list[Ask]]]
MakeSample = Callable[..., Sample]


@pytest.fixture
def drive() -> Drive:
    """Run a judge's generator on scripted replies; an exception among them is thrown in."""

    def run(judging: Asking[Judgement], replies: Iterable[str | Exception] = ()) -> tuple[Judgement, list[Ask]]:
        asks: list[Ask] = []
        script = iter(replies)
        try:
            ask = next(judging)
            while True:
                assert isinstance(ask, Ask)
                asks.append(ask)
                reply = next(script, None)
                assert reply is not None, "the judge asks more often than the script replies"
                if isinstance(reply, Exception):
                    ask = judging.throw(reply)
                else:
                    ask = judging.send(Answer(f"key{len(asks)}", reply))
        except StopIteration as stop:
            return stop.value, asks

    return run


@pytest.fixture
def make_sample() -> MakeSample:
    def make(*triggers: str, image: str = "x/Happy/1.png", emotion: str = "happy", name: str = "") -> Sample:
        annotation = "\n".join(f"{i}. {t}" for i, t in enumerate(triggers, 1))
        gold = tuple(Trigger(t) for t in triggers)
        return Sample(name or image, "Why?", emotion, gold, (Media(image),), image, (), annotation)

    return make


@pytest.fixture(scope="session")
def released(eibench: Path) -> list[Sample]:
    """The 1,615 samples of EIBench basic."""
    basic = eibench / "EI_Basic"
    truth = json.loads((basic / "basic_ground_truth.json").read_text(encoding="utf-8"))
    samples = []
    for line in (basic / "user.jsonl").read_text(encoding="utf-8").splitlines():
        for image, question in json.loads(line).items():
            items = [re.sub(r"^\s*(?:\d+\s*[.)]\s*)+", "", item).strip() for item in truth[image].split("\n")]
            triggers = tuple(Trigger(item) for item in items if item)
            emotion = EMOTIONS[image.split("/")[-2]]
            samples.append(Sample(image, question, emotion, triggers, (Media(image),), image, (), truth[image]))
    return samples
