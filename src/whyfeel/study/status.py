"""`whyfeel study status`: how far a study is, as a document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from whyfeel.study.collected import STATUSES, Progress
from whyfeel.study.design import Design
from whyfeel.study.results import moment


def status_of(design: Design, progress: Progress) -> dict[str, Any]:
    """What `whyfeel study status --json` prints.

    Returns:
        what `Progress` has, "items" in all, and "raters_needed": how many more at least, if each does as many items as
        they may and nobody skips, leaves or is excluded.
    """
    told = asdict(progress)
    raters = {status: progress.raters.get(status, 0) for status in STATUSES}
    missing = max(0, progress.wanted - progress.votes - progress.in_hand)
    each = min(design.terms.items, len(design.items)) or 1
    return {
        "title": design.texts.title,
        "kind": design.kind,
        "design": design.digest,
        **told,
        "raters": raters,
        "items": len(design.items),
        "raters_needed": -(-missing // each),
        "unblinded": None if progress.unblinded is None else moment(progress.unblinded),
    }
