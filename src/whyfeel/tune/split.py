"""Which samples are trained on and which are measured on, so that no picture is on both sides."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

from whyfeel.errors import UserError
from whyfeel.records import rng

Keys = Sequence[Collection[Hashable]]


def split(keys: Keys, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Places of the samples to train on and of those held out.

    Samples that share a key, directly or through others, stay together. Whole groups are held out, in an order drawn by
    seed, until the share is reached.

    Args:
        keys: for each of n samples what it must not share with the other side: its picture's content, its cluster.
        share: of the n samples, from 0 (nothing is held out) to below 1.

    Returns:
        both in rising order; where the share is above 0, neither is empty.

    Raises:
        UserError: all samples belong together, so that nothing can be held out.

    >>> split([["a"], ["b"], ["a", "c"], ["c"]], 0.25, 0)
    ([0, 2, 3], [1])
    """
    groups = _groups(keys)
    if share == 0:
        return list(range(len(keys))), []
    if len(groups) < 2:
        raise UserError(
            f"--held-out: all {len(keys):,} samples share a picture, so that none can be measured on without having "
            "been trained on; name other samples with --eval-data, or measure nothing with --held-out 0"
        )
    wanted, held = share * len(keys), list[int]()
    for place in rng(seed, "held out").permutation(len(groups))[:-1]:
        if held and len(held) >= wanted:
            break
        held += groups[place]
    return sorted(set(range(len(keys))) - set(held)), sorted(held)


def apart(keys: Keys, others: Keys) -> list[int]:
    """Places of the samples that share nothing with any of the others."""
    taken = {key for one in others for key in one}
    return [place for place, one in enumerate(keys) if taken.isdisjoint(one)]


def _groups(keys: Keys) -> list[list[int]]:
    """The samples that belong together, in the order of the first of each group."""
    parent = list(range(len(keys)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = place = parent[parent[place]]
        return place

    first: dict[Hashable, int] = {}
    for place, mine in enumerate(keys):
        for key in mine:
            a, b = root(first.setdefault(key, place)), root(place)
            parent[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = {}
    for place in range(len(keys)):
        groups.setdefault(root(place), []).append(place)
    return list(groups.values())
