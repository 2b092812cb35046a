"""A test of whether two systems differ that changes them round, picture by picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from whyfeel.records import rng
from whyfeel.stats.bootstrap import picture_sums, score_of
from whyfeel.stats.ratios import CHUNK, Cell, Indices, product
from whyfeel.stats.series import Floats, Series

Flips = NDArray[np.uint8]
SLACK = 1e-9  # differences as near to each other are the same one, up to rounding


def sign_flip(
    first: Series, second: Series, cells: Sequence[Cell], codes: Indices, *, seed: int, permutations: int = 10_000
) -> list[float]:
    """How likely a difference as large is between systems that are alike: p over all samples, macro and each group.

    If they were alike, each picture's results might as well have been the other system's. Whole pictures change sides
    at random, and the difference is taken anew: p is the share of rearrangements, that of the data among them, whose
    difference is as large, to either side, or undefined. All rearrangements are gone through where that takes no more
    than `permutations`.

    Args:
        first, second: the same score of both systems, NaN for the same samples.
        cells: the groups.
        codes: the position of each sample's picture, shape (n,).
        seed: of the draws, which depend on nothing else but the number of pictures.
        permutations: how many are drawn.

    Returns:
        shape (2 + groups,): p from 1 / (1 + permutations), or 1 / the number of rearrangements, to 1.

    Source: Fisher, The design of experiments (1935), §21; for p of drawn permutations Phipson and Smyth, Permutation
    p-values should never be zero (2010).
    """
    sides = [_cell_sums(first, second, cell, codes) for cell in cells]
    differing = np.zeros(int(codes.max()) + 1, np.bool_)
    for cell, side in zip(cells, sides, strict=True):
        differing[cell.pictures] |= (side[0] != side[1]).any(axis=0)
    exact = 2 ** int(min(differing.sum(), 60)) <= permutations
    drawn = _every(differing) if exact else _drawn(len(differing), seed, permutations)
    observed = np.abs(_differences(sides, cells, np.zeros((1, len(differing)), np.uint8)))
    extreme, count = np.zeros(len(observed)), 0
    for flips in drawn:
        # "not smaller" and not "as large": an undefined difference speaks against a small p
        extreme += (~(np.abs(_differences(sides, cells, flips)) < observed - SLACK)).sum(axis=1)
        count += len(flips)
    return [float(p) for p in (extreme / count if exact else (1 + extreme) / (1 + count))]


def _cell_sums(first: Series, second: Series, cell: Cell, codes: Indices) -> tuple[Floats, Floats]:
    """Each system's sums a picture of the group, shape (2 or 4, pictures of the group)."""
    inside = np.zeros(len(codes), np.bool_)
    inside[cell.samples] = True
    one, other = (
        picture_sums(replace(series, numerator=np.where(inside, series.numerator, np.nan)), codes)[:, cell.pictures]
        for series in (first, second)
    )
    return one, other


def _differences(sides: Sequence[tuple[Floats, Floats]], cells: Sequence[Cell], flips: Flips) -> Floats:
    """First less second over all, macro and each group, with the flipped pictures changed round; (2 + groups, rows)."""
    parts, whole = [], np.zeros((2, len(sides[0][0]), len(flips)))
    for (one, other), cell in zip(sides, cells, strict=True):
        moved = product(other - one, flips.take(cell.pictures, axis=1).astype(np.float64))
        now = np.stack([one.sum(axis=1)[:, None] + moved, other.sum(axis=1)[:, None] - moved])
        whole += now
        parts.append([score_of(now[0]), score_of(now[1])])
    scores = np.array([[score_of(whole[0]), score_of(whole[1])], np.mean(parts, axis=0), *parts])
    found: Floats = scores[:, 0] - scores[:, 1]
    return found


def _every(differing: NDArray[np.bool_]) -> Iterator[Flips]:
    """Every choice of sides of the pictures that differ; the others may stay where they are."""
    places = np.flatnonzero(differing)
    rows = max(1, CHUNK // len(differing))
    for start in range(0, 2 ** len(places), rows):
        numbers = np.arange(start, min(start + rows, 2 ** len(places)))
        flips = np.zeros((len(numbers), len(differing)), np.uint8)
        flips[:, places] = (numbers[:, None] >> np.arange(len(places))) & 1
        yield flips


def _drawn(pictures: int, seed: int, permutations: int) -> Iterator[Flips]:
    """Sides by fair coins, one bit each, in chunks; the result does not depend on their size."""
    generator = rng(seed, "flips")
    rows, words = max(1, CHUNK // pictures), -(-pictures // 64)
    for start in range(0, permutations, rows):
        bits = generator.integers(0, 2**64, (min(rows, permutations - start), words), dtype=np.uint64)
        yield np.unpackbits(bits.astype("<u8").view(np.uint8), axis=1, count=pictures)
