"""Study folders for the site's tests: what was collected in their stores, and a key of whose texts are whose."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from study.simulated import answered, collect, displayed, make_design, unblinded
from whyfeel.site.book import Board
from whyfeel.study.collected import Collected, Status
from whyfeel.study.database import open_database
from whyfeel.study.design import Design, Key, Source
from whyfeel.study.folder import StudyFolder
from whyfeel.study.store import StudyStore


def write_study(
    path: Path, design: Design, collected: Collected | None, names: Mapping[int, str] | None = None
) -> Path:
    """A study's folder, with a store of what was collected and a key of these names."""
    path.mkdir(parents=True)
    folder = StudyFolder(path)
    folder.design.write_text(json.dumps(design.to_json()), "utf-8")
    if names is not None:
        key = Key(design.digest, {number: Source(name, "run", "", "") for number, name in names.items()})
        folder.key.write_text(json.dumps(key.to_json()), "utf-8")
    if collected is not None:
        asyncio.run(_prepare(folder, design))
        _fill(folder.store, collected)
    return path


async def _prepare(folder: StudyFolder, design: Design) -> None:
    store = StudyStore(await open_database(folder.store, design.digest), design)
    await store.prepare()
    await store.close()


def _fill(store: Path, collected: Collected) -> None:
    db = sqlite3.connect(store)
    with db:
        db.executemany("INSERT INTO raters VALUES (?, ?, ?, ?, ?, ?, ?)", map(astuple, collected.raters))
        db.executemany("INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, collected.trials))
        told = [(rater, name, said) for rater, all_ in collected.demographics.items() for name, said in all_.items()]
        db.executemany("INSERT INTO demographics VALUES (?, ?, ?)", told)
        if (seen := collected.unblinding) is not None:
            db.execute("UPDATE study SET unblinded = ?, votes = ?", (seen.at, seen.votes))
    db.close()


def digest(board: Board, run: int) -> str:
    return hashlib.sha256((board.runs[run].path / "responses.jsonl").read_bytes()).hexdigest()


def study(path: Path, design: Design, collected: Collected, runs: Mapping[int, str]) -> Path:
    """A study whose systems are runs of these digests; one without is what people wrote."""
    write_study(path, design, collected)
    sources = {
        system: Source(f"model {system}", "run" if runs.get(system) else "human", "", runs.get(system, ""))
        for system in design.systems
    }
    StudyFolder(path).key.write_text(json.dumps(Key(design.digest, sources).to_json()), "utf-8")
    return path


def pairs(
    said: Iterable[tuple[int, str]], *, statuses: Mapping[int, Status] | None = None, **given: Any
) -> tuple[Design, Collected]:
    """A study of two systems at two samples, and its votes: (number of the item, choice), each by another rater."""
    design = make_design(items=2, **given)
    trials = []
    for rater, (at, choice) in enumerate(said, 1):
        swapped = rater % 2 == 0
        item = design.items[at]
        trials.append(
            replace(
                answered(rater, 1, item.id, displayed(item, choice, swapped=swapped), swapped=swapped),
                comment="a secret comment",
            )
        )
    return design, unblinded(collect(trials, statuses, {1: {"age": "over 40"}}), 3000.0, 2)


VOTES = [(0, "A"), (0, "A"), (0, "A"), (0, "B"), (0, "both bad"), (0, "both bad"), (1, "both good"), (0, "B")]
