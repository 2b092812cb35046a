"""How many asks a model in this process computes at once: as many as memory holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

FIRST = 4  # asks in the first batch on a GPU, which is measured
SHARE = 0.8  # of the free memory that is counted on, since prompts differ in length
FULL = ("can't allocate", "out of memory")  # what torch says where it has no exception of its own


class Limit:
    """The most asks in one batch.

    On a GPU the first batch shows what an ask takes, and the free memory how many can be computed at once.

    Args:
        device: "cpu" or "cuda".
        most: how many at most.
    """

    def __init__(self, device: str, most: int) -> None:
        self.most = most
        self._measures = device == "cuda"

    @property
    def now(self) -> int:
        """How many the next batch may have."""
        return min(self.most, FIRST) if self._measures else self.most

    @contextmanager
    def measured(self, rows: int) -> Iterator[None]:
        """What happens inside is the computation of so many asks; only the first on a GPU is looked at."""
        if not self._measures:
            yield
            return
        import torch  # noqa: PLC0415 - an extra, and slow

        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield
        taken = max(1, torch.cuda.max_memory_allocated() - before) / rows
        free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        self._measures = False
        self.most = max(1, min(self.most, int(SHARE * free / taken)))

    def lower(self, to: int) -> None:
        """A batch of more than `to` asks does not fit; what torch still holds for it is let go."""
        import torch  # noqa: PLC0415

        self._measures = False
        self.most = max(1, min(self.most, to))
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_full(error: Exception) -> bool:
    """Whether an exception says that there is too little memory."""
    import torch  # noqa: PLC0415

    said = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in said for words in FULL)
    )
