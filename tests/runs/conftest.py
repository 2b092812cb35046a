"""Fixtures of the tests of runs: scripted sittings, the command line in process, and toy data sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from scripted_runs import ANSWERER, JUDGE_MODEL, Script, Sitting, Watcher

from whyfeel.engine import Price, Route
from whyfeel.models import Scripted
from whyfeel.runs import RunFolder, run_options
from whyfeel.runs.execute import Job, execute
from whyfeel.runs.manifest import open_run
from whyfeel.runs.plan import ANSWER, plan_run
from whyfeel.runs.run import job_of


@pytest.fixture
def sit() -> Callable[..., Sitting]:
    """One sitting of a run whose models are scripted; `change` may alter the job before it starts.

    Controls and canaries, which tests of other things would have to count, are there only with `controlled`.
    """

    def run(
        out: Path,
        answer: Script = lambda _: "1. Cake",
        verdict: Script = lambda _: "{score: 1/2}",
        change: Callable[[Job], Job] = lambda job: job,
        kind: type[Scripted] = Scripted,
        price: Price | None = None,
        *,
        controlled: bool = False,
        **given: Any,
    ) -> Sitting:
        asks = given.get("judge", "overlap").startswith(("official", "verdicts"))
        given = {"task": "scenes", "model": ANSWERER, "judge_model": JUDGE_MODEL if asks else None} | given
        options = run_options({"out": out, **given})
        plan = plan_run(options)
        if not controlled:
            plan = replace(plan, controls=())
        models = [kind(answer, name="m", price=price), kind(verdict, name="j", price=price)]
        routes = {ANSWER: Route(models[0], options.gen), "judge": Route(models[1], options.judge_gen)}
        routes = {role: route for role, route in routes.items() if role in plan.routes}
        folder, watch = RunFolder(out), Watcher()
        folder.make()
        with folder.locked():
            open_run(folder, plan.spec, options, plan.prompts, plan.routes)
            result = execute(change(replace(job_of(plan), routes=routes)), folder, watch, monotonic())
        return Sitting(result, *models, watch)

    return run


@pytest.fixture
def records(tmp_path: Path) -> Callable[..., Path]:
    """Write a record file of the task `jsonl`; missing fields are filled in."""

    def write(rows: Sequence[Mapping[str, Any]] | int, name: str = "records") -> Path:
        if isinstance(rows, int):
            rows = [{} for _ in range(rows)]
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        with (folder / "r.jsonl").open("w", encoding="utf-8") as file:
            for index, row in enumerate(rows):
                whole = {"id": f"r{index:02}", "question": f"Why {index}?", "emotion": ("sad", "happy")[index % 2]}
                file.write(json.dumps(whole | {"triggers": [f"reason {index}", "lost keys"]} | dict(row)) + "\n")
        return folder

    return write


@pytest.fixture
def basic(tmp_path: Path) -> Callable[[Mapping[str, int]], Path]:
    """Write the two files of eibench-basic: image to number of triggers, which are "<image> trigger <k>"."""

    def write(images: Mapping[str, int]) -> Path:
        folder = tmp_path / "release"
        (folder / "EI_Basic").mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({image: f"Why {index}?"}) for index, image in enumerate(images)]
        (folder / "EI_Basic" / "user.jsonl").write_text("\n".join(lines) + "\n")
        truth = {i: "\n".join(f"{k}. {i} trigger {k}" for k in range(1, n + 1)) for i, n in images.items()}
        (folder / "EI_Basic" / "basic_ground_truth.json").write_text(json.dumps(truth))
        return folder

    return write


@pytest.fixture
def complex_set(tmp_path: Path) -> Callable[[Sequence[tuple[str, str, int]]], Path]:
    """Write the file of eibench-complex: (image, question, number of triggers)."""

    def write(rows: Sequence[tuple[str, str, int]]) -> Path:
        folder = tmp_path / "release"
        (folder / "EI_Complex").mkdir(parents=True, exist_ok=True)
        lines = [
            json.dumps({image: {question: "\n".join(f"{k}. {question} {k}" for k in range(1, n + 1))}})
            for image, question, n in rows
        ]
        (folder / "EI_Complex" / "ec_complex.jsonl").write_text("\n".join(lines))
        return folder

    return write
