"""Drive generators over samples: concurrency, limits, retries, budget and the ledger."""

from whyfeel.engine.batches import Batch, BatchBook
from whyfeel.engine.budget import Budget
from whyfeel.engine.calls import Counts, Pace
from whyfeel.engine.conversing import Conversing
from whyfeel.engine.engine import Engine
from whyfeel.engine.ledger import LEDGER, Entry, Ledger, Totals, ledger_file
from whyfeel.engine.limits import Limiter
from whyfeel.engine.model import Model, Price, Reply, Request, Route
from whyfeel.engine.retry import Retries

__all__ = [
    "LEDGER",
    "Batch",
    "BatchBook",
    "Budget",
    "Conversing",
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
    "ledger_file",
]
