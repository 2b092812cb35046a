"""Hidden states on the disk: one array a system prompt, filled a block of texts at a time, never computed twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.engine.tables import store_failed
from whyfeel.errors import DataError, SpecMismatch
from whyfeel.probe.folds import Indices
from whyfeel.runs.folder import read_json, write_json

States = NDArray[np.float32]
Read = Callable[[Sequence[int]], States]
AGAIN = "remove the folder's states-* files and run the command again"


class StateFile:
    """The states under one system prompt, and how far they have come.

    Args:
        folder: the probe's.
        name: of the system prompt, in the files' names.
        spec: what decides the states; a later command must have the same.

    Raises:
        SpecMismatch: the folder holds the states of something else; names the difference.
        DataError: what it holds is damaged.
    """

    def __init__(self, folder: Path, name: str, spec: Mapping[str, Any]) -> None:
        self.path = folder / f"states-{name}.npy"
        self._note = folder / f"states-{name}.json"
        self._spec = dict(spec)
        self.shape: tuple[int, ...] | None = None
        self.done = 0
        if self._note.exists():
            self._resume(folder)

    def _resume(self, folder: Path) -> None:
        told = read_json(self._note, AGAIN)
        spec, shape, done = told.get("spec"), told.get("shape"), told.get("done")
        if not isinstance(spec, dict) or not isinstance(shape, list) or not isinstance(done, int):
            raise DataError(f"{str(self._note)!r} is damaged: it should hold spec, shape and done; {AGAIN}")
        if other := [name for name in (*self._spec, *spec) if spec.get(name) != self._spec.get(name)]:
            was, now = spec.get(other[0]), self._spec.get(other[0])
            raise SpecMismatch(
                f"{str(folder)!r} holds the states of another probe: {other[0]} was {was!r:.80}, is {now!r:.80}; "
                "choose another --out"
            )
        self.shape, self.done = tuple(shape), done

    def fill(self, shape: tuple[int, ...], order: Indices, read: Read, most: Callable[[int], int]) -> Iterator[int]:
        """Read what is missing.

        Args:
            shape: (positions, layers, n, width).
            order: the texts in the order in which they are read, shape (n,): the same at every call.
            read: the states of texts, shape (positions, layers, texts, width).
            most: how many texts may be read together, from a place in the order on.

        Returns:
            how many texts are done, after each block: by then it is on the disk.

        Raises:
            DataError: the array that is there is damaged.
            StoreFailed: the disk is full.
        """
        if self.shape is None:
            self._make(shape)
        array = self.opened("r+")
        while self.done < len(order):
            block = order[self.done : self.done + max(1, most(self.done))]
            try:
                array[:, :, block] = read(block.tolist())
                array.flush()
            except OSError as error:
                raise store_failed("the states", self.path, error) from None
            self.done += len(block)
            self._tell()
            yield self.done

    def opened(self, mode: str = "r") -> np.memmap[Any, np.dtype[np.float32]]:
        """The array, mapped and not read.

        Raises:
            DataError: it is missing or damaged.
        """
        try:
            array = np.lib.format.open_memmap(self.path, mode=mode)
        except (OSError, ValueError) as error:
            raise DataError(f"{str(self.path)!r} is damaged ({error}); {AGAIN}") from None
        if array.shape != self.shape or array.dtype != np.float32:
            raise DataError(f"{str(self.path)!r} is damaged: expected shape {self.shape}, got {array.shape}; {AGAIN}")
        return array

    def _make(self, shape: tuple[int, ...]) -> None:
        """An array of which nothing is done; the note comes after it, since only the note says that it counts."""
        try:
            np.lib.format.open_memmap(self.path, mode="w+", dtype=np.float32, shape=shape).flush()
        except OSError as error:
            raise store_failed("the states", self.path, error) from None
        self.shape = shape
        self._tell()

    def _tell(self) -> None:
        write_json(self._note, {"done": self.done, "shape": list(self.shape or ()), "spec": self._spec})
