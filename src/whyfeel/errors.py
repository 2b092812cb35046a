"""Every exception whyfeel raises on purpose.

WhyfeelError
├── UserError            the user's mistake: one line, no traceback, exit status 2
│   ├── DataError        a file is not what it should be
│   ├── SpecMismatch     the run folder belongs to another run
│   ├── RunLocked        another process works in the run folder
│   └── KeyRefused       an endpoint answered 401 or 403
├── RunStopped           the run cannot go on but nothing is lost: exit status 1, resumable
│   ├── EndpointDown     an endpoint refuses every connection, or cannot be trusted
│   ├── NoCredit         an account is empty
│   └── StoreFailed      the ledger cannot be written
├── Interrupted          a signal stopped the run: exit status 130 or 143, resumable
├── CallFailed           one call to a model failed; the engine decides whether to try again
└── AskFailed            an ask failed for good; thrown into the generator that asked
"""

from __future__ import annotations

RATE_LIMITED = "rate limited"  # the reason of a call that was answered with 429


class WhyfeelError(Exception):
    """The root of the tree above."""


class UserError(WhyfeelError):
    """What the user can mend: the message says what was expected, what came and what to do."""


class DataError(UserError):
    """A data file is missing, unreadable or not in its documented format."""


class SpecMismatch(UserError):
    """The run folder holds a run of another spec; the message names the difference."""


class RunLocked(UserError):
    """Another process holds the run folder's lock."""


class KeyRefused(UserError):
    """An endpoint refused the key (401) or the access (403); no other call can succeed."""


class RunStopped(WhyfeelError):
    """The run cannot go on; what was answered is kept and the same command resumes it."""


class EndpointDown(RunStopped):
    """An endpoint has refused every connection for too long, or its certificate does not verify."""


class NoCredit(RunStopped):
    """An endpoint's account has no credit left; no other call can succeed until it has."""


class StoreFailed(RunStopped):
    """The ledger could not be written (a full disk, a read-only folder)."""


class Interrupted(WhyfeelError):
    """Ctrl-C or SIGTERM; what was answered is kept and the same command resumes it."""

    def __init__(self, signal: int) -> None:
        super().__init__("stopped; nothing is lost: run the same command again to resume")
        self.signal = signal


class CallFailed(WhyfeelError):
    """One call failed.

    Args:
        reason: the short kind under which it is counted, such as "rate limited" or "timeout".
        detail: what came instead of an answer, secrets removed, at most a few hundred characters.
        again: whether another try may succeed.
        retry_after: seconds the endpoint asked to wait, if it did.
        connected: False when no connection could be made at all.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        again: bool = True,
        retry_after: float | None = None,
        connected: bool = True,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.again = again
        self.retry_after = retry_after
        self.connected = connected

    @property
    def patience(self) -> bool:
        """Whether the endpoint is only busy or not there yet, so that waiting uses up no tries."""
        return not self.connected or self.reason == RATE_LIMITED


class AskFailed(WhyfeelError):
    """An ask got no answer. A strategy that does not catch it leaves its sample unscored with this reason."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def brief(value: object) -> str:
    """A value in an error message, at most 200 characters of it.

    >>> brief(10**5000)
    'a number of thousands of digits'
    """
    try:
        return f"{value!r:.200}"
    except ValueError:  # Python writes no number of so many digits
        return "a number of thousands of digits"
