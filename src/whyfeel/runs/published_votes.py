"""Published votes with the intervals that were not published, and whether what was said of them follows."""

from __future__ import annotations

from typing import Any

from whyfeel.stats.choices import Claim, check_claim, counted
from whyfeel.tasks.published import load_votes

SOCRATIS = "socratis"


def published_votes() -> dict[str, Any]:
    """What `whyfeel published socratis --json` prints.

    The votes' pictures and raters are not published, so every interval takes the votes as independent and is too
    narrow.
    """
    study = load_votes()
    claims = [(check_claim(text, study.counts), where) for text, where in study.claims]
    return {
        "benchmark": SOCRATIS,
        "source": {"paper": study.paper},
        "a": study.a,
        "b": study.b,
        **counted(study.counts).to_json(),
        "claims": [_claim(claim, where) for claim, where in claims],
    }


def _claim(claim: Claim, where: str) -> dict[str, Any]:
    readings = [{"meaning": one.meaning, "value": one.value, "follows": one.follows} for one in claim.readings]
    return {"text": claim.text, "where": where, "follows": claim.follows, "readings": readings}
