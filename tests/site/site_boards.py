"""Boards for tests of the site, made in memory: samples, answers and judgements as a test wants them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whyfeel.engine import Entry, Ledger
from whyfeel.judging import build_tally
from whyfeel.judging.overlap import OverlapJudge
from whyfeel.records import Judgement, Media, Response, Sample, Trigger, json_line
from whyfeel.runs.finished import Finished
from whyfeel.site.book import Board, Book, Judged, RunView

ZERO = dict.fromkeys(("f1", "recall", "precision", "unsupported", "contradicted", "correct", "leaked"), 0.0)


def counted(**counts: float) -> dict[str, float]:
    """Counts of a judge of triggers; those not given are 0."""
    return ZERO | counts


def sample(number: int, *, triggers: Sequence[str] = ("a cake", "balloons"), picture: str = "", **more: Any) -> Sample:
    given = {"question": f"Why is she happy {number}?", "emotion": ("happy", "sad")[number % 2]} | more
    media = (Media(picture),) if picture else ()
    return Sample(
        given.pop("id", f"s{number}"),
        triggers=tuple(map(Trigger, triggers)),
        media=media,
        cluster=f"c{number}",
        **given,
    )


@dataclass
class Made:
    """A run to be made: its responses, and judge id to judgements."""

    slug: str
    responses: Sequence[Response]
    judges: Mapping[str, Sequence[Judgement]]
    entries: Sequence[Entry] = field(default=())


def overlapped(samples: Sequence[Sample], responses: Sequence[Response]) -> list[Judgement]:
    """What the judge overlap says."""
    judge = OverlapJudge(samples)
    found = []
    for one, response in zip(samples, responses, strict=True):
        if response.unscored is not None:
            found.append(Judgement(one.id, unscored=response.unscored))
            continue
        asking = judge.judge(one, response)
        try:
            next(asking)
        except StopIteration as stop:
            found.append(stop.value)
    return found


def make_board(folder: Path, samples: Sequence[Sample], *made: Made, images: Path | None = None) -> Board:
    """A board; runs get folders with responses.jsonl, and a ledger where they have entries."""
    told = {"name": "toys", "images": images, "groups": ("happy", "sad"), "macro": False}
    task = type("Toys", (), {**told, "__iter__": lambda _: iter(samples)})()
    return Board("toys", task, tuple(_view(folder / one.slug, task, samples, one) for one in made))


def book_of(board: Board) -> Book:
    return Book((board,), (), ())


def _view(path: Path, task: Any, samples: Sequence[Sample], made: Made) -> RunView:
    path.mkdir(parents=True)
    lines = "".join(json_line(one.to_json()) + "\n" for one in made.responses)
    (path / "responses.jsonl").write_text(lines, "utf-8")
    if made.entries:
        asyncio.run(_fill(path / "ledger.sqlite", made.entries))
    manifest = {"images": None, "spec": {"model": made.slug, "pictures": "plain/2"}}
    known = {one.sample_id for one in made.responses}
    own = [one for one in samples if one.id in known]
    judges = []
    for name, judgements in made.judges.items():
        tally = build_tally(name, "complex")
        for one, judgement in zip(own, judgements, strict=True):
            tally.add(one, judgement)
        finished = Finished(
            *(path, manifest, name, {"name": name}, {"note": "a note"}, task),
            *(tuple(getattr(one, part) for one in own) for part in ("id", "emotion", "cluster")),
            tuple(judgements),
            tuple(tally.series()),
        )
        judges.append(Judged(name, name, finished))
    return RunView(made.slug, made.slug, path, manifest, tuple(judges))


async def _fill(path: Path, entries: Sequence[Entry]) -> None:
    ledger = Ledger(path)
    for one in entries:
        await ledger.put(one)
    ledger.close()


def write_metrics(folder: Path, name: str, values: Mapping[str, float | None], *, digest: str | None = None) -> None:
    """Metrics of the answers in a run's folder."""
    digest = digest or hashlib.sha256((folder / "responses.jsonl").read_bytes()).hexdigest()
    (folder / "metrics").mkdir(exist_ok=True)
    (folder / "metrics" / "summary.json").write_text(json.dumps({"responses": digest, "metrics": {name: {}}}))
    lines = (json.dumps({"id": one, "value": value}) + "\n" for one, value in values.items())
    (folder / "metrics" / f"{name}.jsonl").write_text("".join(lines))
