"""What tests of interventions share: things that lie in scenes, a model that names them, and scripted sittings."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from PIL import Image, ImageDraw

from whyfeel.engine import Counts, Reply, Request, Route
from whyfeel.errors import UserError
from whyfeel.intervene.execute import InterventionResult, sit
from whyfeel.intervene.options import intervene_options
from whyfeel.intervene.plan import plan_intervention
from whyfeel.models import Scripted

MODEL, JUDGE_MODEL = "http://127.0.0.1:9/v1#m", "http://127.0.0.1:9/v1#j"  # never called: a script stands in
SIZE = 60, 40
# what may lie in a scene: its place in the picture and its colour
THINGS: Mapping[str, tuple[tuple[int, int], tuple[int, int, int]]] = {
    "a birthday cake": ((4, 4), (255, 0, 0)),
    "a barking dog": ((44, 4), (0, 255, 0)),
    "heavy rain": ((4, 26), (0, 0, 255)),
    "a broken vase": ((44, 26), (255, 255, 0)),
    "loud music": ((24, 15), (255, 0, 255)),
}
SIDE = 10  # of a thing

Script = Callable[[Request], Reply | str]


def paint(file: Path, things: Sequence[str], ground: int = 128) -> Path:
    """A grey picture with a square of its own colour for each thing."""
    picture = Image.new("RGB", SIZE, (ground, ground, ground))
    for thing in things:
        (left, top), colour = THINGS[thing]
        ImageDraw.Draw(picture).rectangle((left, top, left + SIDE - 1, top + SIDE - 1), fill=colour)
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)
    return file


def region_of(thing: str) -> list[int]:
    (left, top), _ = THINGS[thing]
    return [left, top, SIDE, SIDE]


def seen(request: Request) -> list[str]:
    """The things whose very colour stands in the middle of their place in the picture that was sent."""
    (loaded,) = request.pictures.values()
    picture = Image.open(io.BytesIO(base64.b64decode(loaded.base64))).convert("RGB")
    there = {}
    for thing, ((left, top), colour) in THINGS.items():
        pixel = picture.getpixel((left + SIDE // 2, top + SIDE // 2))
        there[thing] = sum(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 30
    return [thing for thing, is_there in there.items() if is_there]


def listed(things: Sequence[str]) -> str:
    return "\n".join(f"{number}. {thing}" for number, thing in enumerate(things, 1))


def sees(request: Request) -> str:
    """A model that names what is in the picture."""
    return listed(seen(request))


@dataclass
class Watcher:
    """Collects remarks."""

    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def start(self, total: int, counts: Counts) -> None:
        self.total = total

    def tick(self, done: int) -> None:
        self.done = done

    def finish(self) -> None:
        pass


@dataclass(frozen=True)
class Sitting:
    """An intervention that was scripted, and the models that were asked."""

    result: InterventionResult
    answerer: Scripted
    judge: Scripted
    watch: Watcher

    @property
    def summary(self) -> dict[str, Any]:
        return self.result.summary

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.result.folder / name).read_text("utf-8").splitlines()]

    def value(self, score: str = "causal_sensitivity", group: str = "overall") -> float | None:
        return self.summary[score][group]["value"]


def sitting(
    out: Path, source: object, answer: Script = sees, verdict: Script = lambda _: "{score: 1/1}", **given: Any
) -> Sitting:
    """One sitting; the models that would be asked are scripted, baselines are what they are."""
    asks = given.get("judge", "overlap").startswith(("official", "verdicts"))
    given = {"task": str(source), "model": MODEL, "judge_model": JUDGE_MODEL if asks else None} | given
    options = intervene_options({"out": out, **given})
    plan = plan_intervention(options)
    models = Scripted(answer, name="m"), Scripted(verdict, name="j")
    routes = {
        role: Route(models[role == "judge"], options.judge_gen if role == "judge" else options.gen)
        for role in plan.routes
    }
    watch = Watcher()
    return Sitting(sit(replace(plan, routes=routes), watch, monotonic()), *models, watch)


def scene(name: str, things: Sequence[str], changes: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    whole = {"id": name, "image": f"{name}.png", "question": f"Why is the child in {name} upset?", "emotion": "sad"}
    return whole | {"triggers": list(things), "changes": list(changes)} | more


def refusal(source: object, out: Path, **given: Any) -> str:
    """The one line that an intervention is refused with."""
    with pytest.raises(UserError) as refused:
        sitting(out, source, **given)
    said = str(refused.value)
    assert "\n" not in said
    return said
