"""How fast: the pace of one endpoint."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from whyfeel.errors import EndpointDown

PATIENCE = 30.0  # seconds an endpoint may refuse every connection before the run stops
LONGEST_PAUSE = 900.0  # seconds of Retry-After that a run sits out; a daily quota is nothing to wait for
CUT, RECOVER = 0.5, 0.1  # what a 429 leaves of the window; what each reply gives back


class Limiter:
    """The pace of one endpoint: a window of calls that halves on 429 and grows again, `--rpm` and `--tpm`.

    All calls to an address pass through one limiter, so that one 429 slows every asker and a Retry-After
    pauses them all.

    Args:
        address: for messages.
        most: the widest window, the run's concurrency.
        rpm: requests a minute, spaced evenly; None for no limit.
        tpm: tokens a minute, in and out; None for no limit.
        patience: seconds of nothing but refused connections before EndpointDown.
    """

    def __init__(
        self,
        address: str,
        most: int,
        *,
        rpm: float | None = None,
        tpm: float | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.address = address
        self.window = float(most)
        self._most = most
        self._seconds_a_call = 60 / rpm if rpm else 0.0
        self._seconds_a_token = 60 / tpm if tpm else 0.0
        self._patience = patience
        self._in_flight = 0
        self._open_at = 0.0  # no call starts before this moment, by rpm and tpm
        self._silent_until = 0.0  # nor before this one, which the endpoint named
        self._cut_at = 0.0
        self._refused_since: float | None = None
        self._refused = 0
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, tokens: int) -> None:
        """Wait for a turn.

        Args:
            tokens: the call's estimated tokens, for `--tpm`.
        """
        if not self._waiting and self._free():
            self._take(tokens)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, tokens))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """A call is over, however it ended."""
        self._in_flight -= 1
        self._admit()

    def replied(self, surplus_tokens: int = 0) -> None:
        """The endpoint answered: widen the window, and book the tokens that the estimate missed."""
        self._refused_since, self._refused = None, 0
        self.window = min(float(self._most), self.window + RECOVER)
        self._open_at += surplus_tokens * self._seconds_a_token

    def limited(self, started: float, retry_after: float | None) -> None:
        """The endpoint answered 429: halve the window, once for all the calls that were under way together.

        Args:
            started: when the call started, on the monotonic clock.
            retry_after: seconds the endpoint asked to wait.

        Raises:
            EndpointDown: it asked for more than LONGEST_PAUSE.
        """
        self._refused_since, self._refused = None, 0
        now = monotonic()
        if started >= self._cut_at:
            self.window = max(1.0, self.window * CUT)
            self._cut_at = now
        if retry_after is not None and retry_after > LONGEST_PAUSE:
            raise EndpointDown(
                f"{self.address} asks to be left alone for {retry_after / 60:,.0f} minutes. Nothing is lost: "
                "run the same command again then"
            )
        if retry_after is not None:
            self._silent_until = max(self._silent_until, now + retry_after)

    def refused(self, detail: str) -> None:
        """No connection could be made.

        Raises:
            EndpointDown: nothing else has happened for `patience` seconds.
        """
        now = monotonic()
        self._refused += 1
        if self._refused_since is None:
            self._refused_since = now
        elif now - self._refused_since >= self._patience:
            raise EndpointDown(
                f"{self.address} could not be reached for {now - self._refused_since:.0f} s "
                f"({self._refused} tries; {detail}). Nothing is lost: start the server or mend the address, "
                "then run the same command again"
            )

    @property
    def silent(self) -> bool:
        """Whether the endpoint has asked for a pause that is not over."""
        return monotonic() < self._silent_until

    def _free(self) -> bool:
        return self._in_flight < self.window and monotonic() >= max(self._open_at, self._silent_until)

    def _take(self, tokens: int) -> None:
        self._in_flight += 1
        pause = self._seconds_a_call + tokens * self._seconds_a_token
        if pause:
            self._open_at = max(self._open_at, monotonic()) + pause

    def _admit(self) -> None:
        while self._waiting and self._free():
            turn, tokens = self._waiting.popleft()
            if not turn.done():
                self._take(tokens)
                turn.set_result(None)
        if self._timer is not None:  # it may have been set for a later moment than now holds
            self._timer.cancel()
            self._timer = None
        pause = max(self._open_at, self._silent_until) - monotonic()
        if self._waiting and pause > 0:
            self._timer = asyncio.get_running_loop().call_later(pause, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._admit()
