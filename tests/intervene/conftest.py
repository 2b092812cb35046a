"""Pairs of pictures, and the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import typer
from PIL import Image
from scripted_interventions import paint, region_of, scene

from told import Told
from whyfeel.cli import intervene as command


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write records as a folder of pairs."""

    def lay_down(rows: Sequence[object], name: str = "pairs") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return folder

    return lay_down


@pytest.fixture
def drawn(tmp_path: Path, write: Callable[..., Path]) -> Path:
    """Three scenes of three things; in each an object is removed, and in the first two rain gives way to music."""
    rows = []
    for number, gone in enumerate(("a birthday cake", "a barking dog", "a broken vase")):
        name, things = f"s{number}", [gone, "heavy rain", "a birthday cake" if number else "a barking dog"]
        things = list(dict.fromkeys(things))
        paint(tmp_path / "pairs" / f"{name}.png", things, 100 + number)
        paint(tmp_path / "pairs" / f"{name}-1.png", [one for one in things if one != gone], 100 + number)
        changes = [{"trigger": gone, "kind": "object", "how": "removed", "image": f"{name}-1.png"}]
        if number < 2:
            left = ["loud music" if one == "heavy rain" else one for one in things]
            paint(tmp_path / "pairs" / f"{name}-2.png", left, 100 + number)
            change = {"trigger": "heavy rain", "kind": "weather", "how": "replaced", "instead": "loud music"}
            changes.append(change | {"image": f"{name}-2.png"})
        rows.append(scene(name, things, changes))
    return write(rows)


@pytest.fixture
def regions(tmp_path: Path, write: Callable[..., Path]) -> Path:
    """Two scenes whose things can be blurred, one of them a JPEG."""
    things = ["a birthday cake", "a barking dog", "heavy rain"]
    changes = [{"trigger": one, "kind": "object", "region": region_of(one)} for one in things[:2]]
    paint(tmp_path / "pairs" / "a.png", things)
    Image.open(paint(tmp_path / "pairs" / "b.png", things, 90)).save(tmp_path / "pairs" / "b.jpg", quality=100)
    shares = [0.06, 0.6, 0.2, 0.3]  # of rain, in shares of width and height
    rain = {"trigger": "heavy rain", "kind": "weather", "region": shares}
    return write([scene("a", things, changes), scene("b", things, [rain], image="b.jpg")])


@pytest.fixture
def run_command(whyfeel: Callable[..., Told], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """`whyfeel intervene …`, also where nobody has entered the command yet."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.callback()(lambda: None)
    command.register(app)
    monkeypatch.setattr("whyfeel.cli.app", app)
    return lambda *args: whyfeel("intervene", *args)
