"""Ratios of sums, on resamples of whole pictures: what all intervals and tests of scores are made of.

One stream of resampling weights serves all scores and groups. It is drawn in chunks, each multiplied with the sums
per picture and dropped, so that memory does not grow with resamples times pictures. docs/statistics.md has the rules.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyfeel.records import rng
from whyfeel.stats.series import Floats, Series

Indices = NDArray[np.intp]

CHUNK = 1 << 17  # weights held at once, 1 MB an array; the result does not depend on it
PIECE, ROW_PIECE = 1 << 18, 9 << 10  # multiplications that OpenBLAS leaves to one thread


@dataclass(frozen=True, slots=True)
class Cell:
    """One group: its samples, the pictures they show, and the position of each sample's picture among these."""

    name: str
    samples: Indices
    pictures: Indices
    place: Indices


def picture_codes(clusters: Sequence[str]) -> Indices:
    """A number for the picture of each sample, from 0, in the order of the pictures' names."""
    position = {label: index for index, label in enumerate(sorted(set(clusters)))}
    return np.fromiter((position[label] for label in clusters), np.intp, len(clusters))


def cells_of(groups: Sequence[str], codes: Indices, order: Sequence[str]) -> list[Cell]:
    """The groups that have samples, in the order of report."""
    members: dict[str, list[int]] = {label: [] for label in order}
    for index, label in enumerate(groups):
        members[label].append(index)
    held = {label: np.array(indices, np.intp) for label, indices in members.items() if indices}
    return [Cell(label, s, *np.unique(codes[s], return_inverse=True)) for label, s in held.items()]


def columns_of(series: Sequence[Series]) -> list[tuple[Floats, Floats]]:
    """Numerators and denominators, 0 where unscored: of each score, then of the chance of each corrected one."""
    columns = []
    for one in series:
        scored = ~np.isnan(one.numerator)
        columns.append((np.where(scored, one.numerator, 0.0), np.where(scored, one.denominator, 0.0)))
    return columns + [chance_of(one) for one in series if one.chance is not None]


def chance_of(one: Series) -> tuple[Floats, Floats]:
    """Numerators and denominators of what chance gives, 0 where it is not known."""
    assert one.chance is not None
    known = ~np.isnan(one.numerator) & ~np.isnan(one.chance)
    return np.where(known, one.chance * one.denominator, 0.0), np.where(known, one.denominator, 0.0)


def resampled_scores(
    series: Sequence[Series], cells: Sequence[Cell], codes: Indices, pictures: int, seed: int, resamples: int
) -> Floats:
    """The scores of "overall", "macro" and each cell, shape (scores, 2 + cells, resamples); undefined ones are NaN.

    A cell's sums need only its own pictures, and those of all samples are the sums of the cells': this does a
    fraction of the work of one product over all pictures and columns.
    """
    columns = columns_of(series)
    tables, divisor = _tables(columns, cells, codes, pictures)
    ratios = np.full((len(columns), 2 + len(cells), resamples), np.nan)
    for start, weights in resampling_weights(pictures, seed, resamples):
        here = slice(start, start + len(weights))
        above = np.zeros((len(columns), len(weights)))
        below = np.zeros_like(above)
        for index, (cell, table) in enumerate(zip(cells, tables, strict=True), start=2):
            sums = product(table, weights.take(cell.pictures, axis=1).astype(np.float64))
            _divide(sums[: len(columns)], sums[divisor], ratios[:, index, here])
            above += sums[: len(columns)]
            below += sums[divisor]
        _divide(above, below, ratios[:, 0, here])
    chances = iter(ratios[len(series) :])
    for one, plain in zip(series, ratios, strict=False):
        if one.chance is not None:
            chance = next(chances)
            _divide(plain - chance, 1 - chance, plain)
            plain[~(chance < 1)] = np.nan
    ratios = ratios[: len(series)]
    ratios[:, 1] = ratios[:, 2:].mean(axis=1) if cells else np.nan
    return ratios


def product(table: Floats, weights: Floats) -> Floats:
    """`table @ weights.T`, in pieces too small for the matrix library to share out among threads.

    Its threads wait for each other by spinning: beside other programs that takes up to 100 times as long as one.
    """
    product = np.zeros((len(table), len(weights)))
    width = max(1, (PIECE if len(weights) > 1 else ROW_PIECE) // product.size)
    for start in range(0, table.shape[1], width):
        product += table[:, start : start + width] @ weights[:, start : start + width].T
    return product


def _divide(above: Floats, below: Floats, out: Floats) -> None:
    np.divide(above, below, out=out, where=below > 0)


def resampling_weights(pictures: int, seed: int, resamples: int) -> Iterator[tuple[int, Indices]]:
    """How often each picture is drawn: chunks of shape (some resamples, pictures), each with its first resample."""
    if not pictures:
        return
    generator = rng(seed, "intervals")
    rows = max(1, CHUNK // pictures)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        draws = generator.integers(0, pictures, (count, pictures))
        draws += np.arange(count)[:, None] * pictures
        yield start, np.bincount(draws.ravel(), minlength=count * pictures).reshape(count, pictures)


def _tables(
    pairs: Sequence[tuple[Floats, Floats]], cells: Sequence[Cell], codes: Indices, pictures: int
) -> tuple[list[Floats], list[int]]:
    """Sums per picture, a table of shape (columns, pictures of the cell) a cell, and each pair's divisor column.

    Column i holds the numerators of pair i. Most pairs share their denominators, which are kept once.
    """
    tables = [np.empty((2 * len(pairs), len(cell.pictures))) for cell in cells]
    columns: dict[bytes, int] = {}
    divisor = []
    for index, pair in enumerate(pairs):
        above, below = on_grid(np.array(pair), codes, pictures)
        known = len(columns)
        divisor.append(columns.setdefault(hashlib.sha256(below).digest(), len(pairs) + known))
        for cell, table in zip(cells, tables, strict=True):
            table[index] = np.bincount(cell.place, above[cell.samples])
            if len(columns) > known:
                table[divisor[-1]] = np.bincount(cell.place, below[cell.samples])
    return [table[: len(pairs) + len(columns)] for table in tables], divisor


def on_grid(numbers: Floats, codes: Indices, pictures: int) -> Floats:
    """The numbers rounded to a grid so fine (about 1e-12) and so coarse that every sum over a resample is exact.

    An exact sum does not depend on the order of its terms, and so not on the chunk, the threads or the machine.
    """
    largest = np.bincount(codes, np.abs(numbers).max(axis=0), 1).max() * pictures
    bits = 52 - math.frexp(largest)[1]
    rounded: Floats = np.ldexp(np.rint(np.ldexp(numbers, bits)), -bits)
    return rounded
