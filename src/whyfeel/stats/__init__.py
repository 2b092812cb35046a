"""Pure functions on arrays: scores become estimates with intervals."""

from whyfeel.stats.intervals import Estimate, estimate
from whyfeel.stats.series import Series

__all__ = ["Estimate", "Series", "estimate"]
