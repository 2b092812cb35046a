"""The progress line: how far, how fast, how long yet, how much, and what failed."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING

from whyfeel.report import numbers
from whyfeel.report.words import visible

if TYPE_CHECKING:
    from whyfeel.engine import Counts

EVERY = 10.0  # seconds between two lines where nobody looks at a terminal


class Progress:
    """Looks on at a run and tells it on stderr: one line that renews itself on a terminal, else plain lines."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._said_at = 0.0
        self._done = 0

    def note(self, text: str) -> None:
        """A remark, on a line of its own."""
        print(f"whyfeel: {visible(text)}", file=sys.stderr)

    def start(self, total: int, counts: Counts) -> None:
        """The samples start."""
        self._total, self._counts = total, counts
        self._begun = self._said_at = monotonic()

    def tick(self, done: int) -> None:
        """So many samples are done."""
        self._done = done
        now = monotonic()
        if self._terminal:
            sys.stderr.write(f"\r\x1b[2K{self._line(now)[:79]}")
            sys.stderr.flush()
        elif now - self._said_at >= EVERY:
            self._said_at = now
            print(self._line(now), file=sys.stderr)

    def finish(self) -> None:
        """Leave the last state standing."""
        if self._terminal:
            sys.stderr.write("\n")
        elif monotonic() - self._begun >= EVERY:
            print(self._line(monotonic()), file=sys.stderr)

    def _line(self, now: float) -> str:
        counts, seconds = self._counts, max(now - self._begun, 1e-9)
        parts = [f"{numbers.count(self._done)}/{numbers.count(self._total)} answers"]
        what, count = ("calls", counts.calls) if counts.calls else ("answers", self._done)
        parts.append(numbers.rate(count / seconds).replace("/s", f" {what}/s"))
        if 0 < self._done < self._total:
            parts.append(f"{numbers.duration((self._total - self._done) * seconds / self._done)} left")
        parts.append("cost unknown" if counts.cost is None else numbers.money(counts.cost))
        if counts.retries:
            parts.append(f"{numbers.count(counts.retries)} retries")
        if failures := sum(counts.failures.values()):
            parts.append(f"{numbers.count(failures)} failed")
        return " · ".join(parts)


class Quiet:
    """Looks on and says nothing but remarks."""

    def note(self, text: str) -> None:
        """A remark."""
        print(f"whyfeel: {visible(text)}", file=sys.stderr)

    def start(self, total: int, counts: Counts) -> None:
        """Say nothing."""

    def tick(self, done: int) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""
