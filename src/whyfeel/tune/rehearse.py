"""`--dry-run`: what would be trained on what, without loading the model."""

from __future__ import annotations

from typing import Any

from whyfeel.tune.options import TuneOptions
from whyfeel.tune.plan import Plan, plan_tuning


def rehearse(options: TuneOptions) -> dict[str, Any]:
    """Plan a tuning.

    Raises:
        UserError, DataError: as `plan_tuning`.
    """
    return facts(plan_tuning(options))


def facts(plan: Plan) -> dict[str, Any]:
    """What a plan comes to: the base, its settings, and how many samples there are on both sides and left out."""
    return {
        "out": str(plan.options.out),
        "base": plan.checkpoint.name,
        "base_digest": plan.checkpoint.digest,
        "source": plan.source.name,
        "settings": plan.spec["settings"],
        "seed": plan.options.seed,
        "samples": {
            "train": len(plan.train),
            "held_out": len(plan.held_out),
            "left_out": {why: len(ids) for why, ids in plan.left_out.items()},
        },
        "pictures": {
            "train": len({media for one in plan.train for media in one.media}),
            "held_out": len({media for one in plan.held_out for media in one.media}),
        },
        "examples": len(plan.examples),
    }
