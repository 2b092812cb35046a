"""One score over all samples, before it is averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """A score as a ratio of sums over samples: sum(numerator) / sum(denominator); a mean has denominators of 1.

    With `chance` it is corrected: (ratio - c) / (1 - c), where c is the ratio that chance gives, as Cohen's kappa is.

    Attributes:
        name: the score's name, such as "f1".
        numerator: shape (n,), from 0 to the denominator; NaN where the sample is unscored.
        denominator: shape (n,), at least 0, known for unscored samples too: it gives them their bounds.
        groups: the groups it is reported for, None for all of them and "macro".
        why: why the whole score is undefined, "" where it is not.
        chance: shape (n,), what a scored sample's numerator would be by chance over its denominator, at most 1; NaN
            where that was not found out. c is the mean of the known ones, weighted by their denominators.
    """

    name: str
    numerator: Floats
    denominator: Floats
    groups: tuple[str, ...] | None = None
    why: str = ""
    chance: Floats | None = None
