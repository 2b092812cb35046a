"""Drive generators over samples: concurrency, limits, retries, budget and the ledger."""

from whyfeel.engine.engine import Counts, Engine, Pace
from whyfeel.engine.ledger import Entry, Ledger, Totals
from whyfeel.engine.limits import Budget, Limiter
from whyfeel.engine.model import Model, Price, Reply, Request, Route
from whyfeel.engine.retry import Retries

__all__ = [
    "Budget",
    "Counts",
    "Engine",
    "Entry",
    "Ledger",
    "Limiter",
    "Model",
    "Pace",
    "Price",
    "Reply",
    "Request",
    "Retries",
    "Route",
    "Totals",
]
