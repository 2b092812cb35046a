"""The whole circle on two cores: draw scenes, teach them to a model that knows nothing, and ask whether it sees.

python scripts/tiny.py [--reduced] [OUT]; every step is a command that a user would type. Exits 1 if a claim fails:
the tuned model beats the blind prior by an interval clear of 0, falls out of its own interval when the pictures are
swapped, and names a cause less where it was taken out of the picture, by an interval clear of 0 (the prior's holds 0).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.models.local.tiny import build_tiny
from whyfeel.prompts import load_prompts
from whyfeel.records import numbered
from whyfeel.tasks import open_task

SHORT = "max_tokens=64"  # what an untrained model says has no end
SHAPE: dict[str, Any] = {"layers": 2, "width": 96, "pixels": 64, "patch": 16, "vocabulary": 1200}
BATCH, RATE = 16, 2e-3
Found = dict[str, Any]
Row = tuple[str, dict[str, Any], bool]  # what was measured, with its interval, and whether it is as it should be


@dataclass(frozen=True)
class Size:
    """How large a circle is drawn.

    Attributes:
        scenes, held_out, pairs: how many are drawn.
        steps: of training.
    """

    scenes: int
    held_out: int
    pairs: int
    steps: int


FULL = Size(scenes=8000, held_out=400, pairs=100, steps=2800)
REDUCED = Size(scenes=6000, held_out=200, pairs=50, steps=1200)


def main() -> None:
    """Go round the circle, print its table, and exit 1 if a claim fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--reduced", action="store_true", help="a smaller circle, in half the time")
    given = parser.parse_args()
    out = given.out or Path(tempfile.mkdtemp(prefix="whyfeel-tiny-"))
    begun = time.monotonic()
    rows = circle(out, REDUCED if given.reduced else FULL)
    tell(rows, time.monotonic() - begun)
    if given.out is None:
        shutil.rmtree(out)
    sys.exit(not all(holds for *_, holds in rows))


def circle(out: Path, size: Size) -> list[Row]:
    """Everything from the drawing to the scores: what was measured, its value with its interval, whether it holds."""
    whyfeel("draw", out / "scenes", "--count", size.scenes, "--held-out", size.held_out, "--pairs", size.pairs)
    build_tiny(out / "untrained", texts(out / "scenes" / "train"), **SHAPE)
    settings = ("--method", "full", "--batch-size", BATCH, "--learning-rate", RATE, "--epochs", 99)
    told = whyfeel(
        *("tune", "jsonl", "--data", out / "scenes" / "train", "--model", f"local:{out / 'untrained'}", *settings),
        *("--max-steps", size.steps, "--held-out", 0.01, "--gen", SHORT, "--out", out / "tuned"),
    )
    held_out = ("run", "jsonl", "--data", out / "scenes" / "held-out", "--judge", "overlap")
    asked = ("--model", f"local:{out / 'tuned'}", "--gen", SHORT)
    tuned = whyfeel(*held_out, *asked, "--controls", "swap", "--out", out / "asked")
    prior = whyfeel(*held_out, "--model", "baseline:prior", "--out", out / "prior")
    elsewhere = ("--images", swapped(out / "scenes" / "held-out", out / "swapped-pictures"))
    blind = whyfeel(*held_out, *elsewhere, *asked, "--out", out / "swapped")
    pairs = ("intervene", out / "scenes" / "pairs")
    causal = whyfeel(*pairs, *asked, "--out", out / "intervened")
    guess = whyfeel(*pairs, "--model", "baseline:prior", "--out", out / "prior-intervened")
    leads = [
        ahead(out / one, out / other) for one, other in (("asked", "prior"), ("asked", "swapped"), ("swapped", "prior"))
    ]
    return claims(told, tuned, prior, blind, leads, [one["causal_sensitivity"]["overall"] for one in (causal, guess)])


def texts(folder: Path) -> Iterator[str]:
    """All that the model will read and write, from which its words are made."""
    prompts = load_prompts()
    for sample in open_task("jsonl", folder, None):
        yield prompts.fill("direct", "user", question=sample.question, question_lower="")
        yield numbered(one.text for one in sample.triggers)


def swapped(folder: Path, out: Path) -> Path:
    """The same pictures under each other's names: to every record belongs the next one's."""
    records = [json.loads(line) for line in (folder / "scenes.jsonl").read_text(encoding="utf-8").splitlines()]
    images = [record["image"] for record in records]
    for name, other in zip(images, [*images[1:], images[0]], strict=True):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / other, out / name)
    return out


def claims(told: Found, tuned: Found, prior: Found, blind: Found, leads: list[Found], causal: list[Found]) -> list[Row]:
    """What was measured, and whether it is as it should be."""
    over_prior, over_swapped, still_over_prior = leads
    without_sight = blind["scores"]["kf1"]["overall"]
    control = {"value": tuned["controls"]["swap"]["kf1"]}
    sensitive, insensitive = causal
    return [
        ("kF1 on scenes held out of the training, before", told["measured"]["before"], True),
        ("the same after", told["measured"]["after"], True),
        ("kF1 of the blind prior on combinations never seen", prior["scores"]["kf1"]["overall"], True),
        ("kF1 of the tuned model on them", tuned["scores"]["kf1"]["overall"], True),
        ("  less that of the prior", over_prior, over_prior["low"] > 0),
        ("kF1 of the tuned model with the pictures swapped", without_sight, without_sight["low"] <= 0),
        ("  less that of the prior", still_over_prior, True),
        ("  the same by --controls swap", control, True),
        ("  what it loses by the swap", over_swapped, over_swapped["low"] > 0),
        ("causal sensitivity of the tuned model", sensitive, sensitive["low"] > 0),
        ("causal sensitivity of the blind prior", insensitive, insensitive["low"] <= 0 <= insensitive["high"]),
    ]


def ahead(run: Path, other: Path) -> Found:
    """How far a run is ahead of another, on the samples they share."""
    one = whyfeel("compare", run, other)["comparisons"][0]
    if one["a"].endswith(run.name):
        return {"value": one["difference"], "low": one["low"], "high": one["high"], "n": one["n"]}
    return {"value": -one["difference"], "low": -one["high"], "high": -one["low"], "n": one["n"]}


def whyfeel(*args: object) -> Found:
    """Run a command, and take what it prints with --json."""
    print(f"$ whyfeel {' '.join(map(str, args))}", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, "-m", "whyfeel", *map(str, args), "--json"], stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)
    found: Found = json.loads(done.stdout)
    return found


def tell(rows: list[Row], seconds: float) -> None:
    """The table."""
    for what, one, holds in rows:
        interval = f"[{one['low']:.3f}, {one['high']:.3f}]" if "low" in one else ""
        size = f"n {one['n']:,}" if "n" in one else ""
        print(f"{what:52} {one['value']:6.3f}  {interval:16} {size:7} {'' if holds else 'FAILS'}".rstrip())
    spent = os.times()
    cores = (spent.children_user + spent.children_system) / 60
    print(f"in {seconds / 60:.1f} minutes, and {cores:.1f} of one core's time")


if __name__ == "__main__":
    main()
