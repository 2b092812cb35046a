"""Weights in the safetensors format: the header is checked, the numbers are mapped into memory, nothing is run.

The file is eight bytes (the length of the header, little-endian), the header (a JSON object, tensor to dtype, shape
and place), and the numbers. https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whyfeel.checkpoint_files import ANEW
from whyfeel.errors import DataError, brief

MOST_HEADER = 1 << 20  # bytes; a BERT of 24 layers needs 50,000
MOST_DIMENSIONS = 8
FLOATS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}  # what is read, and how numpy is told of it
SIZES = {  # bytes a number
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}


@dataclass(frozen=True, slots=True)
class _Place:
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Tensors:
    """The tensors of one file.

    What is taken in single precision is a view of the file, of which only the pages that are used come into memory.

    Args:
        path: the file; it must not be changed while this lives.

    Attributes:
        sha256: of the whole file, 64 hex digits.

    Raises:
        DataError: the file cannot be read or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                length = int.from_bytes(file.read(8), "little")
                if not 2 <= length <= min(MOST_HEADER, size - 8):
                    raise self._damaged(f"a header of {length:,} bytes in a file of {size:,}")
                self._first = 8 + length
                self._places = self._read_header(file.read(length), size - self._first)
                file.seek(0)
                self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise DataError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None

    def prefix(self, name: str, prefixes: Iterable[str]) -> str:
        """The first prefix under which the file has a tensor of this name.

        Raises:
            DataError: there is none.
        """
        for prefix in prefixes:
            if prefix + name in self._places:
                return prefix
        raise self._unfit(f"there is no tensor {name!r}")

    def take(self, name: str, *shape: int | None) -> NDArray[np.float32]:
        """A tensor in single precision, not to be written to.

        Args:
            name: its full name.
            shape: what its shape must be; None is any size above 0.

        Raises:
            DataError: it is missing, of another shape, or not of floating-point numbers.
        """
        place = self._places.get(name)
        if place is None:
            raise self._unfit(f"there is no tensor {name!r}")
        wanted = [has if want is None else want for has, want in zip(place.shape, shape, strict=False)]
        if len(place.shape) != len(shape) or 0 in place.shape or list(place.shape) != wanted:
            told = ", ".join("any" if want is None else str(want) for want in shape)
            raise self._unfit(f"{name!r} has the shape {list(place.shape)}, expected [{told}]")
        if place.dtype not in FLOATS:
            raise self._unfit(f"{name!r} holds {place.dtype}, expected {', '.join(FLOATS)}")
        count, offset = math.prod(place.shape), self._first + place.start
        found = np.frombuffer(self._bytes, FLOATS[place.dtype], count, offset).reshape(place.shape)
        if place.dtype == "BF16":  # the upper half of a single
            return (found.astype(np.uint32) << 16).view(np.float32)
        return np.require(found, np.float32, "A")  # a copy where the file does not align it, or holds halves

    def _read_header(self, text: bytes, room: int) -> dict[str, _Place]:
        """Where each tensor lies; together they fill the room, and none lies over another."""
        try:
            header = json.loads(text.decode())
        except (ValueError, RecursionError):
            raise self._damaged("its header is not JSON") from None
        if not isinstance(header, dict):
            raise self._damaged("its header is no JSON object")
        header.pop("__metadata__", None)
        places = {name: self._place(name, entry) for name, entry in header.items()}
        end = 0
        for name, place in sorted(places.items(), key=lambda item: (item[1].start, item[1].end)):
            if place.start != end:
                raise self._damaged(f"{brief(name)} starts at byte {brief(place.start)}, expected {end:,}")
            end = place.end
        if end != room:
            raise self._damaged(f"its tensors take {brief(end)} bytes and {room:,} are there")
        return places

    def _place(self, name: str, entry: object) -> _Place:
        match entry:
            case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(start), int(end)]} if (
                dtype in SIZES
                and len(shape) <= MOST_DIMENSIONS
                and all(type(n) is int and n >= 0 for n in shape)
                and 0 <= start <= end
                and math.prod(shape) * SIZES[dtype] == end - start
            ):
                return _Place(dtype, tuple(shape), start, end)
        raise self._damaged(f"{brief(name)} is {brief(entry)}: no known dtype, or a place that does not fit its shape")

    def _damaged(self, why: str) -> DataError:
        return DataError(f"{str(self._path)!r} is no sound safetensors file: {why}; {ANEW}")

    def _unfit(self, why: str) -> DataError:
        return DataError(f"{str(self._path)!r} does not hold a BERT encoder as its config.json tells: {why}")
