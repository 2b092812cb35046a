"""When a failed call is tried again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.engine import Retries
from whyfeel.errors import CallFailed

RETRIES = Retries(tries=4, first=0.5, longest=30.0, patience=100.0, seed=7)


def fault(reason: str = "server error", **more: object) -> CallFailed:
    return CallFailed(reason, "detail", **more)  # type: ignore[arg-type]


def limited(retry_after: float | None = None) -> CallFailed:
    return fault("rate limited", retry_after=retry_after)


REFUSED = fault("connection", connected=False)


def pause(failed: CallFailed, failures: int = 1, waited: float = 0.0, key: str = "k") -> float | None:
    return RETRIES.pause(failed, failures, waited, key)


def test_what_cannot_succeed_is_not_tried_again() -> None:
    assert pause(fault("rejected", again=False)) is None
    assert pause(fault("rate limited", again=False)) is None
    assert pause(fault("connection", again=False, connected=False)) is None


def test_a_fault_is_tried_again_until_the_tries_are_used_up() -> None:
    assert [pause(fault(), failures) is None for failures in (1, 2, 3, 4, 5)] == [False, False, False, True, True]


def test_a_refused_connection_does_not_use_up_tries() -> None:
    assert pause(REFUSED, 1000) is not None
    assert pause(REFUSED, 1000, waited=1e6) is not None  # the limiter knows when the endpoint is down


def test_a_rate_limit_does_not_use_up_tries_but_patience() -> None:
    assert pause(limited(), 1000, waited=69.0) is not None
    assert pause(limited(), 1000, waited=100.0) is None
    assert pause(limited(40.0), 1, waited=59.0) is not None
    assert pause(limited(40.0), 1, waited=60.5) is None
    assert pause(limited(86_400.0)) is None


def test_patience_is_only_for_rate_limits() -> None:
    assert pause(fault(), 1, waited=1e6) is not None


@pytest.mark.parametrize(("failures", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (500, 30.0)])
def test_pauses_double_up_to_the_longest(failures: int, longest: float) -> None:
    pauses = [pause(limited(), failures, key=str(key)) for key in range(200)]
    assert all(one is not None and longest / 2 <= one <= longest for one in pauses)
    assert len(set(pauses)) == 200  # two asks never share their jitter
    spread = [one for one in pauses if one is not None]
    assert min(spread) < longest * 0.55
    assert max(spread) > longest * 0.95


def test_a_refused_connection_is_tried_again_within_five_seconds() -> None:
    """Else the endpoint's recovery, and its being down for good, would be noticed late."""
    assert all((pause(REFUSED, failures) or 9) <= 5 for failures in range(1, 40))


failures_of = st.integers(1, 10_000)
faults = st.builds(
    CallFailed,
    st.sampled_from(["rate limited", "server error", "timeout"]),
    st.just("detail"),
    retry_after=st.none() | st.floats(0, 86_400),
    connected=st.booleans(),
)


@settings(deadline=None)
@given(faults, failures_of, st.floats(0, 1000), st.text(max_size=5), st.integers(0, 2**32))
def test_every_pause_keeps_its_bounds(failed: CallFailed, failures: int, waited: float, key: str, seed: int) -> None:
    retries = Retries(seed=seed)
    one = retries.pause(failed, failures, waited, key)
    assert one == Retries(seed=seed).pause(failed, failures, waited, key)
    if one is None:
        limit = failed.reason == "rate limited" or failed.retry_after is not None
        assert limit or (failed.connected and failures >= retries.tries)
        return
    assert one > 0 or failed.retry_after == 0
    if not failed.connected:
        assert one <= 5
    elif failed.retry_after is None:
        assert one <= retries.longest
    else:
        assert failed.retry_after <= one <= failed.retry_after + retries.first


def test_another_seed_draws_another_jitter() -> None:
    assert len({Retries(seed=seed).pause(fault(), 1, 0.0, "k") for seed in range(50)}) == 50


def test_after_retry_after_the_askers_come_back_one_by_one() -> None:
    pauses = {pause(limited(10.0), 3, key=str(key)) for key in range(50)}
    assert len(pauses) == 50
    assert all(one is not None and 10.25 <= one <= 10.5 for one in pauses)
