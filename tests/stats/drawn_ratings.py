"""Random ratings for oracle tests, and the bootstrap written out: one resample after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from whyfeel.records import rng


def drawn(seed: int, items: int = 40, raters: int = 3, points: int = 6, gaps: float = 0.0) -> np.ndarray:
    """Correlated ratings from 0 to points - 1 with ties, and a share of gaps."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=(items, 1)) + generator.normal(size=(items, raters)) + generator.normal(size=raters)
    ratings = np.clip(np.round(truth + points / 2), 0, points - 1)
    ratings[generator.random(ratings.shape) < gaps] = np.nan
    return ratings


def percentiles(
    ratings: np.ndarray,
    of: Callable[[np.ndarray], float],
    seed: int,
    resamples: int,
    clusters: Sequence[str] | None = None,
) -> list[float]:
    """The ends of the interval; resamples in which a coefficient is NaN are left out."""
    labels = list(range(len(ratings))) if clusters is None else list(clusters)
    members = [[i for i, label in enumerate(labels) if label == one] for one in sorted(set(labels))]
    draws = rng(seed, "agreement").integers(0, len(members), (resamples, len(members)))
    found = [of(ratings[[i for place in draw for i in members[place]]]) for draw in draws]
    return list(np.nanquantile(found, (0.025, 0.975)))
