"""Print how long 10,000 paired resamples and permutations of 1,615 samples take, on one core; the bound is 0.5 s."""

from __future__ import annotations

import os
import sys
from time import perf_counter

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from whyfeel.stats import Series
from whyfeel.stats.paired import differences

SAMPLES, BOUND = 1615, 0.5


def seconds(*, corrected: bool, groups: int) -> float:
    """The best of three: one comparison of two systems, interval and p."""
    generator = np.random.default_rng(0)
    chance = generator.random(SAMPLES) / 3 if corrected else None
    systems = [Series("s", generator.random(SAMPLES), np.ones(SAMPLES), chance=chance) for _ in range(2)]
    labels = [str(sample % groups) for sample in range(SAMPLES)]
    pictures = [str(sample) for sample in range(SAMPLES)]
    order = sorted(set(labels))
    taken = []
    for _ in range(3):
        begun = perf_counter()
        differences(systems, labels, pictures, order=order, macro=True, seed=0)
        taken.append(perf_counter() - begun)
    return min(taken)


def main() -> int:
    """Measure a mean and a score corrected for chance, over all samples and in four groups."""
    worst = 0.0
    for name, corrected, groups in (("mean", False, 1), ("kf1", True, 1), ("kf1, four groups", True, 4)):
        took = seconds(corrected=corrected, groups=groups)
        worst = max(worst, took)
        print(f"{name:<18} {took:.2f} s")
    print(f"{'bound':<18} {BOUND:.2f} s")
    return int(worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())
