"""When a failed call is tried again, and after how long."""

from __future__ import annotations

from dataclasses import dataclass

from whyfeel.errors import RATE_LIMITED, CallFailed
from whyfeel.records import rng


@dataclass(frozen=True, slots=True)
class Retries:
    """Exponential backoff with jitter that honours Retry-After.

    Attributes:
        tries: calls an ask may take in all; a 429 or a refused connection does not use one up.
        first, longest: seconds before the second call, and the most between two calls.
        patience: seconds an ask may spend on waiting as the endpoint tells it to before it fails.
        seed: of the jitter.
    """

    tries: int = 6
    first: float = 0.5
    longest: float = 30.0
    patience: float = 900.0
    seed: int = 0

    def pause(self, failed: CallFailed, failures: int, waited: float, key: str) -> float | None:
        """Seconds to wait before the next call, None to give up.

        Args:
            failed: how the last call ended.
            failures: failed calls of its kind so far, this one included: those that only asked for patience are
                counted apart from the others.
            waited: seconds since the ask's first call.
            key: the ask's key; two asks never share their jitter.
        """
        if not failed.again:
            return None
        if not failed.patience and failures >= self.tries:
            return None
        jitter = float(rng(self.seed, "retry", key, failures).uniform(0.5, 1.0))
        backoff = jitter * min(self.longest, self.first * 2.0 ** min(failures - 1, 16))
        # behind the moment the endpoint named, so that the askers it turned away do not all come back at once
        pause = backoff if failed.retry_after is None else failed.retry_after + jitter * self.first
        if not failed.connected:
            pause = min(pause, 5.0)
        told = failed.reason == RATE_LIMITED or failed.retry_after is not None
        return None if told and waited + pause > self.patience else pause
