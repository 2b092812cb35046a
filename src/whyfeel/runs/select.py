"""Which samples of a task a run takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from whyfeel.records import Sample, rng

Chosen = range | frozenset[int] | None  # positions in the task's order; None for all


def choose(
    samples: Iterable[Sample], *, limit: int | None, sample: int | None, seed: int, purpose: str = "sample"
) -> Chosen:
    """The first `limit` samples, or `sample` of them drawn by seed so that every emotion keeps its share.

    Shares are rounded by largest remainder; each emotion's draw depends only on the seed, the purpose and the emotion.
    """
    if limit is not None:
        return range(limit)
    if sample is None:
        return None
    members: dict[str, list[int]] = {}
    for index, one in enumerate(samples):
        members.setdefault(one.emotion, []).append(index)
    total = sum(map(len, members.values()))
    if sample >= total:
        return None
    exact = {emotion: sample * len(indices) / total for emotion, indices in members.items()}
    shares = {emotion: int(share) for emotion, share in exact.items()}
    by_remainder = sorted(exact, key=lambda emotion: (shares[emotion] - exact[emotion], emotion))
    for emotion in by_remainder[: sample - sum(shares.values())]:
        shares[emotion] += 1
    drawn: set[int] = set()
    for emotion, indices in members.items():
        order = rng(seed, purpose, emotion).permutation(len(indices))
        drawn.update(indices[int(i)] for i in order[: shares[emotion]])
    return frozenset(drawn)


def selected(samples: Iterable[Sample], chosen: Chosen) -> Iterator[Sample]:
    """The chosen samples, in the task's order."""
    last = None if chosen is None else chosen.stop - 1 if isinstance(chosen, range) else max(chosen, default=-1)
    for index, sample in enumerate(samples):
        if last is not None and index > last:
            return
        if chosen is None or index in chosen:
            yield sample


def some(samples: Callable[[], Iterable[Sample]], count: int, seed: int, purpose: str) -> list[Sample]:
    """Samples drawn for a purpose as `choose` draws them, in the task's order; all where there are no more."""
    chosen = choose(samples(), limit=None, sample=count, seed=seed, purpose=purpose)
    return list(selected(samples(), chosen))
