"""Results come in the order in which models answer and leave in the task's order, without staying in memory."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from whyfeel.engine.tables import store_failed
from whyfeel.records import json_line


class Spool:
    """A nameless temporary file that holds one JSON record for each index.

    Memory is 8 bytes an index. The file vanishes with the process: the ledger is what lasts.

    Args:
        folder: where the file lies.

    Raises:
        StoreFailed: the file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._name = folder / "(temporary file)"
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise store_failed("a file", self._name, error, "made") from None
        self._starts = array("q")
        self._end = 0

    def put(self, index: int, record: Mapping[str, Any]) -> None:
        """Keep the record of an index, once.

        Raises:
            StoreFailed: the disk is full.
        """
        if index >= len(self._starts):
            self._starts.extend([-1] * (index + 1 - len(self._starts)))
        line = json_line(record).encode() + b"\n"
        self._starts[index] = self._end
        try:
            self._file.write(line)
        except OSError as error:
            raise store_failed("a file", self._name, error) from None
        self._end += len(line)

    def keep(self, indices: Collection[int]) -> None:
        """Forget the records of all other indices."""
        for index in range(len(self._starts)):
            if index not in indices:
                self._starts[index] = -1

    def lines(self) -> Iterator[bytes]:
        """The records as lines of JSON, in the order of their indices; once all of them are put.

        Raises:
            StoreFailed: the disk is full, so that the last records did not reach the file.
        """
        try:
            for start in self._starts:
                if start >= 0:
                    self._file.seek(start)
                    yield self._file.readline()
        except OSError as error:
            raise store_failed("a file", self._name, error) from None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The records, in the order of their indices; once all of them are put."""
        return map(json.loads, self.lines())

    def close(self) -> None:
        """Drop the file."""
        with suppress(OSError):  # what a full disk did not take is not wanted any more
            self._file.close()
