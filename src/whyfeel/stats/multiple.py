"""Several comparisons at once: p values corrected for their number, and letters for what cannot be told apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate
from string import ascii_lowercase

Tested = Sequence[float | None]


def holm(tested: Tested) -> list[float | None]:
    """Holm's adjusted p values: rejecting those up to alpha errs anywhere with probability alpha at most.

    Args:
        tested: p values from 0 to 1, however dependent; None where a comparison is undefined, which counts as none.

    Returns:
        in the same order, each at least its p and at most 1; None stays None.

    Raises:
        ValueError: a p value is not from 0 to 1.

    Source: Holm, A simple sequentially rejective multiple test procedure (Scand. J. Statist. 1979).

    >>> holm([0.01, 0.04, None, 0.03])
    [0.03, 0.06, None, 0.06]
    """
    ranked = _ranked(tested)
    steps = (p * (len(ranked) - rank) for rank, (p, _) in enumerate(ranked))
    return _placed(ranked, list(accumulate(steps, max)), len(tested))


def benjamini_hochberg(tested: Tested) -> list[float | None]:
    """Benjamini and Hochberg's adjusted p values: of those up to q, a share of q is expected to be false at most.

    Args and Returns as in `holm`; the p values are independent or positively dependent.

    Source: Benjamini and Hochberg, Controlling the false discovery rate (J. R. Statist. Soc. B 1995).

    >>> benjamini_hochberg([0.01, 0.04, None, 0.03])
    [0.03, 0.04, None, 0.04]
    """
    ranked = _ranked(tested)
    steps = [p * (len(ranked) / rank) for rank, (p, _) in enumerate(ranked, 1)]
    return _placed(ranked, list(accumulate(reversed(steps), min))[::-1], len(tested))


def _ranked(tested: Tested) -> list[tuple[float, int]]:
    """The p values in ascending order, each with its place."""
    held = [(p, place) for place, p in enumerate(tested) if p is not None]
    for p, place in held:
        if not 0 <= p <= 1:
            raise ValueError(f"expected p values from 0 to 1, got {p} at place {place}")
    return sorted(held)


def _placed(ranked: Sequence[tuple[float, int]], adjusted: Sequence[float], n: int) -> list[float | None]:
    found: list[float | None] = [None] * n
    for (_, place), p in zip(ranked, adjusted, strict=True):
        found[place] = min(p, 1.0)
    return found


def letters(n: int, different: Collection[tuple[int, int]]) -> list[str]:
    """A compact letter display: two of n things share a letter if, and only if, they are not different.

    Args:
        n: how many; in the order in which letters are given out, the best first.
        different: pairs (i, j), i < j, of places from 0 to n - 1.

    Returns:
        the letters of each, at least one: "a" … "z", then "a1" … "z1", and so on.

    Source: Piepho, An algorithm for a letter-based representation of all-pairwise comparisons (J. Comput. Graph.
    Statist. 2004).

    >>> letters(3, {(0, 2)})
    ['a', 'ab', 'b']
    """
    columns = [frozenset(range(n))]
    for i, j in sorted(different):
        split = [part for column in columns for part in (column - {i}, column - {j}) if {i, j} <= column]
        kept = [column for column in columns if not {i, j} <= column]
        columns = _largest([*kept, *split])
    columns.sort(key=sorted)
    return ["".join(_letter(rank) for rank, column in enumerate(columns) if place in column) for place in range(n)]


def _largest(columns: Collection[frozenset[int]]) -> list[frozenset[int]]:
    """Those that are no part of another, each once."""
    distinct = dict.fromkeys(columns)
    return [one for one in distinct if not any(one < other for other in distinct)]


def _letter(rank: int) -> str:
    again, place = divmod(rank, len(ascii_lowercase))
    return ascii_lowercase[place] + (str(again) if again else "")
