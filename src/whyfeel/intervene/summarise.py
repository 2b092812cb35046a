"""From responses and judgements to summary.json, and to the table of cells of each sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from whyfeel.engine import Ledger
from whyfeel.intervene.cells import cells_line, grid_facts, grid_pair
from whyfeel.intervene.manifest import INTERVENE
from whyfeel.intervene.measure import Heard, Pair, Said, differences, unscored
from whyfeel.intervene.plan import Plan
from whyfeel.intervene.scenes import WHOLE, Scene, change_name, views_of
from whyfeel.records import json_line
from whyfeel.runs.plan import ANSWER

SCHEMA = 1
OUTCOMES = ("empty", "refused", "truncated")
SENSITIVITY = "causal_sensitivity", "named_present", "named_removed"
INSTEAD = "gain", "named_replaced", "named_original"


def summarise(
    plan: Plan, responses: Iterable[dict[str, Any]], judgements: Iterable[dict[str, Any]], ledger: Ledger
) -> tuple[dict[str, Any], list[bytes]]:
    """What summary.json holds but for the seconds, and the lines of cells.jsonl where pictures were cut.

    Args:
        responses, judgements: the lines of the sitting, in order; read once.
    """
    pairs: list[Pair] = []
    replaced: list[Pair] = []
    controls: list[Pair] = []
    cells: list[bytes] = []
    for scene, heard in _heard(plan, judgements):
        if plan.cells is None:
            pairs += _removed(scene, heard)
            replaced += _replaced(scene, heard)
            continue
        both = [grid_pair(scene, trigger.text, heard, plan.cells) for trigger in scene.sample.triggers]
        pairs += (pair for pair, _ in both)
        controls += (control for _, control in both)
        cells.append(json_line(cells_line(scene, both, plan.cells)).encode() + b"\n")
    seed = plan.options.seed
    left_out = unscored(pairs)
    summary = _head(plan) | {
        "pictures": sum(1 for _ in plan.views()),
        "n": len(pairs),
        "scored": len(pairs) - sum(left_out.values()),
        "unscored": left_out,
        "outcomes": _outcomes(responses),
        **differences(pairs, SENSITIVITY, seed),
        "instead": differences(replaced, INSTEAD, seed),
    }
    if plan.cells is not None:
        summary["grid"] = grid_facts(pairs, controls, plan.options.grid, seed)
    return summary | _taken(plan, ledger), cells


def _head(plan: Plan) -> dict[str, Any]:
    judge = plan.judge_spec
    return {
        "schema": SCHEMA,
        "kind": INTERVENE,
        **{name: plan.spec[name] for name in ("source", "by", "model", "strategy")},
        "judge": judge.name,
        "judge_model": judge.model,
        "note": plan.judge.note,
        "warnings": list(plan.warnings),
        "scenes": len(plan.scenes),
    }


def _taken(plan: Plan, ledger: Ledger) -> dict[str, Any]:
    purposes = [ANSWER, plan.judge_spec.id]
    totals = ledger.totals(purposes)
    tokens = {"in": totals.tokens_in, "out": totals.tokens_out}
    return {"left_out": ledger.left_out(purposes), "calls": totals.calls, "tokens": tokens, "cost": totals.cost}


def _outcomes(responses: Iterable[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(line["outcome"] for line in responses if "outcome" in line)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _heard(plan: Plan, judgements: Iterable[dict[str, Any]]) -> Iterator[tuple[Scene, Heard]]:
    """Each scene with what was said of its triggers in each of its pictures."""
    lines = iter(judgements)
    for scene in plan.scenes:
        yield (
            scene,
            {
                (view.name, trigger.text): _said(next(lines))
                for view in views_of(scene, plan.cells)
                for trigger in view.triggers
            },
        )


def _said(line: dict[str, Any]) -> Said:
    return Said(line["named"]) if "named" in line else Said(None, line["unscored"]["reason"])


def _removed(scene: Scene, heard: Heard) -> Iterator[Pair]:
    """The trigger of each change, in the whole picture and in the changed one."""
    sample = scene.sample
    for number, change in enumerate(scene.changes, 1):
        gone = sample.triggers[change.trigger].text
        present, removed = heard[WHOLE, gone], heard[change_name(number), gone]
        yield Pair(change.kind, sample.cluster, (present,), (removed,))


def _replaced(scene: Scene, heard: Heard) -> Iterator[Pair]:
    """What stands in a trigger's place, in the changed picture and in the whole one."""
    for number, change in enumerate(scene.changes, 1):
        if change.instead is not None:
            instead = change.instead.text
            there, before = heard[change_name(number), instead], heard[WHOLE, instead]
            yield Pair(change.kind, scene.sample.cluster, (there,), (before,))
