"""What a chain of asks took, phase by phase."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from whyfeel.engine import Ledger, Totals

NONE = Totals()


def phases_of(ledger: Ledger, purpose: str, roles: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Calls, tokens, US dollars and seconds of each phase, in the chain's order.

    Seconds are those of the calls, added up: what ran side by side counts as often as it ran. They are None where the
    calls were not timed. Answers that were reused took nothing.
    """
    taken = ledger.phases(purpose)
    return {role: _told(taken.get(role, NONE)) for role in roles}


def _told(totals: Totals) -> dict[str, Any]:
    seconds = None if totals.seconds is None else round(totals.seconds, 3)
    tokens = {"in": totals.tokens_in, "out": totals.tokens_out}
    return {"calls": totals.calls, "tokens": tokens, "cost": totals.cost, "seconds": seconds}
