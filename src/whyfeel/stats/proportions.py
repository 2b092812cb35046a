"""An interval for a share of things that were counted."""

from __future__ import annotations

import math
from statistics import NormalDist

from whyfeel.stats.bootstrap import Interval


def wilson(hits: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's interval for a proportion of independent things, within [0, 1] also at the ends.

    Args:
        hits: from 0 to n.
        n: how many there are; there is no interval for 0.
        level: above 0 and below 1.

    Raises:
        ValueError: an argument is out of its range.

    Source: Wilson, Probable inference, the law of succession, and statistical inference (JASA 1927).

    >>> round(wilson(0, 10).high or 0, 3)
    0.278
    >>> wilson(0, 0).why
    'nothing was counted'
    """
    if not 0 <= hits <= n or not 0 < level < 1:
        raise ValueError(f"expected hits from 0 to n and a level in (0, 1), got {hits} of {n} and {level}")
    if n == 0:
        return Interval(None, None, "nothing was counted")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)
    # where all or none are hits one end is exact, and rounding must not take it off
    return Interval(middle - half if hits else 0.0, middle + half if hits < n else 1.0)
