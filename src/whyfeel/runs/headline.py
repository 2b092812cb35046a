"""May the headline stand? It must lie above stuffing, the oracle must pass, and no canary may be paid for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ORACLE_AT_LEAST = 0.9
COMPARED = "preferred"
Scores = Mapping[str, float | None]


def headline(
    score: str, value: float | None, controls: Mapping[str, Scores], paid: int, canaries: int
) -> dict[str, Any]:
    """{"score": its name}, or {"refused": why}.

    Where answers are compared the oracle need not pass: the annotation against what people wrote is a tie at best.

    Args:
        score: the headline's name.
        value: what the model has of it over all samples, None where it is undefined.
        controls: control to its scores; {} where there are none.
        paid: how many canaries earned something.
        canaries: how many were judged.
    """
    if paid:
        return {"refused": f"{paid} of {canaries} canaries earned something: the judge can be talked to"}
    known = ("stuff",) if score == COMPARED else ("stuff", "oracle")
    for name in known:
        if name in controls and controls[name].get(score) is None:
            return {"refused": f"the control {name} could not be judged"}
    stuffed, oracle = (
        controls[name][score] if name in known and name in controls else None for name in ("stuff", "oracle")
    )
    if stuffed is not None and value is not None and stuffed >= value:
        return {"refused": f"a list of common triggers scores {_said(stuffed)}, the model {_said(value)}"}
    if oracle is not None and oracle < ORACLE_AT_LEAST:
        return {"refused": f"the annotation itself scores {_said(oracle)}, less than {ORACLE_AT_LEAST}"}
    return {"score": score}


def _said(value: float) -> str:
    """Three digits, and no "-0.000"."""
    return f"{round(value, 3) + 0.0:.3f}"
